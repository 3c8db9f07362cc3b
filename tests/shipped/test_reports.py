"""Reports with nothing but what the lock file and the wheel bring, far from this repository."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.shipped.environments import ROOT, Environment

EXAMPLE = ROOT / "docs" / "example"
COMMITTED = sorted(
    path for path in (ROOT / "notebooks").glob("*.ipynb") if path.stem != "08_runtime"
)
"""Run live, the other one says something else each time; nbval runs it by itself."""
pytestmark = pytest.mark.timeout(1_800)


@pytest.fixture(scope="module")
def ready_made(env: Environment) -> Path:
    printed = env.run("report", "trading-sentiment", "-p", "live_requests=0", "--out", "out")
    assert printed.splitlines()[-1] == str(Path("out/report.html"))
    return env.work / "out"


@pytest.fixture(scope="module")
def own(env: Environment) -> Path:
    """On a case of one's own, and a log."""
    assert env.run("check", "mine") == "mine: good\n"
    quick = ("-p", "live_requests=0", "-p", "draws=200")
    printed = env.run("report", "mine", *quick, "--trace", "access.log")
    assert printed.splitlines()[-1] == str(Path("output/mine/report.html"))
    return env.work / "output" / "mine"


def test_the_ready_made_case_gives_the_example_that_the_readme_shows(ready_made: Path) -> None:
    if os.environ.get("UPDATE_EXAMPLE"):
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        EXAMPLE.mkdir(parents=True)
        for name in ("report.md", "adr.md", "figures"):
            copy = shutil.copytree if (ready_made / name).is_dir() else shutil.copy
            copy(ready_made / name, EXAMPLE / name)
    stale = "the committed example is stale: `make example` makes it anew"
    for name in ("report.md", "adr.md"):
        made = (ready_made / name).read_text("utf-8")
        assert made == (EXAMPLE / name).read_text("utf-8"), stale
    figures = {path.name for path in (ready_made / "figures").iterdir()}
    assert figures == {path.name for path in (EXAMPLE / "figures").iterdir()}, stale


def said(path: Path) -> dict[str, list[Any]]:
    """What each cell of a notebook shows, as text, by the cell."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return {
        cell.id: [out.get("text") or out.get("data", {}).get("text/plain") for out in cell.outputs]
        for cell in cells
        if "injected-parameters" not in cell.metadata.get("tags", ())
    }


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_cell_says_what_it_was_committed_with(ready_made: Path, path: Path) -> None:
    """What the kernel of a notebook of its own would compute anew; by night nbval does so too."""
    assert said(ready_made / "notebooks" / path.name) == said(path), "stale: `make notebooks`"


def test_a_case_of_ones_own_and_a_log_make_a_report(own: Path) -> None:
    decision = json.loads((own / "decision.json").read_text("utf-8"))
    assert decision["metrics"]["decision.recommended"]["value"]
    assert "access.log" in (own / "manifest.json").read_text("utf-8")


def test_two_reports_are_compared(env: Environment, ready_made: Path, own: Path) -> None:
    told = env.run("compare", str(ready_made), str(own), "--html", "both.html")
    assert "decision changed" in told
    assert (env.work / "both.html").exists()
