"""A case to a folder with its report: only what changed is run, and what finished is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from cachelib.errors import CachelibError
from cachelib.plural import plural
from cachelib.report.experiments import run, staging
from cachelib.report.experiments.run import Progress, Run
from cachelib.report.experiments.source import Source
from cachelib.report.experiments.staging import OutputError, is_full
from cachelib.report.reuse.kept import Kept
from cachelib.report.reuse.plan import Plan, Request, plan


class InterruptedRunError(KeyboardInterrupt):
    """A run that was told to end; its message says what became of what had finished."""


class UnrenderedError(CachelibError, RuntimeError):
    """A report that could not be written from its notebooks, which are kept."""


@dataclass(frozen=True)
class Report:
    """Where a report lies, how its notebooks fared, why it could not be written, if so.

    `others`: what lies in its folder and is not the report's; `made_from`: the user's own places;
    `outside`: what was set past the case's own ranges.
    """

    folder: Path
    runs: list[Run]
    others: list[str]
    made_from: list[Path]
    outside: list[str]
    unrendered: Exception | None = None

    @property
    def failed(self) -> list[Run]:
        return [run for run in self.runs if run.failure]

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, and nothing else needs to be said of it."""
        return not (self.failed or self.unrendered or self.others or self.outside)


def build(
    overrides: Mapping[str, Any],
    out: Path | None = None,
    *,
    jobs: int,
    progress: Progress,
    notebooks: Path = run.NOTEBOOKS,
    only: Sequence[str] = (),
    fresh: bool = False,
    partial_too: bool = False,
    timeout_s: float = run.TIMEOUT_S,
    templates: Path | None = None,
) -> Report:
    """Run the notebooks with `overrides` (see `parameters.settle`) and write the report.

    Of the report that is in `out` already, notebooks of which nothing changed are reused; `fresh`
    reuses none. `only` names the notebooks that may run; the others are reused or left out, which
    takes the place of a complete report only if `partial_too`. `templates`: a folder with some of
    the user's own. Raises `ParameterError`, `InvalidFileError`, `UnknownNotebookError`,
    `LogError`, `OwnTemplateError` or `OutputError` before any kernel starts, `UnwrittenError` when
    the disk is full, `UnrenderedError`, and `InterruptedRunError`.
    """
    request = Request.of(overrides, out, templates)
    with staging.exclusive(request.folder) as stage, ExitStack() as stack:
        ready = None
        if not (request.folder / "manifest.json").exists():
            # all will run: kernels import what they need while it is found out on what they run
            ready = run.get_ready([Source(path) for path in notebooks.glob("[0-9]*.ipynb")], jobs)
            stack.callback(ready.end)
        steps = plan(request, notebooks=notebooks, only=only, fresh=fresh)
        refuse(request, steps, partial_too=partial_too)
        for step in steps.reused:
            progress(step.name, "reused", "")
        for step in steps.left_out:
            progress(step.name, "not run", f"left out by --only ({step.because})")
        if steps.stands:
            runs = [step.earlier for step in steps.reused if step.earlier]
            others = staging.others(request.folder)
            return Report(request.folder, runs, others, request.places, request.settled.outside)
        run_all = partial(
            run.run_all,
            jobs=jobs,
            progress=progress,
            folder=notebooks,
            timeout_s=timeout_s,
            kernels=ready,
        )
        made = _Making(request, steps, stage / "new")
        made.run(run_all, progress)
        unrendered = made.write()
        staging.replace(request.folder, stage, stage / "new")
        made.kept.clear()
    if made.interrupted:
        raise InterruptedRunError(
            f"interrupted; what had finished is in {request.folder / 'report.html'}, "
            "and the next run uses it"
        )
    others = staging.others(request.folder)
    outside = request.settled.outside
    return Report(request.folder, made.runs, others, request.places, outside, unrendered)


def foreseen(request: Request, steps: Plan, *, partial_too: bool = False) -> None:
    """Raise what a run of these steps would be refused with; nothing is written.

    Of a log the beginning is read, as it is asked for. Raises `OutputError` or `LogError`.
    """
    staging.free(request.folder)
    refuse(request, steps, partial_too=partial_too)
    if request.settled.trace and steps.to_run:
        from cachelib.model.traffic.logs.reading import begin  # the database is slow to import

        begin(request.settled.trace, request.settled.case.log)


