"""One day as logs of unlike shapes: what is decided on it is the same to the last letter."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cachelib.report.document.formats import FORMATS
from cachelib.report.document.material import Material
from cachelib.report.experiments import parameters
from cachelib.report.experiments.run import NOTEBOOKS
from tests.model.test_log_shapes import PLACE, SHAPES, written
from tests.report.in_process import MANIFEST, run_notebooks

SMALL = Path(__file__).with_name("small.yaml")
FEW = {
    "draws": 100, "isolate_counts": (1, 4), "traffic_factors": (0.1, 1), "ttl_factors": (0.1, 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of one place, and the notebook that decides."""
    folder = tmp_path_factory.mktemp("shapes")
    case = YAML(typ="safe").load(SMALL)
    case["workload"]["colos"] = {PLACE: 1}
    YAML().dump(case, folder / "case.yaml")
    (folder / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS / "09_decision.ipynb", folder / "notebooks")
    return folder


def documents(folder: Path, log: Path) -> dict[str, str]:
    given = {"case": str(folder / "case.yaml"), "live_requests": 0, "trace": str(log), **FEW}
    settled = parameters.settle(given)
    runs, findings = run_notebooks(settled.for_kernels, folder / "notebooks")
    material = Material(settled.study, findings, runs, MANIFEST)
    files = {name: text for each in FORMATS for name, text in each(material).items()}
    return {name: files[name] for name in ("report.md", "decision.json", "adr.md")}


def without_the_log(report: str) -> str:
    """The report without the chapter that says what the log is."""
    before, title, rest = report.partition("\n## What the log is, and what was taken from it")
    assert title
    return before + rest.partition("\n## ")[2]


@pytest.mark.skipif(not os.environ.get("CACHELIB_LONG"), reason="every shape: make test-thorough")
def test_every_shape_makes_the_same_decision_file(folder: Path) -> None:
    files = {
        name: documents(folder, written(folder, name))["decision.json"]
        for name in (*SHAPES, "24 files")
    }
    assert len(files) == 7
    assert len(set(files.values())) == 1


@pytest.mark.timeout(300)
def test_the_day_s_shape_changes_nothing_but_the_chapter_about_it(folder: Path) -> None:
    lines, envelope, hours = (
        documents(folder, written(folder, name))
        for name in ("access.log", "envelope.json", "24 files")
    )
    for name in ("decision.json", "adr.md"):
        assert lines[name] == envelope[name] == hours[name]
    assert without_the_log(lines["report.md"]) == without_the_log(envelope["report.md"])
    # Only the hours are in a format that says where: the other two say that they do not.
    told = without_the_log(lines["report.md"]).splitlines()
    named = [line for line in told if "names no data centre" in line]
    assert len(named) == 1
    told.remove(named[0])
    assert told == without_the_log(hours["report.md"]).splitlines()
