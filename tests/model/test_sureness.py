"""How sure, what matters, what flips: against brute force, and without contradiction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.case.case import load_case
from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement import (
    anchoring,
    draws,
    flips,
    intervals,
    maps,
    model,
    regret,
    simulator,
)
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.elsewhere import Elsewhere
from cachelib.model.judgement.flips import SIMULATED
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Correction, Model
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.sweeps import sweeps
from cachelib.model.judgement.taken import NoTrafficError
from cachelib.model.judgement.ties import NOBODY, Standing
from cachelib.report.document.what_if import panel
from tests.model.cases import hours, small

PODS = Path(__file__).parents[1] / "report" / "cases" / "pods.yaml"
LATE = {"metric": "late_share", "at_most": 0.15, "why": "w"}


def decided(seed: int = 1, **changes: Any) -> Decision:
    return Decision(small(seed, **changes), 200)


def table(score: list[list[float]], kept: list[list[bool]]) -> Standing:
    """Two draws or more of options a, b, ... with these scores."""
    values, flags = np.array(score, float), np.array(kept, bool)
    best = np.where(flags, values, np.inf)
    tied = flags & (best <= best.min(axis=0))
    chosen = np.where(flags.any(axis=0), best.argmin(axis=0), NOBODY)
    names = [o for o in options(small()) if o.name in ("kv-only", "l1-kv", "l1-only")]
    own = tuple(names[: len(score)])
    return Standing(own, {}, values, {"limit:late_share": ~flags}, flags, tied, chosen)


# -- draws ---------------------------------------------------------------------------------


def test_draws_stay_in_their_ranges_and_never_touch_a_knob() -> None:
    study = small(criteria={"hours": hours(l1_kv=3), "limits": [LATE | {"low": 0.1, "high": 0.3}]},
                  growth={"low": 0.5, "high": 2})  # fmt: skip
    drawn = draws.draw(study, options(study), 1_000, seed=1)
    ranged = draws.ranges(study, options(study))
    assert drawn.keys() == ranged.keys() > {"hours:l1-kv", "limit:late_share", "requests_per_month"}
    assert not {"l1_ttl_s", "l2_ttl_s"} & drawn.keys()
    for name, number in ranged.items():
        assert number.low <= drawn[name].min() < drawn[name].max() <= number.high, name
        assert number.low < np.median(drawn[name]) < number.high, name


def test_draws_are_those_that_scipy_makes_without_its_import() -> None:
    from scipy.stats import qmc, triang  # a second, of every worker that collects this file

    rng = np.random.default_rng(3)
    assert (
        draws._latin_hypercube(200, 7, rng.spawn(1)[0])
        == qmc.LatinHypercube(7, rng=np.random.default_rng(3)).random(200)
    ).all()
    share = np.linspace(0, 1, 101)
    for low, top, high in ((0.0, 0.0, 1.0), (2.0, 3.0, 9.0), (1.0, 4.0, 4.0)):
        own = draws._quantile(share, low, top, high, shape="triangular")
        theirs = triang.ppf(share, (top - low) / (high - low), low, high - low)
        assert own == pytest.approx(theirs)


def test_draws_are_the_same_for_the_same_seed_only_and_shapes_differ() -> None:
    study = small()
    first, again, other = (
        draws.draw(study, options(study), 50, seed)["origin_ms"] for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
    flat = draws.draw(study, options(study), 2_000, 1, "uniform")["isolates_per_colo"]
    peaked = draws.draw(study, options(study), 2_000, 1)["isolates_per_colo"]
    assert flat.mean() == pytest.approx(2.5, abs=0.01)
    assert peaked.mean() == pytest.approx((1 + 2 + 4) / 3, abs=0.01)


# -- regret --------------------------------------------------------------------------------


def test_regret_is_what_the_best_of_the_same_draw_would_have_saved() -> None:
    kept = [[True, True], [True, True]]
    loss = regret.losses(Criteria(), table([[5, 9], [7, 6]], kept))
    assert loss.tolist() == [[0, 3], [2, 0]]


def test_a_broken_limit_costs_the_dearest_that_keeps_it_or_what_the_case_says() -> None:
    score = [[5.0], [7.0], [20.0]]
    kept = [[False], [True], [True]]
    assert regret.losses(Criteria(), table(score, kept))[:, 0].tolist() == [13, 0, 13]
    told = Criteria(broken_limit=100)
    assert regret.losses(told, table(score, kept))[:, 0].tolist() == [100, 0, 13]
    nothing = [[False]] * 3
    assert regret.losses(told, table(score, nothing))[:, 0].tolist() == [0, 0, 0]


def test_mean_and_percentile_of_regret_have_their_monte_carlo_error() -> None:
    loss = np.random.default_rng(1).exponential(10, 40_000)
    found = regret.regret(loss)
    assert found.mean == pytest.approx(10, abs=4 * found.mean_error)
    assert found.mean_error == pytest.approx(10 / 200, rel=0.05)
    exact = 10 * np.log(20)
    assert found.p95 == pytest.approx(exact, abs=4 * found.p95_error)
    assert found.p95_error == pytest.approx(np.sqrt(0.95 * 0.05 / 40_000) / (0.05 / 10), rel=0.2)
    share = regret.share(np.arange(100) < 20)
    assert (share.value, share.error) == (0.2, pytest.approx(0.04))


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [((30.0, 1.0), (20.0, 1.0), True), ((30.0, 0.1), (29.5, 0.1), False),
     ((30.0, 3.0), (24.0, 3.0), False),
     ((10.0, 1.0), (20.0, 1.0), False), ((10.0, 0.0), (10.0, 0.0), False),
     ((30.0, 1.0), (np.nan, 1.0), False), ((np.nan, 1.0), (20.0, 1.0), False)],
)  # fmt: skip
def test_an_option_is_safer_only_if_it_is_regretted_less_by_what_counts(
    mine: tuple[float, float], theirs: tuple[float, float], told: bool
) -> None:
    decision = decided()
    assert decision.chosen is not None
    rival, out = [o.name for o in decision.options if o != decision.chosen][:2]
    always, never = regret.Share(1.0, 0.0), regret.Share(0.0, 0.0)
    regrets = {
        decision.chosen.name: (mine, always), rival: (theirs, always), out: ((0.0, 0.0), never),
    }  # fmt: skip
    vars(decision)["sureness"] = {
        name: regret.Sureness(kept, always, always, regret.Regret(*found, 0.0, 0.0))
        for name, (found, kept) in regrets.items()
    }
    assert decision.safer == (rival if told else None)


def test_what_knowing_an_assumption_is_worth_is_what_choosing_by_it_would_save() -> None:
    rng = np.random.default_rng(3)
    known, idle = rng.random(4_000), rng.random(4_000)
    score = [np.where(known < 0.5, 1.0, 11.0), np.full(4_000, 5.0)]
    both = np.ones((2, 4_000), bool)
    standing = table([row.tolist() for row in score], both.tolist())
    first, second = regret.worths(Criteria(), standing, {"idle": idle, "known": known}, 1, seed=1)
    assert (first.name, second.name) == ("known", "idle")
    assert first.saved == pytest.approx(2, abs=0.1)  # b costs 4 too much in half of the draws
    assert first.explains == pytest.approx(1, abs=0.02)
    assert second.saved <= 3 * second.saved_error + 1e-9
    assert second.explains < 0.02
    assert regret.total_worth(Criteria(), standing, 1) == pytest.approx(2, abs=0.1)


def test_what_breaks_a_limit_is_told_by_limit_and_by_thirds() -> None:
    values = np.linspace(0, 1, 3_000)
    kept = [(values > 1 / 3).tolist(), [True] * 3_000]
    standing = table([[1.0] * 3_000, [2.0] * 3_000], kept)
    (worth,) = regret.worths(Criteria(), standing, {"x": values}, 0, seed=1)
    assert (worth.kept_low, worth.kept_high) == (0, 1)
    assert worth.breaks["limit:late_share"] == pytest.approx(1, abs=0.1)


# -- the model -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "predicted", "measured", "kind"),
    [
        ("hit_ratio", 0.2, 0.4, "odds"),
        ("bill_usd", 5, 6, "factor"),
        ("late_share", 0, 0.1, "difference"),
    ],
)
def test_a_correction_brings_the_formula_to_the_simulation(
    metric: str, predicted: float, measured: float, kind: str
) -> None:
    found = Correction.between(metric, predicted, measured)
    assert found.kind == kind
    assert found.applied(np.array([predicted]))[0] == pytest.approx(measured)
    if kind == "odds":
        assert 0 < found.applied(np.array([0.999]))[0] < 1


def test_what_a_simulation_says_corrects_as_far_as_it_is_more_than_chance() -> None:
    def corrected(measured: float, chance: float) -> float:
        found = Correction.between("late_share", 0.1, measured, chance)
        return float(found.applied(np.array([0.1]))[0])

    assert corrected(0.12, 0.02) == pytest.approx(0.1)
    assert corrected(0.0801, 0.02) == pytest.approx(0.1)
    assert corrected(0.14, 0.02) == pytest.approx(0.13)
    assert corrected(0.3, 0.02) == pytest.approx(0.298)
    assert corrected(0.02, 0.04) == pytest.approx(0.04)
    assert corrected(0.12, 0) == pytest.approx(0.12)


def test_the_model_says_here_what_the_simulation_says() -> None:
    work = hours(l1_kv=3, kv_only=1, l1_only=2, origin_only=2)
    decision = decided(criteria={"minimise": "monthly_cost_usd", "hours": work})
    for option in decision.options:
        names = ["hit_ratio", "bill_usd", "monthly_cost_usd", "p95_ms", "late_share"]
        at = decision.corrected.values(option, {}, names)
        for name in names:
            assert at[name][0] == pytest.approx(decision.measured[option.name][name]), name


def test_pieces_of_draws_change_nothing() -> None:
    study = small(growth={"keys": "in proportion", "low": 0.5, "high": 4})
    model = Model(study, tuple(options(study)))
    numbers = draws.draw(study, model.options, 300, 1)
    whole = model.values(model.options[2], numbers, ["bill_usd", "p95_ms"])
    for nth in (0, 257, 299):
        one = {name: values[nth : nth + 1] for name, values in numbers.items()}
        alone = model.values(model.options[2], one, ["bill_usd", "p95_ms"])
        assert alone["bill_usd"][0] == pytest.approx(whole["bill_usd"][nth], rel=0.02)


# -- flips ---------------------------------------------------------------------------------


def test_flips_are_those_of_a_dense_search_and_narrow_windows_are_not_stepped_over() -> None:
    decision = decided(criteria={"minimise": "bill_usd", "limits": [LATE]})
    names = [option.name for option in decision.options]
    for sweep in sweeps(decision.model):
        found = flips.flips(decision.model, sweep)
        edges = [sweep.low, *(flip.at for flip in found), sweep.high]
        dense = (
            np.geomspace(sweep.low, sweep.high, 150)
            if sweep.low > 0
            else np.linspace(sweep.low, sweep.high, 150)
        )
        away = np.min(np.abs(dense[:, None] - np.array(edges)), axis=1) > 1e-6 * dense
        chosen = decision.model.standing({sweep.name: dense}).chosen
        labels = [None if i == NOBODY else names[i] for i in chosen.tolist()]
        expected = [found[0].before] if found else [labels[0]]
        expected += [flip.after for flip in found]
        place = np.searchsorted(edges[1:-1], dense)
        for i in np.flatnonzero(away):
            assert labels[i] == expected[place[i]], (sweep.name, dense[i])
        for flip in found:
            beside = np.array([flip.at * (1 - 1e-5), flip.at * (1 + 1e-5)])
            sides = decision.model.standing({sweep.name: beside}).chosen
            assert [None if i == NOBODY else names[i] for i in sides] == [flip.before, flip.after]


def test_of_options_that_keep_a_limit_from_almost_the_same_bound_on_each_flip_is_told() -> None:
    """Straight lines put both crossings a little aside, beyond the change that one of them is."""
    limit = {"metric": "p95_ms", "at_most": 450.0, "why": "w"}
    model = decided(criteria={"limits": [limit]}).model
    wanted = {"origin-only": (359.7, 9.0), "kv-only": (373.80, 20.0), "l1-kv": (373.88, 7.0)}
    corrections = {}
    raw = replace(model, corrections={}, surrogates={})
    for name, targets in wanted.items():
        at = raw.values(model.option(name), {}, ["p95_ms", "bill_usd"])
        for metric, target in zip(("p95_ms", "bill_usd"), targets, strict=True):
            corrections[name, metric] = Correction.between(metric, float(at[metric][0]), target)
    brought = replace(raw.only(list(wanted)), corrections=corrections)
    sweep = next(s for s in sweeps(brought) if s.name.startswith("limit:"))
    told = [(f.before, f.after) for f in flips.flips(brought, sweep)]
    assert told == [(None, "origin-only"), ("origin-only", "l1-kv")]


def test_a_flip_has_its_cause_and_its_distance() -> None:
    decision = decided(criteria={"minimise": "bill_usd", "limits": [LATE]})
    assert decision.chosen is not None
    found = flips.searched(decision.model).flips
    limit = next(flip for flip in found if flip.cause == "limit")
    assert limit.distance == pytest.approx(max(limit.at / limit.here, limit.here / limit.at))
    option = decision.model.option(limit.option)
    value = decision.model.values(option, {limit.number: np.array([limit.at])}, ["late_share"])
    bound = limit.at if limit.number == "limit:late_share" else 0.15
    assert value["late_share"][0] == pytest.approx(bound, rel=1e-4)
    distances = [flip.distance for flip in found]
    assert distances == sorted(distances)


def test_the_tornado_s_ends_are_the_rival_s_lead_at_low_and_high() -> None:
    decision = decided()
    (widest, *_) = flips.tornado(decision.model, "l1-kv", "l1-only")
    number = draws.ranges(decision.study, decision.options)[widest.name]
    for end, lead in ((number.low, widest.low), (number.high, widest.high)):
        at = {widest.name: np.array([end])}
        bills = [
            decision.model.values(decision.model.option(name), at, ["bill_usd"])["bill_usd"][0]
            for name in ("l1-only", "l1-kv")
        ]
        assert lead == pytest.approx(bills[0] - bills[1])


def test_a_map_holds_the_choice_of_every_cell_and_here() -> None:
    decision = decided(criteria={"minimise": "bill_usd", "limits": [LATE]})
    known = {sweep.name: sweep for sweep in sweeps(decision.model)}
    drawn = maps.two_way(decision.model, known["value_life_s"], known["origin_neurons"], 6)
    for i, j in ((0, 0), (3, 5), (5, 2)):
        at = {"value_life_s": drawn.xs[[j]], "origin_neurons": drawn.ys[[i]]}
        assert decision.model.standing(at).chosen[0] == drawn.chosen[i, j]
    assert known["value_life_s"].here in drawn.xs


# -- anchoring and chance ------------------------------------------------------------------


def test_stores_that_lie_elsewhere_answer_as_the_study_of_that_platform_says() -> None:
    """KV beside its readers, and at the other end of the world, by formula and by simulation."""
    here, there = (decided(platform={"kv_central_at": place}) for place in ("FRA", "SYD"))
    placed = {p.places: p for p in here.placements if p.store == "kv"}
    assert [p.places for p in placed.values() if p.is_here] == [("FRA",)]
    user = placed["SIN",].user
    assert (
        placed["SIN",].p95_ms
        > placed["FRA",].p95_ms
        == pytest.approx(here.measured[user]["p95_ms"])
    )
    assert there.measured[user]["p95_ms"] > here.measured[user]["p95_ms"]
    assert placed["FRA",].chosen == here.chosen.name


def test_on_poisson_traffic_formulas_serve() -> None:
    found = decided().anchoring
    assert found.anchors
    assert {anchor.status for anchor in found.anchors} == {"formula"}
    assert all(anchor.typical <= anchor.worst for anchor in found.anchors)
    for anchor in found.anchors:
        assert (anchor.within == anchoring.POINTS) == (anchor.worst <= anchor.tolerance)


def test_on_bursts_formulas_do_not_serve_and_the_report_knows() -> None:
    bursts = {"burst_share": 0.9, "burst_requests": 300, "burst_s": 30, "requests_per_month": 5_000}
    decision = decided(workload=bursts, criteria={"minimise": "origin_loads_per_month"})
    odd = [a for a in decision.anchoring.anchors if a.metric == "origin_loads_per_month"]
    assert max(anchor.here for anchor in odd) > anchoring.RELATIVE
    if decision.by_simulation:
        assert decision.judged_draws == anchoring.POINTS
    for option in decision.options:  # what is said of here is the simulation's all the same
        at = decision.corrected.values(option, {}, ["origin_loads_per_month"])
        exact = decision.measured[option.name]["origin_loads_per_month"]
        assert at["origin_loads_per_month"][0] == pytest.approx(exact)


def test_traffic_that_may_be_none_at_all_is_simulated_all_the_same() -> None:
    """No simulation of less than a request a month has one that reads."""
    decision = decided(workload={"requests_per_month": 500})
    least = {"requests_per_month": np.array([1e-6, 500.0])}
    simulated = decision.anchoring.simulator.values(decision.options[0], least)
    assert all(np.isfinite(values).all() for values in simulated.values())


def test_a_fit_is_made_where_what_is_left_of_an_error_is_smooth(monkeypatch: Any) -> None:
    study = small()
    rng = np.random.default_rng(1)
    numbers = {"origin_ms": np.exp(rng.uniform(4, 7, 40)), "value_life_s": rng.uniform(1, 2, 40)}
    here = {"origin_ms": 250.0, "value_life_s": 1.5}
    truth = 250 * (numbers["origin_ms"] / 250) ** 1.2
    fitted, errors = anchoring._fit("p95_ms", numbers["origin_ms"], truth, numbers, here)
    assert fitted is not None
    assert np.quantile(errors, anchoring.COVERED) < anchoring.RELATIVE
    at = {"origin_ms": np.array([300.0])}
    assert 300 * np.exp(fitted(at))[0] == pytest.approx(250 * 1.2**1.2, rel=0.05)
    for nothing_else in ({}, {"origin_ms": np.array([250.0])}):  # exact where it was exact
        assert fitted(nothing_else)[0] == pytest.approx(0, abs=1e-12)
    noise = np.exp(rng.normal(0, 1, 40))
    fitted, errors = anchoring._fit("p95_ms", truth, truth * noise, numbers, here)
    assert np.quantile(errors, anchoring.COVERED) > anchoring.RELATIVE
    assert study.log is None


def test_a_part_of_the_traffic_says_here_what_all_of_it_says(monkeypatch: Any) -> None:
    monkeypatch.setattr(simulator, "MOST_REQUESTS", 4_000)
    decision = decided()
    found = decision.anchoring
    for option in decision.options:
        for name, values in found.simulator.values(option, {}).items():
            assert values[0] == pytest.approx(decision.measured[option.name][name]), name
    assert len(found.simulator._part.trace) < 6_000 < len(decision.study.trace)
    bills = {o.name: found.simulator.values(o, {"requests_per_month": np.array([10_000, 40_000])})
             for o in decision.options}  # fmt: skip
    assert bills["origin-only"]["bill_usd"][1] > 1.5 * bills["origin-only"]["bill_usd"][0]


def withheld(decision: Decision) -> None:
    """As if the formulas did not hold."""
    anchor = replace(decision.anchoring.anchors[0], status="withheld")
    vars(decision)["anchoring"] = replace(decision.anchoring, anchors=(anchor,))


def test_where_formulas_are_withheld_only_what_is_so_decided_anew_is_told(monkeypatch: Any) -> None:
    limit = {"metric": "bill_usd", "at_most": 20.0, "why": "w"}
    decision = decided(criteria={"limits": [limit]})
    by_formula = decision.flips
    assert any(not flip.number.startswith(model.WORK) for flip in by_formula)
    del vars(decision)["_looked_for"]
    withheld(decision)
    told = [flip.number for flip in decision.flips]  # a month of other traffic is another month
    assert [f.number for f in flips.nearest(by_formula) if f.number != simulator.TRAFFIC] == told
    assert decision.map_axes is None
    del vars(decision)["_looked_for"]
    monkeypatch.setattr(Decision, "_chosen_at", lambda *_: "another")
    assert all(flip.number.startswith(model.WORK) for flip in decision.flips)


def test_a_flip_that_a_simulation_confirms_says_so_and_what_it_doubts_is_not_told(
    monkeypatch: Any,
) -> None:
    decision = decided(criteria={"limits": [{"metric": "bill_usd", "at_most": 20.0, "why": "w"}]})
    told = decision.flips
    simulated = [flip for flip in told if flip.simulated]
    assert 0 < len(simulated) <= SIMULATED
    assert not any(flip.number.startswith(model.WORK) for flip in simulated)
    del vars(decision)["_looked_for"]
    monkeypatch.setattr(Elsewhere, "simulated", lambda *_: "another")
    anew = decision.flips  # a decision made anew there confirms what one month doubts
    again = {(flip.number, flip.before, flip.after) for flip in anew}
    lost = {f.number for f in told if (f.number, f.before, f.after) not in again}
    assert lost <= {simulator.TRAFFIC}
    assert any(flip.simulated for flip in anew)
    del vars(decision)["_looked_for"]
    monkeypatch.setattr(Decision, "_chosen_at", lambda *_: "another")
    out = {(flip.number, flip.at > flip.here) for flip in simulated}
    assert decision.flips == [f for f in told if (f.number, f.at > f.here) not in out]
    assert {(flip.number, flip.at > flip.here) for flip in decision.doubted} == out


def test_traffic_of_which_nothing_can_be_made_confirms_nothing(monkeypatch: Any) -> None:
    decision = decided()
    withheld(decision)

    def none_made(*_: object) -> None:
        raise NoTrafficError("no request")

    monkeypatch.setattr(Decision, "_chosen_at", none_made)
    assert all(flip.number.startswith(model.WORK) for flip in decision.flips)


def test_what_is_decided_anew_beyond_a_flip_is_the_whole_choice_there() -> None:
    limit = {"metric": "bill_usd", "at_most": 20.0, "why": "w"}
    decision = decided(criteria={"limits": [limit]})
    withheld(decision)
    flip = next(f for f in decision.flips if not f.number.startswith(model.NO_FORMULA))
    beyond = flip.at * (1.06 if flip.at > flip.here else 0.94)
    case = decision.study.case
    own = case.assumptions.model_copy(update={flip.number: draws.moved(
        flip.number, case.assumed[flip.number], beyond)})  # fmt: skip
    there = Decision(Study(case.model_copy(update={"assumptions": own}), seed=1)).chosen
    assert (there.name if there else None) == flip.away


def test_a_flip_of_a_limit_lies_at_the_value_in_the_table_fit_or_no_fit(tmp_path: Any) -> None:
    log = tmp_path / "log.csv"
    rng = np.random.default_rng(5)
    starts = np.sort(rng.uniform(0, 864_000, 60))
    times = np.sort((starts[:, None] + rng.exponential(20, (60, 25))).ravel())
    log.write_text(
        "time,key\n" + "".join(f"{t:.2f},k{int(t) // 9000 % 7}\n" for t in times), "utf-8"
    )
    dear = Decision(small(log=log), 100).measured.values()
    bound = 0.9 * min(measured["bill_usd"] for measured in dear)
    limit = {"metric": "bill_usd", "at_most": bound, "why": "w"}
    decision = Decision(small(log=log, criteria={"limits": [limit]}), 100)
    assert {anchor.status for anchor in decision.anchoring.anchors} != {"formula"}
    (at,) = (f for f in decision.next_flips if f.number == "limit:bill_usd" and f.at > f.here)
    assert at.at == pytest.approx(decision.measured[str(at.after)]["bill_usd"], rel=1e-3)


def test_the_half_interval_is_student_s_and_equal_runs_have_none() -> None:
    assert intervals.half_width([1.0, 2.0, 3.0]) == pytest.approx(2.484, abs=1e-3)
    assert intervals.half_width([0.1 + 0.2, 0.3, 0.3]) == 0
    assert intervals.half_width([1.0]) == 0
    assert intervals.half_width([1.0, np.nan]) == 0


def test_of_long_traffic_a_part_tells_how_much_is_chance(monkeypatch: Any) -> None:
    study = small(workload={"requests_per_month": 30_000}, designs=["l1-only", "l1-kv-fixed"])
    names = ("bill_usd", "late_share", "p95_ms", "hit_ratio")
    asked = (study, options(study), names)
    measured = {
        option.name: measure(study, option, simulate(study, option), names)
        for option in options(study)
    }
    whole = intervals.resolution(*asked, measured)
    monkeypatch.setattr("cachelib.model.judgement.study.MOST_RESEEDED", 10_000)
    monkeypatch.setattr(intervals, "MOST_RESEEDED", 10_000)
    vars(study).pop("again")
    part = intervals.resolution(*asked, measured)
    for name in names:
        known = whole[name] > 1e-6
        ratio = part[name][known] / whole[name][known]
        assert (ratio > 0.2).all(), name
        assert (ratio < 5).all(), name
    assert part["late_share"][1] > 0  # though every read is found, when values change is chance


def ten_days(folder: Path, keys: int, place: str) -> Path:
    """A log of 3,000 requests from one place."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 864_000, 3_000))
    log = folder / "log.csv"
    rows = (f"{time:.3f},k{rng.integers(keys)},{place}" for time in times)
    log.write_text("time,key,colo\n" + "\n".join(rows), "utf-8")
    return log


