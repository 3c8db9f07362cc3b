"""Reads findings back from executed notebooks: the bundles only, nothing is scraped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

import nbformat

from cachelib.report.experiments.run import Run
from cachelib.report.publish.findings import MIME, NARROW, Diagram, Drawn, Finding, parse
from cachelib.report.publish.findings import Sequence as Drawing

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Found:
    """A finding, the cell that published it, and its drawing if it has one."""

    finding: Finding
    notebook: str
    cell_id: str
    svg: str | None
    narrow: str | None = None
    """The same for a phone."""

    @property
    def link(self) -> str:
        return f"notebooks/{self.notebook}.html#cell-id={self.cell_id}"

    def expected(self, kind: type[Kind]) -> Kind:
        """The finding, if it is of that kind; raises `MissingFindingError`."""
        finding = self.finding
        if not isinstance(finding, kind):
            said = f"finding {finding.id!r} is a {finding.kind}, not a {kind.__name__}"
            raise MissingFindingError(said)
        return finding

    @property
    def drawn(self) -> Drawn:
        """The finding, if it is boxes and arrows of either kind."""
        finding = self.finding
        return finding if isinstance(finding, Drawing) else self.expected(Diagram)


class MissingFindingError(LookupError):
    """The report quotes a finding that no notebook published."""


class Findings:
    """All findings of a run by id.

    Those of a notebook that did not finish are none: what it published before it stopped would let
    a section begin that has to quote what came after.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self._by_id: dict[str, Found] = {}
        for run in runs:
            if run.failure is None:
                for found in _published(run):
                    self.add(found)

    def add(self, found: Found) -> None:
        id = found.finding.id
        if id in self._by_id:
            first = self._by_id[id].notebook
            raise ValueError(f"finding {id!r} of {found.notebook} was published by {first} already")
        self._by_id[id] = found

    def __getitem__(self, id: str) -> Found:
        if id in self._by_id:
            return self._by_id[id]
        near = get_close_matches(id, self._by_id, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise MissingFindingError(f"no notebook published a finding {id!r}{guess}")

    def __contains__(self, id: str) -> bool:
        return id in self._by_id

    def __iter__(self) -> Iterator[Found]:
        return iter(self._by_id.values())


def found(bundle: Mapping[str, Any], notebook: str, cell_id: str) -> Found:
    """What a cell shows, as a finding with its drawings."""
    drawn = (bundle.get(kind) for kind in ("image/svg+xml", NARROW))
    return Found(parse(bundle[MIME]), notebook, cell_id, *drawn)


def _published(run: Run) -> Iterator[Found]:
    if not run.path.exists():
        return
    for cell in nbformat.read(run.path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            bundle = output.get("data", {})
            if MIME in bundle:
                yield found(bundle, run.name, cell.id)
