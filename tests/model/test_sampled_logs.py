"""A log that is a sample of another: its replay says how far it may be off, and holds that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.mrc import mrc_log
from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.traffic.account import UnansweredError
from cachelib.model.traffic.logs import Reading
from cachelib.model.traffic.logs.anonymise import anonymised
from cachelib.model.traffic.trace import Trace
from tests.model.test_shards import requests

RATE = 0.25
COUNTS = ("requests", "l1_hits", "l2_hits", "origin_loads")


def written(path: Path, trace: Trace) -> Path:
    rows = zip(trace.time_s.tolist(), trace.key.tolist(), strict=True)
    path.write_text("\n".join(["time,key", *(f"{time},/k{key}" for time, key in rows)]))
    return path


def run(log: Path, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"isolates": 2, "routing": "random", "l1_ttl": 60.0, "l2_ttl": 300.0,
                             "expiry": "inherited", "engine": "compiled"}  # fmt: skip
    return replay_log(log, **given | more)


def sampled(log: Path, by: str, **more: Any) -> dict[str, Any]:
    return run(log, reading=Reading(sample_rate=RATE, sampled_by=by), **more)


@pytest.mark.parametrize(("by", "stands_for", "most"), [("key", RATE, 0.4), ("request", 1.0, 0.1)])
def test_the_whole_lies_within_the_error(
    tmp_path: Path, by: str, stands_for: float, most: float
) -> None:
    checked = outside = 0
    for seed in range(4):
        trace = requests(np.random.default_rng(seed), 20_000, 3_000)
        truth = run(written(tmp_path / f"whole{seed}.csv", trace))
        rng = np.random.default_rng(seed + 50)
        kept = (rng.random(3_000) < RATE)[trace.key] if by == "key" else rng.random(20_000) < RATE
        found = sampled(written(tmp_path / f"{seed}.csv", trace.only(kept)), by)
        pairs = [(found[name], truth[name] * stands_for) for name in COUNTS]
        ratio = found["designs"][0]["hit_ratio"]
        for said, true in [*pairs, (ratio, truth["designs"][0]["hit_ratio"])]:
            checked += 1
            outside += abs(said["estimate"] - true) > said["plus_or_minus"]
        assert 0 < ratio["plus_or_minus"] < most, "an error is no excuse"
    assert checked == 20
    assert outside <= 2, "of 100 samples 95 are to hold"


@pytest.mark.parametrize("by", ["key", "request"])
def test_the_counts_are_those_that_the_log_has_and_the_bill_has_an_error(
    tmp_path: Path, by: str
) -> None:
    log = written(tmp_path / "log.csv", requests(np.random.default_rng(1), 6_000, 800))
    found = sampled(log, by)
    on_two = sampled(log, by, jobs=2)
    assert {name: found[name] for name in COUNTS} == {name: on_two[name] for name in COUNTS}
    bill = found["designs"][0]["bill_per_month"]
    assert bill["metered"]["plus_or_minus"] > 0
    assert set(bill["lines"]["kv.reads"]["usage"]) == {"estimate", "plus_or_minus"}
    if by == "key":
        assert found["l1_hits"]["estimate"] == run(log)["l1_hits"]
    assert found["sample"][f"share_of_{by}s"] == RATE
    assert "25 per cent of the" in found["sample"]["says"]


def test_where_no_error_is_known_it_says_so(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", requests(np.random.default_rng(1), 500, 20))
    (found,) = sampled(log, "key")["designs"]
    assert found["error"].startswith("not known: there are")
    assert "with fewer than 100" in found["error"]
    assert isinstance(found["l1_hits"], int)


def test_the_command_says_the_error_beside_the_number(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", requests(np.random.default_rng(1), 6_000, 800))
    base = ["replay", str(log), "--l2-ttl", "20"]
    by_key = ["--sample-rate", "0.25", "--sampled-by", "key"]
    for words in (by_key, ["--sample-rate", "0.25"], ["--sample", "0.3"]):
        done = CliRunner().invoke(main, [*base, *words])
        assert done.exit_code == 0, done.output
        told = next(line for line in done.stdout.splitlines() if "origin_loads" in line)
        number, sign, error = told.split()[1:4]
        assert (sign, number.replace(",", "").isdecimal()) == ("±", True)
        assert error.replace(",", "").isdecimal()
        assert int(error.replace(",", "")) > 0
        table = done.stdout.splitlines()[-1]
        assert table.count("±") >= 5, table
    twice = CliRunner().invoke(main, [*base, *by_key, "--sample", "0.3"])
    assert twice.exit_code == 2
    assert "the log is a sample already" in twice.output


@pytest.fixture(scope="module")
def of_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A log, and a quarter of its keys."""
    folder = tmp_path_factory.mktemp("of-keys")
    trace = requests(np.random.default_rng(7), 20_000, 3_000)
    kept = (np.random.default_rng(8).random(3_000) < RATE)[trace.key]
    return written(folder / "whole.csv", trace), written(folder / "kept.csv", trace.only(kept))


def test_of_a_sample_of_keys_a_month_is_that_of_all(of_keys: tuple[Path, Path]) -> None:
    whole, kept = of_keys
    truth = run(whole)["designs"][0]["per_month"]["requests"]
    said = sampled(kept, "key")["designs"][0]["per_month"]["requests"]
    assert said["plus_or_minus"] < truth / 4
    assert abs(said["estimate"] - truth) <= 1.5 * said["plus_or_minus"], "one sample, and no more"


def test_an_anonymised_trace_knows_that_it_is_a_sample_of_keys(
    of_keys: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "shared.parquet"
    anonymised(of_keys[1], out, Reading(sample_rate=RATE, sampled_by="key"))
    with pytest.raises(UnansweredError, match=r"--sample-rate 0\.25 --sampled-by key"):
        run(out)
    shared, own = (sampled(path, "key")["designs"] for path in (out, of_keys[1]))
    assert shared == own


def test_a_curve_of_a_sample_of_keys_is_that_of_a_cache_for_all(
    of_keys: tuple[Path, Path],
) -> None:
    whole, kept = of_keys
    sizes = [50, 200, 800, 2_000]
    reading = Reading(sample_rate=RATE, sampled_by="key")
    truth = mrc_log(whole, sizes=sizes)
    found = mrc_log(kept, sizes=sizes, reading=reading)
    assert truth["exact"]
    assert not found["exact"]
    assert found["sample_rate"] == RATE
    for said, true in zip(found["curve"], truth["curve"], strict=True):
        assert abs(said["hit_ratio"] - true["hit_ratio"]) < 4 * said["standard_error"]
    drawn = mrc_log(kept, sizes=sizes, reading=Reading(sample_rate=RATE))
    assert not drawn["exact"]
    assert "drawn" in drawn["error"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--sampled-by", "key"), "say of which share of the keys, too: --sample-rate"),
        (("--key", ""), "--key is empty"),
        (("--status", "5x3=read"), "--status 5x3: must be a valid integer"),
        (("--column", "methd=key"), "--column methd: must be 'time'"),
        (("--where", "key"), "is neither true nor false of a row"),
    ],
)
def test_what_an_option_cannot_mean_is_told_by_its_name(
    of_keys: tuple[Path, Path], given: tuple[str, ...], said: str
) -> None:
    done = CliRunner().invoke(main, ["log", str(of_keys[0]), *given])
    assert done.exit_code == 2
    assert said in done.output
