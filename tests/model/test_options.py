"""An option: its settings, its work, how simple it is; and every metric of it by formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.designs import barred
from cachelib.model.judgement import metrics
from cachelib.model.judgement.metrics import Month, measure, predict
from cachelib.model.judgement.options import Option, knobs_of, options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S
from tests.model.cases import hours, of, requests, small


def option(study: Study, name: str) -> Option:
    return next(each for each in options(study) if each.name == name)


def design(**given: Any) -> Design:
    return Design(**{"name": "x"} | given)


@pytest.mark.parametrize(
    ("made", "tiers", "policy"),
    [
        (design(tiers=()), 0, 0),
        (design(tiers=("memory", "kv")), 2, 0),
        (design(tiers=("kv",), policy="clean-up"), 1, 1),
        (design(tiers=("kv",), policy="soft-hard", soft_ttl_s=9), 1, 2),
        (design(tiers=("kv",), policy="refresh"), 1, 3),
        (design(tiers=("kv",), policy="refresh", write_only_if_changed=True), 1, 4),
        (design(tiers=("memory", "redis"), listen=True), 2, 1),
    ],
)
def test_what_has_fewer_tiers_and_does_less_is_simpler(
    made: Design, tiers: int, policy: int
) -> None:
    each = Option(made, {})
    assert each.complexity == (tiers, policy)
    assert each.simplicity == pytest.approx(tiers + policy / 10)


def test_other_settings_go_to_the_design_or_to_the_platform() -> None:
    base = Option(design(tiers=("memory", "kv"), l1_ttl_s=5), {"l1_ttl_s": 5})
    other = base.at(l1_ttl_s=9, l1_max_entries=7.0, kv_cache_ttl_s=40)
    assert (other.design.l1_ttl_s, other.design.l1_max_entries) == (9, 7)
    assert isinstance(other.design.l1_max_entries, int)
    assert other.platform == {"kv_cache_ttl_s": 40}
    assert other.settings == {"l1_ttl_s": 9, "l1_max_entries": 7, "kv_cache_ttl_s": 40}
    assert base.at().settings == {"l1_ttl_s": 5}
    assert (base.name, base.is_today) == ("x", False)


def test_hours_are_a_number_or_unknown() -> None:
    study = small(criteria={"hours": hours(l1_kv=3)}, today="kv-only")
    assert option(study, "l1-kv").hours_value == 3
    assert option(study, "kv-only").hours_value == 0
    assert math.isnan(option(study, "l1-only").hours_value)


def test_options_are_as_set_today_with_what_is_held_and_noted() -> None:
    own = {"name": "own", "tiers": ["memory", "kv"], "l1_ttl_s": 77}
    study = small(
        designs=[own, "kv-only", "l1-only", "origin-only"], today="kv-only",
        options={"l1-only": {"settings": {"l1_ttl_s": 60}}},
    )  # fmt: skip
    found = {each.name: each for each in options(study)}
    assert list(found) == ["kv-only", "kv-only-set-anew", "l1-only", "origin-only", "own"]
    assert found["own"].settings == {"l1_ttl_s": 77, "l2_ttl_s": 3_600}
    assert found["own"].design.l2_ttl_s == 3_600
    assert found["l1-only"].settings == {"l1_ttl_s": 60}
    assert found["l1-only"].design.l1_ttl_s == 60
    assert found["origin-only"].settings == {}
    assert [each.name for each in found.values() if each.is_today] == ["kv-only"]


def test_the_knobs_of_a_design_are_those_that_turn_something_and_are_not_settled() -> None:
    all_ = dict.fromkeys(
        ("l1_ttl_s", "l1_max_entries", "l2_ttl_s", "soft_ttl_s", "stale_while_revalidate_s",
         "objects", "kv_cache_ttl_s")
    )  # fmt: skip
    by_design = {
        design(tiers=()): [],
        design(tiers=("memory",)): ["l1_ttl_s", "l1_max_entries"],
        design(tiers=("kv",)): ["l2_ttl_s", "kv_cache_ttl_s"],
        design(tiers=("durable-object",)): ["l2_ttl_s", "objects"],
        design(tiers=("memory", "kv"), l1_ttl_s=4): [
            "l1_max_entries",
            "l2_ttl_s",
            "kv_cache_ttl_s",
        ],
        design(tiers=("r2",), policy="soft-hard", soft_ttl_s=5): ["l2_ttl_s"],
        design(tiers=("workers-cache",)): ["l2_ttl_s", "stale_while_revalidate_s"],
    }
    for made, names in by_design.items():
        assert knobs_of(made, all_) == names, made.tiers


def test_what_is_there_is_set_as_is_allowed_where_nobody_says_how() -> None:
    knobs = {"l2_ttl_s": {"low": 0.001, "high": 1_000, "why": "w"}}  # the middle is a second
    study = small(today="l1-kv", designs=["l1-kv", "l1-only"], knobs=knobs)
    assert barred(study.case) == {}
    there = next(each for each in options(study) if each.is_today)
    assert there.settings["l2_ttl_s"] == there.design.l2_ttl_s == 60


# -- metrics -------------------------------------------------------------------------------

NAMES = list(metrics.PREDICTED)


def month(study: Study, name: str, **numbers: Any) -> Month:
    return Month(study, option(study, name), study.setting.but(**numbers))


def one(values: Any) -> float:
    (value,) = np.atleast_1d(values)
    return float(value)


def test_every_metric_is_predicted_near_what_is_measured() -> None:
    study = small(criteria={"hours": hours(l1_kv=3)})
    each = option(study, "l1-kv")
    measured = measure(study, each, simulate(study, each))
    predicted = predict(month(study, "l1-kv"), measured)
    for name, value in measured.items():
        assert one(predicted[name]) == pytest.approx(value, rel=0.1, abs=0.02), name
    p50, p95, p99 = (measured[name] for name in ("p50_ms", "p95_ms", "p99_ms"))
    assert p50 < measured["mean_ms"] < p95 < p99


def test_a_cost_is_the_bill_and_the_work_over_two_years() -> None:
    study = small(criteria={"minimise": "monthly_cost_usd", "hours": hours(l1_kv=12)})
    each = option(study, "l1-kv")
    found = measure(study, each, simulate(study, each))
    assert found["monthly_cost_usd"] - found["bill_usd"] == pytest.approx(12 * 80 / 24)
    by_formula = predict(month(study, "l1-kv"), ["monthly_cost_usd", "bill_usd", "work_hours"])
    assert one(by_formula["monthly_cost_usd"] - by_formula["bill_usd"]) == pytest.approx(40)
    assert one(by_formula["work_hours"]) == 12
    drawn = month(study, "l1-kv", **{"hours:l1-kv": np.array([6.0, 24.0])})
    assert drawn.hours.tolist() == [6, 24]
    assert (predict(drawn, ["monthly_cost_usd"])["monthly_cost_usd"] - drawn.bill).tolist() == (
        pytest.approx([20, 80])
    )
    short = small(criteria={"written_off_months": 6})
    assert metrics.spread_usd(short, 12.0, 80.0).tolist() == [160]
    other = option(study, "l1-only")
    unknown = measure(study, other, simulate(study, other), ["monthly_cost_usd"])
    assert math.isnan(unknown["monthly_cost_usd"])


def test_a_bill_is_charged_at_the_case_s_prices() -> None:
    study = small(prices={"kv.reads": 900})
    each = option(study, "kv-only")
    result = simulate(study, each)
    assert measure(study, each, result, ["bill_usd"])["bill_usd"] == float(
        monthly_bill(result, study.book).charged
    )
    dear, usual = (one(month(s, "kv-only").bill) for s in (
        small(prices={"workers_ai.neurons": 9}), small()))  # fmt: skip
    assert dear > usual


def test_what_fails_is_what_is_not_available() -> None:
    study = small(assumptions={"origin_failure": {"value": 0.3, "low": 0.3, "high": 0.3,
                                                  "unit": "share", "why": "w"}})  # fmt: skip
    found = predict(month(study, "origin-only"), ["error_share", "availability"])
    assert (one(found["error_share"]), one(found["availability"])) == pytest.approx((0.3, 0.7))
    each = option(study, "origin-only")
    said = measure(study, each, simulate(study, each), ["error_share", "availability"])
    assert said["error_share"] + said["availability"] == 1
    assert said["error_share"] == pytest.approx(0.3, abs=0.02)


def test_late_answers_are_late_by_more_than_the_case_says() -> None:
    strict, lax = (small(criteria={"late_after_s": s}) for s in (1, 3_000))
    simulated = [
        measure(s, option(s, "kv-only"), simulate(s, option(s, "kv-only")), ["late_share"])
        for s in (strict, lax)
    ]
    by_formula = [predict(month(s, "kv-only"), ["late_share"]) for s in (strict, lax)]
    assert simulated[0]["late_share"] > simulated[1]["late_share"] > 0
    assert one(by_formula[0]["late_share"]) > one(by_formula[1]["late_share"]) > 0


def test_metrics_that_compare_designs_compare_them_with_the_one_that_they_name() -> None:
    study = small(designs=["l1-kv", "l1-only", "origin-only", "durable-object"])
    kv, memory, none, objects = (
        month(study, name) for name in ("l1-kv", "l1-only", "origin-only", "durable-object")
    )
    found = predict(kv, NAMES)
    loads = [one(each.estimate.counts["origin_loads"]) for each in (kv, memory)]
    assert one(found["loads_saved"]) == pytest.approx(1 - loads[0] / loads[1])
    assert one(predict(memory, ["loads_saved"])["loads_saved"]) == 0
    ratio = one(kv.bill) / one(objects.bill)
    assert one(found["cost_over_durable_object"]) == pytest.approx(ratio)
    assert one(predict(objects, ["cost_over_durable_object"])["cost_over_durable_object"]) == 1
    free = Month(study, option(study, "l1-kv"), study.setting.but(origin_ms=0.0))
    faster = one(none.estimate.waits.quantile_ms(0.5)) / one(free.estimate.waits.quantile_ms(0.5))
    assert one(found["l2_speed_up"]) == pytest.approx(faster)
    assert faster > 1


def test_writes_saved_are_of_all_operations_that_change_a_store_that_is_cleaned_up() -> None:
    study = small()
    made = Option(
        Design(name="audited", tiers=("memory", "kv"), policy="clean-up", l1_ttl_s=300.0,
               l2_ttl_s=3_600.0), {},
    )  # fmt: skip
    audited = Month(study, made, study.setting).estimate.counts
    changed = sum(one(audited[name]) for name in ("kv_writes", "kv_deletes", "kv_lists"))
    kv = month(study, "l1-kv")
    expected = 1 - one(kv.estimate.counts["kv_writes"]) / changed
    assert one(predict(kv, ["writes_saved"])["writes_saved"]) == pytest.approx(expected)


def test_the_busiest_object_is_asked_as_often_as_the_most_asked_key() -> None:
    trace = requests([0.0, 1, 2, 4], [0, 1, 0, 0])
    study = of(trace, platform={"do_requests_per_s": 10}, designs=["durable-object"])
    found = predict(month(study, "durable-object"), ["busiest_load"])["busiest_load"]
    assert one(found) == pytest.approx(0.75 * 1 / 10)
    twice = month(study, "durable-object", requests_per_month=np.array([MONTH_S, 2.0 * MONTH_S]))
    assert predict(twice, ["busiest_load"])["busiest_load"].tolist() == pytest.approx([0.075, 0.15])


def test_an_option_s_own_numbers_of_the_platform_are_used() -> None:
    study = small(designs=["kv-only"])
    each = option(study, "kv-only").at(kv_cache_ttl_s=30.0)
    slow = one(Month(study, each, study.setting).estimate.waits.mean_ms)
    longer = each.at(kv_cache_ttl_s=600.0)
    fast = one(Month(study, longer, study.setting).estimate.waits.mean_ms)
    assert fast < slow
    short, long = (simulate(study, each.at(kv_cache_ttl_s=s)) for s in (30.0, 600.0))
    assert (short.platform.kv_cache_ttl_s, long.platform.kv_cache_ttl_s) == (30, 600)
