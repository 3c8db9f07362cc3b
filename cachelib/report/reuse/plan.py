"""What a report takes: which notebooks are to run, and why; which stand; which are left out."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from cachelib.model.case.case import find_case
from cachelib.report.experiments import parameters
from cachelib.report.experiments.parameters import Parameters
from cachelib.report.experiments.run import NOTEBOOKS, notebook_names
from cachelib.report.experiments.source import Source
from cachelib.report.reuse import ingredients
from cachelib.report.reuse.previous import Previous, Step


class UnknownNotebookError(ValueError):
    """The name of no notebook, or of several."""


@dataclass(frozen=True)
class Request:
    """The report that is asked for: parameters as given and as they settle, and its folder."""

    given: dict[str, Any]
    settled: Parameters
    folder: Path

    @classmethod
    def of(cls, overrides: Mapping[str, Any], out: Path | None) -> Self:
        """Raises `ParameterError`; None means that a parameter is not given."""
        settled = parameters.check(overrides)
        given = {name: value for name, value in overrides.items() if value is not None}
        return cls(given, settled, out or folder_of(settled.case))


@dataclass(frozen=True)
class Plan:
    """The steps to a report, each list in reading order."""

    previous: Previous
    python: str
    packages: dict[str, str]
    to_run: list[Step]
    reused: list[Step]
    left_out: list[Step]
    document: Step

    @property
    def stands(self) -> bool:
        """Whether the report that is there already is the one that is asked for."""
        return not self.to_run and not self.document.reasons


def plan(
    request: Request,
    *,
    notebooks: Path = NOTEBOOKS,
    only: Sequence[str] = (),
    fresh: bool = False,
) -> Plan:
    """What `build` would do; nothing is started and nothing written.

    Raises `ParameterError`, `InvalidFileError` or `UnknownNotebookError`.
    """
    pantry, previous = ingredients.Pantry(), Previous(request.folder)
    python, packages = platform.python_version(), ingredients.versions()
    environment = ingredients.environment(python, packages)
    sources = {name: Source(notebooks / f"{name}.ipynb") for name in notebook_names(notebooks)}
    chosen = {_one_of(list(sources), name) for name in only} or set(sources)
    steps = [
        previous.step(name, pantry.of_notebook(source, request.given), environment)
        for name, source in sources.items()
    ]
    if fresh:
        steps = [_anew(step) if step.name in chosen else step for step in steps]
    left_out = [step for step in steps if step.reasons and step.name not in chosen]
    kept = [step for step in steps if step not in left_out]
    return Plan(
        previous=previous,
        python=python,
        packages=packages,
        to_run=[step for step in kept if step.reasons],
        reused=[step for step in kept if not step.reasons],
        left_out=left_out,
        document=previous.document(pantry.of_document(request.given), environment, kept),
    )


def folder_of(case: str | Path) -> Path:
    """Where the report of a case lies if nothing else is said: `output/` and the case's name."""
    path = find_case(case)
    name = path.resolve().parent.name if path.name == "case.yaml" else path.stem
    return Path("output") / parameters.slug(name)


def _anew(step: Step) -> Step:
    return replace(step, reasons=("a fresh run was asked for",))


def _one_of(names: Sequence[str], start: str) -> str:
    """The notebook of that name, or the one whose name starts so: `02` is enough."""
    if start in names:
        return start
    found = [name for name in names if name.startswith(start)]
    if len(found) == 1:
        return found[0]
    near = get_close_matches(start, names, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownNotebookError(f"no one notebook {start!r}; {guess}there are: {', '.join(names)}")
