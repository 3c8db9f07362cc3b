"""Published times that the model is held against, as the report lists them."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.judgement.published import Compared
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.published import published
from cachelib.report.publish.findings import Column, Table
from cachelib.report.publish.published import (
    UNITS,
    missed,
    of_the_case,
    published_table,
    unpublished,
)
from tests.model.cases import small
from tests.report import sections

HALF = {"cache_api_ms": {"value": 3.5, "low": 1, "high": 9, "unit": "ms", "why": "a guess"}}


def of(*tiers: str, **more: Any) -> Study:
    return small(designs=[{"name": "a", "tiers": list(tiers)}], **more)


def test_only_tiers_of_the_case_are_told() -> None:
    assert {each.figure.tier for each in of_the_case(of("memory", "kv"))} == {"kv"}
    assert of_the_case(of("memory")) == []


def test_each_row_has_both_times_their_difference_and_who_said_it() -> None:
    (found,) = of_the_case(of("memory", "cache-api", assumptions=HALF))
    row = published_table([found]).reset_index().iloc[0].to_dict()
    assert row == {
        "tier": "Cache API",
        "reads": "reads that found their value",
        "time": "half within",
        "published": 7.0,
        "model": pytest.approx(3.5),
        "the model's is": "50 % shorter",
        "fitted to it": "no",
        "source": "github.com/MapleTechLabs/maple/pull/388, read 2026-11-26",
    }


def test_a_figure_is_missed_beyond_a_quarter_either_way() -> None:
    figure = published().figures[0]
    found = [Compared(figure, figure.ms * times) for times in (0.7, 0.8, 1.0, 1.2, 1.3)]
    assert missed(found) == 2
    assert published_table(found)["the model's is"].tolist() == [
        "30 % shorter", "20 % shorter", "the same", "20 % longer", "30 % longer",
    ]  # fmt: skip


def test_of_which_tiers_nothing_is_known_is_said_where_others_are_told() -> None:
    both = of("workers-cache", "kv")
    assert unpublished(both, of_the_case(both)) == "Workers Cache"
    alone = of("workers-cache")
    assert unpublished(alone, of_the_case(alone)) is None


@pytest.mark.parametrize(
    ("off", "said"), [(0, "the model is within a quarter of all."), (2, "a quarter off in 2.")]
)
def test_the_report_says_how_many_it_misses(off: int, said: str) -> None:
    study = of("memory", "kv")
    frame = published_table(of_the_case(study)).reset_index()
    columns = [Column(name=name, unit=UNITS.get(name, "")) for name in frame.columns]
    rows = [list(row) for row in frame.itertuples(index=False)]
    table = Table(id="decision.published", columns=columns, rows=rows, caption="c", how="derived")
    counts = {"decision__published_all": len(rows), "decision__published_missed": off}
    told = sections.of(study, "published", [table], **counts, decision__unpublished="R2")
    assert said in told
    assert "Of R2 none are known that it could be held against." in told
    assert "large values, 77,500 reads a day" in told
    alone = sections.of(study, "published", [table], **counts, decision__unpublished=None)
    assert "none are known" not in alone
