"""What may change and how far, the grids over it, and which values move with which number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.sweeps import MOST_REQUESTS, Moving, Sweep, grid_of, sweeps
from cachelib.model.tiers.design import Design
from tests.model.cases import hours, known, of, requests, small


def model(study: Any = None, **changes: Any) -> Model:
    study = study or small(**changes)
    return Model(study, tuple(options(study)))


def assumed(value: float, low: float, high: float, unit: str) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "unit": unit, "why": "w"}


def by_name(made: Model) -> dict[str, Sweep]:
    found = sweeps(made)
    assert len({sweep.name for sweep in found}) == len(found)
    return {sweep.name: sweep for sweep in found}


def test_traffic_comes_first_a_hundred_times_up_and_down() -> None:
    made = model(growth={"writes": "in proportion"})  # else no further down than to its writes
    first = sweeps(made)[0]
    rate = made.study.requests_per_month
    assert (first.name, first.here, first.assumed) == ("requests_per_month", rate, None)
    assert (first.low, first.high) == pytest.approx((rate / 100, rate * 100))


def test_traffic_is_looked_at_up_to_a_billion_or_up_to_what_it_is() -> None:
    """Ten requests of a second are 26 million a month, and 500 more than a billion."""
    for n in (10, 500):
        made = model(of(requests(np.linspace(0, 1, n).tolist(), [0] * n)))
        traffic = by_name(made)["requests_per_month"]
        assert traffic.high == max(MOST_REQUESTS, traffic.here) < 100 * traffic.here


def test_a_range_of_traffic_is_its_assumption() -> None:
    traffic = by_name(model(growth={"low": 0.5, "high": 3}))["requests_per_month"]
    assert traffic.assumed is not None
    assert traffic.assumed.high == pytest.approx(3 * traffic.here)


def test_assumptions_are_swept_twice_as_far_as_their_range_and_no_farther_than_can_be() -> None:
    made = model(assumptions={
        "origin_failure": assumed(0.3, 0.1, 0.8, "share"),
        "path_factor": assumed(1.5, 1.2, 2, "ratio"),
        "isolates_per_colo": assumed(2, 1, 4, "isolates"),
        "jitter": assumed(0, 0, 1, "sigma"),
    })  # fmt: skip
    found = by_name(made)
    ends = {name: (sweep.low, sweep.high, sweep.here) for name, sweep in found.items()}
    assert ends["origin_ms"] == (50, 1_800, 300)
    assert ends["origin_failure"] == (0.05, 1.0, 0.3)
    assert ends["path_factor"] == (1.0, 4, 1.5)
    assert ends["isolates_per_colo"] == (1, 8, 2)
    assert ends["jitter"] == (0, 2, 0)
    assert found["origin_ms"].assumed == made.study.case.assumed["origin_ms"]


def test_limits_are_swept_by_their_range_or_from_half_to_twice() -> None:
    limits = [
        {"metric": "p95_ms", "at_most": 200, "why": "w"},
        {"metric": "late_share", "at_most": 0.2, "low": 0.1, "high": 0.3, "why": "w"},
        {"metric": "error_share", "at_most": 0, "why": "w"},
    ]
    study = small(criteria={"limits": limits}, assumptions={
        name: assumed(0, 0, 0, "share") for name in ("kv_failure", "origin_failure")
    })  # fmt: skip
    found = by_name(model(study))
    fixed, ranged = found["limit:p95_ms"], found["limit:late_share"]
    assert fixed == ("limit:p95_ms", 100, 400, 200, None)
    assert ranged[1:4] == pytest.approx((0.05, 0.6, 0.2))
    assert ranged.assumed is not None
    assert "limit:error_share" not in found  # twice nothing is nothing


def test_hours_are_swept_and_chance_is_not() -> None:
    made = model(of(requests([0.0, 9e5], [0, 0]), criteria={"hours": hours(l1_kv=3)}))
    found = by_name(made)
    assert "chance" not in found
    assert found["hours:l1-kv"][1:4] == (0.75, 12, 3)


def test_a_grid_is_even_in_the_logarithm_where_it_can_be_and_has_here_in_it() -> None:
    positive = grid_of(Sweep("x", 1, 16, 3, None), 5)
    assert positive == pytest.approx([1, 2, 3, 4, 8, 16])
    from_nothing = grid_of(Sweep("x", 0, 4, 2.5, None), 5)
    assert from_nothing == pytest.approx([0, 1, 2, 2.5, 3, 4])
    assert grid_of(Sweep("x", 1, 16, 1, None), 5) == pytest.approx([1, 2, 4, 8, 16])
    assert grid_of(Sweep("x", 1, 16, 20, None), 5) == pytest.approx([1, 2, 4, 8, 16])
    assert len(grid_of(Sweep("x", 0, 4, 9, None))) == 49


def test_values_along_a_sweep_are_the_model_s_and_what_does_not_move_is_not_computed() -> None:
    late = {"metric": "late_share", "at_most": 0.5, "why": "w"}
    made = model(criteria={"minimise": "bill_usd", "limits": [late], "then": []})
    looked_at = [s for s in sweeps(made) if s.name != "hourly_rate_usd"]
    moving = Moving(made, looked_at)
    asked: list[tuple[str, tuple[str, ...]]] = []

    class Watched(Model):
        def values(self, option: Any, numbers: Any, names: Any) -> dict[str, Any]:
            asked.append((*numbers, tuple(names)))  # type: ignore[arg-type]
            return super().values(option, numbers, names)

    moving.model = Watched(made.study, made.options)
    for sweep in looked_at:
        at = grid_of(sweep, 4)
        for option in made.options:
            found = moving.at(option, sweep, at)
            expected = made.values(option, {sweep.name: at}, made.names)
            for name in made.names:
                assert found[name] == pytest.approx(expected[name], rel=1e-9), (sweep.name, name)
    moved = {name: {m for n, ms in asked if n == name for m in ms} for name, _ in asked}
    assert moved["value_life_s"] == {"late_share"}
    assert moved["origin_neurons"] == {"bill_usd"}
    assert "origin_ms" not in moved
    assert {"late_share", "bill_usd"} <= moved["requests_per_month"]


def test_what_moves_only_beyond_the_middle_moves() -> None:
    """A bill that is the plan's minimum for little traffic, and more only at the most of it."""
    made = model(designs=["l1-only"], assumptions=known("neurons", origin_neurons=10))
    traffic = by_name(made)["requests_per_month"]
    (option,) = made.options
    at = grid_of(traffic)
    found = Moving(made, [traffic]).at(option, traffic, at)["bill_usd"]
    assert np.ptp(found[: len(at) // 2 + 1]) == 0
    assert found[-1] > found[0]


@pytest.mark.parametrize("at", [1.0, 10.0, 100.0])
def test_what_moves_only_at_the_least_in_the_middle_or_at_the_most_moves(at: float) -> None:
    option = Option(Design(name="x"), {})

    def values(_: Any, numbers: Any, __: Any) -> dict[str, Any]:
        x = np.asarray(numbers.get("x", np.array([5.0])))
        return {"bill_usd": np.isclose(x, at).astype(float)}

    steps: Any = SimpleNamespace(
        study=small(), options=(option,), names=["bill_usd"], values=values
    )
    sweep = Sweep("x", 1, 100, 10, None)
    found = Moving(steps, [sweep]).at(option, sweep, np.array([1.0, 10, 100]))
    assert found["bill_usd"].sum() == 1


def test_the_limit_of_a_share_is_swept_no_further_than_a_share_goes() -> None:
    limits = [
        {"metric": "hit_ratio", "at_least": 0.9, "why": "w"},
        {"metric": "late_share", "at_most": 0.7, "low": 0.6, "high": 0.8, "why": "w"},
        {"metric": "p95_ms", "at_most": 300, "why": "w"},
    ]
    made = model(criteria={"minimise": "bill_usd", "limits": limits})
    ends = {name: sweep.high for name, sweep in by_name(made).items()}
    assert ends["limit:hit_ratio"] == ends["limit:late_share"] == 1
    assert ends["limit:p95_ms"] == 600
