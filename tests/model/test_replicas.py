"""Copies of Redis that answer reads: what they have not heard of, what they cost, what is told."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay, replay_pieces
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.subject import concerns
from cachelib.model.money.costs import usage
from cachelib.model.money.prices import hours_rented, monthly_bill, used_of
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design, DesignError
from cachelib.model.traffic.trace import Trace
from cachelib.report.experiments.parameters import settle
from tests.conftest import crossed
from tests.model.model import run

COPIED = BUILT_IN["memory-redis-replicas"]
LATE = (0.0, 10.0, 60.0)
TTLS = {"l1_ttl_s": 60.0, "l2_ttl_s": 1_800.0}


@cache
def month() -> Study:
    writes = {"reads_per_write": 30, "growth.writes": "in proportion"}
    of = {"case": "shop-redis", "requests_per_month": 3_000_000, "seed": 3, **writes}
    return settle({**of, "workload.keys": 300, "value_life_s": 1e9}).study


def at(lag_ms: float) -> Study:
    numbers = {"redis_message_ms": 2_000, "redis_lag_ms": lag_ms}
    return month().of_changed(platform=month().case.platform | numbers)


WAYS: tuple[dict[str, Any], ...] = (
    {"tiers": ("redis",)},
    {"tiers": ("memory", "redis")},
    {"tiers": ("memory", "redis"), "listen": True},
    {"tiers": ("redis",), "policy": "soft-hard", "soft_ttl_s": 900.0},
    {"tiers": ("memory", "redis-per-region")},
    {"tiers": ("redis-per-region", "redis")},
)


@pytest.mark.parametrize(("way", "lag_ms"), crossed(WAYS, [1_000.0, 10_000.0]))
def test_the_formulas_say_what_the_simulation_says(way: dict[str, Any], lag_ms: float) -> None:
    """What the lag adds, to loads and to what is out of date; without it, see `test_estimate`."""
    design = Design(name="x", replicas=2, **TTLS, **way)
    found = []
    for here in (at(0.0), at(lag_ms)):
        result, month = here.replay(design), here.estimate(design)
        told = [month.l1[0], month.hit_ratio[0], month.counts["origin_loads"][0]]
        counted = [result.l1_hits / result.reads, result.hit_ratio]
        counted.append(result.per_month()["origin_loads"])
        told += [month.late_share(bound_s)[0] for bound_s in LATE]
        counted += [result.late.share_above(bound_s) for bound_s in LATE]
        found.append((np.array(told), np.array(counted)))
    (told, counted), (told_later, counted_later) = found
    near = [
        0.003,
        0.01,
        0.3 * (counted_later - counted)[2] + 0.003 * counted[2],
        *[0.01] * len(LATE),
    ]
    apart = np.abs((told_later - told) - (counted_later - counted))
    assert (apart <= near).all(), (told_later - told, counted_later - counted)


def test_a_long_lag_loads_more_and_serves_more_that_is_out_of_date() -> None:
    design = COPIED.model_copy(update=TTLS)
    soon, later = (at(lag_ms).replay(design) for lag_ms in (1.0, 60_000.0))
    assert later.origin_loads > 1.1 * soon.origin_loads
    assert later.late.share_above(0) > soon.late.share_above(0) + 0.01


def test_a_node_is_paid_for_each_and_for_the_primary() -> None:
    numbers = Platform(profile="servers-redis")

    def hours(replicas: int, word: str = "redis", colos: int = 3) -> dict[str, float]:
        design = Design(name="x", tiers=(word,), replicas=replicas)
        return hours_rented(design, colos, lambda name: float(getattr(numbers, name)))

    assert hours(0) == hours(1) == {"redis.node_hours": 2 * 720}  # a primary and its copy
    assert hours(2) == {"redis.node_hours": 3 * 720}
    assert hours(4, "redis-per-region") == {"redis.node_hours": 5 * 720 * 3}
    here = at(10.0)
    bill = monthly_bill(here.replay(COPIED.model_copy(update=TTLS)), here.book)
    (nodes,) = (line for line in bill.lines if line.meter == "redis.node_hours")
    assert float(nodes.metered) == pytest.approx(3 * 720 * 0.1264)


def test_without_a_lag_copies_say_what_the_primary_does() -> None:
    asked = ("0 w k", "0 r k", "1 d k", "1 r k", "2 r k")
    for engine in ("reference", "compiled"):
        found = [
            run(name, *(f"{each}@LHR" for each in asked), design=TTLS, engine=engine)
            for name in ("memory-redis", "memory-redis-replicas")
        ]
        assert found[0].counts == found[1].counts
        assert found[0].code.tolist() == found[1].code.tolist()


def test_bounds() -> None:
    with pytest.raises(ValidationError, match="replicas: only 'redis', 'redis-per-region' have"):
        Design(name="x", tiers=("memory", "kv"), replicas=1)
    with pytest.raises(DesignError, match=r"replicas: are not modelled where .* \(redis_gb\)"):
        Platform(profile="servers-redis", redis_gb=1).check(COPIED)


def test_their_lag_concerns_those_alone_who_read_from_them() -> None:
    here = at(10.0)
    assert not concerns(here, "redis_lag_ms")
    with_it = here.of_changed(designs=(*here.case.designs, COPIED.name))
    assert concerns(with_it, "redis_lag_ms")
    assert COPIED.words.endswith("read from 2 replicas")


@pytest.mark.parametrize(
    ("places", "node_hours"), [(["IAD"], 1), (["IAD", "DUB", "NRT"], 3), (["IAD", "IAD"], 1)]
)
def test_each_place_of_a_redis_that_all_share_has_nodes_and_hears_of_writes(
    places: list[str], node_hours: int
) -> None:
    """By the simulation's bill and the formula's: node-hours, and bytes carried to the others."""
    given = {"platform.redis_at": places, "platform.redis_nodes": 1}
    study = settle({"case": "shop-redis", **given}).study
    design = study.design("redis-only")
    exact = used_of(study.replay(design), study.book)
    found = usage(design, study.estimate(design), study.setting)
    assert exact["redis.node_hours"] == node_hours * 720
    assert float(found["redis.node_hours"][0]) == node_hours * 720
    carried = float(exact.get("regions.gb", 0))
    assert (carried > 0) == (node_hours > 1)
    assert float(found["regions.gb"][0]) == pytest.approx(carried, rel=0.05)


def test_copies_of_two_tiers_hear_all_that_a_request_changes_however_a_log_is_cut() -> None:
    """A near copy is filled and then both are written anew: three changes of one request."""
    two = Design(
        name="two", tiers=("redis-per-region", "redis"), policy="soft-hard", soft_ttl_s=10.0,
        replicas=2, unreachable="error",
    )  # fmt: skip
    slow = Platform(redis_lag_ms=300.0, value_life_s=20.0, isolates_per_colo=1)
    n = 400
    log = Trace(
        time_s=np.cumsum(np.tile([18.9, 36.8, 55.0, 6.7], n // 4)), key=np.zeros(n, np.int32),
        colo=np.tile(np.array([3, 0, 0, 3], np.int16), n // 4), op=np.zeros(n, np.uint8),
        size=np.ones(n, np.int32), keys=["k0"], colos=["SJC", "LHR", "FRA", "SYD"],
    )  # fmt: skip
    pieces = [log.only(slice(nth, nth + 1)) for nth in range(n)]
    (cut,) = replay_pieces(iter(pieces), [two], slow, seed=0)
    whole, twin = (
        replay(log, two, slow, seed=0, engine=name) for name in ("compiled", "reference")
    )
    assert cut.counts["redis_sets"] > 2 * n, "more than a near copy and a far one"
    for found in (whole, cut):
        assert dict(found.counts) == dict(twin.counts)
        assert found.tally.age.total.tolist() == twin.tally.age.total.tolist()