def test_a_log_grows_no_denser_to_confirm_a_flip(tmp_path: Path, monkeypatch: Any) -> None:
    """Of what a simulation sees, only more traffic is told unconfirmed; where formulas are
    withheld nothing is."""
    work = {"minimise": "monthly_cost_usd", "limits": [LATE]} | {
        "hours": hours(origin_only=4, l1_only=3, kv_only=2, l1_kv=6)
    }
    study = small(log=ten_days(tmp_path, 5, "AMS"), criteria=work, today="l1-only")
    decision = Decision(study, 20)
    assert simulator.TRAFFIC in {flip.number for flip in decision.flips}
    assert "origin_neurons" in {flip.number for flip in decision.flips}
    del vars(decision)["_looked_for"]
    refuted = SimpleNamespace(chosen=[NOBODY], options=())
    monkeypatch.setattr(simulator.Simulator, "set_anew", lambda *_: refuted)
    monkeypatch.setattr(Decision, "_chosen_at", lambda *_: "another")
    told = {flip.number for flip in decision.flips if not flip.number.startswith(model.WORK)}
    assert told == {simulator.TRAFFIC}
    del vars(decision)["_looked_for"]
    withheld(decision)
    asked: dict[str, float] = {}
    monkeypatch.setattr(
        Decision, "_chosen_at", lambda _, number, at, __: asked.update({number: at})
    )
    assert all(flip.number.startswith(model.WORK) for flip in decision.flips)
    assert asked.keys() == {"origin_neurons"}


