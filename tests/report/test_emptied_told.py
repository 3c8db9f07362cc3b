"""What empties caches by a clock is told of, and what outlasts it in the choice."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.report.document.traffic import emptied
from tests.model.cases import small
from tests.report import sections
from tests.report.in_process import committed

NIGHTLY = {"op": "purge", "every_s": 86_400, "keys": "all"}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("origin-only", {"nothing": True, "memory": False, "kv": ""}),
        ("l1-only", {"nothing": True, "memory": True, "kv": ""}),
        ("kv-only", {"nothing": False, "memory": False, "kv": "60\u00a0s"}),
        ("l1-kv", {"nothing": False, "memory": True, "kv": "60\u00a0s"}),
    ],
)
def test_what_a_choice_has_to_empty(chosen: str, told: dict[str, Any]) -> None:
    here = small(workload={"schedules": [NIGHTLY, NIGHTLY | {"every_s": 7_200}]})
    assert emptied(here, chosen) == told | {"every": ["day", "2 hours"]}
    assert emptied(here, None) is None
    assert emptied(small(), chosen) is None


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ("l1-only", "has nothing that is shared, and so nothing to empty; memory serves what"),
        (
            "l1-kv",
            "its memory is not told, and serves what it has until that ends; copies of KV in",
        ),
    ],
)
def test_the_recommendation_says_so(chosen: str, says: str) -> None:
    case = committed().study.case
    schedules = small(workload={"schedules": [NIGHTLY]}).case.workload.schedules
    workload = case.workload.model_copy(update={"schedules": schedules})
    told = sections.shipped(
        "report",
        lambda outcome: outcome.model_copy(update={"recommended": chosen}),
        case={"workload": workload},
    )
    assert "Caches are emptied every day, and nothing has changed at the origin then." in told
    assert says in told
    assert "Caches are emptied" not in sections.shipped("report")
