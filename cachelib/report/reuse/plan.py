"""What a report takes: which notebooks are to run, and why; which stand; which are left out."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cachelib.errors import CachelibError
from cachelib.model.case.beside import files_of
from cachelib.model.case.ready_made import find_case
from cachelib.model.schema.typed_yaml import nearest
from cachelib.report.experiments.parameters import ParameterError, Settled, settle, slug
from cachelib.report.experiments.run import NOTEBOOKS, notebook_names
from cachelib.report.experiments.source import Source, digest
from cachelib.report.reuse import ingredients
from cachelib.report.reuse.own_templates import check as own_templates_fit
from cachelib.report.reuse.previous import Previous, Step
from cachelib.report.templates import Templates


class UnknownNotebookError(CachelibError, ValueError):
    """The name of no notebook, or of several."""


@dataclass(frozen=True)
class Request:
    """The report that is asked for, settled, and its folder."""

    settled: Settled
    folder: Path
    templates: Templates = field(default_factory=Templates)

    @classmethod
    def of(
        cls, overrides: Mapping[str, Any], out: Path | None, own_templates: Path | None = None
    ) -> Self:
        """None means that one is not given.

        Raises `ParameterError`, `InvalidFileError` or `OwnTemplateError`.
        """
        settled, templates = settle(overrides), Templates(own_templates)
        own_templates_fit(templates)
        return cls(settled, out or folder_of(settled.name), templates)

    @property
    def places(self) -> list[Path]:
        """The user's files and folders that it is made from."""
        folder, case = self.settled.file.parent, self.settled.case
        beside = (case.system.path, case.theme.logo)
        named = [
            *(folder / path for path in beside if path),
            self.settled.trace,
            self.templates.own,
        ]
        return [*files_of(self.settled.name), *filter(None, named)]


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
    names: tuple[str, ...]
    """Of all notebooks."""

    @property
    def stands(self) -> bool:
        """Whether the report that is there already is the one that is asked for."""
        return not self.to_run and not self.document.reasons

    @property
    def replaces_complete(self) -> bool:
        """Whether the report that is there already has every notebook, finished.

        What is there and is no report of this format counts as one: it is somebody's.
        """
        there = (self.previous.folder / "manifest.json").exists()
        return there and (not self.previous.manifest or self.previous.is_complete(self.names))


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
    _refuse_unused(request.settled, sources.values())
    chosen = {_one_of(list(sources), name) for name in only} or set(sources)
    steps = [
        previous.step(name, pantry.of_notebook(source, request.settled), environment)
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
        document=previous.document(
            pantry.of_document(request.settled, request.templates), environment, kept
        ),
        names=tuple(sources),
    )


OF_THE_DOCUMENT = {"trace", "seed", "routing"}
"""Parameters that the report uses whether a notebook takes them or not."""


def _refuse_unused(settled: Settled, sources: Iterable[Source]) -> None:
    """Raise `ParameterError` for a parameter that was given and that no notebook takes."""
    taken = OF_THE_DOCUMENT.union(*(source.declared for source in sources))
    for name in settled.of_notebooks:
        if name not in taken:
            raise ParameterError(f"parameter {name}: none of the notebooks takes it")


def folder_of(case: str | Path) -> Path:
    """Where the report of a case lies if nothing else is said: `output/` and the case's name.

    Where that is the report of another case of the same name, the name of its folder is added.
    """
    path = find_case(case)
    own = slug(path.resolve().parent.name if path.name == "case.yaml" else path.stem)
    above = path.resolve().parents[path.name == "case.yaml"]
    names = [own, slug(f"{own}-{above.name}"), f"{own}-{digest(str(above).encode())[:8]}"]
    free = (name for name in names if _is_free(Path("output", name), path))
    return Path("output", next(free, names[-1]))


def _is_free(folder: Path, case: Path) -> bool:
    """Whether there is no report of another case."""
    return Previous(folder).is_of(case)


def _anew(step: Step) -> Step:
    return replace(step, reasons=("a fresh run was asked for",))


def _one_of(names: Sequence[str], start: str) -> str:
    """The notebook of that name, or the one whose name starts so: `02` is enough, or `2`."""
    if start in names:
        return start
    found = [name for name in names if name.startswith(start)]
    if start.isdecimal():
        found = [name for name in names if name.partition("_")[0].lstrip("0") == start.lstrip("0")]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNotebookError(
            f"{len(found)} notebooks begin with {start!r}: {', '.join(found)}; say more of the name"
        )
    raise UnknownNotebookError(f"there is no notebook {start!r}; {nearest(start, names)}")
