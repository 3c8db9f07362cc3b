"""Verdicts come from findings, never from prose."""

from __future__ import annotations

import datetime

import pytest
from pydantic import ValidationError

from cachelib.model.case.claims import Claim
from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.ledger import REGIONS, judge_all
from cachelib.report.publish.findings import Column, Metric, Table


def findings(*published: Metric | Table) -> Findings:
    found = Findings([])
    for finding in published:
        found.add(Found(finding, "02_isolation", "cell", None))
    return found


def claim(**given: object) -> Claim:
    base = {"id": "c", "quote": "q", "section": "s", "metric": "a.ratio", "low": 0.1, "high": 0.2}
    return Claim.model_validate(base | given)


def metric(value: object) -> Metric:
    return Metric.model_validate({"id": "a.ratio", "value": value, "unit": "ratio", "caption": "x"})


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.1, "holds here"), (0.2, "holds here"), (0.15, "holds here"),
     (0.09, "does not hold here"), (0.21, "does not hold here")],
)  # fmt: skip
def test_a_claim_holds_inside_its_range_ends_included(value: float, verdict: str) -> None:
    (row,) = judge_all([claim()], findings(metric(value)))
    assert row.verdict == verdict
    assert row.measured == value
    assert row.found is not None
    assert row.found.link == "notebooks/02_isolation.html#cell-id=cell"


def test_a_claim_with_a_region_says_where_it_holds() -> None:
    regions = Table(
        id=REGIONS, caption="x", columns=[Column(name="claim"), Column(name="holds when")],
        rows=[["c", "above 1M requests a month"], ["d", None]],
    )  # fmt: skip
    rows = judge_all([claim(), claim(id="d")], findings(metric(0.3), regions))
    assert [row.verdict for row in rows] == ["does not hold here", "does not hold here"]
    assert [row.holds_when for row in rows] == ["above 1M requests a month", None]


@pytest.mark.parametrize("value", [None, "l1-kv"])
def test_a_claim_without_a_measured_number_is_untested_with_the_reason(value: object) -> None:
    for found in (findings(metric(value)), findings()):
        (row,) = judge_all([claim()], found)
        assert (row.verdict, row.reason) == (
            "untested", "No experiment of this run found its number.",
        )  # fmt: skip


def test_a_claim_that_nothing_can_decide_says_why() -> None:
    opinion = claim(metric=None, low=None, high=None, untested="an estimate of effort")
    (row,) = judge_all([opinion], findings())
    assert (row.verdict, row.reason) == ("untested", "An estimate of effort.")


def test_what_is_an_input_of_the_case_is_assumed_and_not_supported() -> None:
    itself = claim(metric=None, low=None, high=None, assumed="origin_ms")
    (row,) = judge_all([itself], findings(metric(0.15)))
    assert row.verdict == "assumed"
    assert "time of the origin" in row.reason


def test_every_row_says_in_a_sentence_what_was_found_and_on_which_side_it_lies() -> None:
    (low,) = judge_all([claim()], findings(metric(0.05)))
    (high,) = judge_all([claim(because="And more.")], findings(metric(0.25)))
    (inside,) = judge_all([claim()], findings(metric(0.15)))
    assert low.reason == "X: 5 %, below what it asserts."
    assert high.reason == "X: 25 %, above what it asserts. And more."
    assert inside.reason == "X: 15 %, as it asserts."


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.05, "untested"), (0.15, "untested"), (0.3, "does not hold here")]
)
def test_what_was_timed_on_one_machine_is_a_lower_bound(value: float, verdict: str) -> None:
    timed = metric(value).model_copy(update={"how": "measured"})
    (row,) = judge_all([claim()], findings(timed))
    assert row.verdict == verdict


def test_a_fact_that_had_ended_when_the_document_was_written_decides_nothing() -> None:
    name = "facts.kv_back_ends_before_2025_08"
    fact = Metric(id=name, value=1, caption="one back end", how="quoted")
    said = claim(metric=name, low=2, high=None)
    days = (datetime.date(2025, 10, 31), datetime.date(2025, 8, 8), None)
    rows = [judge_all([said], findings(fact), day)[0] for day in days]
    assert [row.verdict for row in rows] == [
        "untested", "does not hold here", "does not hold here",
    ]  # fmt: skip
    assert "held until 2025-08-08" in rows[0].reason


@pytest.mark.parametrize(
    "given",
    [{"untested": "x"}, {"assumed": "x"}, {"metric": None}, {"low": None, "high": None}],
)
def test_a_claim_must_be_decidable_or_say_why_not(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="give"):
        claim(**given)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.2, "10 % to 20 %"), (0.1, 0.1, "10 %"), (None, 0.2, "at most 20 %"),
     (0.95, None, "at least 95 %")],
)  # fmt: skip
def test_the_asserted_range_is_said_in_the_metric_s_unit(
    low: float | None, high: float | None, words: str
) -> None:
    (row,) = judge_all([claim(low=low, high=high)], findings(metric(0.15)))
    assert row.asserted.replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("value", "unit", "low", "high", "said"),
    [
        (46.6, "ms", 5, 15, "5 to 15 ms"),
        (1.81, "reads a write", 80, 120, "80 to 120 reads a write"),
        (1, "back ends", 2, None, "at least 2 back ends"),
        (0.525, "ratio", 0.7, 0.85, "70 % to 85 %"),
        (0.02, "USD", 0.195, 0.205, "$0.195 to $0.205"),
        (False, "", 1, None, "yes"),
    ],
)
def test_what_is_asserted_has_its_unit_and_no_unit_twice_in_a_row(
    value: object, unit: str, low: float, high: float | None, said: str
) -> None:
    found = metric(value).model_copy(update={"unit": unit})
    (row,) = judge_all([claim(low=low, high=high)], findings(found))
    assert row.asserted.replace("\u00a0", " ") == said


def test_what_no_run_found_has_no_range_without_a_unit() -> None:
    (row,) = judge_all([claim()], findings())
    assert row.asserted == ""
