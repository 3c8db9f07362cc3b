"""Notebooks through papermill: several at once, and what failed stays readable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat

from cachelib.report.parameters import declared

NOTEBOOKS = next(
    folder
    for folder in (
        Path(__file__).parents[2] / "notebooks",  # a checkout
        Path(__file__).parents[1] / "_share" / "notebooks",  # a wheel
    )
    if folder.is_dir()
)
STARTS = 3
CELL_TIMEOUT_S = 600

Status = Literal["started", "finished", "failed"]
Progress = Callable[[str, Status, float], None]


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


def run_all(
    names: Sequence[str],
    parameters: Mapping[str, Any],
    into: Path,
    *,
    jobs: int,
    progress: Progress,
    folder: Path = NOTEBOOKS,
) -> list[Run]:
    """Execute the notebooks of `folder` into the folder `into`; failures are data, not errors."""

    def one(name: str) -> Run:
        progress(name, "started", 0.0)
        with _event_loop():
            run = _run(folder / f"{name}.ipynb", into / f"{name}.ipynb", parameters)
        progress(name, "failed" if run.failure else "finished", run.seconds)
        return run

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, name) for name in names]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run(source: Path, target: Path, parameters: Mapping[str, Any]) -> Run:
    wanted = {name: parameters[name] for name in parameter_names(source) if name in parameters}
    began = time.monotonic()
    for left in reversed(range(STARTS)):
        problem = _execute(source, target, wanted)
        if problem is None or _has_begun(target) or not left:
            break
    failure = _failure(target, problem) if problem else None
    return Run(source.stem, target, time.monotonic() - began, failure)


@contextmanager
def _event_loop() -> Iterator[None]:
    """The loop that nbclient would make for this thread, and would leave open."""
    from jupyter_core.utils import ensure_event_loop

    with closing(ensure_event_loop()):
        yield


def parameter_names(path: Path) -> list[str]:
    """What the notebook's parameters cell declares."""
    for cell in nbformat.read(path, as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", ()):
            return declared(cell.source)
    return []


def _execute(source: Path, target: Path, parameters: Mapping[str, Any]) -> Exception | None:
    import papermill
    from traitlets.config import Config

    try:
        papermill.execute_notebook(
            source,
            str(target).replace("{", "{{").replace("}", "}}"),  # papermill formats the path
            dict(parameters),
            progress_bar=False,
            kernel_name="python3",
            execution_timeout=CELL_TIMEOUT_S,
            # without it every kernel says on stderr that it talks TCP without encryption
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )
    except Exception as error:
        return error
    return None


def _has_begun(path: Path) -> bool:
    return path.exists() and any(
        cell.get("execution_count") for cell in nbformat.read(path, as_version=4).cells
    )


def _failure(path: Path, problem: Exception) -> Failure:
    cells = nbformat.read(path, as_version=4).cells if path.exists() else []
    for number, cell in enumerate(cells, 1):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return Failure(number, cell.source, f"{output.ename}: {output.evalue}")
    lines = str(problem).strip().splitlines()
    return Failure(0, "", f"{type(problem).__name__}: {lines[-1] if lines else 'no message'}")
