"""A log's file through designs: counts by hand, and what is said beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachelib.model.judgement.log_replay import replay_log
from cachelib.model.traffic.account import UnansweredError
from cachelib.model.traffic.logs import Reading

TIMES = [(0, "a"), (10, "a"), (50, "b"), (100, "a"), (500, "a"), (510, "b"), (9_000, "a")]
"""With lives of 60 s in memory and 300 s behind: a load, memory, a load, KV, a load, a load, and a
load at the end."""


def log_at(tmp_path: Path, rows: list[str], head: str) -> Path:
    path = tmp_path / "log.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return log_at(tmp_path, [f"{t},{key}" for t, key in TIMES], "time,key")


def run(log: Path, **more: Any) -> dict[str, Any]:
    given = {"isolates": 1, "routing": "random", "l1_ttl": 60.0, "l2_ttl": 300.0,
             "expiry": "inherited"}  # fmt: skip
    return replay_log(log, **given | more)


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in ("l1_hits", "l2_hits", "origin_loads"))


def test_a_log_is_counted_by_hand(log: Path) -> None:
    found = run(log)
    assert (found["requests"], found["keys"]) == (7, 2)
    assert counts(found) == (1, 1, 5)
    assert (found["skipped_lines"], found["first_skipped_line"]) == (0, 0)
    assert found["first_skipped_reason"] == ""
    assert "sample" not in found
    assert "shards" not in found["designs"][0]


def test_lives_shorter_than_a_store_takes_are_taken_where_all_is_ideal(tmp_path: Path) -> None:
    """As on the platform, in each place of the log, a life of a minute is the least."""
    log = log_at(tmp_path, [f"{n * 10},a,FRA" for n in range(40)], "time,key,colo")
    for life, loads in ((20.0, 14), (0.5, 40)):
        found = run(log, l1_ttl=None, l2_ttl=life, designs=["kv-only"])
        assert counts(found)[2] == pytest.approx(loads, abs=6)
    with pytest.raises(ValueError, match="60"):
        run(log, l2_ttl=20.0, by_colo=True)


def test_a_load_that_takes_time_is_met_by_who_asks_meanwhile(tmp_path: Path) -> None:
    """A load, two who wait for it, two who find it; and as many in another isolate."""
    times = (0.0, 0.1, 0.4, 0.5, 0.9, 1.0, 1.5, 1.6, 2.0, 2.1)
    log = log_at(tmp_path, [f"{t},a" for t in times], "time,key")
    at_once = run(log, isolates=2, routing="round-robin", engine="compiled")
    assert (*counts(at_once), at_once["delayed_hits"]) == (8, 1, 1, 0)
    for engine in ("reference", "compiled"):
        slow = run(log, isolates=2, routing="round-robin", origin_ms=1_000, engine=engine)
        assert (*counts(slow), slow["delayed_hits"]) == (4, 0, 2, 4)
        assert slow["designs"][0]["delayed_hits"] == 4


def test_on_the_free_plan_it_is_said_what_fails_beyond_a_day_s_allowance(tmp_path: Path) -> None:
    """2,880 keys in two days, each loaded once, so that as many are written to KV."""
    log = log_at(tmp_path, [f"{60 * n},k{n}" for n in range(2_880)], "time,key")
    [told] = run(log, engine="compiled", plan="free")["designs"]
    failing = told["bill_per_month"]["fails_a_day"]
    assert failing["kv.writes"]["asked"] == pytest.approx(1_440, rel=0.01)
    assert failing["kv.writes"]["share"] == pytest.approx(440 / 1_440, rel=0.01)
    assert failing.keys() == {"kv.writes"}
    [paid] = run(log, engine="compiled")["designs"]
    assert paid["bill_per_month"]["fails_a_day"] == {}


def test_designs_are_counted_each_and_the_first_speaks(log: Path) -> None:
    both = run(log, designs=["l1-only", "kv-only", "origin-only"])
    assert [each["design"] for each in both["designs"]] == ["l1-only", "kv-only", "origin-only"]
    assert [counts(each) for each in both["designs"]] == [(1, 0, 6), (0, 2, 5), (0, 0, 7)]
    assert counts(both) == (1, 0, 6)


def test_by_place_each_has_its_memory_and_else_all_meet_in_one(tmp_path: Path) -> None:
    log = log_at(tmp_path, [f"{n},a,{('FRA', 'SYD')[n % 2]}" for n in range(40)], "time,key,colo")
    assert counts(run(log, designs=["l1-only"])) == (39, 0, 1)
    assert counts(run(log, designs=["l1-only"], by_colo=True)) == (38, 0, 2)
    ideal, there = (
        run(log, designs=["kv-only"], l2_ttl=600.0, by_colo=where)["designs"][0]["latency_ms"]
        for where in (False, True)
    )
    assert there["p50"] < ideal["p50"] / 3  # KV has a cache in each place


def test_where_the_log_names_no_place_it_cannot_be_replayed_by_place_and_else_it_does_not_matter(
    log: Path,
) -> None:
    assert not any("data centre" in said for said in run(log)["remarks"])
    with pytest.raises(UnansweredError, match="data centre"):
        run(log, by_colo=True)


def test_what_cannot_be_read_is_counted_with_the_first_line_and_its_reason(tmp_path: Path) -> None:
    rows = ["0,a", "x,b", "y,c", *(f"{n},a" for n in range(1, 2_000))]
    found = run(log_at(tmp_path, rows, "time,key"))
    assert (found["skipped_lines"], found["first_skipped_line"]) == (2, 3)
    assert "time" in found["first_skipped_reason"]


def test_a_short_log_says_why_it_has_no_month_and_carries_no_decision(log: Path) -> None:
    found = run(log)
    assert "too few" in found["designs"][0]["bill_per_month"]
    assert not found["carries_a_decision"]


def test_a_long_log_has_a_month_s_bill_for_each_design_and_carries_a_decision(
    tmp_path: Path,
) -> None:
    log = log_at(tmp_path, [f"{n * 900},k{n % 9}" for n in range(3_000)], "time,key")
    found = run(log, designs=["l1-kv", "origin-only"])
    kv, none = (each["bill_per_month"]["lines"] for each in found["designs"])
    assert float(kv["kv.reads"]["metered"]) > 0
    assert "kv.reads" not in none
    assert found["carries_a_decision"]


def test_invented_times_need_an_answer_only_where_values_expire(tmp_path: Path) -> None:
    log = tmp_path / "log.keys"
    log.write_text("a\nb\na\na\n", "utf-8")
    assert run(log, l1_ttl=None, l2_ttl=None, designs=["l1-only"])["l1_hits"] == 2
    for lives in ({"l1_ttl": 60.0, "l2_ttl": None}, {"l1_ttl": None, "l2_ttl": 60.0}):
        with pytest.raises(UnansweredError, match="a count of hits where values expire"):
            run(log, **lives)


def test_a_log_shorter_than_a_life_is_told_of(tmp_path: Path) -> None:
    log = log_at(tmp_path, [f"{n * 60},k{n % 9}" for n in range(3_000)], "time,key")
    told = [run(log, l1_ttl=one, l2_ttl=two)["remarks"] for one, two in
            ((60.0, 300.0), (9e6, 60.0), (60.0, 9e6), (None, 9e6))]  # fmt: skip
    assert told[1] == told[2] == told[3] != told[0]


def test_where_nothing_expires_no_log_is_too_short_for_a_life(tmp_path: Path) -> None:
    log = log_at(tmp_path, [f"{n / 100},k{n % 9}" for n in range(40)], "time,key")
    told = run(log, l1_ttl=None, l2_ttl=None, designs=["l1-only"])["remarks"]
    assert told
    assert not any("Values may live" in said for said in told)


def test_what_was_filtered_and_noted_is_told(tmp_path: Path) -> None:
    rows = [*(f"{n},k{n % 5},GET" for n in range(50)), "7,k1,OPTIONS", "7,k1,GET"]
    found = run(log_at(tmp_path, rows, "time,key,method"))
    assert sum(found["filtered"].values()) == 1
    assert any("out of order" in note for note in found["notes"])


def test_two_processors_count_the_same_and_say_how_keys_are_parted(log: Path) -> None:
    alone, both = run(log), run(log, jobs=2)
    assert counts(alone) == counts(both)
    assert both["designs"][0].pop("shards")
    assert both["designs"] == alone["designs"]


def test_a_sample_of_keys_has_all_requests_and_errors(tmp_path: Path) -> None:
    log = log_at(tmp_path, [f"{n},k{n * n % 1_999}" for n in range(6_000)], "time,key")
    found = run(log, sample=0.5)
    assert found["requests"] == 6_000
    assert found["sample"]["share_of_keys"] == 0.5
    assert found["l1_hits"]["plus_or_minus"] >= 0
    assert found["designs"][0]["origin_loads"]["estimate"] == pytest.approx(
        run(log)["origin_loads"], rel=0.1
    )


def test_a_seed_gives_the_same_counts_again(tmp_path: Path) -> None:
    log = log_at(tmp_path, [f"{n * 7},k{n % 4}" for n in range(2_000)], "time,key")
    one, again, other = (counts(run(log, isolates=5, seed=seed)) for seed in (1, 1, 2))
    assert counts(run(log, isolates=5)) == one == again != other
    reading = Reading(where="key <> 'k1'")
    assert run(log, reading=reading)["requests"] == 1_500
