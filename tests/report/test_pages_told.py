"""Loads of a page: what they reach, what formulas say of them, and what the report does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Limit
from cachelib.model.judgement.pages import Pages, pages
from cachelib.report.document.traffic import pages as pages_of
from tests.model.cases import known, small
from tests.report import sections
from tests.report.in_process import committed


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
    assert "and 4.1 requests on average are not answered by memory" in text
    assert "A page asks" not in sections.shipped_with("isolation", isolation__page=None)


def test_of_a_sample_of_keys_it_is_said_that_the_time_of_pages_is_not_told() -> None:
    traffic = {"page_requests": 8, "requests_per_month": 400_000, "keys": 300}
    sampled = small(workload=traffic, sample=0.5)
    assert sampled.sample.keys < 1
    traffic_of_pages = pages_of(sampled)
    assert traffic_of_pages["requests"] == 8
    assert "only some of the keys were simulated" in traffic_of_pages["untold"]
    study = committed().study
    workload = study.case.workload.model_copy(update={"page_requests": 8})
    told = sections.shipped("isolation", case={"workload": workload}, isolation__page=None)
    assert "A page asks for 8 keys at once" in told
    assert "How long pages take is not told here: " in told


@pytest.mark.parametrize(("metric", "said"), [("p95_ms", True), ("late_share", False)])
def test_where_there_are_pages_a_limit_of_time_is_said_to_be_of_requests(
    metric: str, said: bool
) -> None:
    case = committed().study.case
    limit = Limit(metric=metric, at_most=0.2, why="w")
    changed = {
        "workload": case.workload.model_copy(update={"page_requests": 8}),
        "criteria": case.criteria.model_copy(update={"limits": (limit,)}),
    }
    told = sections.shipped("report", case=changed)
    assert told.count("judged by request, not by page: a page asks for 8 keys") == said
    alone = {"criteria": changed["criteria"]}
    assert "not by page" not in sections.shipped("report", case=alone)


def test_its_requests_are_told_from_those_of_others() -> None:
    study = small(workload={"page_requests": 4})
    time = study.trace.time_s
    assert len(np.unique(time)) == pytest.approx(len(time) / 4, rel=0.001)
