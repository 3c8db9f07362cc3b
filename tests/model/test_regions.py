"""Where a claim holds, found by section and told in words; held against a dense search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.claims import Claim
from cachelib.model.judgement import regions
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from tests.model.cases import small


def claim(name: str = "c", **given: Any) -> dict[str, Any]:
    region = {"over": "requests_per_month", "of": "l1-kv.hit_ratio", "low": 100, "high": 1e7}
    base = {
        "id": name,
        "quote": "q",
        "section": "s",
        "metric": "cost.waiting_billed",
        "region": region,
    }
    return base | given | {"region": region | given.get("region", {})}


def where(study: Study, **given: Any) -> str | None:
    return regions.holds_when(study, Claim.model_validate(claim(**given)))


def test_a_metric_along_a_number_is_the_formula_s_of_the_design_as_it_is_set() -> None:
    study = small()
    at = np.array([5_000.0, 50_000.0])
    found = regions.metric(study, "l1-kv.hit_ratio", "requests_per_month", at)
    option = Option(study.case.design("l1-kv"), {})
    model = Model(study, (option,))
    expected = model.values(option, {"requests_per_month": at}, ["hit_ratio"])["hit_ratio"]
    assert found == pytest.approx(expected)
    assert found[0] < found[1]


def edge(study: Study, level: float) -> float:
    """The traffic at which the hit ratio reaches a level, of 30,000 tried."""
    grid = np.geomspace(100, 1e7, 30_000)
    values = regions.metric(study, "l1-kv.hit_ratio", "requests_per_month", grid)
    return float(grid[np.searchsorted(values, level)])


def test_a_claim_of_at_least_so_much_holds_above_an_edge_and_of_at_most_below_it() -> None:
    study = small()
    said = regions._said(edge(study, 0.8))
    assert where(study, low=0.8) == f"above {said} requests a month"
    assert where(study, high=0.8) == f"below {said} requests a month"


def test_an_edge_just_before_the_end_of_what_is_looked_at_is_found() -> None:
    study = small()
    at = edge(study, 0.8)
    found = where(study, low=0.8, region={"high": at * 1.001})
    assert found == f"above {regions._said(at)} requests a month"


def test_a_claim_of_a_range_holds_between_two_edges() -> None:
    study = small()
    low, high = (regions._said(edge(study, level)) for level in (0.5, 0.9))
    assert where(study, low=0.5, high=0.9) == f"from {low} to {high} requests a month"


def test_what_holds_everywhere_or_nowhere_is_not_told() -> None:
    study = small()
    assert where(study, low=0) is None
    assert where(study, low=2) is None
    whole = Claim.model_validate(claim(low=0.5) | {"region": None})
    assert regions.holds_when(study, whole) is None


def test_the_stretches_that_hold_are_told_one_after_the_other() -> None:
    assert list(regions._words(True, [3.0, 20.0, 700.0], "ms")) == [
        "below 3 ms", "from 20 to 700 ms",
    ]  # fmt: skip
    assert list(regions._words(False, [3.0, 20.0, 700.0], "ms")) == [
        "from 3 to 20 ms", "above 700 ms",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0123, "0.012"), (9.96, "10"), (9.44, "9.4"), (10.4, "10"), (123_456, "120,000"),
        (999_999, "1 million"), (1_000_000, "1 million"), (13.4e6, "13 million"),
        (1e9, "1 billion"), (13.4e9, "13 billion"), (4.2e12, "4,200 billion"),
        (994_000, "990,000"), (None, "0"),
    ],
)  # fmt: skip
def test_numbers_have_two_digits_and_large_ones_a_name(value: float | None, said: str) -> None:
    assert regions._said(value) == said


def test_the_table_has_each_claim_with_a_region_and_its_unit_in_words() -> None:
    lives = {"over": "value_life_s", "of": "l1-kv.late_share", "low": 60, "high": 1e6}
    claims = [
        claim("first", low=0.8), claim("no-region", low=1) | {"region": None},
        claim("second", high=0.01, region=lives),
    ]  # fmt: skip
    table = regions.table(small(claims=claims))
    assert list(table.index) == ["first", "second"]
    assert table["holds when"]["first"].endswith("requests a month")
    assert table["holds when"]["second"].endswith("s for which a value stays true")
    assert table["holds when"]["second"].startswith("above ")
    assert table.index.name == "claim"
