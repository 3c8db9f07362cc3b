"""Doubt that the recommendation has is not forgotten where it is repeated."""

from __future__ import annotations

import re

import pytest

from cachelib.model.case.criteria import Criteria
from tests.report import sections


@pytest.mark.parametrize(
    ("ties", "won", "none_kept", "said"),
    [
        ("“B”", 0.336, 0.592, "It is too close to call, and this is best or tied in only 33.6 % of"
         " the tries; in 59.2 % of them nothing keeps every limit."),
        (None, 0.5, 0.0, "This is best or tied in only 50 % of the tries."),
        ("“B”", 0.97, 0.0, "It is too close to call, and this is best or tied in 97 % of the"),
        (None, 0.97, 0.0, ""),
    ],
)  # fmt: skip
def test_the_conclusion_repeats_it(
    ties: str | None, won: float, none_kept: float, said: str
) -> None:
    told = sections.shipped(
        "conclusion", decision__ties=ties, decision__share_won=won, decision__none_kept=none_kept,
        evidence__findings=0,
    )  # fmt: skip
    assert said in told
    assert ("best or tied" in told) is bool(said)
    assert "\n\n\n" not in told.partition("Measure first")[0]


def test_the_record_says_which_limits_may_be_bought_and_what_counts_as_none() -> None:
    criteria = Criteria.model_validate(
        {"minimise": "bill_usd", "material": {"bill_usd": 50},
         "limits": [{"metric": "p95_ms", "at_most": 900, "costs": 2, "why": "a budget"}]}
    )  # fmt: skip
    told = sections.shipped("adr", case={"criteria": criteria}).replace("\\", "")
    assert "answered at most 900 ms (may be bought): a budget" in told
    assert "monthly bill, where a difference of less than $50.00 counts as none" in told


def test_what_is_measured_is_no_caption_without_its_table() -> None:
    told = sections.shipped("runtime")
    assert re.search(r"\nTable \d stands in report.html, since it is measured anew: Time of", told)
    assert not re.search(r"\*Table \d\. Time of one access", told)


def test_how_sure_says_of_which_tries_each_share_is() -> None:
    told = sections.shipped(
        "report",
        lambda outcome: outcome.model_copy(update={"by_simulation": True}),
        decision__share_won=0.208, decision__none_kept=0.667,
    )  # fmt: skip
    (row,) = [line for line in told.splitlines() if line.startswith("| how sure |")]
    assert (
        "tries in which everything that nobody knows was varied (few, since the formulas do not"
        " hold for this traffic), and in 62.5 % of those in which any option keeps every limit"
    ) in row
    assert "which is" not in row
