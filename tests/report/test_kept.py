"""What finished is kept, after whatever ended the run; and what is another case's is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cachelib.report.build import InterruptedRunError, Report, UnrenderedError, build
from cachelib.report.document import write as writing
from cachelib.report.reuse.plan import Plan, Request, folder_of, plan
from tests.report import tiny

SMALL = Path(__file__).with_name("small.yaml")
OUT, NOTEBOOKS = Path("out"), Path("notebooks")
FIRST, LAST = "01_first", "02_last"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a case and two notebooks; the last one runs first."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(SMALL, "case.yaml")
    for name in (FIRST, LAST):
        tiny.write(NOTEBOOKS / f"{name}.ipynb", "print(seed)", parameters="seed = 1")
    return tmp_path


def built(progress: Any = tiny.quiet, **given: Any) -> Report:
    asked = {"case": "case.yaml", **given}
    return build(asked, OUT, jobs=1, progress=progress, notebooks=NOTEBOOKS)


def planned(**given: Any) -> Plan:
    return plan(Request.of({"case": "case.yaml", **given}, OUT), notebooks=NOTEBOOKS)


def interrupt_first(name: str, status: str, _: str) -> None:
    if (name, status) == (FIRST, "started"):
        raise KeyboardInterrupt


def names(steps: list[Any]) -> list[str]:
    return [step.name for step in steps]


def test_an_interrupted_run_writes_a_report_of_what_there_is_and_the_next_one_goes_on() -> None:
    with pytest.raises(InterruptedRunError, match="what had finished is in"):
        built(interrupt_first)
    assert "This is a part of the report" in (OUT / "report.md").read_text()
    steps = planned()
    assert (names(steps.reused), names(steps.to_run)) == ([LAST], [FIRST])
    assert names(planned().to_run) == [FIRST]
    assert not built().failed
    assert planned().stands


def test_an_interrupted_run_leaves_a_complete_report_and_the_next_one_goes_on() -> None:
    built()
    before = (OUT / "report.html").read_bytes()
    with pytest.raises(InterruptedRunError, match="the next run uses the 1 notebook that had"):
        built(interrupt_first, seed=2)
    assert (OUT / "report.html").read_bytes() == before
    assert planned().stands, "the report before is as it was"
    steps = planned(seed=2)
    assert (names(steps.reused), names(steps.to_run)) == ([LAST], [FIRST])
    assert not built(seed=2).failed
    assert planned(seed=2).stands


class TestARenderingThatFails:
    @pytest.fixture
    def failing(self) -> Iterator[pytest.MonkeyPatch]:
        """Undone, rendering works again."""

        def fails(*_: object) -> None:
            raise ZeroDivisionError("<script>")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writing, "write", fails)
            yield patch

    def test_leaves_its_notebooks_and_says_why(self, failing: pytest.MonkeyPatch) -> None:
        done = built()
        assert isinstance(done.unrendered, ZeroDivisionError)
        page = (OUT / "report.html").read_text()
        assert "ZeroDivisionError" in page
        assert "<script>" not in page
        for name in (FIRST, LAST):
            assert f"notebooks/{name}.html" in page
            assert (OUT / "notebooks" / f"{name}.html").exists()
        failing.undo()
        steps = planned()
        assert (names(steps.reused), names(steps.to_run)) == ([FIRST, LAST], [])
        assert steps.document.reasons == ("it could not be written the last time",)

    def test_never_takes_the_place_of_a_complete_report(self, failing: pytest.MonkeyPatch) -> None:
        failing.undo()
        built()
        before = (OUT / "report.html").read_bytes()
        failing.setattr(writing, "write", lambda *_: 1 / 0)
        with pytest.raises(UnrenderedError, match="ZeroDivisionError"):
            built(seed=2)
        assert (OUT / "report.html").read_bytes() == before
        assert names(planned(seed=2).reused) == [FIRST, LAST]


def test_two_cases_of_one_name_have_two_reports(folder: Path) -> None:
    for team in ("red", "blue"):
        (folder / team).mkdir()
        shutil.copy(SMALL, folder / team / "shop.yaml")
    reports = []
    for team in ("red", "blue", "red"):
        case = f"{team}/shop.yaml"
        out = folder_of(case)
        done = build({"case": case}, None, jobs=1, progress=tiny.quiet, notebooks=NOTEBOOKS)
        assert done.folder == out
        reports.append(out)
    assert reports == [Path("output/shop"), Path("output/shop-blue"), Path("output/shop")]
    place = json.loads((reports[1] / "manifest.json").read_text())["case_file"]
    assert (reports[1] / place).resolve() == (folder / "blue" / "shop.yaml").resolve()
