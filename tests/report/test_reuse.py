"""Only what changed runs again: each ingredient is changed in turn."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cachelib.report.build import Report, build
from cachelib.report.experiments.source import Source
from cachelib.report.experiments.staging import OutputError
from cachelib.report.reuse import imports, ingredients
from cachelib.report.reuse.imports import Imports, label
from cachelib.report.reuse.plan import Plan, Request, UnknownNotebookError, plan
from tests.report import tiny

ROOT = Path(__file__).parents[2]
SMALL = Path(__file__).with_name("small.yaml")
ROW = '1.2.3.4 - - [02/Aug/2026:00:00:01 +0000] "GET /a HTTP/1.1" 200 10\n'
SEED, REPLAY, DIAGRAM = "01_seed", "02_replay", "03_diagram"


GIVEN = {"case": "case.yaml", "trace": "access.log"}
OUT, NOTEBOOKS = Path("out"), Path("notebooks")


def planned(**given: Any) -> Plan:
    return plan(Request.of(GIVEN | given, OUT), notebooks=NOTEBOOKS)


def built(**options: Any) -> Report:
    return build(GIVEN, OUT, jobs=2, progress=tiny.quiet, notebooks=NOTEBOOKS, **options)


def to_run(steps: Plan) -> dict[str, str]:
    return {step.name: step.because for step in steps.to_run}


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text("utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new), "utf-8")


def append(file: str, text: str = "\n") -> None:
    with Path(file).open("a") as opened:
        opened.write(text)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project, with three notebooks and a finished report of them."""
    root = tmp_path_factory.mktemp("original")
    for folder in ("cachelib", "templates"):
        compiled = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=compiled)
    shutil.copy(SMALL, root / "case.yaml")
    (root / "access.log").write_text(tiny.LOG)
    write_notebooks(root / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, root)
        assert not built().failed
    return root


def write_notebooks(folder: Path) -> None:
    case = "case = 'trading-sentiment'"
    tiny.write(folder / f"{SEED}.ipynb", "print(seed)", parameters="seed = 1")
    replay = "%pwd\nfrom cachelib.model.engines import replay"
    tiny.write(folder / f"{REPLAY}.ipynb", replay, parameters=f"{case}\ntrace = None")
    draw = "def draw(it):\n    from cachelib.report.publish.layout import to_svg"
    tiny.write(folder / f"{DIAGRAM}.ipynb", draw, parameters=case)


def enter(patch: pytest.MonkeyPatch, root: Path) -> None:
    """Work in the copy: what is looked at there, this process runs from here."""
    patch.chdir(root)
    patch.setattr(imports, "PACKAGE", root / "cachelib")
    patch.setattr(imports, "TEMPLATES", root / "templates")
    patch.setattr(ingredients, "TEMPLATES", root / "templates")


