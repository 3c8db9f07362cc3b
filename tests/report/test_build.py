"""A case to a report: the whole path, with real kernels."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import nbformat
import pytest

from cachelib.model.case.case import UnknownDesignError
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.report.build import Report, build
from cachelib.report.experiments.parameters import ParameterError
from cachelib.report.experiments.run import NOTEBOOKS
from cachelib.report.experiments.staging import OutputError

SMALL = Path(__file__).with_name("small.yaml")
ASKED = {"case": str(SMALL), "live_requests": 0}
GOLDEN = Path(__file__).with_name("golden.md")
pytestmark = pytest.mark.timeout(600)


def quiet(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def report(small_report: Report) -> Report:
    return small_report


def test_the_markdown_is_the_golden_one(report: Report) -> None:
    text = (report.folder / "report.md").read_text("utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")


def test_the_same_case_twice_gives_the_same_figures_and_the_same_decision(
    report: Report, tmp_path: Path
) -> None:
    some = ("02_isolation", "05_consistency", "09_decision")  # the golden text is of all
    again = build(ASKED, tmp_path / "again", jobs=2, progress=quiet, only=some)
    figures = sorted(again.folder.rglob("*.svg"))
    assert len(figures) > 5
    for path in figures:
        assert path.read_bytes() == (report.folder / path.relative_to(again.folder)).read_bytes()
    decisions = [json.loads((r.folder / "decision.json").read_text()) for r in (report, again)]
    assert decisions[0]["outcome"] == decisions[1]["outcome"]


def test_the_record_has_the_parts_of_madr_4_and_invents_no_front_matter(report: Report) -> None:
    text = (report.folder / "adr.md").read_text("utf-8")
    assert text.startswith('---\nstatus: "proposed"\n---\n')
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    for heading in (
        "Context and Problem Statement", "Decision Drivers", "Considered Options",
        "Decision Outcome", "Consequences", "Pros and Cons of the Options", "More Information",
    ):  # fmt: skip
        assert heading in headings
    assert headings[0] == "Choose “Memory, then Workers KV”: A small case"
    assert "Chosen option: “Memory, then Workers KV”, because" in text


def test_every_file_that_the_markdown_and_the_page_link_to_exists(report: Report) -> None:
    markdown = (report.folder / "report.md").read_text("utf-8")
    html = (report.folder / "report.html").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", markdown) + re.findall(r'href="([^"#]+)', html)
    own = [link for link in links if not link.startswith("https://")]  # sources may be anywhere
    assert own
    for link in own:
        assert (report.folder / link).is_file(), link


def test_every_number_links_to_a_cell_of_its_notebook_page(report: Report) -> None:
    html = (report.folder / "report.html").read_text("utf-8")
    numbers = re.findall(r'class="how">[^<]*<a href="([^#"]+)#([^"]+)"', html)
    assert len(numbers) > 5
    for page, anchor in numbers:
        assert f'id="{anchor}"' in (report.folder / page).read_text("utf-8")


def test_the_page_loads_nothing_from_elsewhere(report: Report) -> None:
    for page in report.folder.rglob("*.html"):
        text = page.read_text("utf-8")
        text = re.sub(r'<a href="https://[^"]*"', "<a", text)  # it leads there, and loads nothing
        assert not re.search(r'(src|href)="(https?:)?//', text), page
        assert "@import" not in text


def test_the_manifest_says_what_the_numbers_depend_on(report: Report) -> None:
    manifest = json.loads((report.folder / "manifest.json").read_text())
    assert manifest["seed"] == 1
    assert manifest["overridden"] == {"live_requests": 0}
    assert re.fullmatch("[0-9a-f]{64}", manifest["inputs"]["small.yaml"])
    assert set(manifest["notebooks"]) == {run.name for run in report.runs}
    assert manifest["packages"]["papermill"]


def test_the_decision_carries_every_metric(report: Report) -> None:
    decision = json.loads((report.folder / "decision.json").read_text())
    assert decision["metrics"]["decision.recommended"]["value"] == "l1-kv"
    assert 0 < decision["metrics"]["shared.hit_ratio"]["value"] < 1


def test_a_parameter_reaches_the_notebooks_that_declare_it(tmp_path: Path) -> None:
    given = {"case": str(SMALL), "isolates_per_colo": 7, "isolate_counts": [1, 2]}
    only = some_notebooks(tmp_path / "notebooks", "02_isolation")
    done = build(given, tmp_path / "out", jobs=2, progress=quiet, notebooks=only)
    decision = json.loads((done.folder / "decision.json").read_text())
    assert decision["metrics"]["isolation.caches"]["value"] == 2 * 7


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sed": 3}, "did you mean 'seed'"),
        ({"isolates_per_colo": "many"}, "-p isolates_per_colo=many: must be a number"),
        (
            {"isolates_per_colo": 0},
            "-p isolates_per_colo=0: assumptions.isolates_per_colo",
        ),
        ({"draws": 0}, "parameter draws: must be greater than or equal to 100"),
        ({"live_designs": ["l1-vk"]}, "did you mean 'l1-kv'"),
    ],
)
def test_a_wrong_parameter_fails_before_any_kernel(
    given: dict[str, object], words: str, tmp_path: Path
) -> None:
    def never(*_: object) -> None:
        pytest.fail("a notebook was started")

    with pytest.raises((ParameterError, InvalidFileError, UnknownDesignError)) as caught:
        build({"case": str(SMALL), **given}, tmp_path / "out", jobs=1, progress=never)
    assert words in str(caught.value)
    assert not (tmp_path / "out").exists()


def some_notebooks(folder: Path, *names: str, broken: str | None = None) -> Path:
    """Copies of the project's notebooks, one of which may fail half-way."""
    folder.mkdir()
    for name in names:
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        if name == broken:
            notebook.cells.insert(4, nbformat.v4.new_code_cell("1 / 0  # <script>`"))
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def test_a_failing_notebook_leaves_a_report_that_says_so(tmp_path: Path) -> None:
    done = build(
        {"case": str(SMALL)}, tmp_path / "out", jobs=2, progress=quiet,
        notebooks=some_notebooks(
            tmp_path / "notebooks", "02_isolation", "03_shared_l2", broken="03_shared_l2"
        ),
    )  # fmt: skip
    assert [run.name for run in done.failed] == ["03_shared_l2"]
    text = (done.folder / "report.md").read_text("utf-8")
    assert "ZeroDivisionError" in text
    assert "1 / 0" in text
    assert "Reads found in memory" in text, "what finished stays"
    assert "# <script>" not in (done.folder / "report.html").read_text("utf-8")


def test_a_folder_that_is_no_report_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="no report"):
        build({"case": str(SMALL)}, tmp_path, jobs=1, progress=quiet)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build({"case": str(SMALL)}, tmp_path / "out", jobs=1, progress=interrupt)
    assert not list(tmp_path.iterdir())
