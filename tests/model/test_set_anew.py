"""What is there, at its best settings, is an option; and no flip is promised that a knob undoes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.result import Result
from cachelib.model.judgement import knobs
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.elsewhere import Elsewhere
from cachelib.model.judgement.flips import searched
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.sweeps import Sweep
from cachelib.model.judgement.ways import Step
from tests.model.cases import hours, small

LATE = {"metric": "late_share", "at_most": 0.15, "why": "w"}
SLOW = {"metric": "p95_ms", "at_most": 500, "why": "w"}
WORK = hours(origin_only=4, l1_only=3, kv_only=2, l1_kv=6)


def case(today: Any = "l1-kv", **changes: Any) -> dict[str, Any]:
    criteria = {"minimise": "monthly_cost_usd", "limits": [LATE], "hours": WORK}
    return {"today": today, "criteria": criteria | changes.pop("criteria", {}), **changes}


def test_what_is_there_may_be_kept_and_set_anew() -> None:
    study = small(**case())
    (anew,) = (option for option in options(study) if option.name == "l1-kv-set-anew")
    assert anew.design.tiers == study.case.design("l1-kv").tiers
    assert not anew.is_today
    assert anew.hours is not None
    assert (anew.hours.low, anew.hours.value, anew.hours.high) == (0.5, 1, 4)
    assert study.case.words(anew.name) == f"{study.case.words('l1-kv')}, set anew"


def test_it_does_as_well_as_the_same_design_that_is_not_there() -> None:
    decision, other = Decision(small(**case()), 50), Decision(small(**case(today=None)), 50)
    own, free = decision.tuned["l1-kv-set-anew"], other.tuned["l1-kv"]
    assert dict(own.option.settings) == dict(free.option.settings)
    assert own.measured["bill_usd"] == free.measured["bill_usd"]
    assert decision.tuned["l1-kv"].option.settings["l2_ttl_s"] == 3_600, "as it is set"


def test_its_work_is_the_case_s_where_the_case_says_it() -> None:
    study = small(**case(options={"l1-kv-set-anew": {"hours": hours(a=9)["a"]}}))
    assert study.case.hours("l1-kv-set-anew") == study.case.options["l1-kv-set-anew"].hours


@pytest.mark.parametrize(
    ("today", "more"),
    [
        (None, {}),
        ("origin-only", {}),  # nothing to turn
        ("l1-kv", {"knobs": {name: {"value": v, "values": [v], "why": "w"}
                             for name, v in (("l1_ttl_s", 300), ("l2_ttl_s", 3_600))}}),
        ("l1-kv", {"designs": ["l1-kv", {"name": "hour", "tiers": ["memory", "kv"],
                                         "l1_ttl_s": 60, "l2_ttl_s": 7_200}],
                   "criteria": {"hours": hours(hour=1, l1_kv=1)}}),
    ],
    ids=["no today", "no knob of it", "set at its best", "an option of the case's own"],
)  # fmt: skip
def test_it_is_no_option_where_there_is_nothing_else_to_set(
    today: str | None, more: dict[str, Any]
) -> None:
    decision = Decision(small(**case(today, **more)), 50)
    assert not [name for name in decision.tuned if name.endswith("-set-anew")]


def test_settings_of_today_s_own_design_are_turned_too() -> None:
    own = {"name": "ours", "tiers": ["memory", "kv"], "l1_ttl_s": 61, "l2_ttl_s": 700}
    designs = ["origin-only", "kv-only"]
    study = small(**case(own, designs=designs, criteria={"hours": hours(origin_only=1, kv_only=1)}))
    tuned = Decision(study, 50).tuned
    assert tuned["ours"].option.settings["l2_ttl_s"] == 700
    assert tuned["ours-set-anew"].option.settings["l2_ttl_s"] in (600, 3_600, 14_400)


CASES = {
    "late": case(),
    "slow": case(criteria={"limits": [SLOW]}),
    "both": case("l1-only", criteria={"limits": [LATE, SLOW]}),
    "no today": case(None, workload={"requests_per_month": 200_000}),
}


def there(given: dict[str, Any], decision: Decision, number: str, value: float) -> Decision:
    """A new decision with one number at another value."""
    kind, _, of = number.partition(":")
    criteria = given["criteria"]
    if kind == "limit":
        moved = [
            limit | {"at_most": value} if limit["metric"] == of else limit
            for limit in criteria["limits"]
        ]
        return Decision(small(**given | {"criteria": criteria | {"limits": moved}}), 50)
    if kind == "hours":
        work = criteria["hours"] | hours(**{of.replace("-", "_"): value})
        return Decision(small(**given | {"criteria": criteria | {"hours": work}}), 50)
    assumed = dict(decision.study.case.assumed[number])
    ends = {"low": min(value, assumed["low"]), "high": max(value, assumed["high"])}
    return Decision(
        small(**given | {"assumptions": {number: assumed | {"value": value} | ends}}), 50
    )


@cache
def decided(name: str) -> Decision:
    return Decision(small(**CASES[name]), 50)


@pytest.mark.parametrize("name", CASES)
def test_beyond_a_flip_a_new_decision_chooses_what_was_promised(name: str) -> None:
    decision = decided(name)
    tried = [flip for flip in decision.next_flips if flip.number != "requests_per_month"]
    assert tried
    for flip in tried:
        # beyond what chance may do to it, another month of which is drawn there, but not past the
        # next change of the same number
        farther = [
            abs(other.at - flip.at) / 2
            for other in decision.flips
            if other.number == flip.number and (other.at - flip.at) * (flip.at - flip.here) > 0
        ]
        far = min([max(0.03 * flip.at, flip.error or 0.0), *farther])
        value = flip.at + np.copysign(far, flip.at - flip.here)
        beyond = there(CASES[name], decision, flip.number, value)
        found, mine = beyond.chosen, decision.chosen and decision.chosen.name
        assert (found and found.name) == flip.away, (flip.number, flip.at)
        if flip.cause == "limit" and flip.option == mine:
            assert mine in beyond.missed, (flip.number, flip.metric)
        elif flip.cause == "score":
            assert mine not in beyond.missed, (flip.number, flip.metric)


def test_a_limit_that_is_relaxed_lets_another_option_be_set_anew_and_chosen() -> None:
    """With settings held it moves nothing: what it lets others do is seen with them set anew."""
    tight = LATE | {"at_most": 0.02}
    given = case(None, criteria={"limits": [tight], "minimise": "bill_usd"})
    decision = Decision(small(**given), 50)
    mine = decision.chosen
    beyond = [f for f in decision.flips if f.number == "limit:late_share" and f.at > f.here]
    far = there(given, decision, "limit:late_share", 0.04)
    assert mine is not None
    assert far.chosen is not None
    assert (far.chosen.name != mine.name) == any(flip.at < 0.04 for flip in beyond)
    for flip in beyond:
        found = there(given, decision, flip.number, flip.at * 1.03).chosen
        assert (found and found.name) == flip.away


def test_what_a_simulation_refutes_here_is_not_set_where_a_number_hardly_moves_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Formulas alone would set it there: the choice would change with what decides nothing."""
    lives = {"low": 600, "high": 14_400, "value": 600, "why": "w"}
    limits = [LATE | {"at_most": 0.2}, {"metric": "mean_ms", "at_most": 9_000, "why": "w"}]
    study = small(
        designs=["kv-only", "l1-kv"], knobs={"l2_ttl_s": lives},
        criteria={"minimise": "bill_usd", "limits": limits, "sure": 0},
    )  # fmt: skip

    def doubting(study: Study, there: Option, result: Result, names: Any) -> dict[str, float]:
        told = measure(study, there, result, names)
        return told | ({"late_share": 0.21} if there.settings["l2_ttl_s"] > 1_000 else {})

    monkeypatch.setattr(knobs, "measure", doubting)
    decision = Decision(study, 50)
    tuned = decision.tuned["l1-kv"]
    assert tuned.keeps
    assert tuned.refuted
    values = searched(decision.model).values
    there = Elsewhere(decision.model, decision.model, decision.tuned, values)
    beside = 1.001 * study.case.assumed["kv_read_ms"].value
    there.standing("kv_read_ms", beside)
    assert there._settings["kv_read_ms", beside]["l1-kv"] == tuned.option.settings


