"""`cachelib report` and its neighbours, as a person types them; over notebooks that are quick."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from cachelib.cli import main
from cachelib.report import build, progress
from cachelib.report.document import pdf
from cachelib.report.reuse import plan
from tests.report import tiny

FIRST, SECOND = "21_first", "22_second"
SMALL = Path(__file__).with_name("small.yaml")
pytestmark = pytest.mark.timeout(300)  # several reports in a test


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a case and two notebooks that know two parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-s-cache"))
    notebooks = tmp_path / "notebooks"
    monkeypatch.setitem(build.build.__kwdefaults__, "notebooks", notebooks)
    monkeypatch.setitem(plan.plan.__kwdefaults__, "notebooks", notebooks)
    shutil.copy(SMALL, "case.yaml")
    tiny.write(notebooks / f"{FIRST}.ipynb", "assert seed < 9", parameters="seed = 1")
    tiny.write(notebooks / f"{SECOND}.ipynb", "1", parameters="draws = 100")
    return tmp_path


def test_the_last_line_is_where_the_report_is_and_each_notebook_is_told_of(folder: Path) -> None:
    page = Path("output") / f"{folder.name}" / "report.html"
    first = run("report", "--jobs", "1")
    assert (first.exit_code, first.stdout) == (0, f"{page}\n")
    assert page.exists()
    told = [line.rpartition(" (")[0] for line in first.stderr.splitlines()]
    assert told == [f"{name}: ran: because there is no earlier run" for name in (SECOND, FIRST)]
    again = run("report", "-p", "seed=2")
    assert again.stdout == f"{page}\n"
    assert again.stderr.startswith(
        f"{SECOND}: reused\n{FIRST}: ran: because parameter seed changed ("
    )


def test_a_notebook_that_fails_fails_the_run_and_is_said_with_its_error() -> None:
    failed = run("report", "--out", "out", "-p", "seed=9")
    assert failed.exit_code == 1
    assert f"{FIRST}: failed: cell " in failed.stderr
    assert "AssertionError" in failed.stderr
    assert failed.stdout == f"{Path('out/report.html')}\n"


def test_a_dry_run_says_what_would_run_and_why_and_writes_nothing(folder: Path) -> None:
    run("report", "--out", "out")
    before = (folder / "out" / "manifest.json").read_text()
    dry = run("report", "--out", "out", "-p", "draws=200", "--dry-run")
    assert dry.exit_code == 0
    assert dry.stdout.splitlines() == [
        f"{FIRST}: would be reused",
        f"{SECOND}: would run: parameter draws changed",
        f"report: would be written: {SECOND} is to run, parameter draws changed",
    ]
    assert (folder / "out" / "manifest.json").read_text() == before


def test_a_dry_run_is_refused_what_the_run_would_be(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years of work")
    log = folder / "log.jsonl"
    log.write_text("".join(f'{{"time": {n * 60}, "url": "/{n % 5}"}}\n' for n in range(400)))
    for words, said in (
        (("--out", "mine"), "is there already and is no report"),
        (("--out", "new", "--trace", str(log), "-p", "log.key=nope"), "no column 'nope'"),
    ):
        told = {flag: run("report", *words, *flag) for flag in ((), ("--dry-run",))}
        for done in told.values():
            assert done.exit_code != 0
            assert said in done.stderr
        assert told[()].exit_code == told[("--dry-run",)].exit_code
    assert not (folder / "new").exists()
    good = run("report", "--out", "new", "--trace", str(log), "-p", "log.key=url", "--dry-run")
    assert good.exit_code == 0


SECTIONS = {
    "workload": "keys=7", "assumptions": "origin_ms=7", "criteria": "late_after_s=7",
    "platform": "kv_write_gap_s=7", "system": "system.summary=seven",
    "decision": "decision.status=accepted",
}  # fmt: skip


@pytest.mark.parametrize(("most", "verbose", "left"), [(50, [], 0), (4, [], 4), (4, ["-v"], 0)])
def test_every_reason_is_said_up_to_fifty_and_how_to_see_the_others(
    most: int, verbose: list[str], left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MOST_REASONS", most)
    run("report", "--out", "out")
    sections = [word for said in SECTIONS.values() for word in ("-p", said)]
    told = run("report", "--out", "out", "--check", *verbose, "-p", "draws=200", *sections)
    report = told.stdout.splitlines()[-1]
    reasons = [f"{SECOND} is to run", "parameter draws changed"]
    reasons += [f"{section} in the case changed" for section in SECTIONS]
    assert sum(reason in report for reason in reasons) == len(reasons) - left
    assert report.endswith(f"and {left} more; -v lists them") == (left > 0)


def test_check_fails_with_the_reasons_unless_the_report_is_up_to_date() -> None:
    assert run("report", "--out", "out", "--check").exit_code == 1
    assert not Path("out").exists()
    run("report", "--out", "out")
    good = run("report", "--out", "out", "--check")
    assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, "report: is up to date")
    Path("case.yaml").write_text(Path("case.yaml").read_text().replace("A small", "Another"))
    stale = run("report", "--out", "out", "--check")
    assert stale.exit_code == 1
    assert "title in the case changed" in stale.stdout


def test_only_runs_what_is_named_and_says_what_it_leaves_out() -> None:
    done = run("report", "--out", "out", "--only", "21")
    assert done.exit_code == 0
    assert f"{SECOND}: not run: left out by --only (there is no earlier run)\n" in done.stderr
    assert list(json.loads(Path("out/manifest.json").read_text())["notebooks"]) == [FIRST]
    wrong = run("report", "--out", "out", "--only", "21_fist")
    assert wrong.exit_code == 2
    assert f"did you mean '{FIRST}'" in wrong.stderr


def test_fresh_runs_what_has_not_changed() -> None:
    run("report", "--out", "out")
    again = run("report", "--out", "out", "--fresh", "--only", "22")
    assert f"{FIRST}: reused\n{SECOND}: ran: because a fresh run was asked for" in again.stderr


def test_open_shows_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    run("report", "--out", "out", "--open")
    assert shown == [(folder / "out" / "report.html").as_uri()]


def test_pdf_without_a_browser_is_wrong_usage_and_nothing_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    done = run("report", "--out", "out", "--pdf")
    assert done.exit_code == 2
    assert "--pdf needs Chromium or Chrome" in done.stderr
    assert not Path("out").exists()


def test_pdf_prints_the_report() -> None:
    try:
        pdf.browser()
    except pdf.NoBrowserError as error:
        pytest.skip(str(error))
    done = run("report", "--out", "out", "--pdf")
    assert (done.exit_code, done.stderr.count("left as it is")) == (0, 0)
    printed = Path("out/report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert b"file:" not in printed
    assert {path.name for path in Path("out").glob(".*")} == {".cachelib-report"}


def test_a_browser_that_prints_nothing_is_an_error() -> None:
    run("report", "--out", "out")
    with pytest.raises(pdf.PrintError, match="not printed"):
        pdf.print_report("/bin/false", Path("out"))
    assert not Path("out/report.pdf").exists()


def test_what_is_not_the_report_s_is_left_and_told_of() -> None:
    run("report", "--out", "out")
    Path("out/notes.txt").write_text("mine")
    done = run("report", "--out", "out", "-p", "seed=2")
    assert done.stderr.endswith("out: left as it is, for it is not the report's: notes.txt\n")
    assert Path("out/notes.txt").read_text() == "mine"


def test_a_folder_without_a_case_is_told_how_to_get_one() -> None:
    Path("case.yaml").unlink()
    done = run("report")
    assert done.exit_code == 2
    assert "cachelib init" in done.stderr


def test_init_and_report_just_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "new/case.yaml" in run("init", "new").stdout
    assert run("init", "new").exit_code == 2
    monkeypatch.chdir("new")
    done = run("report")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{Path('output/new/report.html')}\n"
    assert (folder / "new" / "output" / "new" / "report.html").exists()


def test_compare_says_what_changed_as_text_json_and_page() -> None:
    run("report", "--out", "a")
    run("report", "--out", "b", "-p", "seed=2")
    told = run("compare", "a", "b", "--html", "both.html")
    assert "decision changed: no" in told.stdout
    assert "  seed: 1 → 2 (+1)" in told.stdout
    assert "1 → 2" in Path("both.html").read_text()
    assert json.loads(run("compare", "a", "b", "--json").stdout)["parameters"][0]["name"] == "seed"
    assert run("compare", "a", "notebooks").exit_code == 2


def test_on_a_terminal_every_notebook_has_a_row_that_says_what_became_of_it() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=80, color_system=None)
    with progress.live(console) as tell:
        tell("01_one", "reused", "")
        tell("02_two", "started", "[red]its source[/red] changed")
        tell("02_two", "failed", "cell 3: [Errno 2] " + "and so on " * 9 + "to the end")
        tell("03_three", "not run", "though its source changed")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "02_two started [red]its source[/red] changed" in shown
    assert "✓ 01_one reused" in shown
    assert "✗ 02_two failed cell 3: [Errno 2] and so on" in shown
    assert "to the end" in shown
    assert "– 03_three not run though its source changed" in shown


def test_a_log_may_be_a_folder_of_which_every_file_counts(folder: Path) -> None:
    line = '192.0.2.1 - - [10/Oct/2025:{:02d}:{:02d}:00 +0000] "GET /{} HTTP/1.1" 200 9\n'
    (folder / "logs").mkdir()
    for hour, name in enumerate("ab"):
        text = "".join(line.format(hour, minute, minute % 7) for minute in range(60))
        (folder / "logs" / f"{name}.log").write_text(text)
    words = ("report", "--trace", "logs", "--out", "out")
    made = run(*words)
    assert made.exit_code == 0, made.output
    assert run(*words, "--check").exit_code == 0
    with (folder / "logs" / "b.log").open("a") as log:
        log.write(line.format(2, 0, 0))
    checked = run(*words, "--check")
    assert (checked.exit_code, "logs/b.log changed" in checked.output) == (1, True)


def test_a_share_of_the_keys_may_be_simulated_and_is_no_report_of_all() -> None:
    many = ("-p", "keys=100", "--out", "out")
    run("report", *many)
    asked = run("report", *many, "--sample", "0.5")
    assert asked.exit_code == 0, asked.stderr
    assert "traffic: sampled: 50 % of the keys, chosen by popularity, stand for all" in asked.stderr
    assert "as was asked for" in asked.stderr
    other = run("report", *many, "--sample", "0.6", "--dry-run")
    assert "sample in the case changed" in other.stdout
    assert run("report", *many, "--sample", "0.5").stderr.count("reused") == 2
    few = run("report", *many, "--sample", "0.1")
    assert few.exit_code == 2
    assert "sample: 0.1 of 100 keys is fewer than 40" in few.stderr
    assert "Traceback" not in few.stderr
