"""What is drawn, and from which shapes: by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import draws
from cachelib.model.judgement.draws import CHANCE, draw, is_wide, ranges, spread
from cachelib.model.judgement.options import options
from cachelib.model.platforms.platform import Assumption
from cachelib.model.traffic.generator import MONTH_S
from tests.model.cases import hours, known, of, requests, small

SHARES = np.array([0.0, 0.125, 0.5, 0.875, 1.0])


def number(low: float, value: float, high: float) -> Assumption:
    return Assumption(value=value, low=low, high=high, unit="s", why="w")


def test_evenly_drawn_is_evenly_spread() -> None:
    assert spread(number(10, 12, 30), SHARES, "uniform").tolist() == [10, 12.5, 20, 27.5, 30]


def test_a_triangle_has_its_top_at_the_value() -> None:
    """From 0 over 2 to 4: an eighth lies below 1, half below 2, seven eighths below 3."""
    assert spread(number(0, 2, 4), SHARES, "triangular") == pytest.approx([0, 1, 2, 3, 4])
    moved = spread(number(10, 12, 14), SHARES, "triangular")
    assert moved == pytest.approx([10, 11, 12, 13, 14])
    edge = spread(number(10, 10, 20), np.array([0.0, 0.75, 1.0]), "triangular")
    assert edge == pytest.approx([10, 15, 20])
    other = spread(number(10, 20, 20), np.array([0.0, 0.25, 1.0]), "triangular")
    assert other == pytest.approx([10, 15, 20])


def test_of_a_range_of_more_than_four_times_the_logarithm_is_drawn() -> None:
    assert is_wide(number(1, 2, 4.1))
    assert not is_wide(number(1, 2, 4))
    assert not is_wide(number(0, 2, 400))
    wide = spread(number(1, 10, 100), SHARES, "uniform")
    assert wide == pytest.approx([1, 100**0.125, 10, 100**0.875, 100])
    assert (wide.min(), wide.max()) == (1, 100)


def test_chance_is_in_standard_errors() -> None:
    """A triangle from minus to plus the root of 6 spreads by one."""
    at = spread(draws.A_LOG_S, (np.arange(100_000) + 0.5) / 100_000, "triangular")
    assert at.mean() == pytest.approx(0, abs=1e-6)
    assert at.std() == pytest.approx(1, abs=1e-3)


def test_all_that_has_a_range_is_drawn_and_nothing_else() -> None:
    limit = {"metric": "p95_ms", "at_most": 200, "low": 100, "high": 300, "why": "w"}
    fixed = {"metric": "late_share", "at_most": 0.2, "why": "w"}
    study = small(
        criteria={"hours": hours(l1_kv=3), "limits": [limit, fixed]},
        assumptions=known("ms", origin_ms=300), growth={"low": 0.5, "high": 2},
    )  # fmt: skip
    found = ranges(study, options(study))
    open_ = {name for name, number in study.case.assumed.items() if number.low < number.high}
    assert open_ >= {"isolates_per_colo", "value_life_s", "hourly_rate_usd", "origin_neurons"}
    beside = {"hours:l1-kv", "limit:p95_ms", "requests_per_month"}
    assert found.keys() == (open_ | beside) - {"workers_cache_ms"}
    assert "origin_ms" not in found
    assert "limit:late_share" not in found
    traffic, here = found["requests_per_month"], study.requests_per_month
    assert (traffic.low, traffic.value, traffic.high) == (here / 2, here, here * 2)
    without = small()
    assert "requests_per_month" not in ranges(without, options(without))
    assert CHANCE not in found
    log = of(requests([0, MONTH_S / 2], [0, 0]))
    assert ranges(log, options(log))[CHANCE] is draws.A_LOG_S


def ranged(low: float, value: float, high: float, unit: str) -> dict[str, Any]:
    return {"low": low, "value": value, "high": high, "unit": unit, "why": "w"}


def test_numbers_of_a_front_are_drawn_only_where_an_option_has_it() -> None:
    given = {"workers_cache_ms": ranged(1, 2, 3, "ms"), "r2_ms": ranged(1, 2, 3, "ms")}
    without = small(assumptions=given)
    found = ranges(without, options(without))
    assert "workers_cache_ms" not in found
    assert "r2_ms" in found  # of a tier that nobody has, all the same
    with_it = small(assumptions=given, designs=["workers-cache", "l1-kv"])
    assert "workers_cache_ms" in ranges(with_it, options(with_it))


def test_each_number_has_one_draw_in_every_part_of_its_range() -> None:
    cube = draws._latin_hypercube(10, 3, np.random.default_rng(1))
    assert cube.shape == (10, 3)
    for column in cube.T:
        assert sorted(math.ceil(share * 10) for share in column) == list(range(1, 11))
    assert not np.array_equal(cube[:, 0], cube[:, 1])


def test_the_case_s_shape_is_drawn_unless_another_is_asked_for() -> None:
    flat = small(criteria={"shape": "uniform"})
    some = options(flat)
    by_case = draw(flat, some, 200, 1)["origin_ms"]
    assert np.array_equal(by_case, draw(flat, some, 200, 1, "uniform")["origin_ms"])
    assert not np.array_equal(by_case, draw(flat, some, 200, 1, "triangular")["origin_ms"])
    assert len(by_case) == 200
