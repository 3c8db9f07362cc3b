"""Memory in front of KV hides reads from it, so that it fetches less anew and is colder."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.judgement.hidden import hidden
from cachelib.report.experiments.parameters import settle
from tests.report import sections


def told(**platform: Any) -> Any:
    study = settle({"case": "trading-sentiment", "requests_per_month": 3_000_000}).study
    study = study.of_changed(platform=study.case.platform | platform)
    return hidden(study, study.design("l1-kv"))


def test_memory_hides_reads_from_kv_and_leaves_it_colder() -> None:
    behind, alone = told(kv_refresh_share=0.5, isolates_per_colo=1)
    assert behind.near < alone.near - 0.1
    assert behind.anew < alone.anew / 2


def test_nothing_is_said_where_kv_fetches_nothing_anew() -> None:
    assert told(kv_refresh_share=0.0) is None


def test_what_is_read_in_time_is_found_nearer() -> None:
    _, early = told(kv_refresh_share=0.9)
    _, late = told(kv_refresh_share=0.1)
    assert early.near > late.near + 0.01


@pytest.mark.parametrize(
    ("behind", "said"), [(0.4, "leaves it colder"), (0.8, "leaves it no colder")]
)
def test_the_report_says_it(behind: float, said: str) -> None:
    text = sections.shipped_with(
        "shared_l2",
        shared__hides=True,
        shared__kv_near_behind=(behind, "ratio"),
        shared__kv_near_alone=(0.8, "ratio"),
        shared__kv_anew_behind=3_000.0,
        shared__kv_anew_alone=20_000.0,
    )
    assert said in text
    assert ("3,000 copies anew a month, and without memory 20,000" in text) is (behind < 0.8)


def test_the_report_says_nothing_of_it_otherwise() -> None:
    assert "anew in the background" not in sections.shipped_with("shared_l2", shared__hides=False)
