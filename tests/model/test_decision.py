"""The choice: limits, ties, settings and order, held against brute force."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.checks import faults
from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.case.grown import grown_workload
from cachelib.model.judgement import growth, knobs, metrics, options
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.limits import excess
from cachelib.model.judgement.metrics import MEASURED
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.ties import NOBODY, Standing, judged
from cachelib.model.platforms.platform import Assumption
from cachelib.model.tiers.design import Design
from tests.model.cases import hours, raw, small

FAST = {"metric": "p95_ms", "at_most": 200, "why": "people wait"}


def option(name: str, *, today: bool = False, work: float | None = None, **design: Any) -> Option:
    taken = work is not None and Assumption(value=work, low=work, high=work, unit="hours", why="w")
    return Option(Design(name=name, **design), {}, today, taken or None)


def standing(criteria: Criteria, those: list[Option], **values: list[float]) -> Standing:
    table = {name: np.array(row, float).reshape(len(those), -1) for name, row in values.items()}
    return judged(criteria, those, table, {})


def choice(criteria: Criteria, those: list[Option], **values: list[float]) -> str | None:
    at = int(standing(criteria, those, **values).chosen[0])
    return None if at == NOBODY else those[at].name


A, B, C = (option(name) for name in "abc")
PLAIN = {"minimise": "bill_usd", "then": []}


def test_an_option_that_breaks_a_limit_is_out_however_cheap() -> None:
    criteria = Criteria.model_validate(PLAIN | {"limits": [FAST]})
    found = standing(criteria, [A, B, C], bill_usd=[9, 1, 20], p95_ms=[100, 300, 50])
    assert found.kept[:, 0].tolist() == [True, False, True]
    assert [A, B, C][int(found.chosen[0])] == A
    assert found.broken["limit:p95_ms"][:, 0].tolist() == [False, True, False]


def test_a_limit_is_kept_on_its_bound_and_broken_just_beyond() -> None:
    for side, beyond in (("at_most", 1e-9), ("at_least", -1e-9)):
        limit = Limit.model_validate({"metric": "late_share", side: 0.15, "why": "w"})
        assert limit.kept_by(0.15)
        assert not limit.kept_by(0.15 + beyond)
        assert excess(limit, 0.15 + beyond, 0.15) > 0 >= excess(limit, 0.15, 0.15)


def test_where_nothing_keeps_the_limits_nobody_is_chosen() -> None:
    criteria = Criteria.model_validate(PLAIN | {"limits": [FAST | {"at_most": 1}]})
    assert choice(criteria, [A, B], bill_usd=[1, 2], p95_ms=[100, 300]) is None


def test_a_soft_limit_costs_what_it_says_and_puts_nothing_out() -> None:
    criteria = Criteria.model_validate(PLAIN | {"limits": [FAST | {"costs": 0.1}]})
    found = standing(criteria, [A, B], bill_usd=[30, 1], p95_ms=[100, 300])
    assert found.score[:, 0].tolist() == [30, 11]
    assert found.kept.all()


def test_what_differs_by_less_than_is_material_ties_and_the_secondary_order_decides() -> None:
    old, new = option("z-old", today=True, work=0), option("a-new", work=0)
    bills = [5.5, 5.0]
    assert choice(Criteria.model_validate(PLAIN), [new, old], bill_usd=bills) == "z-old"
    apart = Criteria.model_validate(PLAIN | {"material": {"bill_usd": 0.1}})
    assert choice(apart, [new, old], bill_usd=bills) == "z-old"
    assert choice(apart, [new, old], bill_usd=bills[::-1]) == "a-new"


@pytest.mark.parametrize(
    ("then", "better"),
    [
        ("work", [option("a", work=9), option("b", work=1)]),
        ("today", [option("a"), option("b", today=True)]),
        ("simplicity", [option("a", l2="kv"), option("b")]),
    ],
)
def test_each_secondary_criterion_breaks_a_tie(then: str, better: list[Option]) -> None:
    criteria = Criteria.model_validate(PLAIN | {"then": [then]})
    assert choice(criteria, better, bill_usd=[5.0, 5.0]) == "b"


def test_latency_breaks_a_tie_only_where_it_is_material() -> None:
    criteria = Criteria.model_validate(PLAIN | {"then": ["mean_ms", "today"]})
    pair = [option("a"), option("b", today=True)]
    assert choice(criteria, pair, bill_usd=[5, 5], mean_ms=[100, 200]) == "a"
    assert choice(criteria, pair, bill_usd=[5, 5], mean_ms=[100, 101]) == "b"


def test_a_simpler_policy_breaks_a_tie_and_who_is_there_before_what_comes_after() -> None:
    pair = [option("a", tiers=("kv",), policy="refresh"), option("b", tiers=("kv",))]
    simple = Criteria.model_validate(PLAIN | {"then": ["simplicity"]})
    assert choice(simple, pair, bill_usd=[5.0, 5.0]) == "b"
    there = [option("a", today=True, l2="kv"), option("b")]
    order = Criteria.model_validate(PLAIN | {"then": ["today", "simplicity"]})
    assert choice(order, there, bill_usd=[5.0, 5.0]) == "a"


def test_what_is_material_of_a_secondary_metric_is_what_the_case_says() -> None:
    then = {"then": ["mean_ms", "today"], "material": {"mean_ms": 20}}
    criteria = Criteria.model_validate(PLAIN | then)
    pair = [option("a"), option("b", today=True)]
    assert choice(criteria, pair, bill_usd=[5, 5], mean_ms=[100, 121]) == "a"
    assert choice(criteria, pair, bill_usd=[5, 5], mean_ms=[100, 119]) == "b"


def test_work_that_nobody_states_wins_no_tie_by_work_and_no_ranking_by_cost() -> None:
    pair = [option("a"), option("b", work=5)]
    assert choice(Criteria.model_validate(PLAIN | {"then": ["work"]}), pair, bill_usd=[5, 5]) == "b"
    costs = Criteria(minimise="monthly_cost_usd", then=())
    assert choice(costs, pair, monthly_cost_usd=[math.nan, 90]) == "b"


def test_work_that_nobody_states_decides_nothing_where_only_such_options_tie() -> None:
    """What is there has a work of 0; in a try in which it breaks a limit, others still stand."""
    criteria = Criteria.model_validate(PLAIN | {"limits": [FAST], "then": ["work"]})
    here, other = option("a", today=True, work=0), option("b")
    both = standing(criteria, [here, other], bill_usd=[5, 5, 5, 5], p95_ms=[1, 900, 1, 1])
    assert both.chosen.tolist() == [0, 1]


def test_many_tries_at_once_are_judged_as_each_by_itself() -> None:
    chance = np.random.default_rng(3)
    then = ["work", "today", "simplicity", "mean_ms"]
    criteria = Criteria.model_validate(PLAIN | {"limits": [FAST], "then": then})
    for _ in range(50):
        works = [None if chance.random() < 0.5 else float(chance.integers(3)) for _ in range(4)]
        those = [option(name, today=name == "b", work=work)
                 for name, work in zip("abcd", works, strict=True)]  # fmt: skip
        table = {
            "bill_usd": chance.choice([5.0, 5.5, 9.0], (4, 30)),
            "p95_ms": chance.choice([100.0, 300.0], (4, 30)),
            "mean_ms": chance.choice([10.0, 20.0, math.nan], (4, 30)),
        }
        together = judged(criteria, those, table, {})
        for nth in range(30):
            alone = judged(criteria, those, {m: v[:, [nth]] for m, v in table.items()}, {})
            assert together.chosen[nth] == alone.chosen[0]
            assert (alone.chosen[0] == NOBODY) == (not alone.ranked.any())


def test_noise_makes_a_tie_of_what_chance_may_have_parted() -> None:
    pair = [option("a"), option("b", today=True)]
    criteria = Criteria.model_validate(PLAIN | {"material": {"bill_usd": 0.01}})
    table = {"bill_usd": np.array([[5.0], [8.0]]), "mean_ms": np.ones((2, 1))}
    loud = {"bill_usd": np.array([2.0, 3.0]), "mean_ms": np.zeros(2)}
    assert judged(criteria, pair, table, {}).chosen[0] == 0
    assert judged(criteria, pair, table, {}, loud).chosen[0] == 1


def test_maximise_turns_the_order_around_and_weights_trade_one_for_another() -> None:
    most = Criteria(maximise="hit_ratio", then=())
    assert choice(most, [A, B], hit_ratio=[0.2, 0.9]) == "b"
    dear = Criteria(weigh={"bill_usd": 1, "p95_ms": 0.001}, then=())
    cheap = Criteria(weigh={"bill_usd": 1, "p95_ms": 1}, then=())
    values = {"bill_usd": [5, 50], "p95_ms": [400, 40]}
    assert choice(dear, [A, B], **values) == "a"
    assert choice(cheap, [A, B], **values) == "b"


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({"minimise": "hit_ratio"}, "write maximise: hit_ratio"),
        ({"maximise": "bill_usd"}, "write minimise: bill_usd"),
        ({"minimise": "bil_usd"}, "did you mean 'bill_usd'"),
        ({"minimise": "bill_usd", "maximise": "hit_ratio"}, "give one of"),
        ({"minimise": "busiest_load"}, "unknown metric"),
        ({"then": ["wrok"]}, "unknown metric 'wrok'"),
        ({"material": {"bill_usd": 0}}, "must be from 0.000001"),
        ({"limits": [{"metric": "p95_ms", "why": "w"}]}, "at_most or at_least"),
        ({"limits": [FAST | {"metric": "p59_ms"}]}, "did you mean 'p95_ms'"),
        ({"limits": [FAST | {"low": 300}]}, "its low, 300, is above its high, 200"),
        ({"hours": hours(l1_kvv=3)}, "did you mean 'l1-kv'"),
    ],
)
def test_criteria_that_cannot_be_are_refused(criteria: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small(criteria={"minimise": None} | criteria)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"today": "l1-kvv"}, "today: unknown design 'l1-kvv'"),
        ({"options": {"l1-kvv": {}}}, "did you mean 'l1-kv'"),
        ({"options": {"l1-kv": {"settings": {"ttl": 3}}}}, "unknown knob 'ttl'"),
        ({"knobs": {"l9_ttl_s": {"values": [1], "why": "w"}}}, "unknown knob 'l9_ttl_s'"),
        ({"knobs": {"l1_ttl_s": {"why": "w"}}}, "either the values"),
        ({"designs": ["l1-kv", "l1-kv"]}, "'l1-kv' is there already"),
    ],
)
def test_names_that_lead_nowhere_are_errors(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        small(**changes)


def test_a_ttl_is_a_knob_or_an_assumption_not_both_and_not_neither() -> None:
    assumed = {"l1_ttl_s": {"value": 9, "low": 1, "high": 20, "unit": "s", "why": "w"}}
    with pytest.raises(ValueError, match="given as a knob and as an assumption"):
        small(assumptions=assumed)
    without = raw()
    del without["knobs"]["l1_ttl_s"]
    told = [fault for _, fault in faults(type(small().case).model_validate(without), Path())]
    assert told == ["l1_ttl_s is missing; give its values, or low and high"]
    given = raw(assumptions=assumed)
    del given["knobs"]["l1_ttl_s"]
    case = type(small().case).model_validate(given)
    assert (case.settings["l1_ttl_s"], case.all_knobs["l1_ttl_s"].low) == (9, 1)
    assert "l1_ttl_s" not in case.assumed


def test_doing_nothing_takes_no_hours_and_hours_that_nobody_states_are_asked_for() -> None:
    case = small(today="l1-kv", criteria={"minimise": "monthly_cost_usd"}).case
    stated = case.hours("l1-kv")
    assert stated is not None
    assert stated.value == 0
    assert case.hours("kv-only") is None
    (missing,) = case.not_stated()
    assert missing.startswith("hours of origin-only, l1-only, kv-only")


def test_an_option_whose_hours_are_not_stated_is_left_out_of_the_ranking() -> None:
    study = small(criteria={"minimise": "monthly_cost_usd", "hours": hours(l1_kv=3)})
    decision = Decision(study, 100)
    assert [each.name for each in decision.not_stated] == ["kv-only", "l1-only", "origin-only"]
    assert decision.chosen is not None
    assert decision.chosen.name == "l1-kv"
    assert decision.sureness["l1-kv"].best.value == 1


# -- brute force ---------------------------------------------------------------------------


def every_setting(study: Study, each: Option) -> list[Option]:
    known = study.case.all_knobs
    names = options.knobs_of(study.case.design(each.name), known)
    tried = itertools.product(*(known[name].settings for name in names))
    return [each.at(**dict(zip(names, values, strict=True))) for values in tried]


@pytest.mark.parametrize(
    "criteria",
    [
        {"minimise": "bill_usd"},
        {"minimise": "origin_loads_per_month"},
        {"maximise": "hit_ratio", "limits": [{"metric": "late_share", "at_most": 0.1, "why": "w"}]},
        {"minimise": "p50_ms", "limits": [{"metric": "late_share", "at_most": 0.03, "why": "w"}]},
    ],
)
def test_settings_and_choice_are_those_of_simulating_every_option_at_every_setting(
    criteria: dict[str, Any],
) -> None:
    study = small(criteria={"minimise": None} | criteria)
    aim, limits = study.case.criteria.aim, study.case.criteria.limits
    sign = np.sign(study.case.criteria.weights[aim])
    decision, best = Decision(study, 100), {}
    for each in options.options(study):
        found = []
        for there in every_setting(study, each):
            m = metrics.measure(study, there, options.simulate(study, there))
            if all(limit.kept_by(m[limit.metric]) for limit in limits):
                found.append(sign * m[aim])
        if found:
            best[each.name] = min(found)

    def near(value: float) -> float:
        """Formulas rank settings: within what is material, and their own error."""
        return value + study.case.criteria.tolerance(aim, value) + 0.02 * abs(value)

    for name, value in best.items():
        tuned = decision.tuned[name]
        assert tuned.keeps, name
        assert sign * tuned.measured[aim] <= near(value), name
    assert set(best) == {o.name for o in decision.ranked}
    assert decision.chosen is not None
    # of settings that do as well one was taken, and of options that do as well as these, one
    assert best[decision.chosen.name] <= near(near(min(best.values())))


def test_what_is_there_stays_as_it_is_set_and_held_settings_are_held() -> None:
    study = small(today="l1-kv", options={"kv-only": {"settings": {"l2_ttl_s": 600}}})
    tuned = Decision(study, 100).tuned
    assert tuned["l1-kv"].option.settings == {"l1_ttl_s": 300, "l2_ttl_s": 3_600}
    assert tuned["kv-only"].option.settings == {"l2_ttl_s": 600}
    assert tuned["l1-only"].option.settings == {"l1_ttl_s": 1_200}


def test_settings_that_the_platform_refuses_are_not_tried() -> None:
    study = small(knobs={"l2_ttl_s": {"value": 60, "values": [5, 60], "why": "w"}})
    (kv,) = (o for o in options.options(study) if o.name == "kv-only")
    tuned = knobs.tune(study, kv, tuple(MEASURED))
    assert (tuned.tried, tuned.option.settings) == (1, {"l2_ttl_s": 60})


def test_an_l1_with_nothing_behind_it_inherits_nobody_s_life() -> None:
    study = small(knobs={"l1_ttl_s": {"values": [40_000], "why": "w"}})
    alone = study.replay("l1-only")
    long = study.replay(Design(name="x", l1_ttl_s=40_000))
    assert alone.hit_ratio == long.hit_ratio
    assert study.design("l1-only").l2_ttl_s is None


def test_the_order_of_lines_decides_nothing() -> None:
    names = ["origin-only", "l1-only", "l1-kv", "kv-only", "durable-object"]
    assumptions = {
        "origin_neurons": {"value": 0, "low": 0, "high": 0, "unit": "neurons", "why": "w"}
    }
    answers = set()
    for order in (names, names[::-1], [names[i] for i in (2, 0, 4, 1, 3)]):
        decision = Decision(small(designs=order, assumptions=assumptions), 200)
        assert decision.chosen is not None
        answers.add((
            decision.chosen.name, tuple(o.name for o in decision.ties),
            tuple(o.name for o in decision.ranked),
            tuple((n, s.best.value, s.regret.mean) for n, s in sorted(decision.sureness.items())),
            tuple((f.number, f.at, f.before, f.after) for f in decision.flips),
        ))  # fmt: skip
    assert len(answers) == 1
    assert next(iter(answers))[0] == "origin-only"  # all cost the plan's minimum: the simplest


def test_nearest_misses_name_the_limit_and_the_excess() -> None:
    limits = [{"metric": "p95_ms", "at_most": 10, "why": "w"},
              {"metric": "hit_ratio", "at_least": 0.9999, "why": "w"}]  # fmt: skip
    decision = Decision(small(criteria={"minimise": "bill_usd", "limits": limits}), 100)
    assert decision.chosen is None
    assert decision.nearest is not None
    widest = {name: missed[0].excess for name, missed in decision.missed.items()}
    assert widest[decision.nearest] == min(widest.values())
    (first, *_) = decision.missed["origin-only"]
    assert first.excess == pytest.approx(first.value / 10 - 1)
    assert decision.worths == []


# -- growth --------------------------------------------------------------------------------


def test_as_traffic_grows_writes_stay_unless_the_case_says_otherwise() -> None:
    for writes, expected in (("fixed", 50.0 * 20 + 19), ("in proportion", 50.0)):
        study = small(growth={"writes": writes})
        more = grown_workload(study.case.workload, study.case.growth, 400_000)
        assert more.reads_per_write == pytest.approx(expected)
        written = more.requests_per_month / (1 + expected)
        here = 20_000 / 51
        assert written == pytest.approx(here if writes == "fixed" else 20 * here)
        at = {"requests_per_month": np.array([20 * study.requests_per_month])}
        numbers = growth.grown_numbers(study.setting, study.case.growth, at)
        rate = study.reads_per_write or 0
        assert numbers.get("reads_per_write", np.array([rate])) == pytest.approx(
            20 * (1 + rate) - 1 if writes == "fixed" else rate
        )


def test_keys_and_lives_grow_as_the_case_says() -> None:
    study = small(growth={"keys": "in proportion", "value_life": "shorter in proportion"})
    more = grown_workload(study.case.workload, study.case.growth, 40_000)
    assert more.keys == 40
    at = {"requests_per_month": np.array([2.0]) * study.requests_per_month}
    assert growth.grown_numbers(study.setting, study.case.growth, at)["value_life_s"] == 18_000
    doubled = growth.with_keys(study.setting, 2)
    assert doubled.keys.number.sum() == 2 * study.setting.keys.number.sum()
    assert (doubled.keys.number * doubled.keys.share).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"writes": "fixed"}, "writes, keys and the life of values stay as they are"),
        ({"writes": "in proportion"},
         "writes grow in proportion, keys and the life of values stay as they are"),
        ({"writes": "in proportion", "keys": "in proportion"},
         "writes and keys grow in proportion, the life of values stays as it is"),
        ({"value_life": "shorter in proportion"},
         "the life of values shortens in proportion, writes and keys stay as they are"),
    ],
)  # fmt: skip
def test_what_grows_and_what_stays_is_told_in_one_breath(given: dict[str, str], said: str) -> None:
    assert growth.in_words(small(growth=given).case.growth) == said


def test_a_limit_that_another_month_may_break_is_kept_by_less_than_chance() -> None:
    held = {"designs": ["kv-only"], "options": {"kv-only": {"settings": {"l2_ttl_s": 3_600}}}}

    def verdict_at(bound: float) -> tuple[bool, bool]:
        limits = [{"metric": "late_share", "at_most": bound, "why": "w"}]
        decision = Decision(small(**held, criteria={"limits": limits}), 50)
        option = decision.options[0]
        return bool(decision.missed), decision.by_chance(option)

    late = Decision(small(**held), 50)
    value = late.measured["kv-only"]["late_share"]
    half = float(late.resolution["late_share"][0])
    assert 0 < half < value / 3
    assert verdict_at(value + 3 * half) == (False, False)
    assert verdict_at(value + half / 2) == (False, True)
    assert verdict_at(value - half / 2) == (True, True)
    assert verdict_at(value - 3 * half) == (True, False)


@pytest.mark.parametrize(
    ("limit", "material", "counts"),
    [({"at_most": 0.15}, {}, 0.005), ({"at_most": 0.002}, {}, 0.0002), (None, {}, 0.005),
     ({"at_most": 0.002}, {"late_share": 0.001}, 0.001), ({"at_most": 0.999}, {}, 0.0001)],
)  # fmt: skip
def test_what_counts_of_a_share_is_no_more_than_a_tenth_of_what_its_limit_leaves(
    limit: dict[str, float] | None, material: dict[str, float], counts: float
) -> None:
    limits = [] if limit is None else [{"metric": "late_share", "why": "w"} | limit]
    criteria = Criteria.model_validate(PLAIN | {"limits": limits, "material": material})
    assert criteria.tolerance("late_share", 0.1) == pytest.approx(counts)
    assert criteria.tolerance("hit_ratio", 0.1) == 0.005
