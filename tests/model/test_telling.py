"""Memory that is told of changes: who hears of what, and when; by hand, and by formula."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.formulas import Estimate
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import built_in
from cachelib.model.tiers.design import Design
from cachelib.report.experiments.parameters import settle
from tests.model.model import STEADY, trace

LIVES: dict[str, Any] = {"l1_ttl_s": 100.0, "l2_ttl_s": 1_000.0}
LISTENING = built_in("memory-redis-listen", **LIVES)
PER_REGION = Design(name="x", tiers=("memory", "redis-per-region"), listen=True, **LIVES)
both_engines = pytest.mark.parametrize("engine", ["compiled", "reference"])

# Requests of a place go to its two pods by turns. A message takes 2 s until it is heard in London,
# where Redis is. M: found in memory, R: in Redis, D: from the database, w: written or deleted; then
# how many answers were out of date, and how many messages were sent.
BY_HAND = {
    "what the other pod wrote is heard of after the delay": (
        "0 r k, 5 r k, 10 w k, 11 r k, 13 r k, 14 r k", "DRwMMR", 1, 2),
    "and not a moment later": (
        "0 r k, 5 r k, 10 w k, 12 r k", "DRwR", 0, 2),
    "a pod keeps what it wrote itself": (
        "0 w k, 5 r k, 6 r k, 7 r k, 8 r k", "wRMMM", 0, 1),
    "a copy taken before its own message came goes with it": (
        "0 r k, 1 r k, 5 r k, 6 r k, 7 r k, 8 r k", "DRMRMM", 0, 1),
    "a deletion is told, and so is the load that follows": (
        "0 r k, 5 r k, 10 d k, 13 r k, 14 r k, 20 r k, 21 r k", "DRwDRMR", 0, 3),
    "another key's message drops nothing": (
        "0 r k, 5 r k, 10 w j, 15 r k, 16 r k", "DRwMM", 0, 2),
    "of two that write at once, each drops what the other overwrote, and his own": (
        "0 r k, 5 r k, 10 w k, 11 w k, 12.5 r k, 14 r k, 15 r k", "DRwwMRR", 1, 3),
    "the TTL of memory ends what no message tells": (
        "0 r k, 5 r k, 101 r k, 102 r k", "DRRM", 0, 1),
    "what ends in Redis has ended in memory": (
        "0 r k, 5 r k, 950 r k, 951 r k, 1000 r k, 1001 r k", "DRRRDR", 0, 2),
    "a pod that restarts has nothing, and hears as before": (
        "0 r k, 5 r k, 2001 r k, 2002 r k, 2010 w k, 2015 r k", "DRDRwR", 0, 3),
}  # fmt: skip
ENDED = "MRDw"


def told(requests: str, design: Design = LISTENING, engine: Any = "compiled", **own: Any) -> Result:
    numbers = {
        "isolates_per_colo": 2, "redis_message_ms": 2_000, "rtt_base_ms": 0, "redis_at": "LHR",
        "deploy_every_s": 2_000,
    }  # fmt: skip
    placed = [each if "@" in each else f"{each}@LHR" for each in requests.split(", ")]
    return replay(trace(*placed), design, Platform(**STEADY | numbers | own), engine=engine)


def said(result: Result) -> tuple[str, int, int]:
    ended = "".join(ENDED[tier] for tier in result.tier)
    late = result.late.counts[0, 1:].sum()
    return ended, int(late), result.counts["redis_messages"]


@both_engines
@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case: str, engine: str) -> None:
    requests, *wanted = BY_HAND[case]
    assert said(told(requests, engine=engine)) == tuple(wanted)


@both_engines
def test_who_is_farther_from_redis_hears_later(engine: str) -> None:
    requests = "0 r k@LHR, 5 r k@SJC, 10 w k@LHR, 12.05 r k@SJC, 12.3 r k@SJC"
    assert said(told(requests, engine=engine, isolates_per_colo=1)) == ("DRwMR", 1, 2)
    near = told(requests, engine=engine, isolates_per_colo=1, redis_at=("LHR", "SJC"))
    assert said(near) == ("DRwRM", 0, 2)


@both_engines
def test_redis_in_a_region_tells_that_region_alone(engine: str) -> None:
    requests = (
        "0 r k@LHR, 5 r k@LHR, 6 r k@SJC, 9 r k@SJC, 10 w k@LHR, 13 r k@LHR, 14 r k@SJC, 15 r k@SJC"
    )
    assert said(told(requests, PER_REGION, engine)) == ("DRDRwRMM", 2, 3)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"tiers": ("redis",)}, "it is memory that drops"),
        ({"tiers": ("memory",)}, "only 'redis', 'redis-per-region' can tell of changes"),
        ({"tiers": ("memory", "kv")}, "only 'redis', 'redis-per-region' can tell of changes"),
        (
            {"tiers": ("memory", "redis-per-region", "redis")},
            "not modelled with 'redis-per-region'",
        ),
        ({"tiers": ("workers-cache", "memory", "redis")}, "not modelled with 'workers-cache'"),
        ({"tiers": ("memory", "redis"), "expiry": "sliding"}, "'sliding' is not modelled with"),
        ({"tiers": ("memory", "redis"), "policy": "refresh"}, "'refresh' is not modelled with"),
    ],
)
def test_what_cannot_listen_is_said(words: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Design(name="x", listen=True, **words)


# By formula, at a delay of the usual milliseconds, and at one so long that it shows.

STUDIES = [
    {"requests_per_month": 3_000_000, "reads_per_write": 5},
    {"requests_per_month": 3_000_000, "reads_per_write": 50},
    {"requests_per_month": 300_000, "reads_per_write": 5},
    {"requests_per_month": 3_000_000, "reads_per_write": 2, "isolates_per_colo": 12},
]
DELAYS = (1.0, 100.0, 300_000.0)


@cache
def both(nth: int, delay_ms: float, word: str) -> tuple[Result, Estimate]:
    calm = {"value_life_s": 1e7, "workload.keys": 400}
    study = settle({"case": "shop-redis", "seed": 3, **calm, **STUDIES[nth]}).study
    design = PER_REGION.model_copy(
        update={"tiers": ("memory", word), "l1_ttl_s": 600.0, "l2_ttl_s": 7_200.0}
    )
    result = study.replay(design, redis_message_ms=delay_ms)
    return result, study.estimate(design, redis_message_ms=delay_ms)


PAIRS = [
    (nth, delay_ms, ("redis", "redis-per-region")[(nth + later) % 2])
    for nth in range(len(STUDIES))
    for later, delay_ms in enumerate(DELAYS)
]
"""Each traffic with each delay, and each of both with each kind of Redis, but not all three."""


@pytest.mark.parametrize(("nth", "delay_ms", "word"), PAIRS)
def test_formulas_agree_with_the_engine(nth: int, delay_ms: float, word: str) -> None:
    result, month = both(nth, delay_ms, word)
    assert month.l1[0] == pytest.approx(result.l1_hits / result.reads, abs=0.01)
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    counted = result.per_month()
    for operation, number in month.counts.items():
        allowed: dict[str, Any] = {"abs": 200.0} if counted[operation] < 1_000 else {"rel": 0.08}
        assert number[0] == pytest.approx(counted[operation], **allowed), operation
    for bound in (0, 60):
        assert month.late_share(bound)[0] == pytest.approx(
            result.late.share_above(bound), abs=0.02
        ), bound
