"""Notebooks through papermill: several at once, and what failed stays readable."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cachelib.model.schema.resources import resource
from cachelib.report.experiments.shareable import Places
from cachelib.report.experiments.source import Source
from cachelib.report.experiments.staging import is_full

if TYPE_CHECKING:
    from cachelib.report.experiments.kernels import Kernels

NOTEBOOKS = resource("notebooks")
STARTS = 3
TIMEOUT_S = 600.0

Status = Literal["started", "at work", "ran", "failed", "reused", "not run", "sampled"]
Progress = Callable[[str, Status, str], None]
"""Told of each notebook, by name: what became of it, and in words why; of a cluster, too."""


@dataclass(frozen=True)
class Failure:
    """Where a notebook stopped: the cell's source, and the error in one line."""

    cell: int
    source: str
    error: str


@dataclass(frozen=True)
class Run:
    """One executed notebook; `failure` is None when every cell ran."""

    name: str
    path: Path
    seconds: float
    failure: Failure | None


def notebook_names(folder: Path = NOTEBOOKS) -> list[str]:
    """The experiments, in reading order."""
    return sorted(path.stem for path in folder.glob("[0-9]*.ipynb"))


def parameter_names(path: Path) -> list[str]:
    """What the notebook's parameters cell declares."""
    return Source(path).declared


def get_ready(sources: Sequence[Source], jobs: int) -> Kernels:
    """Kernels for these notebooks, which begin to import what those import; to be ended."""
    from cachelib.report.experiments.kernels import Kernels

    imports = sorted({line for source in sources for line in source.imports()})
    return Kernels(imports, at_once=max(1, min(jobs, len(sources))))


def run_all(
    reasons: dict[str, str],
    parameters: Mapping[str, Any],
    into: Path,
    *,
    jobs: int,
    progress: Progress,
    then: Callable[[Run], None] = lambda run: None,
    folder: Path = NOTEBOOKS,
    timeout_s: float = TIMEOUT_S,
    kernels: Kernels | None = None,
) -> list[Run]:
    """Execute the notebooks that have `reasons`, from `folder` into the folder `into`.

    The last ones start first: what builds on more takes longer. `then` is called with each that
    has ended, while others run. Failures are data, not errors. Raises `OSError` when the disk is
    full. However this ends, no kernel outlives it; `kernels`: those that were got ready before.
    """
    sources = {name: Source(folder / f"{name}.ipynb") for name in reasons}
    kernels = kernels or get_ready(list(sources.values()), jobs)
    places = Places([into, folder, kernels.folder, *_folders(parameters)])

    def one(name: str) -> Run:
        progress(name, "started", reasons[name])
        with kernels.at_work(), _event_loop():
            run = _run(
                sources[name], into / f"{name}.ipynb", parameters, kernels, places, timeout_s
            )
        if not kernels.ended:
            progress(name, *_told(run, reasons[name]))
        return run

    with ThreadPoolExecutor(jobs) as pool:
        runs = {name: pool.submit(one, name) for name in reversed(reasons)}
        try:
            for done in as_completed(runs.values()):
                then(done.result())
            return [runs[name].result() for name in reasons]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.end()


def _told(run: Run, reason: str) -> tuple[Status, str]:
    if run.failure:
        return "failed", f"cell {run.failure.cell}: {run.failure.error} ({run.seconds:.1f} s)"
    return "ran", f"because {reason} ({run.seconds:.1f} s)"


def _folders(parameters: Mapping[str, Any]) -> Iterator[Path]:
    """Where the files lie that the parameters name."""
    case = parameters.get("case")
    for file in (case["file"] if isinstance(case, Mapping) else case, parameters.get("trace")):
        if file:
            yield Path(file).parent


def _run(
    source: Source, target: Path, parameters: Mapping[str, Any], kernels: Kernels, places: Places,
    timeout_s: float,
) -> Run:  # fmt: skip
    wanted = source.wanted(parameters)
    began = time.monotonic()
    for left in reversed(range(STARTS)):
        problem = _execute(source.path, target, wanted, kernels, began + timeout_s)
        if problem is None or _has_begun(target) or not left or kernels.ended:
            break
    if target.exists():
        places.of_notebook(target)
    failure = _failure(target, problem, timeout_s) if problem else None
    if failure:
        failure = replace(failure, error=places.left_out(failure.error))
    return Run(target.stem, target, time.monotonic() - began, failure)


@contextmanager
def _event_loop() -> Iterator[None]:
    """The loop that nbclient would make for this thread, and would leave open."""
    import asyncio

    from jupyter_core.utils import ensure_event_loop

    with closing(ensure_event_loop()) as loop:
        yield
        for task in asyncio.all_tasks(loop):  # a kernel that was stopped leaves some
            task.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(task)


def _execute(
    source: Path, target: Path, parameters: Mapping[str, Any], kernels: Kernels, deadline: float
) -> Exception | None:
    import papermill

    from cachelib.report.experiments.engine import ENGINE

    logging.getLogger("papermill").addHandler(logging.NullHandler())
    try:
        papermill.execute_notebook(
            *map(_literally, (source, target)),
            dict(parameters),
            engine_name=ENGINE,
            progress_bar=False,
            kernel_name="python3",
            language="python",
            kernel_manager_class=kernels.manager(),
            shutdown_kernel="immediate",  # asked politely, a cell that hangs gets an error first
            timeout_func=lambda cell: max(deadline - time.monotonic(), 0.1),
        )
    except OSError as error:
        if is_full(error):
            raise
        return error
    except Exception as error:
        return error
    return None


def _literally(path: Path) -> str:
    """For papermill, which formats paths, and from threads mistakes what they are relative to."""
    return str(path.absolute()).replace("{", "{{").replace("}", "}}")


def _cells(path: Path) -> list[Any]:
    import nbformat

    return list(nbformat.read(path, as_version=4).cells) if path.exists() else []


def _begun(cell: Any) -> bool:
    return bool(cell.metadata.get("papermill", {}).get("start_time"))


def _has_begun(path: Path) -> bool:
    return any(map(_begun, _cells(path)))


def _failure(path: Path, problem: Exception, timeout_s: float) -> Failure:
    from nbclient.exceptions import CellTimeoutError

    number, source, error = 0, "", None
    for nth, cell in enumerate(_cells(path), 1):
        if _begun(cell):
            number, source, error = nth, cell.source, _error(cell)
        if error:
            break
    if isinstance(problem, CellTimeoutError):
        error = f"stopped after {timeout_s:g} s, its time limit; raise it with --timeout"
    return Failure(number, source, error or _last_line(problem))


def _error(cell: Any) -> str | None:
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
    return None


def _last_line(problem: Exception) -> str:
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[-1] if lines else 'no message'}"
