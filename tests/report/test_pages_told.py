"""Loads of a page: what they reach, what formulas say of them, and what the report does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.pages import Pages, pages
from tests.model.cases import known, small
from tests.report import sections


def of_pages(each: int, isolates: int = 2) -> Pages | None:
    there = known("isolates", isolates_per_colo=isolates)
    study = small(workload={"page_requests": each}, assumptions=there)
    return pages(study, study.replay("l1-only"))


def test_a_page_is_as_slow_as_its_slowest_and_spreads_over_isolates() -> None:
    found = of_pages(5, isolates=4)
    assert found is not None
    assert found.requests == 5
    assert found.isolates == pytest.approx(4 * (1 - 0.75**5), abs=0.05)
    assert found.each_half_ms <= found.half_ms <= found.most_ms
    assert 0 < found.unanswered < 5


def test_where_one_isolate_answers_all_it_is_one() -> None:
    found = of_pages(5, isolates=1)
    assert found is not None
    assert found.isolates == 1


def test_where_requests_come_alone_there_are_none() -> None:
    assert of_pages(1) is None


@pytest.mark.parametrize("design", ["l1-only", "l1-kv", "kv-only"])
def test_formulas_say_of_pages_what_the_simulation_does(design: str) -> None:
    """Each key comes by chance, whatever comes with it."""
    traffic = {"requests_per_month": 400_000, "keys": 300, "zipf": 0.5, "page_requests": 9}
    study = small(workload=traffic)
    result, month = study.replay(design), study.estimate(design)
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    assert month.counts["origin_loads"][0] == pytest.approx(
        result.per_month()["origin_loads"], rel=0.05
    )


def test_the_report_says_it() -> None:
    told: dict[str, Any] = {
        "isolation__page": 9,
        "isolation__page_isolates": (2.9, "isolates"),
        "isolation__page_unanswered": (4.1, "requests"),
        "isolation__page_half_ms": (510.0, "ms"),
        "isolation__page_most_ms": (890.0, "ms"),
        "isolation__page_each_half_ms": (0.05, "ms"),
    }
    text = sections.shipped_with("isolation", **told)
    assert "A page asks for 9 keys at once" in text
    assert "half of the pages within 510 ms" in text
    assert "A page asks" not in sections.shipped_with("isolation", isolation__page=None)


def test_its_requests_are_told_from_those_of_others() -> None:
    study = small(workload={"page_requests": 4})
    time = study.trace.time_s
    assert len(np.unique(time)) == pytest.approx(len(time) / 4, rel=0.001)
