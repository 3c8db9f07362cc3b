"""A simulated month begins with empty caches: what that leaves out is told by values' lives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cachelib.model.judgement.study import Study
from cachelib.report.document.beginning import long_lives
from tests.model.cases import small
from tests.report import sections

DAY = 86_400.0


def lives(l2_ttl_s: float, designs: list[Any] | None = None) -> str:
    return long_lives(month(l2_ttl_s, designs), None).replace("\u00a0", " ")


def month(l2_ttl_s: float, designs: list[Any] | None = None) -> Study:
    knob = {"value": l2_ttl_s, "values": [l2_ttl_s], "why": "w"}
    return small(designs=designs or ["l1-kv", "origin-only"], knobs={"l2_ttl_s": knob})


@pytest.mark.parametrize(
    ("l2_ttl_s", "said"),
    [
        (3_600.0, ""),
        (DAY, "live for up to 24 h of these 30 days"),
        (20 * DAY, "live for up to 20 days of these 30 days"),
        (90 * DAY, "live for up to 90 days, longer than these 30 days"),
    ],
)
def test_lives_of_more_than_a_few_per_cent_of_the_month_stand_beside_it(
    l2_ttl_s: float, said: str
) -> None:
    assert lives(l2_ttl_s).replace("1 day ", "24 h ") == said


def test_what_is_never_dropped_lives_for_ever() -> None:
    kept = {"name": "a", "tiers": ["kv"], "policy": "refresh"}
    assert lives(3_600.0, [kept, "origin-only"]) == "may live for ever, longer than these 30 days"


@pytest.mark.parametrize("days", [20, 0.1])
def test_the_chapter_says_how_much_longer_ones_find(days: float) -> None:
    told = sections.of(month(days * DAY), "assumptions")
    [said] = [line for line in told.splitlines() if line.startswith("The month that is simulated")]
    if days > 1:
        assert "and values live for up to 20 days of these 30 days: a service" in said
        assert "finds more than is told here, and asks the origin less often." in said
    assert ("a little" in said) == (days < 1)


def test_an_option_that_is_set_to_keep_values_longer_counts() -> None:
    longer: Any = SimpleNamespace(options=[SimpleNamespace(settings={"l2_ttl_s": 5 * DAY})])
    said = long_lives(month(3_600.0), longer).replace("\u00a0", " ")
    assert said == "live for up to 5 days of these 30 days"
