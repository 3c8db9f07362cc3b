"""Formulas held against simulation: errors, fits and verdicts by hand; and what is simulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement import anchoring
from cachelib.model.judgement.anchoring import anchor
from cachelib.model.judgement.growth import grown_numbers
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Correction, Model
from cachelib.model.judgement.options import Option, options, simulate
from cachelib.model.judgement.simulator import Simulator, _platform, _points
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S
from tests.model.cases import hours, of, requests, small

ONE = Option(Design(name="x"), {})


def made(study: Any = None, **changes: Any) -> tuple[Model, dict[str, dict[str, float]]]:
    study = study or small(**{"designs": ["l1-kv", "l1-only"]} | changes)
    some = tuple(options(study))
    measured = {o.name: measure(study, o, simulate(study, o)) for o in some}
    return Model(study, some).anchored(measured), measured


# -- errors and fits -----------------------------------------------------------------------


def test_errors_are_points_of_a_share_and_else_shares_of_the_simulated() -> None:
    error = anchoring._error
    found = error("hit_ratio", np.array([0.5, 0.2]), np.array([0.4, 0.3]))
    assert found == pytest.approx([0.1, 0.1])
    found = error("bill_usd", np.array([12.0, 3]), np.array([10.0, 4]))
    assert found == pytest.approx([0.2, 0.25])
    assert error("bill_usd", np.array([1.0]), np.array([0.0]))[0] == pytest.approx(1e9)


def held(
    name: str, formula: Any, truth: Any, numbers: Any = None, chance: float = 0,
    leaves: float = np.inf,
) -> Any:  # fmt: skip
    n = len(formula)
    at = numbers or {"origin_ms": np.linspace(100, 900, n)}
    here = dict.fromkeys(at, 300.0)
    return anchoring._held(ONE, name, np.array(formula, float), np.array(truth, float), at, here,
                           np.array([0.33]), chance, leaves)  # fmt: skip


@pytest.mark.parametrize(("off", "status"), [(0.049, "formula"), (0.06, "withheld")])
def test_a_formula_serves_where_its_error_is_tolerable(off: float, status: str) -> None:
    """Where it is not, and goes with nothing, it is withheld."""
    truth = np.full(20, 100.0)
    wrong = truth * (1 + off * np.where(np.arange(20) % 2, 1, -1))
    found, surface = held("bill_usd", wrong, truth)
    assert (found.status, surface) == (status, None)
    assert (found.option, found.metric, found.here) == ("x", "bill_usd", 0.33)
    assert found.tolerance == 0.05
    assert (found.typical, found.worst) == pytest.approx((off, off))
    assert found.within == (20 if status == "formula" else 0)


def test_what_is_chance_in_a_simulated_point_is_no_error_of_the_formula() -> None:
    truth = 0.5 + 0.05 * np.where(np.arange(20) % 2, 1, -1)
    assert held("hit_ratio", np.full(20, 0.5), truth)[0].status == "withheld"
    found, _ = held("hit_ratio", np.full(20, 0.5), truth, chance=0.04)
    assert (found.status, found.within) == ("formula", 20)
    assert found.tolerance == pytest.approx(0.06)


def test_how_much_of_a_simulated_point_is_chance_other_months_say() -> None:
    model, measured = made(
        workload={"requests_per_month": 3_000},
        criteria={"limits": [{"metric": "late_share", "at_most": 1, "why": "w"}]},
    )
    kv = model.option("l1-kv")
    simulator = Simulator(model, measured)
    rate = model.study.requests_per_month
    late = [
        measure(month, kv, simulate(month, kv), ["late_share"])["late_share"]
        for month in (model.study.grown(rate, 150_000, 1_000 + nth) for nth in range(5))
    ]
    chance = simulator.chance(kv, {"requests_per_month": np.array([2_000.0])})
    assert chance["late_share"] == pytest.approx(2.7764451 * np.std(late, ddof=1))
    assert chance["late_share"] > 0.005
    assert set(simulator.chance(kv, {"origin_ms": np.ones(1)}).values()) == {0.0}


def test_of_a_share_two_points_are_tolerable_and_one_in_ten_may_be_off() -> None:
    truth = np.full(40, 0.5)
    some = np.where(np.arange(40) < 3, 0.6, 0.515)
    found, _ = held("hit_ratio", some, truth)
    assert (found.status, found.tolerance, found.within) == ("formula", 0.02, 37)
    assert (found.typical, found.worst) == pytest.approx((0.015, 0.1))
    most = np.where(np.arange(40) < 6, np.where(np.arange(40) % 2, 0.6, 0.4), 0.515)
    assert held("hit_ratio", most, truth)[0].status == "withheld"


def test_of_a_share_with_a_limit_a_tenth_of_what_that_leaves_is_tolerable() -> None:
    """Two points are nothing of 15 %, and twenty times a limit of 0.1 %."""
    truth, off = np.full(20, 0.001), np.where(np.arange(20) % 2, 0.0005, -0.0005)
    assert held("late_share", truth + off, truth)[0].status == "formula"
    found, _ = held("late_share", truth + off, truth, leaves=0.001)
    assert (found.status, found.tolerance) == ("withheld", pytest.approx(0.0001))


@pytest.mark.parametrize(
    ("metric", "bound", "near"),
    [("late_share", {"at_most": 0.001}, (-0.002, 0.004)),
     ("hit_ratio", {"at_least": 0.95}, (0.8, 1.1)),
     ("bill_usd", {"at_most": 0.5}, (-np.inf, np.inf))],
)  # fmt: skip
def test_far_from_a_limit_it_decides_nothing_how_much_a_share_is(
    metric: str, bound: dict[str, float], near: tuple[float, float]
) -> None:
    criteria = Criteria.model_validate(
        {"minimise": "mean_ms", "limits": [{"metric": metric, "why": "w"} | bound]}
    )
    assert anchoring._near(criteria, metric) == pytest.approx(near)
    assert anchoring._near(criteria, "error_share") == (-np.inf, np.inf)


def test_what_is_off_by_a_power_of_a_number_is_fitted() -> None:
    at = np.geomspace(100, 900, 30)
    found, surface = held("bill_usd", np.full(30, 0.2), 0.2 * (at / 300) ** 0.8, {"origin_ms": at})
    assert (found.status, found.within) == ("fitted", 30)
    assert surface is not None
    assert surface.names == ("origin_ms",)
    assert found.worst < 0.05
    assert surface({"origin_ms": np.array([300.0, 600])}) == pytest.approx(
        [0, 0.8 * np.log(2)], abs=0.02
    )


def test_what_is_nothing_somewhere_has_no_factor() -> None:
    for formula, truth in (([0.0, 1, 1], [1.0, 1, 1]), ([1.0, 1, 1], [0.0, 1, 1])):
        numbers = {"origin_ms": np.array([1.0, 2, 3])}
        fitted, errors = anchoring._fit(
            "bill_usd", np.array(formula), np.array(truth), numbers, {"origin_ms": 2.0}
        )
        assert fitted is None
        assert errors == pytest.approx(
            anchoring._error("bill_usd", np.array(formula), np.array(truth))
        )


def test_where_no_number_moves_there_is_nothing_to_fit_by() -> None:
    numbers = {"origin_ms": np.full(3, 2.0), "hours:x": np.array([1.0, 2, 3])}
    formula, truth = np.array([1.0, 1, 1]), np.array([1.0, 2, 3])
    fitted, errors = anchoring._fit("bill_usd", formula, truth, numbers, {"origin_ms": 2.0})
    assert fitted is None
    assert errors == pytest.approx([0, 0.5, 2 / 3])


def test_an_error_goes_with_the_three_numbers_that_it_follows_most() -> None:
    rng = np.random.default_rng(4)
    left = rng.normal(0, 1, 200)
    names = ("origin_ms", "value_life_s", "kv_read_ms", "requests_per_month")
    numbers = {
        name: np.exp(sign * left + rng.normal(0, noise, 200))
        for name, noise, sign in zip(names, (0.5, 3.0, 0.1, 1.0), (1, 1, -1, 1), strict=True)
    }
    numbers |= {"limit:p95_ms": np.exp(left), "jitter": np.full(200, 0.3)}
    assert anchoring._directions(left, numbers) == ["kv_read_ms", "origin_ms", "requests_per_month"]
    assert anchoring._directions(np.zeros(200), {"origin_ms": np.full(200, 1.0)}) == []


# -- points --------------------------------------------------------------------------------


def test_contenders_are_anchored_at_points_over_the_ranges() -> None:
    model, measured = made(criteria={"minimise": "bill_usd"})
    found = anchor(model, ["l1-kv"], measured, seed=3)
    assert {a.option for a in found.anchors} == set(found.simulated) == {"l1-kv"}
    assert [a.metric for a in found.anchors] == model.names
    assert all(len(values) == 24 for values in found.numbers.values())
    isolates = found.numbers["isolates_per_colo"]
    assert np.array_equal(isolates, np.round(isolates))
    assert isolates.min() >= 1
    again = anchor(model, ["l1-kv"], measured, seed=4)
    assert not np.array_equal(again.numbers["origin_ms"], found.numbers["origin_ms"])
    assert [a.status for a in found.anchors if a.status == "withheld"] == [
        a.status for a in found.withheld
    ]
    uncorrected = Model(model.study, model.options).values(model.options[0], {}, ["bill_usd"])
    bill = measured["l1-kv"]["bill_usd"]
    here = next(a.here for a in found.anchors if a.metric == "bill_usd")
    assert here == pytest.approx(abs(uncorrected["bill_usd"][0] - bill) / bill)


def test_traffic_is_simulated_at_some_requests_and_a_log_at_no_more_than_it_has() -> None:
    times = np.linspace(0, MONTH_S, 300).tolist()
    growth = {"low": 0.01, "high": 4, "writes": "in proportion", "why": "w"}
    log, measured = made(
        of(requests(times, [n % 9 for n in range(300)]), growth=growth, designs=["l1-kv"])
    )
    traffic = anchor(log, ["l1-kv"], measured, seed=1).numbers["requests_per_month"]
    assert traffic.min() == 30
    assert traffic.max() == pytest.approx(300)
    month, known = made(workload={"requests_per_month": 300}, growth=growth, designs=["l1-kv"])
    more = anchor(month, ["l1-kv"], known, seed=1).numbers["requests_per_month"]
    assert more.max() > 600


# -- what is simulated ---------------------------------------------------------------------


def test_points_are_numbers_one_by_one() -> None:
    points = _points({"a": np.array([1.0, 2]), "b": np.array(5.0)})
    assert [{name: value.tolist() for name, value in point.items()} for point in points] == [
        {"a": [1], "b": [5]}, {"a": [2], "b": [5]},
    ]  # fmt: skip
    assert _points({}) == [{}]


def test_a_point_s_platform_has_its_numbers_whole_isolates_and_what_grows() -> None:
    model, _ = made(growth={"value_life": "shorter in proportion"})
    rate = model.study.requests_per_month
    point = {
        "requests_per_month": np.array([2 * rate]), "isolates_per_colo": np.array([2.6]),
        "origin_ms": np.array([70.0]), "hours:l1-kv": np.array([3.0]),
    }  # fmt: skip
    found = _platform(model, point)
    assert found == {"isolates_per_colo": 3, "origin_ms": 70, "value_life_s": pytest.approx(18_000)}
    assert grown_numbers(model.setting, model.study.case.growth, point)["origin_ms"] == 70
    assert _platform(model, {"isolates_per_colo": np.array([0.2])}) == {"isolates_per_colo": 1}


def test_a_simulated_point_is_a_replay_at_its_numbers_corrected_as_here() -> None:
    model, measured = made(criteria={"minimise": "mean_ms", "then": []})
    simulator = Simulator(model, measured)
    option = model.options[0]
    found = simulator.values(option, {"origin_ms": np.array([50.0, 900.0])})
    assert simulator.names == ["mean_ms"]
    for nth, ms in enumerate((50.0, 900.0)):
        result = model.study.replay(option.design, origin_ms=ms)
        alone = measure(model.study, option, result, ["mean_ms"])["mean_ms"]
        assert found["mean_ms"][nth] == pytest.approx(alone)
    off = {name: dict(known) for name, known in measured.items()}
    off[option.name]["mean_ms"] *= 2
    doubled = Simulator(model, off).values(option, {"origin_ms": np.array([50.0, 900.0])})
    assert doubled["mean_ms"] == pytest.approx(2 * found["mean_ms"])
    assert Correction.between("mean_ms", 1, 2).amount == 2


def test_of_a_cost_its_bill_is_simulated_and_the_work_added() -> None:
    work = hours(l1_kv=12, l1_only=24)
    limit = {"metric": "work_hours", "at_most": 20, "why": "w"}
    aim = {"minimise": "monthly_cost_usd", "hours": work, "then": [], "limits": [limit]}
    model, measured = made(criteria=aim)
    simulator = Simulator(model, measured)
    assert simulator.names == ["bill_usd"]
    known = {o.name: {"bill_usd": np.array([5.0, 7.0])} for o in model.options}
    drawn = {"hours:l1-kv": np.array([12.0, 30.0])}
    standing = simulator.standing(drawn, known)
    assert [o.name for o in standing.options] == ["l1-kv", "l1-only"]
    assert standing.score.tolist() == [[45, 107], [85, 87]]
    assert standing.kept.tolist() == [[True, False], [False, False]]
    again = simulator.standing({"origin_ms": np.array([300.0])})
    assert again.score[0, 0] == pytest.approx(measured["l1-kv"]["bill_usd"] + 40)


def test_other_traffic_is_another_month_made_once() -> None:
    model, measured = made(criteria={"minimise": "origin_loads_per_month", "then": []},
                           growth={"writes": "in proportion"}, designs=["origin-only"])  # fmt: skip
    simulator = Simulator(model, measured)
    rate = model.study.requests_per_month
    at = {"requests_per_month": np.array([rate, 3 * rate, 3 * rate])}
    (option,) = model.options
    loads = simulator.values(option, at)["origin_loads_per_month"]
    assert loads[1] == loads[2] == pytest.approx(3 * loads[0], rel=0.03)
    chance = simulator.chance(option, at)["origin_loads_per_month"]
    whole = measured["origin-only"]["origin_loads_per_month"]
    assert 0 < abs(loads[0] - whole) <= chance, "another month, as likely as this one"
    assert len(simulator._studies) == 2