@pytest.fixture
def project(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that copy to change, which is the working directory."""
    root = shutil.copytree(original, tmp_path / "project")
    enter(monkeypatch, root)
    return root


@pytest.mark.usefixtures("project")
class TestOnlyWhatChangedIsToRun:
    def test_nothing_changed(self) -> None:
        steps = planned()
        assert to_run(steps) == {}
        assert [step.name for step in steps.reused] == [SEED, REPLAY, DIAGRAM]
        assert steps.stands

    def test_a_parameter(self) -> None:
        assert to_run(planned(seed=2)) == {SEED: "parameter seed changed"}

    def test_a_parameter_that_is_no_longer_given(self) -> None:
        steps = plan(Request.of({"case": "case.yaml"}, OUT), notebooks=NOTEBOOKS)
        assert to_run(steps) == {REPLAY: "parameter trace changed, the log access.log is gone"}

    def test_the_source_of_a_notebook(self) -> None:
        edit(f"notebooks/{SEED}.ipynb", "print(seed)", "print(seed + 1)")
        assert to_run(planned()) == {SEED: "its source changed"}

    def test_outputs_that_are_committed_with_a_notebook_do_not_count(self) -> None:
        path = NOTEBOOKS / f"{SEED}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[-1].execution_count = 7
        nbformat.write(notebook, path)
        assert planned().stands

    def test_a_module_that_is_imported_by_a_module_that_is_imported(self) -> None:
        append("cachelib/tiered.py")
        reason = "cachelib/tiered.py changed"
        assert to_run(planned()) == {REPLAY: reason, DIAGRAM: reason}

    def test_a_module_that_is_imported_inside_a_function(self) -> None:
        append("cachelib/report/publish/layout.py")
        assert to_run(planned()) == {DIAGRAM: "cachelib/report/publish/layout.py changed"}

    def test_a_module_that_no_notebook_imports(self) -> None:
        append("cachelib/live/__init__.py")
        assert planned().stands

    def test_a_package_above_a_module(self) -> None:
        append("cachelib/model/__init__.py")
        assert to_run(planned()).keys() == {REPLAY, DIAGRAM}

    def test_data_beside_a_module(self) -> None:
        append("cachelib/model/new.yaml")
        reason = "cachelib/model/new.yaml is new"
        assert to_run(planned()) == {REPLAY: reason, DIAGRAM: reason}

    def test_a_template_that_a_module_names(self) -> None:
        append("templates/diagrams/layers.svg.j2")
        assert to_run(planned()) == {DIAGRAM: "templates/diagrams/layers.svg.j2 changed"}

    def test_a_template_of_the_report_alone(self) -> None:
        append("templates/style.css")
        steps = planned()
        assert to_run(steps) == {}
        assert steps.document.reasons == ("templates/style.css changed",)

    def test_the_case(self) -> None:
        edit("case.yaml", "keys: 5", "keys: 6")
        reason = "workload in the case changed"
        assert to_run(planned()) == {REPLAY: reason, DIAGRAM: reason}

    @pytest.mark.parametrize(
        ("old", "new", "section"),
        [("hourly_rate_usd: {value: 80", "hourly_rate_usd: {value: 90", "assumptions"),
         ("minimise: origin_loads_per_month", "minimise: bill_usd", "criteria")],
    )  # fmt: skip
    def test_what_only_a_decision_reads_of_the_case(self, old: str, new: str, section: str) -> None:
        edit("case.yaml", old, new)
        steps = planned()
        assert to_run(steps) == {}
        assert steps.document.reasons == (f"{section} in the case changed",)

    def test_a_comment_in_the_case_does_not_count(self) -> None:
        append("case.yaml", "# a thought\n")
        assert planned().stands

    def test_the_log(self) -> None:
        append("access.log", ROW)
        assert to_run(planned()) == {REPLAY: "the log access.log changed"}

    def test_the_version_of_a_package(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        other = project / "site" / "numpy-99.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 99\n")
        monkeypatch.syspath_prepend(project / "site")
        assert set(to_run(planned()).values()) == {"package numpy changed"}
        assert to_run(planned()).keys() == {SEED, REPLAY, DIAGRAM}

    def test_the_version_of_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platform.python_version", lambda: "4.0.0")
        assert set(to_run(planned()).values()) == {"Python changed"}

    def test_an_executed_notebook_that_somebody_changed(self) -> None:
        append(f"out/notebooks/{SEED}.ipynb")
        assert to_run(planned()) == {SEED: "its earlier output is gone or was changed"}

    def test_a_report_that_somebody_changed(self) -> None:
        append("out/report.html")
        steps = planned()
        assert to_run(steps) == {}
        assert steps.document.reasons == ("report.html is gone or was changed",)

    def test_a_notebook_that_is_new_and_one_that_is_gone(self) -> None:
        (NOTEBOOKS / f"{SEED}.ipynb").rename(NOTEBOOKS / "04_more.ipynb")
        steps = planned()
        assert to_run(steps) == {"04_more": "there is no earlier run"}
        assert steps.document.reasons == ("04_more is to run", f"{SEED} is gone")

    @pytest.mark.parametrize(
        "text",
        ["", "{}", "[]", "nonsense", '{"format": 2}', '{"name": "my web app"}', "[" * 100_000],
    )
    def test_a_manifest_that_cannot_be_used_reuses_nothing(self, text: str) -> None:
        (OUT / "manifest.json").write_text(text)
        assert set(to_run(planned()).values()) == {"there is no earlier run"}

    @pytest.mark.parametrize("section", ["python", "packages", "notebooks", "document", "files"])
    def test_nor_does_one_with_a_section_of_another_shape(self, section: str) -> None:
        said = json.loads((OUT / "manifest.json").read_text())
        for other in (None, 1, [], {"a": {}}):
            (OUT / "manifest.json").write_text(json.dumps(said | {section: other}))
            assert set(to_run(planned()).values()) == {"there is no earlier run"}

    def test_nor_does_one_whose_numbers_somebody_changed(self) -> None:
        said = json.loads((OUT / "manifest.json").read_text())
        (OUT / "manifest.json").write_text(json.dumps(said | {"seed": 7}))
        assert not planned().stands


@pytest.mark.usefixtures("project")
class TestTheRun:
    def test_reuses_what_stands_and_gives_the_same_report_as_a_fresh_one(self) -> None:
        edit(f"notebooks/{SEED}.ipynb", "print(seed)", "print(seed + 1)")
        before = (OUT / "notebooks" / f"{REPLAY}.ipynb").read_bytes()
        assert not built().failed
        assert (OUT / "notebooks" / f"{REPLAY}.ipynb").read_bytes() == before
        reused = (OUT / "report.md").read_text()
        assert planned().stands
        assert not built(fresh=True).failed
        assert (OUT / "notebooks" / f"{REPLAY}.ipynb").read_bytes() != before
        assert (OUT / "report.md").read_text() == reused

    def test_leaves_a_report_that_stands_untouched(self) -> None:
        before = (OUT / "manifest.json").stat()
        built()
        after = (OUT / "manifest.json").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_never_reuses_a_notebook_that_failed(self) -> None:
        edit(f"notebooks/{SEED}.ipynb", "print(seed)", "1 / 0")
        assert built().failed
        assert to_run(planned()) == {SEED: "it failed the last time"}

    def test_of_one_notebook_leaves_out_the_others_that_do_not_stand(self) -> None:
        append("access.log", ROW)
        edit(f"notebooks/{SEED}.ipynb", "print(seed)", "print(seed + 1)")
        with pytest.raises(OutputError, match="complete report, and --only would leave out"):
            built(only=["01"])
        done = built(only=["01"], partial_too=True)
        assert [run.name for run in done.runs] == [SEED, DIAGRAM]
        assert to_run(planned()) == {REPLAY: "there is no earlier run"}

    def test_of_a_notebook_that_there_is_not_is_an_error(self) -> None:
        with pytest.raises(UnknownNotebookError, match="did you mean '02_replay'"):
            built(only=["02_reply"])


@pytest.mark.usefixtures("project")
class TestTheCodeBehindANotebook:
    @pytest.mark.parametrize(
        "code",
        [
            "import cachelib.memory",
            "import cachelib.memory as m",
            "from cachelib import memory",
            "from cachelib.memory import MemoryCache",
            "try:\n    pass\nexcept E:\n    import cachelib.memory",
            "match x:\n    case 1:\n        import cachelib.memory",
            "import_module('cachelib.memory')",
            "async def f():\n    with a: import cachelib.memory",
        ],
    )
    def test_is_found_however_it_is_imported(self, code: str) -> None:
        assert "cachelib/memory.py" in self.behind(code)

    def test_is_found_where_the_import_is_relative(self) -> None:
        relative = "from . import far\nfrom .model.traffic.trace import Trace\n"
        Path("cachelib/near.py").write_text(relative)
        Path("cachelib/far.py").write_text("")
        found = self.behind("import cachelib.near")
        assert {"cachelib/far.py", "cachelib/model/traffic/trace.py"} <= found

    def test_is_found_beside_a_line_of_magic(self, tmp_path: Path) -> None:
        code = "x = !ls\nfrom cachelib.memory import MemoryCache"
        path = tiny.write(tmp_path / "n" / "magic.ipynb", code)
        assert "cachelib/memory.py" in {
            label(file) for file in Imports().files_behind(Source(path).python())
        }

    def test_includes_what_a_template_includes(self) -> None:
        Path("templates/diagrams/inner.j2").write_text("")
        append("templates/diagrams/layers.svg.j2", "{% include 'diagrams/inner.j2' %}")
        assert "templates/diagrams/inner.j2" in self.behind("import cachelib.report.publish.layout")

    def test_holds_nothing_of_other_packages(self) -> None:
        assert self.behind("import json, numpy, cachelibrary") == set()

    def behind(self, code: str) -> set[str]:
        return {label(file) for file in Imports().files_behind([code])}


def test_code_that_is_examined_counts_like_any_input(project: Path) -> None:
    tree = project / "worker"
    (tree / "node_modules").mkdir(parents=True)
    (tree / "index.ts").write_text("export default {}")
    first = ingredients.tree(tree)
    (tree / "node_modules" / "left-pad.js").write_text("")
    assert ingredients.tree(tree) == first
    (tree / "index.ts").write_text("export default null")
    assert ingredients.tree(tree) != first


SLOW = ("papermill", "nbclient", "nbformat", "nbconvert", "matplotlib", "pandas", "numba", "scipy")


def test_an_unchanged_report_loads_nothing_that_takes_its_time(project: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from cachelib.report import build
from cachelib.report.reuse import imports, ingredients
imports.PACKAGE, imports.TEMPLATES = Path("cachelib").absolute(), Path("templates").absolute()
ingredients.TEMPLATES = imports.TEMPLATES
build.build({GIVEN}, Path("out"), jobs=1, progress=print, notebooks=Path("notebooks"))
print([name for name in {SLOW} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        *(f"{name} reused " for name in (SEED, REPLAY, DIAGRAM)),
        "[]",
    ], done.stderr
