"""A case's document without kernels: the notebooks' own cells, run one after another in here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat

from cachelib.report.document.collect import Findings, found
from cachelib.report.document.formats import FORMATS
from cachelib.report.document.material import Material
from cachelib.report.experiments import parameters
from cachelib.report.experiments.run import NOTEBOOKS, Run, notebook_names
from cachelib.report.experiments.source import Source

MANIFEST = {"written": "", "code": {"revision": "", "modified": False}, "python": ""}


def run_notebooks(
    given: Mapping[str, Any], folder: Path = NOTEBOOKS, only: str = ""
) -> tuple[list[Run], Findings]:
    """What every notebook publishes for these parameters, as if each had run in a kernel."""
    names = [only] if only else notebook_names(folder)
    runs = [Run(name, folder / f"{name}.ipynb", 0.0, None) for name in names]
    findings = Findings([])
    for run in runs:
        for cell_id, bundle in _published(run.path, given):
            findings.add(found(bundle, run.name, cell_id))
    return runs, findings


def _published(path: Path, given: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    shown: list[tuple[str, dict[str, Any]]] = []
    namespace: dict[str, Any] = {}
    cell_id = ""

    def display(bundle: dict[str, Any], **_: object) -> None:
        shown.append((cell_id, bundle))

    with patch("IPython.display.display", display), patch("builtins.print"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            cell_id = cell.id
            exec(compile(cell.source, f"{path.name}:{cell_id}", "exec"), namespace)  # noqa: S102
            if "parameters" in cell.metadata.get("tags", ()):
                namespace |= Source(path).wanted(given)
    return shown


class Report:
    """The documents of one case."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        settled = parameters.settle(given)
        self.study = settled.study
        self.runs, self.findings = run_notebooks(settled.for_kernels)
        self.material = Material(self.study, self.findings, self.runs, MANIFEST)

    @cached_property
    def files(self) -> dict[str, str]:
        """What every format writes, by path."""
        return {name: text for files in FORMATS for name, text in files(self.material).items()}

    @property
    def markdown(self) -> str:
        return self.files["report.md"]

    @property
    def record(self) -> str:
        return self.files["adr.md"]

    @property
    def page(self) -> str:
        return self.files["report.html"]

    @property
    def decision(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files["decision.json"])
        return found


@cache
def report(case: str, **given: Any) -> Report:
    """The report of a case, made once for all that ask."""
    return Report({"case": case, "live_requests": 0, **given})


def committed() -> Material:
    """The shipped case with its notebooks as they were committed: nothing runs."""
    runs = [Run(name, NOTEBOOKS / f"{name}.ipynb", 0.0, None) for name in notebook_names()]
    study = parameters.settle({"case": "trading-sentiment"}).study
    return Material(study, Findings(runs), runs, MANIFEST)
