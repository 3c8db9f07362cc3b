"""The options that no other beats: by hand, and against the definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.pareto import front
from cachelib.model.tiers.design import Design

FAST = {"metric": "p95_ms", "at_most": 900, "why": "w"}
BOTH = Criteria.model_validate({"minimise": "bill_usd", "limits": [FAST]})


def left(criteria: Criteria, **measured: dict[str, float]) -> list[str]:
    some = [Option(Design(name=name), {}) for name in measured]
    return [option.name for option in front(criteria, some, measured)]


def at(bill: float, p95: float) -> dict[str, float]:
    return {"bill_usd": bill, "p95_ms": p95}


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        (at(10, 100), at(20, 200), ["a"]),  # better in both
        (at(10, 200), at(20, 100), ["a", "b"]),  # each in one
        (at(10, 100), at(20, 100), ["a"]),  # better in one, alike in the other
        (at(10, 100), at(10, 100), ["a", "b"]),
        (at(10, 100), at(10.9, 100), ["a", "b"]),  # by less than a dollar: as good
        (at(10, 100), at(11, 100), ["a", "b"]),  # by just what is material
        (at(10, 100), at(11.1, 100), ["a"]),
        (at(10, 100), at(10.5, 200), ["a"]),
        (at(10, 100.1), at(20, 100), ["a", "b"]),  # worse by however little is worse
    ],
)
def test_an_option_is_beaten_by_one_better_in_one_metric_and_worse_in_none(
    a: dict[str, float], b: dict[str, float], kept: list[str]
) -> None:
    assert left(BOTH, a=a, b=b) == kept
    assert left(BOTH, b=b, a=a) == sorted(kept, reverse=True)


def test_of_what_is_better_the_more_the_greater_one_beats() -> None:
    most = Criteria.model_validate({"maximise": "hit_ratio"})
    assert left(most, a={"hit_ratio": 0.5}, b={"hit_ratio": 0.9}) == ["b"]


def test_what_nobody_states_beats_nothing_and_is_not_beaten() -> None:
    assert left(BOTH, a=at(math.nan, 1), b=at(10, 100)) == ["a", "b"]
    assert left(BOTH, a=at(1, 1), b=at(10, math.nan)) == ["a", "b"]


def test_the_front_of_many_is_what_comparing_each_pair_says() -> None:
    rng = np.random.default_rng(4)
    many = {f"o{nth:02d}": at(*rng.uniform(10, 500, 2).round(0).tolist()) for nth in range(40)}

    def beats(one: dict[str, float], other: dict[str, float]) -> bool:
        saved = {name: other[name] - one[name] for name in one}
        enough = {
            "bill_usd": max(1, 0.01 * one["bill_usd"]),
            "p95_ms": max(1, 0.05 * one["p95_ms"]),
        }
        return min(saved.values()) >= 0 and any(saved[n] > enough[n] for n in saved)

    beaten = {b for a, b in itertools.permutations(many, 2) if beats(many[a], many[b])}
    assert left(BOTH, **many) == [name for name in many if name not in beaten]
    assert 1 < len(many) - len(beaten) < len(many)
