"""A report can be given away: nothing in it says where files lie on the machine that made it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from cachelib.report.build import build
from cachelib.report.document.pdf import without_files
from cachelib.report.experiments.shareable import Places, without_folder
from tests.report import tiny

SMALL = Path(__file__).with_name("small.yaml")
pytestmark = pytest.mark.timeout(300)


def test_no_file_of_a_report_has_a_path_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("work", "cases", "logs"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    shutil.copy(SMALL, tmp_path / "cases" / "mine.yaml")
    (tmp_path / "logs" / "access.log").write_text(tiny.LOG)
    telling = (
        "import os, sys, warnings, numpy; print(os.getcwd(), sys.prefix, numpy.__file__)",
        "warnings.warn('of this file'); os.path.abspath('x')",
        "from cachelib.report.publish import publish",
        "publish.text('a.b', [f'it is {os.getcwd()}'], caption='c')",
        "open(os.path.abspath('missing'))",
    )
    tiny.write(
        tmp_path / "work" / "notebooks" / "01_tiny.ipynb", *telling,
        parameters="case = 'small'\ntrace = None",
    )  # fmt: skip
    given = {
        "case": str(tmp_path / "cases" / "mine.yaml"),
        "trace": str(tmp_path / "logs" / "access.log"),
    }
    out = tmp_path / "out"
    done = build(given, out, jobs=1, progress=tiny.quiet, notebooks=tmp_path / "work" / "notebooks")
    assert done.failed, "the last cell's error names a file, too"
    for file in filter(Path.is_file, out.rglob("*")):
        text = file.read_text("utf-8")
        for place in (str(tmp_path), str(Path.home()), str(Path(__file__).parents[2])):
            assert not re.search(rf"{re.escape(place)}\b", text), (file, place)
    manifest = json.loads((out / "manifest.json").read_text())
    assert "folders" in manifest["left_out"]
    assert manifest["parameters"]["trace"] == "…/access.log"
    notebook = (out / "notebooks" / "01_tiny.ipynb").read_text("utf-8")
    assert "…/mine.yaml" in notebook
    assert "…/missing" in notebook


def test_what_only_looks_like_a_path_stays(tmp_path: Path) -> None:
    places = Places([Path("/app")])
    for text in ("GET /application", "x/app/y", "https://e.example/apple"):
        assert places.left_out(text) == text
    assert places.left_out("file:///app/x.py and (/app)") == "file://…/x.py and (…)"
    assert without_folder("a/b.log") == "a/b.log"
    assert without_folder("../../home/me/b.log") == "…/b.log"


def test_a_page_to_be_printed_leads_to_no_file() -> None:
    kept = '<a href="#here">a</a> <a title="x > y" href=\'https://e.example\'>b</a> <a id="c">c</a>'
    assert without_files(kept) == kept
    for said in ('"notebooks/a.html"', "'a.html'", "a.html", '"/etc/passwd"', '"file:///a"', '""'):
        for name in ("href", "xlink:href", "HREF", "\nhref "):
            assert without_files(f'<a title="x > y" {name}={said} id="c">t</a>').split() == [
                "<a", 'title="x', ">", 'y"', 'id="c">t</a>',
            ]  # fmt: skip