def test_blocks_of_time_stand_for_months_of_a_log(tmp_path: Any) -> None:
    log = ten_days(tmp_path, 5, "AMS")
    decision = Decision(small(log=log), 100)
    kv = [option.name for option in decision.options].index("l1-kv")
    half = decision.resolution["hit_ratio"][kv]
    assert 0 < half < 0.05
    assert decision.resolution["origin_loads_per_month"][kv] > 0
    assert decision.measured["l1-kv"]["bill_usd"] == 5
    assert decision.resolution["bill_usd"][kv] == 0, "the plan's minimum is no chance"
    priced = Decision(small(log=log, prices={"origin.calls": 5_000}), 100)
    assert priced.resolution["bill_usd"][kv] > 0


def test_a_node_costs_what_it_costs_however_many_miss(tmp_path: Any) -> None:
    study = Study(load_case(PODS), log=ten_days(tmp_path, 300, "FRA"))
    (option,) = (each for each in options(study) if each.name == "redis-only")
    names = ("bill_usd", "origin_loads_per_month")
    known = {option.name: measure(study, option, simulate(study, option))}
    found = intervals.resolution(study, [option], names, known)
    assert known[option.name]["bill_usd"] > 10
    assert found["bill_usd"].tolist() == [0]
    assert found["origin_loads_per_month"][0] > 0


