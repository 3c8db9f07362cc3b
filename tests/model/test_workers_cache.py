"""Workers Cache as documented, on traces of a few requests: who answers, and what is billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.money.prices import usage
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S
from tests.model.model import STEADY, run, trace

TTL = {"l2_ttl_s": 100.0}
IN_COLO, UPPER = "L2 after Workers Cache in the colo", "L2 after Workers Cache's upper tier"
both_engines = pytest.mark.parametrize("engine", ["compiled", "reference"])


def of(name: str, *requests: str, **settings: Any) -> Result:
    result: Result = run(name, *requests, design=TTL, **settings)
    return result


@both_engines
@pytest.mark.parametrize(
    ("requests", "reasons"),
    [
        (("0 r k@LHR", "1 r k@LHR"), {"origin": 1, IN_COLO: 1}),
        (("0 r k@LHR", "1 r k@SJC", "2 r k@SJC"), {"origin": 1, UPPER: 1, IN_COLO: 1}),
        (("0 r k@LHR", "99 r k@SJC", "101 r k@SJC"), {"origin": 2, UPPER: 1}),  # ends as its value
        (("0 w k@LHR", "1 r k@LHR"), {"write": 1, "origin": 1}),  # only answers to reads are kept
        (("0 r k@LHR", "1 w k@LHR", "2 r k@LHR"), {"origin": 1, "write": 1, IN_COLO: 1}),
        (("0 r k@LHR", "1 d k@LHR", "2 r k@LHR"), {"origin": 1, "write": 1, IN_COLO: 1}),
    ],
)
def test_the_colo_answers_then_the_upper_tier_then_the_worker_runs(
    requests: tuple[str, ...], reasons: dict[str, int], engine: str
) -> None:
    result = of("workers-cache", *requests, engine=engine)
    assert result.reasons == reasons
    assert result.counts["workers_cache_hits"] == result.l2_hits


@both_engines
def test_a_written_value_is_seen_when_older_answers_end(engine: str) -> None:
    requests = ("0 r k@LHR", "10 w k@LHR", "90 r k@LHR", "101 r k@LHR")
    result = of("workers-cache-kv", *requests, engine=engine)
    assert result.stale_share[60] == pytest.approx(1 / 3)
    assert result.counts["kv_reads"] == 2
    assert result.origin_loads == 1  # KV has what was written


@both_engines
@pytest.mark.parametrize(("name", "loads"), [("workers-cache", 2), ("workers-cache-kv", 1)])
def test_it_is_empty_after_a_deploy_and_what_stands_behind_is_not(
    name: str, loads: int, engine: str
) -> None:
    requests = ("0 r k@LHR", "49 r k@SJC", "51 r k@LHR")
    result = of(name, *requests, deploy_every_s=50.0, engine=engine)
    assert (result.origin_loads, result.counts["workers_cache_hits"]) == (loads, 1)


@both_engines
def test_what_memory_had_written_is_kept_until_the_value_ends_not_until_memory_s_copy_does(
    engine: str,
) -> None:
    design = Design(name="x", tiers=("workers-cache", "memory"), l1_ttl_s=5, **TTL)
    requests = trace("0 w k@LHR", "1 r k@LHR", "50 r k@LHR", "101 r k@LHR")
    result = replay(requests, design, Platform(**STEADY), engine=engine)
    assert result.reasons == {"write": 1, "L1": 1, IN_COLO: 1, "origin": 1}


def test_an_answer_costs_a_request_and_no_cpu() -> None:
    result = of("workers-cache", *(f"{second} r k@LHR" for second in range(10)), span_s=MONTH_S)
    used = usage(result.per_month(), result.design, result.platform)
    assert used["workers.requests"] == 10
    assert used["workers.cpu_ms"] == Decimal(str(result.platform.worker_cpu_ms))


def test_a_refresh_costs_cpu_and_no_request() -> None:
    requests = [f"{second} r k@LHR" for second in (0, 105, 106)]
    design = {"stale_while_revalidate_s": 20.0}
    result = run("workers-cache", *requests, design=TTL | design, span_s=MONTH_S)
    used = usage(result.per_month(), result.design, result.platform)
    assert used["workers.requests"] == 3
    assert used["workers.cpu_ms"] == 2 * Decimal(str(result.platform.worker_cpu_ms))


def test_a_miss_takes_the_way_past_both_tiers_and_then_that_of_kv() -> None:
    platform = Platform(**STEADY)
    first, second = of("workers-cache-kv", "0 r k@LHR", "1 r k@LHR").latency_ms
    (alone,) = of("kv-only", "0 r k@LHR").latency_ms
    assert second == pytest.approx(platform.workers_cache_ms)
    assert first > alone + platform.workers_cache_ms + platform.rtt_base_ms


@both_engines
def test_isolates_that_do_not_run_do_not_stay_alive(engine: str) -> None:
    design = Design(name="x", tiers=("workers-cache", "memory", "kv"), l1_ttl_s=50, **TTL)
    requests = [f"{second} r k@LHR" for second in range(0, 120, 10)]
    platform = Platform(**STEADY | {"isolate_idle_s": 30})
    result = replay(trace(*requests), design, platform, engine=engine)
    assert result.counts["isolates_lost_idle"] == 1
    assert result.counts["workers_cache_hits"] == 10


MEMORY_ALONE = {"object_storage": False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"tiers": ("memory", "workers-cache")}, "stands first and once"),
        ({"tiers": ("workers-cache", "workers-cache")}, "stands first and once"),
        ({"tiers": ("workers-cache", "cache-api")}, "'cache-api' is not modelled behind"),
        ({"tiers": ("workers-cache", "kv"), "policy": "refresh"}, "'refresh' is not modelled"),
        ({"tiers": ("kv",), **MEMORY_ALONE}, "there are none"),
        ({"tiers": ("cache-api", "durable-object"), **MEMORY_ALONE}, "with nothing but the memory"),
        ({"tiers": ("durable-object",), "policy": "refresh", **MEMORY_ALONE}, "the policy 'hard'"),
        ({"tiers": ("kv",), "purge_on_write": True}, "there is none"),
        ({"tiers": ("kv",), "stale_while_revalidate_s": 9}, "there is none"),
        ({"tiers": ("workers-cache", "memory"), "expiry": "sliding"}, "'sliding' is not modelled"),
    ],
)
def test_what_cannot_be_is_said(words: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Design(name="x", **words)
