"""What a case has not is not spoken of, in whatever sentence it stands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.growth import in_words
from cachelib.model.judgement.placement import NEAR_READERS, Placed
from cachelib.model.judgement.subject import concerns
from cachelib.report.document.options import rented_nodes
from cachelib.report.publish.findings import Column, Table
from cachelib.report.publish.placement import placement_table
from tests.model.cases import small
from tests.report import sections

LAMBDA: dict[str, Any] = {
    "platform": {"profile": "aws-lambda", "worker_at": "eu-central-1", "redis_at": "eu-central-1",
                 "table_at": ["eu-central-1"]},
    "workload": {"colos": {"eu-central-1": 2, "us-east-1": 1}},
    "designs": ["cloudfront", "memory-redis", "origin-only"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["The Worker"], "With the Worker in other places than is assumed"),
        (["Workers KV"], "With Workers KV in other places than is assumed"),
        (["Workers KV", "The Worker", "The origin"],
         "With Workers KV, the Worker and the origin, each by itself, in other places"),
    ],
)  # fmt: skip
def test_only_what_was_tried_elsewhere_is_said_to_be(rows: list[str], said: str) -> None:
    columns = [Column(name="of"), Column(name="in"), Column(name="the choice")]
    cells: list[Any] = [[row, place, "A"] for row in rows for place in ("SJC", "IAD")]
    placed = Table(id="decision.placement", caption="c", columns=columns, rows=cells)
    told = sections.shipped("sensitivity", tables={placed.id: placed})
    assert said in told
    assert "With each store" not in told


@pytest.mark.parametrize(
    ("growth", "said"),
    [
        ({"writes": "fixed"}, "keys and the life of values stay as they are"),
        ({"keys": "in proportion"}, "keys grow in proportion, the life of values stays as it is"),
        ({"writes": "in proportion", "keys": "in proportion"},
         "keys grow in proportion, the life of values stays as it is"),
    ],
)  # fmt: skip
def test_writes_do_not_stay_where_there_are_none(growth: dict[str, Any], said: str) -> None:
    case = small(growth=growth).case
    assert in_words(case.growth, writes=False) == said
    assert "writes" in in_words(case.growth)


@pytest.mark.parametrize(("reads_per_write", "said"), [(None, False), (50, True)])
def test_the_report_speaks_of_writes_where_there_are_some(
    reads_per_write: float | None, said: bool
) -> None:
    told = sections.of(small(workload={"reads_per_write": reads_per_write}), "assumptions")
    assert ("As traffic grows, writes, keys and" in told) is said
    assert ("As traffic grows, keys and" in told) is not said


def test_how_often_one_may_purge_is_assumed_where_something_purges() -> None:
    fronted = {"name": "a", "tiers": ["cloudfront"]}
    aws = {"platform": LAMBDA["platform"], "workload": LAMBDA["workload"]}
    numbers = ("cloudfront_purge_every_s", "cloudfront_purge_burst")
    for purges in (False, True):
        study = small(**aws, designs=[fronted | {"purge_on_write": purges}, "origin-only"])
        assert [concerns(study, number) for number in numbers] == [purges, purges]


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ({"today": "memory-redis"}, "nodes"),
        ({"today": "cloudfront"}, "nodes, with an option that has it"),
        ({}, "nodes"),
    ],
)
def test_nodes_that_are_not_there_today_are_said_not_to_be(
    today: dict[str, Any], said: str
) -> None:
    [told] = rented_nodes(small(**LAMBDA, **today)).values()
    assert told.partition(" ")[2] == said


def test_a_cloud_s_regions_are_named_as_the_case_does_and_once() -> None:
    placements = [
        Placed("worker", places, places == ("eu-central-1",), None, "origin-only", 100.0)
        for places in (("eu-central-1",), NEAR_READERS, ("SJC",), ("IAD",), ("FRA",), ("SIN",))
    ]
    here = cast(Decision, SimpleNamespace(study=small(**LAMBDA), placements=placements))
    places = [place for _, place in placement_table(here).index]
    assert places == ["eu-central-1 (as assumed)", "near each reader", "us-west-1", "us-east-1",
                      "ap-southeast-1"]  # fmt: skip
