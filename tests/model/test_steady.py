"""A log that finds its caches filled, and its error by blocks of time: counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.judgement.steady import (
    FOREVER_S,
    Interval,
    hit_ratio,
    share_by_blocks,
    warm_up_s,
    warmed,
)
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import READ, WRITE, Trace
from tests.model.cases import requests

ONE = Platform(profile="miniflare", isolates_per_colo=1, kv_min_ttl_s=0)


def memory(life_s: float | None) -> Design:
    return Design(name="m", l1_ttl_s=life_s)


def run(trace: Trace, design: Design, **more: Any) -> tuple[int, int]:
    result = warmed(trace, design, ONE, **more)
    return result.l1_hits + result.l2_hits, result.origin_loads


# -- filled caches -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("design", "span_s", "warm_s"),
    [
        (memory(60), 1_000, 60),
        (memory(600), 1_000, 500),  # no more than half of the log
        (Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60, l2_ttl_s=200), 1_000, 200),
        (memory(None), 1e9, FOREVER_S),
    ],
)
def test_caches_fill_for_as_long_as_a_value_lives(
    design: Design, span_s: float, warm_s: float
) -> None:
    assert warm_up_s(design, requests([0, span_s], [0, 0])) == warm_s


def test_forever_is_a_month() -> None:
    assert FOREVER_S == 30 * 24 * 3_600


def test_the_log_s_end_comes_before_its_beginning() -> None:
    """One key every 100 s: what comes before the first request comes 300 / 4 s before it."""
    trace = requests([0, 100, 200, 300], [0, 0, 0, 0])
    assert run(trace, memory(70)) == (0, 4)
    assert run(trace, memory(80)) == (1, 3)
    assert run(trace, memory(110)) == (2, 2)  # loaded before, and at 100 and 300... in turns
    cold = replay(trace, memory(80), ONE)
    assert (cold.l1_hits, cold.origin_loads) == (0, 4)


def test_what_was_asked_for_once_only_is_not_taken_for_known() -> None:
    """Of a log shorter than a value's life: the end has one key again, and one that is new."""
    trace = requests([0, 90, 100], [0, 1, 0])
    assert run(trace, memory(1_000)) == (2, 1)


def test_only_what_is_asked_in_the_last_part_is_known_before() -> None:
    """The second key is asked for twice in the first half, and nothing says it was before."""
    trace = requests([0, 10, 20, 90, 100], [1, 1, 0, 0, 0])
    assert run(trace, memory(1_000)) == (4, 1)


def test_a_request_on_the_edge_of_the_warm_up_is_left_out() -> None:
    """Of a hundred seconds the last fifty are known before: what is asked for at 50 is not."""
    just, within = (requests([0, 10, at, 100], [0, 1, 1, 0]) for at in (50, 50.1))
    assert run(just, memory(1e4)) == (3, 1)
    assert run(within, memory(1e4)) == (4, 0)


def test_nothing_comes_before_a_single_moment() -> None:
    assert run(requests([5], [0]), memory(60)) == (0, 1)
    assert run(requests([5, 5, 5], [0, 0, 1]), memory(60)) == (1, 2)


def test_the_result_is_of_the_log_s_requests_alone() -> None:
    trace = requests([0, 100, 200, 300], [0, 0, 0, 0], size=[1_000] * 4)
    result = warmed(trace, memory(110), ONE)
    assert result.requests == result.tally.codes.sum() == len(result.code) == 4
    assert len(result.latency_ms) == result.tally.latency.counts.sum() == 4
    assert sum(result.reasons.values()) == 4
    assert result.span_s == 300
    assert warmed(trace, memory(110), ONE, span_s=900).span_s == 900
    assert result.age.counts.sum() == 4
    assert result.tally.latency.mean == pytest.approx(float(result.latency_ms.mean()), rel=1e-4)


def test_what_is_stored_is_stored_for_the_log_s_time() -> None:
    """A thousand bytes, there before the first request and kept to the last."""
    kv = Design(name="x", tiers=("kv",), l2_ttl_s=1e6)
    trace = requests(np.arange(0, 1_001, 10).tolist(), [0] * 101, size=[1_000] * 101)
    result = warmed(trace, kv, ONE)
    assert (result.l2_hits, result.counts["kv_writes"]) == (101, 0)
    assert result.byte_seconds == pytest.approx(1_000 * 1_000, rel=0.02)