@pytest.mark.parametrize("name", CASES)
def test_each_change_of_the_choice_begins_where_the_one_before_it_ends(name: str) -> None:
    decision = decided(name)
    here = decision.chosen and decision.chosen.name
    assert decision.flips
    chosen: dict[tuple[str, bool], str | None] = {}
    for flip in sorted(decision.flips, key=lambda flip: abs(flip.at - flip.here)):
        above = flip.at > flip.here
        near = flip.before if above else flip.after
        assert near == chosen.get((flip.number, above), here), (flip.number, flip.at)
        chosen[flip.number, above] = flip.away


@pytest.fixture(scope="module")
def unlike() -> tuple[Decision, Elsewhere]:
    """What would be chosen elsewhere, if a simulation chose another here than formulas do."""
    decision = Decision(small(**CASES["late"]), 50)
    assert decision.chosen is not None
    other = next(o.name for o in decision.options if o.name != decision.chosen.name)
    values = searched(decision.model).values
    return decision, Elsewhere(decision.model, decision._tried_by, decision.tuned, values, other)


def test_of_two_that_formulas_cannot_tell_apart_the_one_here_stays(
    unlike: tuple[Decision, Elsewhere],
) -> None:
    """A simulation chooses another than formulas do here: next to here nothing has changed."""
    _, there = unlike
    for number, here in there.moving.here.items():
        for beside in (0.999 * here, here, 1.001 * here):
            assert there.chosen(number, beside) == there.here, number


