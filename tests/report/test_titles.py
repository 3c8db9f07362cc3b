"""Titles of the decision's charts state what their chart says, of this case."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement.flips import Swing
from cachelib.report.publish import titles


def decision(chosen: str | None = "a", **shares: float) -> Any:
    """One of which no more is known than what is chosen, and how often each is best or tied."""
    sureness = {name: SimpleNamespace(best=SimpleNamespace(value=v)) for name, v in shares.items()}
    case = SimpleNamespace(words=lambda name: f"option {name}", assumed={})
    return SimpleNamespace(
        chosen=chosen and SimpleNamespace(name=chosen),
        sureness=sureness,
        criteria=SimpleNamespace(weigh={}, aim="bill_usd", maximise=None),
        study=SimpleNamespace(case=case, told=lambda text: text),
    )


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"a": 0.87, "b": 0.33}, "“Option a” is best or tied in 87 % of the tries, "
                                 "no other in more than 33 %"),
        ({"a": 1.0, "b": 0.0}, "“Option a” is best or tied in 100 % of the tries, no other in any"),
        ({"a": 1.0}, "“Option a” is best or tied in 100 % of the tries"),
    ],
)  # fmt: skip
def test_shares_are_told_with_the_next_best(shares: dict[str, float], said: str) -> None:
    assert plain(titles.of_shares(decision(**shares))) == said


def test_where_another_is_best_more_often_than_the_choice_it_is_told_first() -> None:
    told = plain(titles.of_shares(decision(a=0.46, b=0.55, c=0.1)))
    assert told == "“Option b” is best or tied in 55 % of the tries, the choice in 46 %"


def test_where_nothing_is_chosen_the_most_frequent_is_told() -> None:
    assert "“Option b” is best or tied in 5 %" in plain(
        titles.of_shares(decision(None, a=0.01, b=0.05))
    )


WIDE, ABLE, TOO = Swing("value_life_s", 1, 9), Swing("origin_ms", -2, 3), Swing("ai_ms", 1, -1)


@pytest.mark.parametrize(
    ("swings", "said"),
    [
        ([WIDE], "No number, alone within its range, makes “Option b” the better"),
        ([WIDE, ABLE], "could make “Option b” the better in monthly bill, no other number could"),
        ([WIDE, ABLE, TOO], "could make “Option b” the better in monthly bill; so could 1 more"),
        ([Swing("origin_ms", -9, -1)], "“Option b” is the better in monthly bill, whichever"),
    ],
)
def test_a_tornado_tells_which_numbers_could_turn_it(swings: list[Swing], said: str) -> None:
    told = titles.of_swings(decision(), "b", swings)
    assert said in told
    assert told[:1].isupper() or told.startswith("“")


def test_a_map_tells_who_is_chosen_here_and_how_much_of_it() -> None:
    drawn: Any = SimpleNamespace(names=["b", "a"], chosen=np.array([[1, 1], [0, -1]]))
    assert plain(titles.of_map(decision(), drawn)) == (
        "“Option a” is chosen here, and in 50 % of this map"
    )
    assert plain(titles.of_map(decision(None), drawn)) == (
        "Nothing keeps the limits here, and in 25 % of this map"
    )


@pytest.mark.parametrize(
    ("scores", "today", "said"),
    [
        ({"a": 5.0, "b": 5.01}, None, "$5.00 to $5.01 with each option: no difference that counts"),
        ({"a": 5.0, "b": 5.001}, None, "$5.00 with each option: no difference that counts"),
        ({"a": 5.0, "b": 9.0}, None, "Less is better: $5.00 for the choice"),
        ({"a": 5.0, "b": 9.0}, "b", "Less is better: $5.00 for the choice, $9.00 today"),
        ({"a": 5.0, "b": 9.0}, "a", "Less is better: $5.00 as it is today"),
        ({"a": 5.0, "b": float("nan")}, None, "$5.00 with each option"),
    ],
)
def test_amounts_tell_the_choice_and_today_or_that_they_tell_nothing(
    scores: dict[str, float], today: str | None, said: str
) -> None:
    options = {name: SimpleNamespace(name=name) for name in scores}
    of = SimpleNamespace(
        options=list(options.values()),
        chosen=options["a"],
        today=options.get(today or ""),
        score=lambda option: scores[option.name],
        criteria=Criteria(),
    )
    assert titles.of_amounts(cast(Any, of)).startswith(said)


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [
        (0.0, 0.0, "No answer is out of date by over 60 s"),
        (0.01, 0.01, "Out of date by over 60 s: 1 % of the answers"),
        (0.0, 0.0574, "Out of date by over 60 s: 0 % to 5.74 % of the answers"),
    ],
)
def test_where_no_answer_is_out_of_date_the_title_has_no_span(
    least: float, most: float, said: str
) -> None:
    assert plain(titles.of_lateness(least, most, "by over 60 s")) == said


@pytest.mark.parametrize(
    ("second", "shares", "said"),
    [
        ("b", {"a": 0.6, "b": 0.3, "c": 0.1}, "“Option b”, which of the others is best or tied"
         " most often, is worse than “Option a”"),
        ("c", {"a": 0.6, "b": 0.3, "c": 0.1}, "“Option b”, which of the others is best or tied"
         " most often (the next best here, “Option c”, is so less often), is worse than"
         " “Option a”"),
        ("c", {"a": 0.6, "b": 0.3, "c": 0.3}, "“Option b”, which of the others is best or tied"
         " as often as any, is worse than “Option a”"),
    ],
)  # fmt: skip
def test_a_rival_that_is_not_the_next_best_of_the_first_page_is_told_apart_from_it(
    second: str, shares: dict[str, float], said: str
) -> None:
    made = decision("a", **shares)
    made.ranked = [made.chosen, SimpleNamespace(name=second)]
    assert titles.of_rival(made, "b") == f"By how much {said}"
