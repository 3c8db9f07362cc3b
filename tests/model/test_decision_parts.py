"""What a decision says, part by part, of standings that are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import draws, flips, regret
from cachelib.model.judgement.decision import CONTENDS, RIVALS, Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.knobs import Tuned
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import Regret, Share, Sureness
from cachelib.model.judgement.ties import NOBODY, Standing
from cachelib.model.tiers.design import Design
from tests.model.cases import of, requests, small

LATE = {"metric": "p95_ms", "at_most": 100, "why": "w"}
NAMES = ("a", "b", "c", "d")


def given(
    score: list[float], *, kept: list[bool] | None = None, chosen: int = 0,
    tied: list[int] = [0], today: str | None = None, **measured: list[float],  # noqa: B006
) -> Decision:  # fmt: skip
    """A decision over options a, b, ... of which the score and the rest are known."""
    decision = Decision(small(criteria={"minimise": "bill_usd", "limits": [LATE]}), 100)
    some = [Option(Design(name=name), {}, name == today) for name in NAMES[: len(score)]]
    values = {"p95_ms": [50.0] * len(score), "bill_usd": score} | measured
    vars(decision)["tuned"] = {
        option.name: Tuned(option, {n: v[i] for n, v in values.items()}, True, {}, 1)
        for i, option in enumerate(some)
    }
    flags = np.array(kept or [True] * len(score))[:, None]
    best = np.isin(np.arange(len(score)), tied)[:, None]
    column = np.array(score, float)[:, None]
    vars(decision)["here"] = Standing(tuple(some), {}, column, {}, flags, best, np.array([chosen]))
    return decision


def names(some: list[Option]) -> list[str]:
    return [option.name for option in some]


def test_the_choice_what_ties_with_it_and_what_is_there_today() -> None:
    decision = given([5, 5.5, 9], chosen=1, tied=[0, 1], today="c")
    assert decision.chosen is not None
    assert decision.today is not None
    assert (decision.chosen.name, decision.today.name) == ("b", "c")
    assert names(decision.ties) == ["a"]
    nobody = given([5, 9], chosen=NOBODY)
    assert nobody.chosen is None
    assert nobody.today is None
    assert nobody.worths == []
    assert nobody.safer is None
    assert nobody.tornado("a") == []


def test_the_ranking_has_the_choice_first_then_the_cheapest_then_by_name() -> None:
    decision = given([7, 5, 9, 5], chosen=2, kept=[True] * 4)
    assert names(decision.ranked) == ["c", "b", "d", "a"]
    out = given([7, 5, np.nan, 4], chosen=1, kept=[True, True, True, False])
    assert names(out.ranked) == ["b", "a"]
    assert names(out.not_stated) == ["c"]
    assert out.score(out.options[0]) == 7


def test_after_the_ranking_comes_what_is_nearest_to_its_limits() -> None:
    decision = given([7, 5, 9, np.nan], chosen=0, kept=[True, False, False, True],
                     p95_ms=[50, 300, 150, 50])  # fmt: skip
    assert {name: missed[0].excess for name, missed in decision.missed.items()} == {
        "b": pytest.approx(2), "c": pytest.approx(0.5),
    }  # fmt: skip
    assert decision.nearest == "c"
    assert names(decision._first) == ["a", "d", "c", "b"]


def test_half_of_a_score_s_interval_is_each_option_s_own() -> None:
    decision = given([7, 5])
    vars(decision)["resolution"] = {"bill_usd": np.array([0.5, 2.0])}
    assert decision.half_of_score == {"a": 0.5, "b": 2.0}


def sure(best: float = 0.0, mean: float = 0.0, keeps: float = 1.0) -> Sureness:
    return Sureness(Share(keeps, 0), Share(best, 0), Share(best, 0), Regret(mean, 0.0, 0, 0))


def test_rivals_are_what_is_best_most_often_beside_the_choice_and_ever() -> None:
    decision = given([5, 6, 7, 8])
    shares = {"a": 0.9, "b": 0.1, "c": 0.3, "d": 0.1, "e": 0.05, "f": 0.0}
    vars(decision)["sureness"] = {name: sure(share) for name, share in shares.items()}
    assert decision.rivals == ["c", "b", "d"]
    assert RIVALS == 3
    vars(decision)["sureness"] = {"a": sure(0.9), "b": sure(0.1), "c": sure(0.0)}
    assert decision.rivals == ["b"]
    nobody = given([5, 6], chosen=NOBODY)
    vars(nobody)["sureness"] = {"a": sure(0.4), "b": sure(0.5)}
    assert nobody.rivals == ["b", "a"]


def test_the_safer_option_is_the_first_by_name_of_those_regretted_least() -> None:
    decision = given([5, 6, 7])
    vars(decision)["sureness"] = {"a": sure(mean=9), "c": sure(mean=2), "b": sure(mean=2)}
    assert decision.safer == "b"
    vars(decision)["sureness"] = {"a": sure(mean=9), "b": sure(mean=1, keeps=0), "c": sure(mean=7)}
    assert decision.safer == "c"


def test_contenders_are_best_often_enough_or_chosen_or_there() -> None:
    decision = given([5, 6, 7, 8], today="d")
    tied = np.zeros((4, 100), bool)
    tied[1, :2], tied[2, :1] = True, True
    vars(decision)["_first_standing"] = SimpleNamespace(tied=tied)
    assert CONTENDS == 0.02
    assert decision.contenders == ["a", "b", "d"]


def flip(number: str, at: float, *, inside: bool = False, here: float = 10.0) -> Flip:
    return Flip(number, at, here, "a", "b", "score", "bill_usd", "a", "b", inside)


def test_next_flips_are_the_nearest_of_each_side_those_within_their_range_first() -> None:
    decision = given([5, 6])
    found = [flip("x", 11), flip("y", 13, inside=True), flip("x", 14), flip("x", 5, inside=True)]
    vars(decision)["_looked_for"] = found, []
    assert decision.next_flips == [found[1], found[3], found[0]]


def worth(name: str) -> Any:
    return SimpleNamespace(name=name)


@pytest.mark.parametrize(
    ("near", "worths", "axes"),
    [
        (["x", "y"], ["z"], ("x", "y")),
        (["x"], ["x", "z"], ("x", "z")),
        (["limit:p95_ms", "x"], ["limit:p95_ms", draws.CHANCE, "z"], ("x", "z")),
        (["x"], ["x", draws.CHANCE], None),
        ([], [], None),
    ],
)
def test_a_map_is_of_the_nearest_flips_then_of_what_is_worth_most(
    near: list[str], worths: list[str], axes: tuple[str, str] | None
) -> None:
    decision = given([5, 6])
    vars(decision)["anchoring"] = SimpleNamespace(withheld=[])
    vars(decision)["_looked_for"] = [flip(name, 11 + nth) for nth, name in enumerate(near)], []
    vars(decision)["worths"] = [worth(name) for name in worths]
    assert decision.map_axes == axes
    vars(decision)["anchoring"] = SimpleNamespace(withheld=["something"])
    assert decision.map_axes is None
    assert decision.tornado("b") == []


def standing(score: Any) -> Standing:
    values = np.array(score, float)
    some = tuple(Option(Design(name=name), {}) for name in NAMES[: len(values)])
    flags = np.ones(values.shape, bool)
    chosen = np.array([0, NOBODY, 1, NOBODY])[: values.shape[1]]
    return Standing(some, {}, values, {}, flags, flags, chosen)


def test_shares_are_of_the_draws_or_where_formulas_are_withheld_of_the_simulated_points() -> None:
    decision = given([5, 6])
    first, points = standing([[1, 2, 3, 4], [4, 3, 2, 1]]), standing([[1, 2], [2, 1]])
    vars(decision)["_first_standing"] = first
    vars(decision)["drawn"] = {"x": np.arange(4.0)}
    numbers = {"x": np.arange(2.0)}
    model = SimpleNamespace(surrogates={})
    vars(decision)["anchoring"] = SimpleNamespace(
        withheld=[], model=model, standing=points, numbers=numbers
    )
    assert decision.standing is first
    assert decision.judged_draws == 4
    assert decision._numbers == decision.drawn
    assert decision.no_limits_kept == 0.5
    other = given([5, 6])
    vars(other).update({k: v for k, v in vars(decision).items() if k not in ("standing", "tuned")})
    other.anchoring.withheld.append("something")  # type: ignore[arg-type]
    assert other.by_simulation
    assert other.standing is points
    assert other.judged_draws == 2
    assert other._numbers is numbers
    fitted = given([5, 6])
    vars(fitted)["_first_standing"] = first
    vars(fitted)["drawn"], vars(fitted)["_formula"] = {"x": 1}, {"f": 2}
    asked: list[Any] = []
    brought = standing([[9, 9, 9, 9], [4, 3, 2, 1]])
    again = SimpleNamespace(surrogates={"s": 1}, standing=lambda *it: asked.append(it) or brought)
    vars(fitted)["anchoring"] = SimpleNamespace(withheld=[], model=again)
    assert fitted.standing is brought
    assert asked == [({"x": 1}, {"f": 2})]


def test_a_decision_on_a_small_case_is_of_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    decision = Decision(
        small(designs=["l1-kv", "l1-only"], criteria={"minimise": "bill_usd"}), 1_200
    )
    assert decision.chosen is not None
    assert all(len(values) == 1_200 for values in decision.drawn.values())
    assert decision.corrected.resolution is decision.resolution
    swings = decision.tornado("l1-only")
    assert swings == flips.tornado(decision.model, "l1-kv", "l1-only")
    drawn = decision.map("origin_neurons", "value_life_s")
    assert (drawn.x.name, drawn.y.name) == ("origin_neurons", "value_life_s")
    assert drawn.chosen.shape == (len(drawn.ys), len(drawn.xs))
    assert len(drawn.xs) in (24, 25)
    place = decision.options.index(decision.chosen)
    worths = regret.worths(decision.criteria, decision.standing, decision.drawn, place, 1)
    assert decision.worths == worths
    counted: list[int] = []
    real = draws.draw

    def counting(study: Any, some: Any, n: int, *rest: Any) -> Any:
        counted.append(n)
        return real(study, some, n, *rest)

    monkeypatch.setattr(draws, "draw", counting)
    flat = decision.sureness_if("uniform")
    assert flat.keys() == {"l1-kv", "l1-only"}
    assert sum(each.chosen.value for each in flat.values()) == pytest.approx(1)
    few = Decision(decision.study, 100)
    vars(few).update({"tuned": decision.tuned, "anchoring": decision.anchoring})
    assert few.sureness_if("uniform").keys() == flat.keys()
    assert counted == [300, 200]  # a quarter, but not too few
    assert Decision(decision.study).draws == 2_000


def test_a_log_s_decision_draws_its_chance() -> None:
    study = of(requests(np.linspace(0, 9e5, 300).tolist(), [n % 7 for n in range(300)]),
               designs=["l1-kv", "l1-only"])  # fmt: skip
    assert draws.CHANCE in Decision(study, 100).drawn