# -- nothing contradicts anything ----------------------------------------------------------

NAMES = ["origin-only", "l1-only", "l1-kv", "kv-only", "durable-object", "l1-kv-fixed"]
CASES = st.fixed_dictionaries({
    "designs": st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True),
    "limit": st.sampled_from([None, ("late_share", 0.02), ("late_share", 0.2), ("p95_ms", 250.0),
                              ("hit_ratio", 0.5), ("bill_usd", 7.0)]),
    "minimise": st.sampled_from(["bill_usd", "origin_loads_per_month", "mean_ms",
                                 "monthly_cost_usd"]),
    "traffic": st.sampled_from([3_000, 20_000, 60_000]),
    "seed": st.integers(0, 50),
})  # fmt: skip


def case_of(chosen: dict[str, Any], **more: Any) -> Decision:
    limits = []
    if chosen["limit"]:
        metric, bound = chosen["limit"]
        side = "at_least" if metric == "hit_ratio" else "at_most"
        limits = [{"metric": metric, side: bound, "why": "w"}]
    criteria = {
        "minimise": chosen["minimise"], "limits": limits,
        "hours": hours(**{name.replace("-", "_"): 2.0 + len(name) for name in chosen["designs"]}),
    }  # fmt: skip
    return decided(
        chosen["seed"], designs=chosen["designs"], criteria=criteria | more,
        workload={"requests_per_month": chosen["traffic"]},
    )  # fmt: skip


