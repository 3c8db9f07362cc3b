"""What lists keys by a clock is told of where the choice has nothing to list."""

from __future__ import annotations

import pytest

from cachelib.report.document.traffic import unlisted
from tests.model.cases import small
from tests.report import sections
from tests.report.in_process import committed

LISTS = [{"op": "list", "every_s": 1_800, "keys": "all"}, {"op": "list", "every_s": 86_400}]


@pytest.mark.parametrize(
    ("chosen", "told"), [("l1-only", ["30 minutes", "day"]), ("l1-kv", []), (None, [])]
)
def test_a_choice_without_keys_that_can_be_listed_leaves_lists_nothing(
    chosen: str | None, told: list[str]
) -> None:
    assert unlisted(small(workload={"schedules": LISTS}), chosen) == told
    assert unlisted(small(), chosen) == []


def test_the_recommendation_says_so() -> None:
    case = committed().study.case
    with_lists = small(workload={"schedules": LISTS}).case.workload.schedules
    workload = case.workload.model_copy(update={"schedules": with_lists})
    told = sections.shipped(
        "report",
        lambda outcome: outcome.model_copy(update={"recommended": "l1-only"}),
        case={"workload": workload},
    )
    assert "What lists the keys of a store every 30 minutes and every day would have noth" in told
    assert "would have nothing to list" not in sections.shipped("report")
