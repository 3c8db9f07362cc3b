"""A report that stands is known by the stamps of files; whatever changes, it is looked at again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.report import build
from cachelib.report.reuse import glance, plan
from cachelib.report.reuse.glance import Glance, Standing
from tests.report import tiny

WORDS = {"case": "case.yaml", "-p": ()}
PLACES = [Path("case.yaml"), Path("code"), Path("templates")]
NOTEBOOK = "21_first"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with all that a report is made from, and the report."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-s-cache"))
    package = tmp_path / "package"
    monkeypatch.setattr(glance, "_shipped", lambda: [package])
    for file in ("package/core.py", "code/src/index.js", "templates/one.j2", "out/report.html"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text("as it was")
    Path("case.yaml").write_text("as it was")
    return tmp_path


def remembered() -> Glance:
    """A glance that remembers the report, made a little after everything was written."""
    keep(WORDS)
    assert Glance(WORDS).report() == Standing(Path("out/report.html"), [NOTEBOOK])
    return Glance(WORDS)


def keep(words: dict[str, object]) -> None:
    looking = Glance(words, began_ns=time.time_ns() + 10**9)
    looking.remember(Standing(Path("out/report.html"), [NOTEBOOK]), PLACES)


def write(file: str, text: str = "as it WAS") -> Callable[[], object]:
    return lambda: Path(file).write_text(text)


def same_size_and_time() -> None:
    before = os.stat("case.yaml")
    Path("case.yaml").write_text("as it WAS")
    os.utime("case.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(write("case.yaml"), id="the case"),
        pytest.param(same_size_and_time, id="the case, of the same size and time"),
        pytest.param(write("package/core.py"), id="the package"),
        pytest.param(write("package/new.py"), id="a file more in the package"),
        pytest.param(write("code/src/index.js"), id="the code"),
        pytest.param(write("code/src/new.js"), id="a file more in the code"),
        pytest.param(lambda: Path("code/src/index.js").unlink(), id="a file less in the code"),
        pytest.param(lambda: Path("templates").rename("gone"), id="a folder less"),
        pytest.param(write("templates/one.j2"), id="the user's templates"),
        pytest.param(write("out/report.html"), id="the report"),
        pytest.param(write("out/another.txt"), id="something beside the report"),
        pytest.param(lambda: Path("out/report.html").unlink(), id="the report is gone"),
    ],
)
def test_whatever_changes_it_is_not_sure_any_more(change: Callable[[], object]) -> None:
    looking = remembered()
    change()
    assert looking.report() is None


def test_a_package_that_is_installed_changes_what_a_report_is_made_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder / "site")
    Path("site/numpy-2.0.dist-info").mkdir(parents=True)
    looking = remembered()
    Path("site/numpy-2.0.dist-info").rename("site/numpy-2.1.dist-info")
    assert looking.report() is None


def test_a_file_behind_a_link_is_watched_too(folder: Path) -> None:
    Path("elsewhere.yaml").write_text("as it was")
    Path("case.yaml").unlink()
    Path("case.yaml").symlink_to("elsewhere.yaml")
    looking = remembered()
    Path("elsewhere.yaml").write_text("as it WAS")
    assert looking.report() is None


def test_other_words_or_another_folder_ask_for_another_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered()
    assert Glance({**WORDS, "-p": ("seed=2",)}).report() is None
    monkeypatch.chdir(folder / "out")
    assert Glance(WORDS).report() is None


def test_what_changed_while_the_report_was_made_is_not_vouched_for() -> None:
    looking = Glance(WORDS)
    Path("case.yaml").write_text("edited while notebooks ran")
    looking.remember(Standing(Path("out/report.html"), [NOTEBOOK]), PLACES)
    assert Glance(WORDS).report() is None


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"stamps": 1, "places": []}', "\0"])
def test_a_damaged_record_says_nothing(record: str, folder: Path) -> None:
    looking = remembered()
    (there,) = (folder / "user-s-cache").rglob("*.json")
    there.write_text(record)
    assert looking.report() is None


def test_a_place_that_cannot_be_written_only_costs_time(folder: Path) -> None:
    Path("user-s-cache").write_text("a file, no folder")
    keep(WORDS)
    assert Glance(WORDS).report() is None


def test_only_the_newest_records_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "MOST", 2)
    for seed in range(4):
        keep({**WORDS, "-p": (f"seed={seed}",)})
    assert len(list((folder / "user-s-cache").rglob("*.json"))) == 2


def test_all_that_a_report_is_made_from_is_watched(folder: Path) -> None:
    case = Path(__file__).with_name("small.yaml").read_text()
    Path("logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    Path("access.log").write_text(tiny.LOG)
    profile = CliRunner().invoke(main, ["platform", "cloudflare-workers"]).stdout
    Path("own.yaml").write_text(profile)
    assert "platform:" not in case
    Path("templates/sections").mkdir()
    Path("templates/one.j2").rename("templates/sections/words.md.j2")
    more = "platform: {profile: own.yaml}\ntheme: {logo: logo.svg}\n"
    Path("case.yaml").write_text(case + more)
    given = {"case": "case.yaml", "trace": "access.log", "system.path": "code"}
    request = plan.Request.of(given, Path("out"), folder / "templates")
    names = {place.resolve().relative_to(folder.resolve()).as_posix() for place in request.places}
    assert names == {"case.yaml", "own.yaml", "code", "logo.svg", "access.log", "templates"}


def test_the_command_builds_nothing_where_nothing_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks, case = folder / "notebooks", Path(__file__).with_name("small.yaml").read_text()
    monkeypatch.setitem(build.build.__kwdefaults__, "notebooks", notebooks)
    monkeypatch.setitem(plan.plan.__kwdefaults__, "notebooks", notebooks)
    tiny.write(notebooks / f"{NOTEBOOK}.ipynb", "1")
    Path("case.yaml").write_text(case)
    time.sleep(2 * glance.COARSE_NS / 1e9)
    words = ["report", "--out", "made"]
    first = CliRunner().invoke(main, words)
    monkeypatch.setattr(build, "build", None)
    again = CliRunner().invoke(main, words)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert again.stderr == f"{NOTEBOOK}: reused\n"
    assert CliRunner().invoke(main, [*words, "-q"]).output == first.stdout
    Path("case.yaml").write_text(case + "\n")
    assert isinstance(CliRunner().invoke(main, words).exception, TypeError)  # `build` is asked
