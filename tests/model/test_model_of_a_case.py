"""The model: formulas brought to the simulation, chance, work, and numbers in pieces."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import model as models
from cachelib.model.judgement.draws import CHANCE
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Correction, Model
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.surface import through
from tests.model.cases import hours, of, requests, small


def made(study: Any = None, **changes: Any) -> Model:
    study = study or small(**changes)
    return Model(study, tuple(options(study)))


def test_corrections_are_odds_of_shares_factors_of_amounts_and_else_differences() -> None:
    between = Correction.between
    assert between("hit_ratio", 0.5, 0.8) == Correction("odds", pytest.approx(4))
    assert between("bill_usd", 4, 6) == Correction("factor", 1.5)
    for metric, predicted, measured in (
        ("hit_ratio", 0.0, 0.2), ("hit_ratio", 1.0, 0.2), ("hit_ratio", 0.4, 0.0),
        ("hit_ratio", 0.4, 1.0), ("bill_usd", 0.0, 6.0), ("bill_usd", 4.0, 0.0),
        ("bill_usd", 4.0, -1.0),
    ):  # fmt: skip
        found = between(metric, predicted, measured)
        assert found == Correction("difference", pytest.approx(measured - predicted))
    for predicted, measured in ((math.nan, 1.0), (1.0, math.nan)):
        assert between("bill_usd", predicted, measured) == Correction("difference", 0)


def test_corrections_are_applied() -> None:
    at = np.array([0.5, 0.2])
    assert Correction("odds", 4).applied(at) == pytest.approx([0.8, 0.5])
    assert Correction("factor", 3).applied(at) == pytest.approx([1.5, 0.6])
    assert Correction("difference", 3).applied(at) == pytest.approx([3.5, 3.2])


def test_many_keys_are_taken_together_in_kinds_and_few_are_left() -> None:
    few = made(workload={"keys": 4, "requests_per_month": 40_000})
    assert few.setting.keys is few.study.setting.keys
    many = made(workload={"keys": 200, "requests_per_month": 40_000})
    assert len(many.setting.keys.share) < 12
    keys = many.setting.keys
    assert (keys.share * keys.number).sum() == pytest.approx(1)
    assert keys.number.sum() == pytest.approx(many.study.setting.keys.number.sum())


JOINS = {"name": "own", "tiers": ["kv"], "l2_ttl_s": 60, "joined": 4}


@pytest.mark.parametrize(
    "joins", [{"knobs": {"joined": {"values": [1, 4], "why": "x"}}}, {"designs": ["l1-kv", JOINS]}]
)
def test_where_keys_may_lie_in_one_value_they_keep_the_order_of_popularity(joins: Any) -> None:
    many = made(workload={"keys": 200, "requests_per_month": 40_000}, **joins)
    keys = many.setting.keys
    assert len(keys.share) <= models.SPANS + 2
    assert keys.number.tolist() == np.round(keys.number).tolist()
    assert keys.number.sum() == many.study.setting.keys.number.sum()


def test_of_some_options_the_noise_is_theirs() -> None:
    whole = replace(made(), resolution={"bill_usd": np.array([1.0, 2, 3, 4])})
    names = [option.name for option in whole.options]
    some = whole.only([names[3], names[1]])
    assert [option.name for option in some.options] == [names[1], names[3]]
    assert some.resolution["bill_usd"].tolist() == [2, 4]
    assert whole.option(names[2]) is whole.options[2]


def test_draws_in_pieces_are_each_as_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made(growth={"keys": "in proportion"})
    option = whole.option("l1-kv")
    numbers = {
        "requests_per_month": np.linspace(10_000, 40_000, 7),
        "origin_ms": np.linspace(100, 900, 7), "value_life_s": np.array(9_000.0),
    }  # fmt: skip
    each = len(whole.setting.weights) * len(whole.setting.keys.share)
    monkeypatch.setattr(models, "AT_ONCE", 3 * each)
    names = ["bill_usd", "p95_ms", "hit_ratio"]
    found = whole.values(option, numbers, names)
    for nth in range(7):
        one = {
            name: np.atleast_1d(v)[[nth if np.size(v) > 1 else 0]] for name, v in numbers.items()
        }
        alone = whole.values(option, one, names)
        for name in names:
            assert found[name].shape == (7,)
            assert found[name][nth] == pytest.approx(alone[name][0]), name
    assert whole.values(option, {}, names)["bill_usd"].shape == (1,)


def test_keys_grow_with_traffic_where_the_case_says_so() -> None:
    """With as many more keys each is asked as often as before, and found as often."""
    grown, fixed = (made(growth={"keys": how, "writes": "in proportion"})
                    for how in ("in proportion", "fixed"))  # fmt: skip
    here = grown.study.requests_per_month
    at = {"requests_per_month": np.array([here, 3 * here])}
    same = grown.values(grown.option("l1-kv"), at, ["hit_ratio"])["hit_ratio"]
    more = fixed.values(fixed.option("l1-kv"), at, ["hit_ratio"])["hit_ratio"]
    assert same[1] == pytest.approx(same[0], rel=1e-3)
    assert more[1] > more[0] + 0.05


def test_work_is_dollars_a_month_drawn_or_stated() -> None:
    work = {"minimise": "monthly_cost_usd", "hours": hours(l1_kv=12)}
    whole = made(criteria=work)
    option = whole.option("l1-kv")
    assert whole.work_usd(option, {}).tolist() == [40]
    drawn = {"hours:l1-kv": np.array([6.0, 24]), "hourly_rate_usd": np.array([40.0, 120])}
    assert whole.work_usd(option, drawn).tolist() == [10, 120]
    at = whole.values(option, drawn, ["monthly_cost_usd", "bill_usd"])
    assert (at["monthly_cost_usd"] - at["bill_usd"]).tolist() == pytest.approx([10, 120])


def test_it_is_exact_at_the_case_s_numbers_with_the_work_beside() -> None:
    study = small(criteria={"minimise": "monthly_cost_usd", "hours": hours(l1_kv=12)})
    raw = made(study)
    measured = {o.name: measure(study, o, simulate(study, o)) for o in raw.options}
    exact = raw.anchored(measured)
    option = raw.option("l1-kv")
    names = ["hit_ratio", "bill_usd", "monthly_cost_usd", "p50_ms"]
    found = exact.values(option, {}, names)
    assert [found[name][0] for name in names] == pytest.approx(
        [measured["l1-kv"][name] for name in names]
    )
    assert ("l1-kv", "work_hours") not in exact.corrections
    assert ("l1-kv", "monthly_cost_usd") not in exact.corrections
    assert exact.anchored(measured).corrections == exact.corrections  # anchored anew, not twice


def test_chance_moves_all_options_by_so_many_of_their_errors_for_the_better() -> None:
    noise = {"bill_usd": np.array([1.96, 3.92, 0, 0]), "hit_ratio": np.array([0.196, 1.96, 0, 0])}
    whole = replace(made(), resolution=noise)
    first, second = whole.options[:2]
    chance = {CHANCE: np.array([-1.0, 0, 2])}

    def moved(option: Any, name: str, value: float) -> list[float]:
        return whole.by_chance(option, name, np.full(3, value), chance).tolist()

    assert moved(first, "bill_usd", 10) == pytest.approx([11, 10, 8])
    assert moved(second, "bill_usd", 3) == pytest.approx([5, 3, 0])  # no bill is less than nothing
    assert moved(first, "hit_ratio", 0.5) == pytest.approx([0.4, 0.5, 0.7])
    assert moved(second, "hit_ratio", 0.5) == pytest.approx([0, 0.5, 1])
    assert moved(first, "p95_ms", 7) == [7, 7, 7]
    assert whole.by_chance(first, "bill_usd", np.array([10.0]), {}).tolist() == [10]
    at = whole.values(first, chance, ["bill_usd"])["bill_usd"]
    assert at[0] - at[1] == pytest.approx(1)


def test_no_correction_and_no_chance_brings_a_bill_below_what_the_plan_charges_anyway() -> None:
    whole = made(criteria={"minimise": "monthly_cost_usd", "hours": hours(l1_kv=12)})
    noise = {"bill_usd": np.full(len(whole.options), 9.8)}
    halved = {("l1-kv", "bill_usd"): Correction("factor", 0.5)}
    whole = replace(whole, corrections=halved, resolution=noise)
    at = {"requests_per_month": np.array([10.0, 1_000.0]), CHANCE: np.array([0.0, 2.0])}
    found = whole.values(whole.option("l1-kv"), at, ["bill_usd", "monthly_cost_usd"])
    assert found["bill_usd"].tolist() == [5, 5]
    assert found["monthly_cost_usd"].tolist() == [45, 45]


def test_a_fitted_factor_is_on_top_and_a_share_stays_one() -> None:
    whole = made()
    option = whole.option("l1-kv")
    rng = np.random.default_rng(1)
    places = np.log(rng.uniform(100, 900, (30, 1)))
    doubling = through(["origin_ms"], np.log([300.0]), places, places[:, 0] - np.log(300))
    fitted = replace(whole, surrogates={
        ("l1-kv", "bill_usd"): doubling, ("l1-kv", "hit_ratio"): doubling,
    })  # fmt: skip
    at = {"origin_ms": np.array([300.0, 600.0])}
    plain = whole.values(option, at, ["bill_usd", "hit_ratio"])
    found = fitted.values(option, at, ["bill_usd", "hit_ratio"])
    assert found["bill_usd"] / plain["bill_usd"] == pytest.approx([1, 2], rel=1e-4)
    share = plain["hit_ratio"][1]
    assert found["hit_ratio"][1] == pytest.approx(min(1, 2 * share), rel=1e-4)
    assert share > 0.5


def test_the_standing_judges_all_options_at_once_with_formulas_known_or_not() -> None:
    whole = made(criteria={"minimise": "bill_usd"})
    at = {"origin_neurons": np.array([1.0, 60, 500])}
    standing = whole.standing(at)
    assert standing.score.shape == (4, 3)
    for nth, option in enumerate(whole.options):
        assert standing.score[nth] == pytest.approx(
            whole.values(option, at, ["bill_usd"])["bill_usd"]
        )
    known = {o.name: whole.by_formula(o, at, whole.names) for o in whole.options}
    known["l1-kv"] = known["l1-kv"] | {"bill_usd": np.array([7.0, 8, 9])}
    told = whole.standing(at, known)
    assert told.score[[o.name for o in whole.options].index("l1-kv")].tolist() == [7, 8, 9]
    noisy = replace(whole, resolution={"bill_usd": np.full(4, 1e6)})
    assert noisy.standing(at).tied.all()


def test_a_log_s_model_has_a_chance() -> None:
    study = of(requests(np.linspace(0, 9e5, 200).tolist(), [n % 7 for n in range(200)]))
    whole = replace(made(study), resolution={"bill_usd": np.full(4, 1.96)})
    at = whole.values(whole.options[0], {CHANCE: np.array([0.0, -1.0])}, ["bill_usd"])["bill_usd"]
    assert at[1] - at[0] == pytest.approx(1)
