"""Numbers as readers meet them: never in e-notation, never NaN."""

from __future__ import annotations

import math
import re

import pytest

from cachelib.report.numbers import brief, saved, shown, times

SIZES = [10.0**power for power in range(-15, 19)]


@pytest.mark.parametrize("unit", ["", "ratio", "USD", "ms", "times", "s"])
@pytest.mark.parametrize("number", [*SIZES, *(-size * 1.23456 for size in SIZES), math.inf])
def test_no_reader_meets_e_notation(unit: str, number: float) -> None:
    assert not re.search(r"\de[-+]?\d|nan|inf", shown(number, unit))  # type: ignore[arg-type]
    assert not re.search(r"\de[-+]?\d|nan", brief(number))


def test_what_is_not_known_is_a_dash() -> None:
    assert {shown(math.nan, unit) for unit in ("", "USD")} == {"–"}


def test_small_and_large_amounts_keep_their_sign() -> None:
    assert shown(-1e-9, "USD") == "< -$0.000001"
    assert shown(-0.00002, "USD") == "-$0.00002"
    assert shown(-2.5e7) == "-25 million"
    assert shown(1e16) == "over 10¹⁵"
    assert [brief(x) for x in (1, 250, 999_700, 1_500, -3_000, 2.5e-7, 1e15, 0)] == [
        "1", "250", "1M", "1.5k", "-3k", "2.5·10⁻⁷", "1·10¹⁵", "0",
    ]  # fmt: skip


def test_of_nothing_nothing_is_saved_and_nothing_is_so_many_times() -> None:
    assert saved(0, 0) == 0
    assert saved(100, 25) == 0.75
    assert times(3, 0) is None
    assert times(3, 2) == 1.5
