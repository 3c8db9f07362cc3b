"""A quantile says how long a share of the readers waits at most: not which of them wait longer."""

from __future__ import annotations

import pytest

from tests.report import sections

SHARED = "shared_l2"


@pytest.mark.parametrize("without", [23.6, 30.0])
def test_a_median_is_told_as_how_long_half_wait_at_most(without: float) -> None:
    told = sections.shipped(SHARED, shared__p50_ms=24.1, shared__p50_without_ms=without)
    other = {23.6: "23.6", 30.0: "30"}[without]
    assert f"Half of the readers wait at most 24.1 ms, rather than {other} ms." in told
    assert "half of the readers wait longer" not in told
    assert "sooner than" not in told


def test_what_half_wait_at_most_may_be_the_same() -> None:
    told = sections.shipped(SHARED, shared__p50_ms=24.1, shared__p50_without_ms=24.1)
    assert "Half of the readers wait at most 24.1 ms, as without it." in told


@pytest.mark.parametrize(
    ("p95", "p99", "said"),
    [
        (("200", "150"), ("300", "300"), "in twenty takes 200 ms or more, rather than 150"),
        (("100", "150"), ("300", "300"), "in twenty takes 100 ms or more, rather than 150"),
        (("100", "100"), ("300", "200"), "in a hundred takes 300 ms or more, rather than"),
    ],
)  # fmt: skip
def test_slow_reads_are_told_as_how_long_they_take_at_least(
    p95: tuple[str, str], p99: tuple[str, str], said: str
) -> None:
    told = sections.shipped(
        SHARED, shared__p95_ms=float(p95[0]), shared__p95_without_ms=float(p95[1]),
        shared__p99_ms=float(p99[0]), shared__p99_without_ms=float(p99[1]),
    )  # fmt: skip
    assert f"One read {said}" in told
    assert "slowest one" not in told


@pytest.mark.parametrize(
    ("faster", "slower", "said"),
    [
        (["Asia"], ["Oceania"], "is shorter with Durable Objects in Asia and longer in Oceania"),
        (["Asia"], [], "is shorter with Durable Objects in Asia, and nowhere longer by a"),
        ([], ["Asia"], "is longer with Durable Objects in Asia, and nowhere shorter by a"),
        ([], [], "differs nowhere by what counts"),
    ],
)
def test_of_regions_the_medians_are_compared(
    faster: list[str], slower: list[str], said: str
) -> None:
    told = sections.shipped("durable_objects", durable__faster_in=faster, durable__slower_in=slower)
    assert f"The time within which half of the readers are served (Table 2) {said}" in told
