"""Loads that take time, by formula, against the engine; and from which traffic on they matter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from cachelib.model.formulas.meeting import met
from cachelib.model.judgement.meeting import loads_added
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.report.experiments.parameters import settle
from tests.conftest import crossed
from tests.model.cases import small

NO_FLIGHT = {"single_flight": False}
DESIGNS = {name: BUILT_IN[name] for name in (
    "origin-only", "l1-only", "durable-object", "l1-durable-object", "workers-cache",
    "cloudfront", "cloudfront-dynamodb",
    "durable-object-memory",
    "l1-cache-api", "l1-r2",
)} | {
    "r2": Design(name="x", tiers=("r2",)),
    "cache-api": Design(name="x", tiers=("cache-api",)),
    "cache-api, r2": Design(name="x", tiers=("memory", "cache-api", "r2")),
    "l1-only, no flight": Design(name="x", **NO_FLIGHT),
    "l1-r2, no flight": Design(name="x", tiers=("memory", "r2"), **NO_FLIGHT),
}  # fmt: skip
TIMES = ((2_000_000, 500.0), (2_000_000, 20_000.0), (30_000_000, 500.0))


@cache
def at(traffic: int) -> Study:
    return settle({"case": "trading-sentiment", "requests_per_month": traffic, "seed": 3}).study


@pytest.mark.parametrize(("name", "time"), crossed(list(DESIGNS), TIMES))
def test_loads_and_waits_agree_with_the_engine(name: str, time: tuple[int, float]) -> None:
    """To a tenth of what is added, or a hundredth of the loads."""
    traffic, ms = time
    design = DESIGNS[name].model_copy(update={"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0})
    study = at(traffic)
    at_once = study.replay(design)
    slow = study.replay(design, origin_ms=ms, loads_take_time=True)
    told = met(study.estimate(design).flows, np.array([ms / 1e3]))
    assert told is not None
    added = slow.origin_loads / at_once.origin_loads - 1
    waiting = slow.delayed_hits / at_once.origin_loads
    assert told.added[0] == pytest.approx(added, rel=0.1, abs=0.01)
    assert told.waiting[0] == pytest.approx(waiting, rel=0.1, abs=0.01)


def test_at_fifty_million_requests_half_a_second_adds_nine_per_cent() -> None:
    design = BUILT_IN["l1-r2"].model_copy(update={"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0})
    told = [
        met(at(traffic).estimate(design).flows, np.array([0.5]))
        for traffic in (100_000, 50_000_000)
    ]
    assert [round(float(each.added[0]), 3) for each in told if each] == [0.0, 0.091]


def test_where_old_values_are_served_meanwhile_no_formula_says_it() -> None:
    design = Design(name="x", tiers=("memory", "kv"), policy="refresh")
    assert met(at(2_000_000).estimate(design).flows, np.array([0.5])) is None


PROPORTION = {"low": 0.5, "high": 2, "writes": "in proportion", "why": "w"}


def test_what_counts_begins_where_a_hundredth_is_added() -> None:
    both = {"designs": ["l1-only", "kv-only"], "growth": PROPORTION}
    study = small(**both)
    found = loads_added(Model(study, tuple(options(study))))
    assert found is not None
    assert found.name == "kv-only"
    assert found.counts_from is not None
    assert found.is_least
    more = small(**both, workload={"requests_per_month": found.counts_from})
    there = loads_added(Model(more, tuple(options(more))))
    assert there is not None
    assert there.share == pytest.approx(0.01, rel=0.1)


def test_loads_that_take_no_time_add_none() -> None:
    none = {"value": 0, "low": 0, "high": 0, "unit": "ms", "why": "w"}
    study = small(designs=["kv-only"], assumptions={"origin_ms": none})
    assert loads_added(Model(study, tuple(options(study)))) is None
