"""How long values are kept is told with when they are refreshed, and who deletes them."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.tiers.design import Design
from cachelib.report.publish.lives import of_policy


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "15 min"),
        ({"policy": "refresh"}, "for ever, refreshed after 15 min"),
        ({"policy": "soft-hard", "soft_ttl_s": 240}, "15 min, refreshed after 4 min"),
        ({"policy": "clean-up", "clean_up_every_s": 3_600}, "15 min, cleaned up every 1 h"),
    ],
)
def test_each_way_says_its_times(changes: dict[str, Any], told: str) -> None:
    design = Design(name="d", tiers=("memory", "kv"), l2_ttl_s=900, **changes)
    assert of_policy(design).replace("\u00a0", " ") == told