@settings(max_examples=4, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(CASES)
def test_recommendation_table_shares_flips_and_panel_say_one_thing(chosen: dict[str, Any]) -> None:
    decision = case_of(chosen)
    name = decision.chosen.name if decision.chosen else None
    # the model at the case's numbers chooses what the simulation chooses
    here = decision.model.standing({})
    at_here = int(here.chosen[0])
    assert (None if at_here == NOBODY else decision.options[at_here].name) == name
    # the table's first is the choice; what breaks a limit is not ranked
    ranked = [option.name for option in decision.ranked]
    assert ranked[:1] == ([name] if name else [])
    assert not set(ranked) & decision.missed.keys()
    # no flip lies between here and here: on either side, the nearest flips agree with the choice
    for sweep in sweeps(decision.model):
        found = flips.flips(decision.model, sweep)
        below = [flip for flip in found if flip.at < sweep.here]
        above = [flip for flip in found if flip.at > sweep.here]
        assert not below or below[-1].after == name, sweep.name
        assert not above or above[0].before == name, sweep.name
        # only a limit leaves nothing to choose: no work, no bill does
        lost = [flip for flip in found if None in (flip.before, flip.after)]
        assert {flip.cause for flip in lost} <= {"limit"}, sweep.name
    # shares: what is chosen in a draw is best or tied in it; what is not kept is neither
    for one in decision.sureness.values():
        assert one.chosen.value <= one.best.value <= one.keeps.value
        assert one.regret.mean >= 0
    total = sum(one.chosen.value for one in decision.sureness.values())
    assert total + decision.no_limits_kept == pytest.approx(1)
    # the panel carries the same options, settings and corrections
    data = panel(decision)
    for design, option in zip(data["designs"], decision.options, strict=True):
        assert design["name"] == option.name
        assert design["l1_ttl_s"] == option.design.l1_ttl_s
        bill = decision.corrected.corrections[option.name, "bill_usd"]
        assert design["corrections"]["bill_usd"] == {"kind": bill.kind, "amount": bill.amount}


@settings(max_examples=2, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(CASES)
def test_making_the_winner_cheaper_keeps_it_winning(chosen: dict[str, Any]) -> None:
    decision = case_of(chosen | {"minimise": "monthly_cost_usd"})
    if decision.chosen is None:
        return
    name = decision.chosen.name
    cheaper = hours(
        **{n.replace("-", "_"): 0.5 if n == name else 2.0 + len(n) for n in chosen["designs"]}
    )
    again = case_of(chosen | {"minimise": "monthly_cost_usd"}, hours=cheaper)
    assert again.chosen is not None
    assert again.chosen.name == name
    assert again.sureness[name].best.value >= decision.sureness[name].best.value - 1e-12


def test_the_unit_of_what_is_minimised_changes_nothing() -> None:
    """Milliseconds or seconds: the same shares, the regret in the other unit."""
    one = decided(
        criteria={"minimise": None, "weigh": {"mean_ms": 1.0}, "material": {"mean_ms": 3}}
    )
    two = decided(
        criteria={"minimise": None, "weigh": {"mean_ms": 1e-3}, "material": {"mean_ms": 3}}
    )
    assert one.chosen == two.chosen
    for name, sure in one.sureness.items():
        assert sure.best == two.sureness[name].best
        assert sure.regret.mean == pytest.approx(1e3 * two.sureness[name].regret.mean)


def test_a_part_at_any_traffic_says_here_what_all_of_it_says_but_for_chance(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(simulator, "MOST_REQUESTS", 4_000)
    decision = decided(workload={"keys": 1_500, "zipf": 1.0}, growth={"low": 0.5, "high": 3})
    found = decision.anchoring
    here = {"requests_per_month": np.array([decision.study.requests_per_month])}
    for option in decision.options:
        chance = found.simulator.chance(option, here)
        for name, values in found.simulator.values(option, here).items():
            whole = decision.measured[option.name][name]
            assert values[0] == pytest.approx(whole, abs=1.5 * chance[name] + 1e-9), name
            assert chance[name] < 0.1 * whole + 1e-9, name