def test_lives_places_and_writes_go_with_their_requests() -> None:
    """A life that the last request asks for is its own: over before the first, or not."""
    base = requests([0, 100, 200, 300], [0, 0, 0, 0])
    for asked_s, hits in ((70, 0), (80, 1)):
        lives = np.array([60, 60, 60, asked_s], np.float32)
        assert run(replace(base, ttl_s=lives), memory(200)) == (hits, 4 - hits)
    elsewhere = replace(base, colo=np.array([0, 0, 0, 1], np.int16))
    assert run(elsewhere, memory(80)) == (0, 4)
    written = replace(base, op=np.array([READ, READ, READ, WRITE], np.uint8))
    assert warmed(written, memory(80), ONE).writes == 1


def test_of_no_requests_there_is_nothing_to_tell() -> None:
    assert warmed(requests([], []), memory(60), ONE).requests == 0


# -- errors --------------------------------------------------------------------------------


def test_an_interval_is_student_s_and_ends_at_none_and_all() -> None:
    some = Interval(0.5, 0.05, 3)
    assert (some.low, some.high) == pytest.approx((0.5 - 4.3027 * 0.05, 0.5 + 4.3027 * 0.05), 1e-4)
    many = Interval(0.5, 0.05, 20)
    assert many.high == pytest.approx(0.5 + 2.0930 * 0.05, 1e-4)
    single = Interval(0.5, 0.01, 1)
    assert single.high == pytest.approx(0.5 + 12.706 * 0.01, 1e-4)
    assert (Interval(0.02, 0.05, 3).low, Interval(0.98, 0.05, 3).high) == (0, 1)


def test_an_error_by_blocks_by_hand() -> None:
    """Two blocks, one of two events in the first and two in the second: 3/4, or 1 or 1/2."""
    event = np.array([True, False, True, True])
    assert share_by_blocks(np.array([0.0, 1, 2, 3]), event, 2) == Interval(0.75, 0.25, 2)
    short = np.array([0.0, 1, 2, 3]) / 1_000
    assert share_by_blocks(short, event, 2) == Interval(0.75, 0.25, 2)
    gaps = np.array([0.0, 0.1, 3.9, 4.0])  # two blocks between them have nothing
    assert share_by_blocks(gaps, event, 4) == Interval(0.75, 0.25, 2)


def test_blocks_of_unlike_size_count_by_their_requests() -> None:
    """Three blocks of 1, 1 and 2: without each 2/3, 1 and 1/2 of the others."""
    event = np.array([True, False, True, True])
    found = share_by_blocks(np.array([0.0, 1.2, 2.5, 3]), event, 3)
    away = [2 / 3 - 0.75, 1 - 0.75, 1 / 2 - 0.75]
    assert found.value == 0.75
    assert found.standard_error == pytest.approx((2 / 3 * sum(a * a for a in away)) ** 0.5)
    assert found.blocks == 3


def test_of_no_requests_and_of_one_block_hardly_anything_is_known() -> None:
    assert share_by_blocks(np.array([]), np.array([], bool)) == Interval(0, 0, 0)
    moment = share_by_blocks(np.array([7.0, 7.0]), np.array([True, False]))
    assert moment == Interval(0.5, 0.5, 1)


def test_there_are_twenty_blocks() -> None:
    found = share_by_blocks(np.arange(1_000.0), np.arange(1_000) % 3 == 0)
    assert found.blocks == 20


def test_a_hit_ratio_is_of_the_reads_from_memory_and_store() -> None:
    """Load, hit in memory, hit in KV, a write, a load: of four reads two."""
    trace = requests([0, 10, 100, 105, 1_000], [0] * 5, op=[READ, READ, READ, WRITE, READ])
    design = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60, l2_ttl_s=300)
    assert hit_ratio(trace, replay(trace, design, ONE)).value == 0.5
