"""A report of some notebooks alone, as `--only`, an interrupt or a time limit leaves it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import nbformat
import pytest

from cachelib.report.document.collect import Findings
from cachelib.report.document.formats import adr, html, markdown
from cachelib.report.document.material import Material
from cachelib.report.experiments.parameters import settle
from cachelib.report.experiments.run import NOTEBOOKS, Failure, Run, notebook_names
from tests.report.in_process import committed


@cache
def written(*only: str) -> dict[str, str]:
    """The documents, made of the notebooks as they were committed."""
    runs = [Run(name, NOTEBOOKS / f"{name}.ipynb", 0.0, None) for name in only]
    study = settle({"case": "trading-sentiment"}).study
    provenance = {"written": "", "code": {"revision": "", "modified": False}, "python": ""}
    material = Material(study, Findings(runs), runs, provenance)
    return {**markdown.files(material), **adr.files(material), **html.files(material)}


def test_it_says_once_what_was_not_run_and_has_the_other_chapters_alone() -> None:
    text = written("03_shared_l2")["report.md"]
    assert text.count("not run") == 1
    assert "This is a part of the report" in text
    assert "01\\_evidence, 02\\_isolation, 04\\_ttl" in text
    headings = re.findall(r"^## (.*)", text, re.MULTILINE)
    assert headings[1:] == ["Claims ledger", "Assumptions", "Words", "Provenance"]
    assert "reads are found" in headings[0]
    assert "This is a part of the report" in written("03_shared_l2")["report.html"]


def test_its_record_decides_nothing() -> None:
    record = written("03_shared_l2")["adr.md"]
    assert "Nothing is decided yet" in record
    assert "Considered Options" not in record
    assert "Pros and Cons" not in record


def test_a_whole_report_says_nothing_of_it() -> None:
    for text in written(*notebook_names()).values():
        assert "not run" not in text
        assert "Nothing is decided yet" not in text


STOPPED = Failure(3, "while True: pass", "stopped after 8 s, its time limit")


@pytest.mark.parametrize("name", notebook_names())
def test_a_notebook_that_stops_in_any_cell_takes_its_own_sections_alone(
    name: str, tmp_path: Path
) -> None:
    whole = committed()
    cells = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
    for ended in range(len(cells)):
        begun = _with_outputs_of(name, ended, tmp_path)
        assert not list(Findings([begun]))
    runs = [begun if run.name == name else run for run in whole.runs]
    findings = Findings(runs)
    assert {found.notebook for found in findings} == {run.name for run in runs} - {name}
    text = markdown.files(replace(whole, runs=runs, findings=findings))["report.md"]
    assert f"**The notebook {name.replace('_', chr(92) + '_')} failed** in cell 3" in text
    assert "its time limit" in text
    assert text.count("\n## ") > 10


def _with_outputs_of(name: str, ended: int, folder: Path) -> Run:
    """A notebook of which so many cells have ended."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells[ended:]:
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return Run(name, folder / f"{name}.ipynb", 8.0, STOPPED)
