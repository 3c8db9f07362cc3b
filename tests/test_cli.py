"""The command, as a person types it."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from cachelib.cli import main
from cachelib.commands import words
from cachelib.errors import CachelibError
from cachelib.model.case.ready_made import CASES

CLF = '1.2.3.4 - - [01/Aug/2026:00:00:{:02d} +0000] "GET {} HTTP/1.1" 200 10\n'


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def printed(*words: str) -> tuple[int, str]:
    """As `run`, without what is said beside it, on the other stream."""
    done = CliRunner().invoke(main, words)
    return done.exit_code, done.stdout


def test_the_ready_made_cases_are_good() -> None:
    for path in CASES.glob("*.yaml"):
        assert run("check", str(path)) == (0, f"{path}: good\n")


def test_check_says_all_errors_at_once_with_line_key_and_nearest_name(tmp_path: Path) -> None:
    text = (CASES / "trading-sentiment.yaml").read_text()
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        text.replace("requests_per_month: 100_000", "requests_per_mnth: 100_000")
        .replace("keys: 100", "keys: 0")
        .replace("  - l1-kv\n", "  - l1-vk\n")
    )
    lines = {line.split(":")[0]: nr for nr, line in enumerate(bad.read_text().splitlines(), 1)}
    status, output = run("check", str(bad))
    assert status == 2
    typo = f"{bad}:{lines['  requests_per_mnth']}: workload.requests_per_mnth: unknown key"
    assert f"{typo}; did you mean 'requests_per_month'?" in output
    assert f"{bad}:{lines['  keys']}: workload.keys: must be greater than or equal to 1" in output
    unknown = f"{bad}:{lines['  - l1-vk']}: designs.l1-vk: unknown design 'l1-vk'; did you mean"
    assert unknown in output
    assert f"{bad}:{lines['workload']}: workload.requests_per_month: missing" in output


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [", "a: 1\na: 2", "!!python/object/apply:os.system [id]", "\x00"]
)
def test_check_of_what_is_no_case_is_a_message(text: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    status, output = run("check", str(bad))
    assert status == 2
    assert f"{bad}:" in output
    assert "Traceback" not in output


def test_check_of_a_missing_file_says_so(tmp_path: Path) -> None:
    status, output = run("check", str(tmp_path / "none.yaml"))
    assert status == 2
    assert f"{tmp_path / 'none.yaml'}: there is no such file" in output


def test_the_published_schema_accepts_the_ready_made_case() -> None:
    status, output = run("schema")
    assert status == 0
    case = YAML(typ="safe").load(CASES / "trading-sentiment.yaml")
    as_json = json.loads(json.dumps(case, default=date.isoformat))
    jsonschema.validate(as_json, json.loads(output))


def test_replay_prints_counts_as_json(tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    with gzip.open(log, "wt") as file:
        file.write(CLF.format(0, "/a") + CLF.format(1, "/a") + CLF.format(2, "/b") + "rubbish\n")
    status, output = printed("replay", str(log), "--l1-ttl", "60", "--l2-ttl", "60", "--json")
    assert status == 0
    counts = json.loads(output)
    assert (counts["requests"], counts["keys"], counts["skipped_lines"]) == (3, 2, 1)
    assert (counts["l1_hits"], counts["l2_hits"], counts["origin_loads"]) == (1, 0, 2)


@pytest.mark.parametrize("expiry", ["inherited", "independent"])
def test_replay_of_the_nasa_day_gives_the_golden_counts(traces: Path, expiry: str) -> None:
    words = "--isolates=4", "--routing=round-robin", "--l1-ttl=60", "--l2-ttl=300", "--json"
    golden = {"independent": (6_072, 12_010, 12_887), "inherited": (5_747, 12_296, 12_926)}
    for name in ("nasa-1995-08-01.clf.gz", "nasa-1995-08-01.logpush.ndjson.gz"):
        words = [
            "--isolates",
            "4",
            "--routing",
            "round-robin",
            "--l1-ttl",
            "60",
            "--l2-ttl",
            "300",
            "--json",
        ]
        status, output = printed("replay", str(traces / name), "--expiry", expiry, *words)
        counts = json.loads(output)
        assert status == 0
        assert (counts["requests"], counts["keys"]) == (30_969, 2_088)
        assert (counts["l1_hits"], counts["l2_hits"], counts["origin_loads"]) == golden[expiry]


def test_replay_takes_loads_that_take_time_and_a_plan(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,key\n0,a\n0.5,a\n1.2,a\n")
    words = "--l1-ttl", "60", "--l2-ttl", "60", "--origin-ms", "1000", "--plan", "free", "--json"
    status, output = printed("replay", str(log), *words)
    assert status == 0
    counts = json.loads(output)
    assert (counts["origin_loads"], counts["delayed_hits"], counts["l1_hits"]) == (1, 1, 1)
    assert run("replay", str(log), "--origin-ms", "-1")[0] == 2


def test_a_wrong_parameter_is_wrong_usage(tmp_path: Path) -> None:
    status, output = run("report", "trading-sentiment", "-p", "sed=3", "--out", str(tmp_path / "o"))
    assert status == 2
    assert "did you mean 'seed'" in output


def test_replay_prints_numbers_and_a_table_for_people(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(CLF.format(second, "/a") for second in range(3)))
    status, output = printed("replay", str(log), "--designs", "l1-only,l1-kv")
    assert status == 0
    lines = [line.split() for line in output.splitlines() if line]
    assert ["l1_hits", "2"] in lines
    assert lines[-3][:3] == ["designs", "design", "requests"]
    assert [line[:4] for line in lines[-2:]] == [
        ["l1-only", "3", "2", "0"],
        ["l1-kv", "3", "2", "0"],
    ]
    assert not set(output) & set("{}[]")


def test_the_version_is_said_and_the_module_is_the_command() -> None:
    assert run("--version")[1].startswith("cachelib, version ")
    done = subprocess.run(
        [sys.executable, "-m", "cachelib", "--version"], capture_output=True, text=True
    )
    assert done.stdout == run("--version")[1]


def test_ready_made_cases_are_listed_and_what_can_be_set(tmp_path: Path) -> None:
    assert "trading-sentiment" in run("cases")[1]
    told = run("parameters", "trading-sentiment")[1]
    assert re.search(r"^origin_ms +500 ms \(200 to 1500\)$", told, re.MULTILINE)
    assert re.search(r"^designs\.l1-kv ", told, re.MULTILINE)
    names = json.loads(run("parameters", "trading-sentiment", "--json")[1])
    for name in ("seed", "kv_read_ms", "zipf", "criteria.limits.p95_ms.at_most"):
        assert name in names


def test_check_takes_the_case_that_is_here_as_report_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, told = run("check")
    assert (status, "cachelib init" in told) == (2, True)
    assert run("init", ".", "--no-ask")[0] == 0
    assert run("check") == (0, ".: good\n")


def test_check_says_which_designs_the_platform_bars() -> None:
    status, told = run("check", "trading-sentiment", "-p", "l2_ttl_s=30")
    assert status == 0
    assert "designs: l1-kv is out: l2_ttl_s: KV expires nothing before 60 s" in told
    assert re.search(r"good, with the \d+ designs left\n$", told)


def test_check_builds_the_study_before_it_says_good() -> None:
    nobody_reads = ["-p", "requests_per_month=100", "-p", "reads_per_write=0.01"]
    status, told = run("check", "trading-sentiment", *nobody_reads)
    assert (status, "made no request" in told) == (2, True)


def test_init_asks_and_takes_options(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        main, ["init", str(tmp_path / "new"), "--ask", "--name", "shop", "--today", "kv-only"],
        input="5000\n10\n20\nl1-r2\n",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "called?" not in told.output
    text = (tmp_path / "new" / "case.yaml").read_text("utf-8")
    assert 'name: "shop"' in text
    assert "requests_per_month: 5000" in text
    assert 'against: "l1-r2"' in text
    wrong = run("init", str(tmp_path / "other"), "--no-ask", "--today", "kv-olny")
    assert (wrong[0], "did you mean 'kv-only'" in wrong[1]) == (2, True)
    assert run("init", str(tmp_path / "other"), "--colos", "FRA=x", "--no-ask")[0] == 2


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 9 GiB"),
                                   PermissionError(13, "Permission denied", "there")])  # fmt: skip
def test_what_the_machine_refuses_is_a_message(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("cachelib.report.experiments.parameters.settle", fails)
    status, told = run("check", "trading-sentiment")
    assert status == 1
    assert "Traceback" not in told
    assert "not enough memory" in told or "there: Permission denied" in told


def test_a_file_that_cannot_be_written_is_a_message() -> None:
    with pytest.raises(CachelibError, match="cannot be written"):
        words.write(Path("/proc/none/here.html"), "")


def test_columns_of_a_table_stand_apart(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a name that is longer than any column used to be"
    words.print_result({"rows": [{"name": long, "n": 1}, {"name": "b", "n": 22}]}, False)
    lines = capsys.readouterr().out.splitlines()
    assert any(re.search(rf"{long}  +1$", line) for line in lines)


@pytest.mark.parametrize(
    ("name", "inside", "number", "said"),
    [
        ("origin_ms", 150, 5_000, "100 to 900 ms"),
        ("isolates_per_colo", 40, 60, "1 to 50 isolates"),
        ("l2_ttl_s", 600, 100_000, "300 to 86,400 s"),
        ("l1_ttl_s", 100, 5, "10 to 600 s"),
        ("hourly_rate_usd", 150, 10, "40 to 150 USD"),
    ],
)
def test_a_number_set_outside_the_case_s_own_range_is_said(
    name: str, inside: float, number: float, said: str, tmp_path: Path
) -> None:
    run("init", str(tmp_path), "--no-ask", "--origin-ms", "300")
    status, told = run("check", str(tmp_path), "-p", f"{name}={number}")
    expected = f"{name} at {number:,}: set by a parameter of this run, outside the case's own range"
    assert (status, f"{expected} of {said}" in told) == (0, True), told
    _, foretold = run("report", str(tmp_path), "-p", f"{name}={number}", "--dry-run")
    assert f"of {said}" in foretold
    assert "own range of" not in run("check", str(tmp_path), "-p", f"{name}={inside}")[1]


def test_a_number_s_range_is_that_of_the_case_s_platform() -> None:
    told = run("check", "shop-redis", "-p", "origin_failure=0.03")[1]
    assert "outside the case's own range of 0 to 0.01" in told


def test_a_name_that_no_ready_made_case_has_is_answered_with_the_nearest() -> None:
    for command in ("check", "report"):
        status, output = run(command, "trading")
        assert status == 2
        assert "trading-sentiment" in output
        assert "`cachelib cases` lists them" in output


@pytest.mark.parametrize("command", ["replay", "mrc"])
def test_what_is_true_or_not_is_told_in_words_and_as_it_is_to_machines(
    tmp_path: Path, command: str
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(CLF.format(second, "/a") for second in range(9)), "utf-8")
    told = printed(command, str(log))[1]
    assert re.search(r"^ *carries a decision  (yes|no)$", told, re.MULTILINE), told
    assert not re.search(r"True|False|carries_a", told)
    assert json.loads(printed(command, str(log), "--json")[1])["carries_a_decision"] in (
        True,
        False,
    )
