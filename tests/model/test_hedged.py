"""Reads that ask the origin, too, when a store is slow: times, calls, ages, and what is told."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.live.replay import _refuse_missing, can_run
from cachelib.live.runtime import LiveError
from cachelib.model.engines.random import LATENCY, key_of, mix
from cachelib.model.engines.replay import replay
from cachelib.model.engines.tally import _normal
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import found_nothing, monthly_bill
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design, DesignError
from cachelib.model.tiers.outcomes import TIERS
from cachelib.report.experiments.parameters import settle
from tests.conftest import crossed
from tests.model.model import STEADY, trace

SLOW = {"redis_ms": 40.0, "origin_ms": 50.0, "rtt_base_ms": 0.0, "redis_at": ("LHR",)}
REDIS = Design(name="x", tiers=("redis",), l2_ttl_s=100.0)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(
    ("after_ms", "ended", "ms", "loads"),
    [
        (None, ["origin", "L2", "write", "L2"], [90, 40, 0, 40], 1),
        (50.0, ["origin", "L2", "write", "L2"], [90, 40, 0, 40], 1),
        (30.0, ["origin", "raced", "write", "raced"], [80, 40, 0, 40], 3),  # who misses is sooner
        (5.0, ["origin", "raced", "write", "raced"], [55, 40, 0, 40], 3),
    ],
)
def test_counted_by_hand(engine: Any, after_ms: Any, ended: Any, ms: Any, loads: int) -> None:
    design = REDIS.model_copy(update={"hedge_after_ms": after_ms})
    asked = trace("0 r k@LHR", "1 r k@LHR", "2 w k@LHR", "3 r k@LHR")
    result = replay(asked, design, Platform(**STEADY | SLOW), engine=engine)
    assert [TIERS[each] for each in result.tier] == ended
    assert result.latency_ms.tolist() == pytest.approx(ms)
    assert (result.origin_loads, result.l2_hits, result.hedged) == (loads, 2, loads - 1)


def test_the_origin_s_answer_is_new_where_it_comes_first() -> None:
    design = REDIS.model_copy(update={"hedge_after_ms": 5.0})
    asked = trace("0 r k@LHR", "60 r k@LHR")
    fast = SLOW | {"origin_ms": 10.0, "value_life_s": 1e-3}
    slow, soon = (replay(asked, design, Platform(**STEADY | each)) for each in (SLOW, fast))
    assert (slow.age.share_above(1), soon.age.share_above(1)) == (0.5, 0)
    assert soon.latency_ms.tolist() == pytest.approx([15, 15])
    assert soon.stale_share[0] == 0


def test_each_time_is_the_less_of_two_that_are_drawn() -> None:
    """Worked out anew from the numbers that are drawn, one request at a time."""
    platform = Platform(**STEADY | SLOW | {"jitter": 0.8, "l1_ms": 2.0})
    design = Design(name="x", tiers=("memory", "redis"), hedge_after_ms=45.0, l2_ttl_s=1e6)
    design = design.model_copy(update={"l1_ttl_s": 1.0})
    asked = trace(*(f"{at} r k{at % 50}@LHR" for at in range(3_000)))
    result, seed = replay(asked, design, platform, seed=4), 4
    spreads = np.exp(0.8 * _normal()).astype(np.float32)
    for row in range(3_000):
        drawn = mix(key_of(seed, LATENCY) ^ row)
        one, other = (float(spreads[drawn >> at & 4095]) for at in (52, 40))
        found, races = row >= 50, 40 * one > 45
        ms = (2 + 40 + (0 if found else 50)) * one
        if races:
            told = 2 * one + 45 + 50 * other
            ms = min(ms, told) if found else told
        assert result.latency_ms[row] == pytest.approx(ms, rel=1e-5)
        ends = "raced" if races else "L2"
        assert TIERS[result.tier[row]] == (ends if found else "origin")


@cache
def month() -> Study:
    return settle({"case": "shop-redis", "requests_per_month": 600_000, "seed": 3}).study


def at(**numbers: Any) -> Study:
    return month().of_changed(platform=month().case.platform | numbers)


@pytest.mark.parametrize(
    ("tiers", "after_ms"),
    crossed([("redis",), ("memory", "redis"), ("redis-per-region", "redis")], [1.0, 12.0, 100.0]),
)
def test_the_formulas_say_what_the_simulation_says(tiers: tuple[str, ...], after_ms: float) -> None:
    here = at(redis_ms=8.0, origin_ms=15.0, jitter=0.8)
    ttls = {"l1_ttl_s": 120.0, "l2_ttl_s": 36_000.0}
    plain = Design(name="x", tiers=tiers, **ttls)
    design = plain.model_copy(update={"hedge_after_ms": after_ms})
    result, month = here.replay(design), here.estimate(design)
    counted = result.per_month()
    assert month.counts["origin_loads"][0] == pytest.approx(counted["origin_loads"], rel=0.08)
    assert month.counts["hedged_reads"][0] == pytest.approx(
        counted["hedged_reads"], rel=0.08, abs=600
    )
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    assert month.waits.mean_ms[0] == pytest.approx(float(result.read_latency_ms.mean()), rel=0.03)
    for q in (0.5, 0.95, 0.99):
        assert month.waits.quantile_ms(q)[0] == pytest.approx(result.quantile_ms(q), rel=0.05), q
    if after_ms == 12:
        slowest = here.estimate(plain).waits.quantile_ms(0.99)[0]
        assert month.waits.quantile_ms(0.99)[0] < 0.9 * slowest
        assert counted["origin_loads"] > here.replay(plain).per_month()["origin_loads"]


def test_draws_are_the_same_as_one_at_a_time() -> None:
    here = at(jitter=0.5)
    for tiers in (("redis",), ("memory", "redis")):
        design = Design(name="x", tiers=tiers, hedge_after_ms=3.0, l1_ttl_s=60, l2_ttl_s=600)
        for name, values in (("requests_per_month", [1e4, 1e8]), ("jitter", [0.1, 0.7])):
            many = here.estimate(design, **{name: np.array(values)})
            for nth, value in enumerate(values):
                one = here.estimate(design, **{name: value})
                for told in ("mean_ms", "asked_in_vain"):
                    both = (np.ravel(getattr(each.waits, told)) for each in (many, one))
                    all_, alone = both
                    assert all_[min(nth, len(all_) - 1)] == pytest.approx(alone[0])
                found, alone_ms = (each.waits.quantile_ms(0.95) for each in (many, one))
                assert found[nth] == pytest.approx(alone_ms[0], rel=1e-6)


def test_calls_in_vain_are_paid_and_are_no_misses() -> None:
    here = at(redis_ms=8.0, jitter=0.8)
    here = here.of_changed(prices={"database.calls": Decimal("2.5")})
    plain = REDIS.model_copy(update={"l2_ttl_s": 3_600.0})
    design = plain.model_copy(update={"hedge_after_ms": 10.0})
    results = [here.replay(each) for each in (plain, design)]
    months = [each.per_month() for each in results]
    assert found_nothing(months[0]) == pytest.approx(found_nothing(months[1]))
    calls = [
        next(float(line.usage) for line in monthly_bill(each, here.book).lines
             if line.meter == "database.calls")
        for each in results
    ]  # fmt: skip
    assert calls[1] - calls[0] == pytest.approx(months[1]["hedged_reads"])
    assert months[1]["hedged_reads"] > 1_000


def test_bounds() -> None:
    for tiers in (("memory",), ("workers-cache", "kv")):
        with pytest.raises(ValidationError, match="hedge_after_ms: it is a tier behind memory"):
            Design(name="x", tiers=tiers, hedge_after_ms=5)
    design = REDIS.model_copy(update={"hedge_after_ms": 5.0})
    with pytest.raises(DesignError, match="hedge_after_ms: is not modelled where loads take time"):
        Platform(**STEADY, loads_take_time=True).check(design)
    assert design.words == "Redis alone, the origin asked, too, after 5 ms"


def test_the_local_runtime_shows_no_race() -> None:
    design = Design(name="x", tiers=("memory", "kv"), hedge_after_ms=5)
    assert can_run(design.model_copy(update={"hedge_after_ms": None}))
    assert not can_run(design)
    with pytest.raises(LiveError, match="hedge_after_ms: which reads are slow"):
        _refuse_missing(design)
