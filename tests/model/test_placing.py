"""Changes of the choice are told where a simulation has them, near to where formulas do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.placing import FARTHER, located, placed
from cachelib.model.judgement.sweeps import Sweep
from cachelib.model.judgement.ways import halfway, spans_of
from cachelib.model.platforms.platform import Assumption

ORIGIN = Assumption(value=100, low=50, high=205, unit="ms", why="w")


def flip(at: float, here: float = 100.0) -> Flip:
    below, above = ("a", "b") if at > here else ("b", "a")
    return Flip("origin_ms", at, here, below, above, "score", "bill_usd", "b", "a", inside=True)


def sweep() -> Sweep:
    return Sweep("origin_ms", 20.0, 400.0, 100.0, ORIGIN)


def upwards(truth: float, asked: list[float] | None = None):  # type: ignore[no-untyped-def]
    def chosen(value: float) -> str:
        if asked is not None:
            asked.append(value)
        return "b" if value > truth else "a"

    return chosen


@pytest.mark.parametrize("truth", [192.0, 200.0, 203.0])
def test_where_a_simulation_has_it_as_near_as_can_be_asked_it_stays_where_formulas_put_it(
    truth: float,
) -> None:
    asked: list[float] = []
    assert located(flip(200.0), sweep(), 400.0, upwards(truth, asked)) == flip(200.0)
    assert asked == pytest.approx([190.0, 204.0])


@pytest.mark.parametrize("truth", [108.0, 120.0, 150.0, 188.0, 206.0, 215.0, 229.0])
def test_it_moves_to_where_a_simulation_has_it(truth: float) -> None:
    found = located(flip(200.0), sweep(), 400.0, upwards(truth))
    assert found is not None
    assert found.at == pytest.approx(truth, abs=4)
    assert found.inside == (found.at <= 205)
    assert (found.before, found.after) == ("a", "b")


@pytest.mark.parametrize("truth", [30.0, 40.0, 49.0, 52.0, 70.0])
def test_so_it_does_below_where_the_number_is(truth: float) -> None:
    found = located(flip(50.0), sweep(), 20.0, lambda value: "b" if value < truth else "a")
    if truth < 50 * (1 - FARTHER):
        assert found is None
    else:
        assert found is not None
        assert found.at == pytest.approx(truth, abs=2)
        assert (found.before, found.after) == ("b", "a")


@pytest.mark.parametrize(
    "chosen",
    [
        lambda _: "a",
        lambda _: "b",
        lambda _: "c",
        lambda value: "c" if value > 195 else "a",
        upwards(250.0),
    ],
    ids=["never", "here already", "another at once", "another beyond", "too far"],
)
def test_what_a_simulation_has_nowhere_near_is_none(chosen) -> None:  # type: ignore[no-untyped-def]
    assert located(flip(200.0), sweep(), 400.0, chosen) is None


def test_it_is_not_looked_for_beyond_the_next_change() -> None:
    asked: list[float] = []
    assert located(flip(200.0), sweep(), 210.0, upwards(215.0, asked)) is None
    assert max(asked) < 210


@pytest.mark.parametrize(("is_so", "told"), [(True, 1), (False, 0)])
def test_that_nothing_keeps_the_limits_is_told_only_if_no_settings_do(
    is_so: bool, told: int
) -> None:
    """A simulation of each option at one setting each cannot say it of all settings."""
    ends = replace(flip(200.0), after=None)
    asked: list[Flip] = []

    class There:
        model = SimpleNamespace(resolution={})

        def standings(self, asked: list[Any]) -> list[None]:
            return [None for _ in asked]

        def simulated(self, number: str, value: float, simulator: object) -> str | None:
            return None if value > 200 else "a"

    def beyond(found: Flip) -> bool:
        asked.append(found)
        return is_so

    found, doubted = placed(
        [ends], [ends], [sweep()], There(), None, lambda _: pytest.fail("not both sides"), beyond
    )  # type: ignore[arg-type]
    assert len(found) == told
    assert len(doubted) == 1 - told
    assert [each.at for each in asked] == [200.0]


def test_next_to_here_it_is_asked_where_just_beyond_it_lies() -> None:
    """5 % are more than the way to it: 104.9 is told as that, not as 101."""
    found = located(flip(101.0), sweep(), 400.0, upwards(102.4))
    assert found is not None
    assert found.at == pytest.approx(102.4, abs=0.2)
    assert located(flip(101.0), sweep(), 400.0, upwards(99.0)) == flip(101.0), "here is no witness"


def test_a_change_soon_followed_by_the_next_is_asked_for_between_the_two() -> None:
    asked: list[float] = []

    def chosen(value: float) -> str:
        asked.append(value)
        return "a" if value < 200 else "b" if value < 203 else "c"

    assert located(flip(200.0), sweep(), 203.0, chosen) == flip(200.0)
    assert asked == [190.0, 201.5]


def test_of_the_limit_of_a_share_near_to_all_what_it_leaves_is_halved_and_never_passed() -> None:
    limit = "limit:availability"
    at = replace(flip(0.9978, here=0.995), number=limit)
    spans = list(spans_of(Sweep(limit, 0.5, 1.0, 0.995, None), 1, [at]))
    assert [span.far for span in spans] == pytest.approx([0.997756, 0.997844, 1.0])
    assert halfway(limit, 0.99, 0.9999) == pytest.approx(0.999)
    assert halfway(limit, 0.99, 1.0) == pytest.approx(0.995)
    low, high = at.sides
    assert (low, high) == pytest.approx((0.99769, 0.99791))
