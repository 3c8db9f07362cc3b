"""A verdict and its sentence for every kind of claim, and every kind of evidence."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from cachelib.model.case.claims import Claim
from cachelib.model.judgement.claims import Evidence, Judged, judge

DAY = datetime.date(2026, 3, 5)


def claim(**given: Any) -> Claim:
    base = {"id": "c", "quote": "q", "section": "s", "metric": "a.b", "low": 10, "high": 20}
    return Claim.model_validate(base | given)


def found(value: float, **given: Any) -> Evidence:
    base = {"value": value, "words": f"{value:g}", "caption": "it is", "how": "simulated"}
    return Evidence(**base | given)


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict", "side"),
    [
        (10, 20, 9.9, "does not hold here", "below what it asserts"),
        (10, 20, 10, "holds here", "as it asserts"),
        (10, 20, 20, "holds here", "as it asserts"),
        (10, 20, 20.1, "does not hold here", "above what it asserts"),
        (None, 20, -5, "holds here", "as it asserts"),
        (10, None, 99, "holds here", "as it asserts"),
    ],
)
def test_what_lies_in_the_range_ends_included_holds_and_is_told_with_its_side(
    low: float | None, high: float | None, value: float, verdict: str, side: str
) -> None:
    told = judge(claim(low=low, high=high), found(value))
    assert told == Judged(verdict, f"It is: {value:g}, {side}.")  # type: ignore[arg-type]


@pytest.mark.parametrize(("asserted", "side"), [(1, "not as it asserts"), (0, "as it asserts")])
def test_no_is_not_below_yes(asserted: int, side: str) -> None:
    told = judge(claim(low=asserted, high=asserted), found(False, words="no"))
    assert told.reason == f"It is: no, {side}."


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [(10, 20, 5, "untested"), (10, 20, 15, "untested"), (10, 20, 20, "untested"),
     (10, 20, 21, "does not hold here"), (10, None, 99, "untested")],
)  # fmt: skip
def test_a_time_measured_here_is_a_lower_bound_and_refutes_only_what_lies_below_it(
    low: float, high: float | None, value: float, verdict: str
) -> None:
    told = judge(claim(low=low, high=high), found(value, how="measured"))
    assert told.verdict == verdict
    assert ("lower bound" in told.reason) == (verdict == "untested")


@pytest.mark.parametrize(
    ("until", "written", "decides"),
    [(DAY, DAY, True), (DAY, DAY + datetime.timedelta(1), False), (None, DAY, True),
     (DAY, None, True), (None, None, True)],
)  # fmt: skip
def test_a_fact_decides_for_documents_of_the_days_up_to_its_last(
    until: datetime.date | None, written: datetime.date | None, decides: bool
) -> None:
    told = judge(claim(), found(15, until=until), written)
    assert (told.verdict == "holds here") == decides
    assert decides or told.reason == (
        "What was found held until 2026-03-05, and the document is of 2026-03-06."
    )


def test_what_is_not_tested_says_why() -> None:
    assumed = claim(metric=None, low=None, high=None, assumed="origin_ms", because="See 3.")
    told = judge(assumed, found(15))
    assert told.verdict == "assumed"
    assert told.reason.startswith("The case takes it as an input (")
    assert told.reason.endswith("; nothing here tests it. See 3.")
    opinion = claim(metric=None, low=None, high=None, untested="who knows?")
    assert judge(opinion, found(15)) == Judged("untested", "Who knows?")
    assert judge(claim(), None).reason == "No experiment of this run found its number."
