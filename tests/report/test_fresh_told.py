"""The chapter on answers that are out of date: what reads the same is not said to be the best."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.report.numbers import alike
from cachelib.report.publish.findings import Table, Text
from tests.model.cases import small
from tests.report import sections


def test_values_that_read_the_same_in_a_column_are_alike() -> None:
    assert alike({"a": 0.0, "b": 0.2, "c": 0.0}, "a", "ratio") == ["a", "c"]
    assert alike({"a": 0.2, "b": 0.2000001}, "b", "ratio") == ["a", "b"]
    assert alike({"a": 0.0, "b": 0.002}, "a", "ratio") == ["a"]


def chapter(freshest: list[str], stalest: list[str], most: float = 0.287) -> str:
    told: dict[str, Any] = {
        "patience": "by over 2 s", "freshest": freshest[0], "stalest": stalest[0],
        "freshest_late": (0.0, "ratio"), "stalest_late": (most, "ratio"), "told": None,
        "has_kv": False,
    }  # fmt: skip
    found = [
        Text(id="consistency.as_fresh", caption="c", lines=[f"“{name}”" for name in freshest]),
        Text(id="consistency.as_stale", caption="c", lines=[f"“{name}”" for name in stalest]),
        Table(id="consistency.designs", caption="c", columns=[], rows=[]),
    ]
    figure = sections.shipped_finding("consistency.late")
    metrics = {f"consistency__{name}": value for name, value in told.items()}
    return sections.of(small(), "consistency", [*found, figure], **metrics)


@pytest.mark.parametrize(
    ("freshest", "said"),
    [
        (["A_*"], "out of date by over 2 s than “A_*” (0 %), and none more than “E” (28.7 %)."),
        (["A", "B"], "out of date by over 2 s than “A” and “B” (0 %), and none more than “E”"),
        (
            list("ABCD"),
            "out of date by over 2 s than 4 of them (0 %), and none more than “E” (28.7 %; Ta",
        ),
    ],
)
def test_all_that_are_as_fresh_are_named(freshest: list[str], said: str) -> None:
    told = chapter(freshest, ["E"]).replace("\\", "")
    assert f"Of the options that keep values, none has fewer answers {said}" in told
    assert "none is fresher" not in told


def test_where_none_is_fresher_than_another_it_is_said_of_each() -> None:
    told = chapter(list("ABC"), list("ABC"), most=0.0).replace("\u00a0", " ")
    assert "## No answer is out of date by over 2 s" in told
    assert "With each option that keeps values, 0 % of the answers are, by over 2 s." in told
    assert "With “A”" not in told
    assert "With “A”, 0 % of the answers are" in chapter(["A"], ["A"], 0.0).replace("\u00a0", " ")