def test_a_change_is_told_where_formulas_part_by_more_than_here(
    unlike: tuple[Decision, Elsewhere],
) -> None:
    decision, there = unlike
    mine, other = decision.chosen.name, there.here
    found = searched(decision.model)
    counts = decision.criteria.score_tolerance
    changed, stays = 0, 0
    for sweep in found.sweeps:
        near = there.standing(sweep.name, sweep.here)
        own, place = near.names.index(mine), near.names.index(other)
        told = {side: there.chosen(sweep.name, side) for side in (sweep.low, sweep.high)}
        for end, name in told.items():
            far = there.standing(sweep.name, end)
            if far.chosen[0] != own:
                continue
            by = [float(at.score[place, 0] - at.score[own, 0]) for at in (near, far)]
            breaks = [{n for n, out in at.broken.items() if out[place, 0]} for at in (near, far)]
            parted = by[1] - by[0] > counts(float(far.score[own, 0])) or breaks[1] - breaks[0]
            assert name == (mine if parted else other), (sweep.name, end)
            changed, stays = changed + bool(parted), stays + (not parted)
    assert changed
    assert stays
    told_of = {
        (flip.number, flip.at > flip.here) for flip in there.flips(found.flips, found.sweeps)
    }
    for sweep in found.sweeps:
        for above, end in ((False, sweep.low), (True, sweep.high)):
            if there.chosen(sweep.name, end) != other and there.moving.matters(
                sweep.name, decision.options
            ):
                assert (sweep.name, above) in told_of


class Chosen(Elsewhere):
    """What is chosen along a number, from the places on: `(40, None), (43.3, "b")`."""

    def __init__(self, *places: tuple[float, str | None]) -> None:
        vars(self).update(places=places, here=places[0][1])

    def chosen(self, number: str, value: float) -> str | None:
        return next(name for at, name in reversed(self.places) if value >= at)

    def _steps(self, sweep: Any, side: int, found: Any) -> Any:
        return [Step(at - 0.1, at + 0.1, at) for at, _ in self.places[1:]]
        yield

    def _flip(self, sweep: Any, step: Step, before: Any, away: Any) -> Any:
        return step.at, before, away

    def told(self) -> Any:
        sweep = Sweep("limit:p95_ms", 40, 80, 40, None)
        return self._answered(self._changes(sweep, 1, []))

    def _answered(self, task: Any) -> Any:
        with pytest.raises(StopIteration) as end:
            next(task)
        return end.value.value


def test_what_is_chosen_in_a_sliver_is_left_out() -> None:
    assert Chosen((40, "a"), (43.3, "b"), (44.1, "c")).told() == [(44.1, "a", "c")]
    assert Chosen((40, "a"), (43.3, "b"), (44.1, "a")).told() == []


def test_but_not_what_keeps_a_limit_that_nothing_nearer_keeps() -> None:
    told = Chosen((40, None), (43.3, "b"), (44.1, "c")).told()
    assert told == [(43.3, None, "b"), (44.1, "b", "c")]
