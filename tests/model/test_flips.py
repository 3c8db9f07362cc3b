"""Where the choice flips: edges, causes, noise, distance, and what a simulation confirms."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import flips
from cachelib.model.judgement.draws import ranges
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.sweeps import Sweep, sweeps
from tests.model.cases import FAST_KV, hours, of, requests, small

BOUND = {"metric": "bill_usd", "at_most": 10.0, "why": "w"}


def model(resolution: dict[str, Any] | None = None, **changes: Any) -> Model:
    study = small(**{"designs": ["l1-kv", "l1-only"]} | changes)
    return Model(study, tuple(options(study)), resolution=resolution or {})


def sweep_of(made: Model, name: str) -> Sweep:
    return next(sweep for sweep in sweeps(made) if sweep.name == name)


def bills(made: Model, **numbers: float) -> dict[str, float]:
    at = {name: np.array([value]) for name, value in numbers.items()}
    return {o.name: float(made.values(o, at, ["bill_usd"])["bill_usd"][0]) for o in made.options}


def limit_sweep(low: float, high: float, here: float = 10.0) -> Sweep:
    return Sweep("limit:bill_usd", low, high, here, None)


def test_a_limit_flips_where_each_option_begins_to_keep_it() -> None:
    """As the bound grows: nothing, then the cheaper option, and it stays."""
    made = model(criteria={"minimise": "bill_usd", "limits": [BOUND]})
    paid = bills(made)
    (flip,) = flips.flips(made, limit_sweep(1, 100))
    assert (flip.before, flip.after) == (None, "l1-kv")
    assert (flip.cause, flip.metric) == ("limit", "limit:bill_usd")
    assert (flip.option, flip.other) == ("l1-kv", None)
    assert flip.at == pytest.approx(paid["l1-kv"], rel=1e-5)
    assert (flip.number, flip.here, flip.inside) == ("limit:bill_usd", 10.0, False)


@pytest.mark.parametrize(("below", "above"), [(1e-3, 2), (0.5, 1e-3), (1e-3, 1e-3)])
def test_a_flip_in_the_first_or_the_last_cell_is_found(below: float, above: float) -> None:
    made = model(criteria={"minimise": "bill_usd", "limits": [BOUND]})
    at = bills(made)["l1-kv"]
    (flip,) = flips.flips(made, limit_sweep(at * (1 - below), at * (1 + above)))
    assert flip.at == pytest.approx(at, rel=1e-5)
    assert flips.flips(made, limit_sweep(at * 2, at)) == []
    assert flips.flips(made, limit_sweep(at * 1.2, at * 2)) == []


def test_scores_part_where_one_is_better_by_just_what_is_material() -> None:
    """Of l1-kv and l1-only the latter is there already and ties while it costs $2 more or less."""
    aim = {"minimise": "bill_usd", "material": {"bill_usd": 2}, "then": ["today"]}
    made = model(today="l1-only", criteria=aim).only(["l1-only", "l1-kv"])
    (flip,) = flips.flips(made, sweep_of(made, "origin_neurons"))
    assert (flip.before, flip.after, flip.cause) == ("l1-only", "l1-kv", "score")
    assert {flip.option, flip.other} == {"l1-only", "l1-kv"}
    paid = bills(made, origin_neurons=flip.at)
    assert paid["l1-only"] - paid["l1-kv"] == pytest.approx(2, abs=1e-3)


def test_where_chance_is_wider_than_what_is_material_scores_part_by_it() -> None:
    noise = {"bill_usd": np.array([3.0, 4.0])}
    aim = {"minimise": "bill_usd", "then": ["today"]}
    pair = model(today="l1-only", criteria=aim).only(["l1-only", "l1-kv"])
    made = replace(pair, resolution=noise)
    (flip,) = flips.flips(made, sweep_of(made, "origin_neurons"))
    paid = bills(made, origin_neurons=flip.at)
    assert paid["l1-only"] - paid["l1-kv"] == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize("half_ms", [0.0, 40.0])
def test_of_options_that_tie_a_secondary_metric_flips_the_choice(half_ms: float) -> None:
    """By their bills both are as good; who answers faster changes with the time that KV takes.

    By as much as matters, or as is chance, if that is more.
    """
    aim = {"minimise": "bill_usd", "material": {"bill_usd": 900}, "then": ["mean_ms", "today"]}
    noise = {"bill_usd": np.zeros(2), "mean_ms": np.full(2, half_ms)}
    pair = model(designs=["l1-only", "kv-only"], today="l1-only", criteria=aim, assumptions=FAST_KV)
    made = replace(pair.only(["l1-only", "kv-only"]), resolution=noise)
    found = flips.flips(made, Sweep("kv_read_ms", 0.01, 3_000, 10.0, None))
    assert found
    for flip in found:
        assert (flip.cause, flip.metric) == ("secondary", "mean_ms")
        at = {"kv_read_ms": np.array([flip.at])}
        mean = {o.name: float(made.values(o, at, ["mean_ms"])["mean_ms"][0]) for o in made.options}
        room = max(1, 0.05 * min(mean.values()), np.hypot(half_ms, half_ms))
        assert abs(mean["kv-only"] - mean["l1-only"]) == pytest.approx(room, rel=1e-3)


def test_a_flip_within_the_range_is_inside_its_ends_included() -> None:
    made = model(criteria={"minimise": "bill_usd", "limits": [BOUND]})
    (flip,) = flips.flips(made, limit_sweep(1, 100))
    for low, high, inside in ((flip.at, 20, True), (1, flip.at, True), (7.9, 8, False)):
        ranged = SimpleNamespace(low=low, high=high)
        sweep = Sweep("limit:bill_usd", 1, 100, 10.0, ranged)  # type: ignore[arg-type]
        (again,) = flips.flips(made, sweep)
        assert again.inside == inside


def flip(number: str = "x", at: float = 20, here: float = 10, **more: Any) -> Flip:
    base = {"before": "a", "after": "b", "cause": "score", "metric": "bill_usd", "option": "a",
            "other": "b", "inside": True}  # fmt: skip
    return Flip(number=number, at=at, here=here, **base | more)


def test_distance_is_a_factor_either_way_and_away_is_beyond_it() -> None:
    assert (flip(at=20).distance, flip(at=5).distance) == (2, 2)
    assert (flip(at=20).away, flip(at=5).away) == ("b", "a")
    for at, here in ((0, 10), (20, 0), (-1, 10), (1, -10)):
        assert flip(at=at, here=here).distance == float("inf")
    assert flip(at=0.5, here=0.5).distance == 1


def test_the_limit_of_a_share_near_to_all_is_as_far_as_what_it_leaves() -> None:
    assert flip("limit:availability", at=0.9995, here=0.995).distance == pytest.approx(10)
    assert flip("limit:availability", at=1.0, here=0.995).distance == float("inf")
    assert flip("limit:late_share", at=0.02, here=0.01).distance == pytest.approx(2)
    assert flip("limit:bill_usd", at=0.9995, here=0.995).distance < 1.01


def test_the_nearest_of_each_number_on_either_side_are_kept() -> None:
    some = [flip(at=12), flip(at=9), flip(at=20), flip("y", at=30), flip(at=1)]
    assert flips.nearest(some) == [some[0], some[1], some[3]]


def test_all_flips_come_nearest_first_then_by_name() -> None:
    made = model(criteria={"minimise": "bill_usd", "limits": [BOUND]})
    found = flips.searched(made).flips
    order = [(each.distance, each.number, each.at) for each in found]
    assert order == sorted(order)
    assert {each.number for each in found} >= {"limit:bill_usd", "origin_neurons"}


def test_a_decision_is_made_anew_five_per_cent_before_and_beyond_a_flip() -> None:
    assert flips.beside(flip(at=21)) == pytest.approx((20, 22.05))


def test_isolates_are_whole_ones_beside_a_flip() -> None:
    assert flips.beside(flip("isolates_per_colo", at=2.4)) == (2, 3)
    assert flips.beside(flip("isolates_per_colo", at=3.0)) is None


def test_beside_a_flip_a_number_is_no_more_than_it_can_be() -> None:
    assert flips.beside(flip(at=1_000), most=1_010) == pytest.approx((1_000 / 1.05, 1_010))
    assert flips.beside(flip(at=1_010), most=1_010) is None


def test_a_tornado_has_the_widest_swing_first_and_none_that_does_not_swing() -> None:
    made = model(criteria={"minimise": "monthly_cost_usd", "hours": hours(l1_kv=9, l1_only=1)})
    found = flips.tornado(made, "l1-kv", "l1-only")
    names = [swing.name for swing in found]
    widths = [abs(swing.high - swing.low) for swing in found]
    assert widths == sorted(widths, reverse=True)
    assert {"hours:l1-kv", "hourly_rate_usd", "origin_neurons"} <= set(names)
    assert "origin_ms" not in names
    back = {swing.name: swing for swing in flips.tornado(made, "l1-only", "l1-kv")}
    for swing in found:
        other = back[swing.name]
        assert (other.low, other.high) == pytest.approx((-swing.low, -swing.high))
    work = next(swing for swing in found if swing.name == "hours:l1-kv")
    number = ranges(made.study, made.options)["hours:l1-kv"]
    assert work.high - work.low == pytest.approx(-(number.high - number.low) * 80 / 24)


def test_nothing_flips_over_a_number_that_cannot_change_or_changes_nothing() -> None:
    made = model(criteria={"minimise": "bill_usd", "then": []})
    assert flips.flips(made, Sweep("origin_ms", 300, 300, 300, None)) == []
    assert flips.flips(made, Sweep("origin_ms", 3, 3_000, 300, None)) == []


def test_a_soft_limit_flips_nothing_by_itself() -> None:
    soft = BOUND | {"costs": 1e-6}
    made = model(criteria={"minimise": "bill_usd", "limits": [soft], "then": []})
    assert flips.flips(made, limit_sweep(1, 100)) == []


def test_a_log_s_model_flips_too() -> None:
    times = np.linspace(0, 864_000, 400).tolist()
    study = of(requests(times, [n % 5 for n in range(400)]), designs=["l1-kv", "l1-only"],
               criteria={"minimise": "bill_usd", "limits": [BOUND]})  # fmt: skip
    made = Model(study, tuple(options(study)))
    (found,) = flips.flips(made, limit_sweep(1, 100))
    assert found.at == pytest.approx(min(bills(made).values()), rel=1e-5)


def test_the_nearest_of_all_is_asked_of_a_simulation_whatever_its_range() -> None:
    some = [
        Flip(f"n{nth}", 100 + nth, 90, "a", "b", "score", "bill_usd", "a", "b", inside=True)
        for nth in range(9)
    ]
    limit = replace(some[0], number="limit:p95_ms", at=91, inside=False)
    assert flips.told_first([*some, limit], 3) == [*some[:3], limit]
    assert flips.told_first([*some, replace(limit, at=120)], 3) == some[:3]
