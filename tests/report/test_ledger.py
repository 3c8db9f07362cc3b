"""Verdicts come from findings, never from prose."""

from __future__ import annotations

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
    [(0.1, "supported"), (0.2, "supported"), (0.15, "supported"),
     (0.09, "contradicted"), (0.21, "contradicted")],
)  # fmt: skip
def test_a_claim_holds_inside_its_range_ends_included(value: float, verdict: str) -> None:
    (row,) = judge_all([claim()], findings(metric(value)))
    assert row.verdict == verdict
    assert row.to_json()["measured"] == value
    assert row.to_json()["link"] == "notebooks/02_isolation.html#cell-id=cell"


def test_a_claim_with_a_region_depends_on_it() -> None:
    regions = Table(
        id=REGIONS, caption="x", columns=[Column(name="claim"), Column(name="holds when")],
        rows=[["c", "above 1M requests a month"], ["d", None]],
    )  # fmt: skip
    rows = judge_all([claim(), claim(id="d")], findings(metric(0.3), regions))
    assert [row.verdict for row in rows] == ["depends", "contradicted"]
    assert rows[0].holds_when == "above 1M requests a month"


@pytest.mark.parametrize("value", [None, "l1-kv"])
def test_a_claim_without_a_measured_number_is_untested_with_the_reason(value: object) -> None:
    (row,) = judge_all([claim()], findings(metric(value)))
    assert (row.verdict, row.reason) == ("untested", "a.ratio has no value in this run")
    (row,) = judge_all([claim()], findings())
    assert row.verdict == "untested"
    assert "a.ratio" in str(row.reason)


def test_a_claim_that_nothing_can_decide_says_why() -> None:
    opinion = claim(metric=None, low=None, high=None, untested="an estimate of effort")
    (row,) = judge_all([opinion], findings())
    assert (row.verdict, row.reason) == ("untested", "an estimate of effort")


@pytest.mark.parametrize(
    "given", [{"untested": "x"}, {"metric": None}, {"low": None, "high": None}]
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
