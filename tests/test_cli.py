"""The command, as a person types it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from cachelib.cli import main
from cachelib.model.case.case import CASES

CLF = '1.2.3.4 - - [01/Aug/2026:00:00:{:02d} +0000] "GET {} HTTP/1.1" 200 10\n'


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


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
    assert f"{bad}:{lines['designs']}: designs: unknown design 'l1-vk'; did you mean" in output
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
    assert "No such file" in output


def test_the_published_schema_accepts_the_ready_made_case() -> None:
    status, output = run("schema")
    assert status == 0
    case = YAML(typ="safe").load(CASES / "trading-sentiment.yaml")
    jsonschema.validate(case, json.loads(output))


def test_replay_prints_counts_as_json(tmp_path: Path) -> None:
    log = tmp_path / "access.log.gz"
    with gzip.open(log, "wt") as file:
        file.write(CLF.format(0, "/a") + CLF.format(1, "/a") + CLF.format(2, "/b") + "rubbish\n")
    status, output = run("replay", str(log), "--l1-ttl", "60", "--l2-ttl", "60", "--json")
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
        status, output = run("replay", str(traces / name), "--expiry", expiry, *words)
        counts = json.loads(output)
        assert status == 0
        assert (counts["requests"], counts["keys"]) == (30_969, 2_088)
        assert (counts["l1_hits"], counts["l2_hits"], counts["origin_loads"]) == golden[expiry]


def test_a_wrong_parameter_is_wrong_usage(tmp_path: Path) -> None:
    status, output = run("report", "trading-sentiment", "-p", "sed=3", "--out", str(tmp_path / "o"))
    assert status == 2
    assert "did you mean 'seed'" in output


def test_replay_prints_numbers_and_a_table_for_people(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(CLF.format(second, "/a") for second in range(3)))
    status, output = run("replay", str(log), "--designs", "l1-only,l1-kv")
    assert status == 0
    lines = [line.split() for line in output.splitlines() if line]
    assert ["l1_hits", "2"] in lines
    assert lines[-3][:3] == ["designs", "design", "requests"]
    assert [line[:4] for line in lines[-2:]] == [
        ["l1-only", "3", "2", "0"],
        ["l1-kv", "3", "2", "0"],
    ]
    assert not set(output) & set("{}[]'")
