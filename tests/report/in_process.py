"""A case's document without kernels: the notebooks' own cells, run one after another in here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat

from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.page import to_html
from cachelib.report.document.render import Document
from cachelib.report.document.write import _decision
from cachelib.report.experiments import parameters
from cachelib.report.experiments.run import NOTEBOOKS, Run, notebook_names
from cachelib.report.experiments.source import Source
from cachelib.report.publish.findings import MIME, parse
from cachelib.report.text import to_json

MANIFEST = {"written": "", "code": {"revision": "", "modified": False}, "python": ""}


def run_notebooks(given: Mapping[str, Any], folder: Path = NOTEBOOKS) -> tuple[list[Run], Findings]:
    """What every notebook publishes for these parameters, as if each had run in a kernel."""
    runs = [Run(name, folder / f"{name}.ipynb", 0.0, None) for name in notebook_names(folder)]
    findings = Findings([])
    for run in runs:
        for cell_id, bundle in _published(run.path, given):
            findings.add(Found(parse(bundle[MIME]), run.name, cell_id, bundle.get("image/svg+xml")))
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

    @cached_property
    def files(self) -> dict[str, str]:
        """What a run writes, by path."""
        figures = {f"figures/{found.finding.id}.svg": found.svg or "" for found in self.findings}
        return {
            "report.md": Document(self.study, self.findings, self.runs, "markdown").markdown(),
            "adr.md": Document(self.study, self.findings, self.runs, "markdown").record(),
            "report.html": to_html(
                Document(self.study, self.findings, self.runs, "html"), MANIFEST
            ),
            "decision.json": to_json(_decision(self.study.case, self.findings)),
            **{name: svg for name, svg in figures.items() if svg},
        }

    @property
    def markdown(self) -> str:
        return self.files["report.md"]

    @property
    def record(self) -> str:
        return self.files["adr.md"]

    @property
    def page(self) -> str:
        return self.files["report.html"]


@cache
def report(case: str, **given: Any) -> Report:
    """The report of a case, made once for all that ask."""
    return Report({"case": case, "live_requests": 0, **given})
