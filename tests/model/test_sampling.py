"""A part of the traffic that stands for all: what it says of the whole, key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.case import load_case
from cachelib.model.judgement.all_keys import of_all_keys
from cachelib.model.judgement.intervals import resolution
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import Option, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.traffic import sampling
from cachelib.model.traffic.sampling import (
    Sample,
    ShareError,
    asked_for,
    keys_part,
    representatives,
    sample_of,
    time_part,
)
from cachelib.model.traffic.trace import WRITE, Trace
from tests.model.cases import small

DAY_S = 86_400.0
MONTH_S = 30 * DAY_S
MANY_KEYS = {"requests_per_month": 400_000, "keys": 20_000, "zipf": 0.9}
FEW_KEYS = {"requests_per_month": 400_000, "keys": 100}


WRITTEN = {"reads_per_write": 0.2, "growth.writes": "in proportion"}


def study(**given: Any) -> Study:
    return Study(load_case("trading-sentiment", given))


@pytest.mark.parametrize("given", [MANY_KEYS, FEW_KEYS], ids=["many keys", "few keys"])
def test_a_part_says_of_the_whole_what_the_whole_says(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = study(**given)
    assert whole.sample == Sample()
    everything = whole.replay("l1-kv")
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 80_000)
    part = study(**given)
    assert 60_000 < len(part.trace) < 100_000
    found = part.replay("l1-kv")
    assert part.requests_per_month == pytest.approx(whole.requests_per_month, rel=0.05)
    assert found.hit_ratio == pytest.approx(everything.hit_ratio, abs=0.03)
    for count in ("origin_loads", "kv_reads", "kv_writes", "requests"):
        assert found.per_month()[count] == pytest.approx(everything.per_month()[count], rel=0.1)
    assert found.per_month()["stored_gb_months"] == pytest.approx(
        everything.per_month()["stored_gb_months"], rel=0.25
    )
    assert part.estimate("l1-kv").hit_ratio[0] == pytest.approx(
        whole.estimate("l1-kv").hit_ratio[0], abs=0.02
    )
    assert part.sample.in_words.endswith("for all")


def test_of_more_requests_a_shorter_time_is_taken_down_to_two_days_and_then_fewer_keys() -> None:
    weeks, many, few = (
        sample_of(*much, MONTH_S) for much in ((4e6, 200_000), (5e7, 200_000), (5e7, 100))
    )
    assert (weeks.keys, weeks.time * 30) == (1.0, 15.0)
    assert (many.keys, many.time * 30) == (pytest.approx(0.04 * 30 / 2), pytest.approx(2.0))
    assert (few.keys, few.time * 30) == (1.0, 1.0)
    assert sample_of(sampling.MOST_REQUESTS, 5, MONTH_S) == Sample()
    assert many.in_words == (
        "60 % of the keys, chosen by popularity, in 6.7 % of the time stand for all"
    )
    assert few.in_words == "3.3 % of the time stands for all"
    assert Sample(2 / 3, 0.5).in_words == (
        "67 % of the keys, chosen by popularity, in 50 % of the time stand for all"
    )
    assert not Sample().in_words


def test_where_copies_live_long_fewer_keys_are_taken_for_a_longer_time() -> None:
    month = sample_of(2e7, 200_000, MONTH_S, 150_000, needs_s=14 * DAY_S)
    assert (month.keys, month.time * 30) == (pytest.approx(0.0075 * 30 / 14), pytest.approx(14))
    few = sample_of(5e8, 800, MONTH_S, needs_s=4 * DAY_S)
    assert (few.keys, few.time * 30) == (40 / 800, pytest.approx(2.0)), "as long as 40 keys may be"
    part = sample_of(5e8, 800, MONTH_S, 150_000, needs_s=4 * DAY_S)
    assert (part.keys, part.share) == (40 / 800, pytest.approx(150_000 / 5e8))
    daily = sample_of(5e8, 800, MONTH_S, 150_000, needs_s=4 * DAY_S, clock_s=DAY_S)
    assert (daily.keys, daily.time * 30) == (pytest.approx(40 / 800), pytest.approx(1.0))
    assert sample_of(5e8, 800, MONTH_S, needs_s=60.0) == sample_of(5e8, 800, MONTH_S)


def test_what_is_written_once_a_day_is_written_so_in_the_part_that_stands_for_all() -> None:
    nightly = [{"op": "write", "every_s": DAY_S, "keys": "all"}]
    busy = small(workload={"requests_per_month": 500_000_000, "keys": 800,
                           "reads_per_write": 1e9, "schedules": nightly})  # fmt: skip
    for part in (busy, busy.part(150_000), busy.grown(500_000_000, 150_000, nth=3)):
        written = int((part.trace.op == WRITE).sum()) * MONTH_S / part.span_s
        assert written == pytest.approx(30 * 800, rel=0.08)


def test_keys_that_stand_for_all_are_as_popular_as_all() -> None:
    weights = np.arange(1, 10_001, dtype=float) ** -1.0
    chosen = representatives(weights, 0.05)
    assert len(set(chosen.tolist())) == 500
    assert weights[chosen].sum() == pytest.approx(0.05 * weights.sum(), rel=0.1)


def test_of_a_log_whole_keys_are_taken() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    trace = Trace(
        time_s=np.sort(rng.uniform(0, MONTH_S, n)),
        key=(rng.zipf(1.3, n) % 500).astype(np.int32),
        colo=np.zeros(n, np.int16), op=np.zeros(n, np.uint8), size=np.zeros(n, np.int32),
        keys=[str(key) for key in range(500)], colos=["FRA"],
    )  # fmt: skip
    fifth = Sample(keys=0.2)
    part = time_part(trace, fifth, keys_part(trace, fifth))
    taken = set(part.key.tolist())
    assert len(part) == sum(int((trace.key == key).sum()) for key in taken)
    assert len(taken) == pytest.approx(0.2 * len(set(trace.key.tolist())), abs=1)


SKEWED = {"requests_per_month": 400_000, "keys": 2_000, "zipf": 1.1}


def test_a_part_of_a_part_is_asked_as_often_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "LEAST_S", MONTH_S)
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 260_000)
    whole = study(**SKEWED)
    part = whole.part(60_000)
    assert part.sample.keys < whole.sample.keys < 1
    assert part.requests_per_month == pytest.approx(whole.requests_per_month, rel=1e-3)


def test_what_the_keys_left_out_would_have_said_is_part_of_the_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = study(**SKEWED).replay("l1-only").hit_ratio
    monkeypatch.setattr(sampling, "LEAST_S", MONTH_S)
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 260_000)
    part = study(**SKEWED)
    option, here = Option(part.design("l1-only"), {}), part.replay("l1-only").hit_ratio
    known = {option.name: measure(part, option, simulate(part, option))}
    half = float(resolution(part, [option], ["hit_ratio"], known)["hit_ratio"][0])
    assert abs(there - here) > 0.01, "else there is nothing to see"
    assert abs(there - here) < 1.5 * half
    assert half < 5 * abs(there - here)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.6, 0.7, 0.9])
def test_keys_that_stand_for_all_are_asked_as_often_as_all_whatever_their_share(
    share: float,
) -> None:
    weights = np.arange(1, 2_001, dtype=float) ** -1.1
    chosen = weights[representatives(weights, share)]
    assert chosen.sum() / (share * weights.sum()) == pytest.approx(1, abs=0.08)


def test_keys_that_stand_for_all_purge_as_much_less(monkeypatch: pytest.MonkeyPatch) -> None:
    given = MANY_KEYS | {"requests_per_month": 8_000_000} | WRITTEN
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 200_000)
    part = study(**given)
    assert part.sample.keys < 0.5
    design = BUILT_IN["workers-cache-purge"].model_copy(update={"l2_ttl_s": 3_600.0})
    counts = part.replay(design).counts
    refused = counts["workers_cache_purges_refused"]
    share = refused / (counts["workers_cache_purges"] + refused)
    assert share == pytest.approx(1 - 5 * 60 * 24 * 30 / (8_000_000 / 1.2), abs=0.01)


@pytest.mark.parametrize("name", ["l1-only", "l1-kv", "kv-only"])
def test_a_share_that_is_asked_for_says_of_all_keys_what_they_say_within_its_error(
    name: str,
) -> None:
    whole, asked = study(**SKEWED), study(**SKEWED, sample=0.1)
    assert asked.sample == Sample(keys=0.1)
    assert 0.05 < len(asked.trace) / len(whole.trace) < 0.2
    there = Option(whole.design(name), {})
    names = ["hit_ratio", "origin_loads_per_month", "bill_usd"]
    truth, some = (measure(one, there, simulate(one, there), names) for one in (whole, asked))
    found = of_all_keys(asked, there, some)
    half = resolution(asked, [there], names, {there.name: some})
    for metric in names:
        assert abs(found[metric] - truth[metric]) <= half[metric][0], metric
        assert half[metric][0] < 0.3 * truth[metric], metric


def test_all_keys_may_be_asked_for_and_too_few_are_refused() -> None:
    month = asked_for(1, 3e6, 100, MONTH_S)
    assert month == Sample(), "where two million would have been taken by default"
    assert sample_of(3e6, 100, MONTH_S) != Sample()
    with pytest.raises(ShareError, match=r"sample: 0\.1 of 100 keys is fewer than 40.* take 0\.4"):
        asked_for(0.1, 3e6, 100, MONTH_S)
    with pytest.raises(ShareError, match="take 1, which is all"):
        asked_for(0.9, 3e6, 20, MONTH_S)
    busy = asked_for(0.5, 2e9, 300, MONTH_S)
    assert (busy.keys, busy.share * 2e9) == (0.5, pytest.approx(sampling.MOST_ASKED))


def test_why_there_is_a_sample_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert study(**SKEWED, sample=0.1).why_sampled == "as was asked for"
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 80_000)
    assert "more requests than a report can replay in two minutes" in study(**SKEWED).why_sampled


def test_a_share_of_a_log_s_keys_may_be_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    lines = (f"{i},/{i * i % 499},FRA" for i in range(20_000))
    log.write_text("\n".join(["time,key,colo", *lines]))
    whole = Study(load_case("trading-sentiment"), log=log)
    asked = Study(load_case("trading-sentiment", {"sample": 0.3}), log=log)
    keys = (len(set(one.trace.key.tolist())) for one in (whole, asked))
    assert next(keys) * 0.3 == pytest.approx(next(keys), abs=1)
    assert asked.requests_per_month == pytest.approx(whole.requests_per_month, rel=0.01)
