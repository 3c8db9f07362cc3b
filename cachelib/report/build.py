"""A case to a folder with its report: only what changed is run, and all is written or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cachelib.report.experiments import parameters, run, staging
from cachelib.report.experiments.run import Progress, Run
from cachelib.report.reuse.plan import Plan, Request, plan


@dataclass(frozen=True)
class Report:
    """Where a report lies, how its notebooks fared, and what else lies there, which is others'."""

    folder: Path
    runs: list[Run]
    others: list[str]

    @property
    def failed(self) -> list[Run]:
        return [run for run in self.runs if run.failure]


def build(
    overrides: Mapping[str, Any],
    out: Path | None = None,
    *,
    jobs: int,
    progress: Progress,
    notebooks: Path = run.NOTEBOOKS,
    only: Sequence[str] = (),
    fresh: bool = False,
    timeout_s: float = run.TIMEOUT_S,
) -> Report:
    """Run the notebooks with `overrides` (see `parameters.Parameters`) and write the report.

    Of the report that is in `out` already, notebooks of which nothing changed are reused; `fresh`
    reuses none. `only` names the notebooks that may run; the others are reused or left out.
    Raises `ParameterError`, `InvalidFileError`, `UnknownNotebookError`, `LogError` or
    `OutputError` before any kernel starts, and `UnwrittenError` when the disk is full.
    """
    request = Request.of(overrides, out)
    run_all = partial(
        run.run_all,
        jobs=jobs,
        progress=progress,
        then=_page,
        folder=notebooks,
        timeout_s=timeout_s,
    )
    with staging.exclusive(request.folder) as stage:
        steps = plan(request, notebooks=notebooks, only=only, fresh=fresh)
        for step in steps.reused:
            progress(step.name, "reused", "")
        for step in steps.left_out:
            progress(step.name, "not run", f"though {step.because}")
        if steps.stands:
            runs = [steps.previous.run(step.name) for step in steps.reused]
        else:
            runs = _make(stage / "new", request, steps, run_all)
            staging.replace(request.folder, stage, stage / "new")
        return Report(request.folder, runs, staging.others(request.folder))


def _make(new: Path, request: Request, steps: Plan, run_all: Callable[..., list[Run]]) -> list[Run]:
    """The report in a folder of its own."""
    study = parameters.study(request.settled)
    study.trace  # noqa: B018 - a log that cannot be read is found out now, not in every kernel
    into = new / "notebooks"
    into.mkdir(parents=True)
    runs = run_all({step.name: step.because for step in steps.to_run}, request.given, into)
    for step in steps.reused:
        runs.append(_copied(steps.previous.run(step.name), into))
        _page(runs[-1])
    runs.sort(key=lambda run: run.name)
    from cachelib.report.document.write import write
    from cachelib.report.reuse.manifest import manifest

    write(new, study, runs, manifest(request, steps, study, runs))
    return runs


def _page(run: Run) -> None:
    from cachelib.report.document.pages import write_page

    if run.path.exists():
        write_page(run.path)


def _copied(run: Run, into: Path) -> Run:
    return replace(run, path=Path(shutil.copy(run.path, into)))