def refuse(request: Request, steps: Plan, *, partial_too: bool) -> None:
    """Raise `OutputError` if a part of a report would take the place of a complete one."""
    if not steps.left_out or not steps.replaces_complete or partial_too:
        return
    names = ", ".join(step.name for step in steps.left_out)
    raise OutputError(
        f"{request.folder}: holds a complete report, and --only would leave out {names}, which "
        "would have to run anew; run all, name another folder with --out, or say --partial"
    )


@dataclass
class _Making:
    """A report being made, in a folder of its own."""

    request: Request
    steps: Plan
    folder: Path
    runs: list[Run] = field(default_factory=list)
    interrupted: bool = False

    @property
    def kept(self) -> Kept:
        return Kept(self.request.folder)

    def run(self, run_all: Callable[..., list[Run]], progress: Progress) -> None:
        """Run what is to run, and take in what is reused.

        Raises `InterruptedRunError` if nothing has finished, or if a complete report would have to
        make room for what has.
        """
        study = self.request.settled.study
        # A log that cannot be read is found out now, not in every kernel.
        if part := study.sample.in_words:
            progress("traffic", "sampled", f"{part}, {study.why_sampled}")
        into = self.folder / "notebooks"
        into.mkdir(parents=True)
        reasons = {step.name: step.because for step in self.steps.to_run}
        try:
            run_all(reasons, self.request.settled.for_kernels, into, then=self._ended)
        except KeyboardInterrupt:
            self.interrupted = True
            self._say_if_in_vain()
        for step in self.steps.reused:
            if step.earlier is not None:
                self.runs.append(_copied(step.earlier, into))
                _page(self.runs[-1])
        self.runs.sort(key=lambda run: run.name)

    def _ended(self, run: Run) -> None:
        self.runs.append(run)
        _page(run)
        if run.failure is None:
            made_from = {step.name: step.ingredients for step in self.steps.to_run}[run.name]
            environment = {"python": self.steps.python, "packages": self.steps.packages}
            self.kept.put(run, {"ingredients": made_from, **environment})

    def _say_if_in_vain(self) -> None:
        finished = sum(run.failure is None for run in self.runs)
        if not finished:
            raise InterruptedRunError(
                "interrupted; an earlier report, if any, is as it was"
            ) from None
        if self.steps.replaces_complete:
            raise InterruptedRunError(
                f"interrupted; an earlier report is as it was, and the next run uses the "
                f"{finished} {plural(finished, 'notebook')} that had finished"
            ) from None

    def write(self) -> Exception | None:
        """Write the document; if that fails, what there is, and say why.

        Raises `UnrenderedError` if a complete report would have to make room for that.
        """
        from cachelib.report.document.collect import Findings
        from cachelib.report.document.material import Material
        from cachelib.report.document.write import write
        from cachelib.report.remains import write_remains
        from cachelib.report.reuse.manifest import manifest

        study = self.request.settled.study
        provenance = manifest(self.request, self.steps, study, self.runs)
        try:
            found, templates = Findings(self.runs), self.request.templates
            write(self.folder, Material(study, found, self.runs, provenance, templates))
        except Exception as error:
            if isinstance(error, OSError) and is_full(error):
                raise
            if self.steps.replaces_complete:
                said = f"{type(error).__name__}: {error}"
                raise UnrenderedError(
                    f"the report could not be written ({said}); an earlier one is as it was, and "
                    f"the notebooks that finished are kept. {self._whose_fault()}"
                ) from error
            write_remains(
                self.folder, study.case.title, self.runs, provenance, error, self._whose_fault()
            )
            return error
        return None

    def _whose_fault(self) -> str:
        own = self.request.templates.own
        if own is not None:
            return f"Your templates in {own} may be the reason: try without them"
        return "This is a fault of cachelib: please report it, with what `cachelib -v report` adds"


def _page(run: Run) -> None:
    from cachelib.report.document.pages import write_page
    from cachelib.report.remains import write_error_page

    if not run.path.exists():
        return
    try:
        write_page(run.path)
    except Exception as error:
        if isinstance(error, OSError) and is_full(error):
            raise
        write_error_page(run.path, error)


def _copied(run: Run, into: Path) -> Run:
    return replace(run, path=Path(shutil.copy(run.path, into)))
