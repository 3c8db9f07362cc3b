"""Limits by hand: their names, how far values lie beyond them, what soft ones cost, misses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.judgement import limits
from cachelib.model.judgement.limits import excess


def limit(metric: str = "p95_ms", **given: Any) -> Limit:
    return Limit.model_validate({"metric": metric, "why": "w"} | given)


THREE = Criteria(limits=(
    limit(at_most=100.0), limit("hit_ratio", at_least=0.5), limit(at_most=200.0, costs=2.0),
    limit(at_least=10.0, costs=3.0),
))  # fmt: skip


def test_limits_of_one_metric_are_numbered() -> None:
    assert list(limits.limit_names(THREE)) == [
        "limit:p95_ms", "limit:hit_ratio", "limit:p95_ms:2", "limit:p95_ms:3",
    ]  # fmt: skip


def test_excess_is_a_share_of_the_bound_and_of_nothing_a_multiple_of_what_matters() -> None:
    assert excess(limit(at_most=100.0), 130, 100.0) == pytest.approx(0.3)
    assert excess(limit(at_most=100.0), 70, 100.0) == pytest.approx(-0.3)
    assert excess(limit("hit_ratio", at_least=0.5), 0.4, 0.5) == pytest.approx(0.2)
    assert excess(limit("late_share", at_most=0.0), 0.01, 0.0) == pytest.approx(2)  # of 0.005
    assert excess(limit("origin_loads_per_month", at_most=0.0), 7, 0.0) == 7
    assert excess(limit(at_most=100.0), np.array([90.0, 120]), np.array([80.0, 240])) == (
        pytest.approx([0.125, -0.5])
    )


def test_bounds_are_those_drawn_or_those_stated() -> None:
    found = limits.bounds(THREE, {"limit:p95_ms:2": np.array([150.0, 160])})
    assert {name: at.tolist() for name, at in found.items()} == {
        "limit:p95_ms": 100, "limit:hit_ratio": 0.5, "limit:p95_ms:2": [150, 160],
        "limit:p95_ms:3": 10,
    }  # fmt: skip


def test_hard_limits_are_broken_beyond_their_drawn_bound_and_by_nothing_unknown() -> None:
    values = {"p95_ms": np.array([[90.0, 110, np.nan]]), "hit_ratio": np.array([[0.5, 0.4, 0.6]])}
    found = limits.broken(THREE, values, {})
    assert {name: flags.tolist() for name, flags in found.items()} == {
        "limit:p95_ms": [[False, True, False]], "limit:hit_ratio": [[False, True, False]],
    }  # fmt: skip
    drawn = limits.broken(THREE, values, {"limit:p95_ms": np.array([80.0, 120, 1])})
    assert drawn["limit:p95_ms"].tolist() == [[True, False, False]]


def test_a_soft_limit_costs_each_unit_beyond_it() -> None:
    values = {"p95_ms": np.array([250.0, 200.0, 6.0]), "hit_ratio": np.zeros(3)}
    assert np.asarray(limits.penalties(THREE, values, {})).tolist() == [100, 0, 12]
    hard = Criteria(limits=(limit(at_most=1.0),))
    assert limits.penalties(hard, values, {}) == 0
    drawn = limits.penalties(THREE, values, {"limit:p95_ms:2": np.array([240.0] * 3)})
    assert np.asarray(drawn).tolist() == [20, 0, 12]


def test_misses_are_of_hard_limits_the_widest_first() -> None:
    found = limits.misses(THREE, "a", {"p95_ms": 300.0, "hit_ratio": 0.4})
    assert [(m.option, m.limit.metric, m.value) for m in found] == [
        ("a", "p95_ms", 300.0), ("a", "hit_ratio", 0.4),
    ]  # fmt: skip
    assert [m.excess for m in found] == pytest.approx([2, 0.2])
    narrow = limits.misses(THREE, "b", {"p95_ms": 101.0, "hit_ratio": 0.1})
    assert [m.limit.metric for m in narrow] == ["hit_ratio", "p95_ms"]
    assert limits.misses(THREE, "c", {"p95_ms": 100.0, "hit_ratio": 0.5}) == []


def test_the_nearest_are_those_whose_widest_miss_is_the_narrowest_by_name() -> None:
    missed = {
        name: limits.misses(THREE, name, {"p95_ms": ms, "hit_ratio": share})
        for name, ms, share in (("c", 150.0, 0.1), ("b", 150.5, 0.4), ("a", 150.0, 0.45))
    }
    assert limits.nearest(missed) == ["a", "b"]
    assert limits.nearest({"c": missed["c"]}) == ["c"]
    assert limits.nearest({}) == []
