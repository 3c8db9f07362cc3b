"""A study with one number at another value."""

from __future__ import annotations

import pytest

from cachelib.model.judgement.moved import study_at
from tests.model.cases import small

LATE = {"metric": "late_share", "at_most": 0.2, "low": 0.1, "high": 0.3, "why": "w"}


def test_an_assumption_is_moved_and_its_range_reaches_there() -> None:
    study = small()
    own = study.case.assumed["value_life_s"]
    there = study_at(study, "value_life_s", own.high * 2)
    moved = there.case.assumed["value_life_s"]
    assert (moved.low, moved.value, moved.high) == (own.low, own.high * 2, own.high * 2)
    assert there.platform.value_life_s == own.high * 2
    assert there.setting.numbers["value_life_s"] == own.high * 2
    assert there.trace is study.trace
    assert study.case.assumed["value_life_s"] == own


def test_a_limit_is_moved_with_its_range_and_no_other() -> None:
    bill = {"metric": "bill_usd", "at_most": 9.0, "why": "w"}
    study = small(criteria={"limits": [LATE, bill]})
    late, other = study_at(study, "limit:late_share", 0.05).case.criteria.limits
    assert (late.at_most, late.low, late.high) == (0.05, 0.05, 0.3)
    assert other == study.case.criteria.limits[1]
    looser = study_at(study, "limit:bill_usd", 12.0).case.criteria.limits[1]
    assert (looser.at_most, looser.low, looser.high) == (12.0, None, None)


def test_traffic_is_made_anew_as_the_case_says_that_it_grows() -> None:
    study = small()
    twice = study_at(study, "requests_per_month", 2 * study.requests_per_month)
    assert twice.requests_per_month == pytest.approx(2 * study.requests_per_month, rel=0.1)
