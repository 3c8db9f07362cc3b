"""Numbers as readers meet them: never in e-notation, never NaN."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from cachelib.report.numbers import (
    Unit,
    apart,
    beside,
    brief,
    cells,
    give_or_take,
    saved,
    shown,
    times,
)

SIZES = [10.0**power for power in range(-15, 19)]


@pytest.mark.parametrize("unit", ["", "ratio", "USD", "ms", "times", "s"])
@pytest.mark.parametrize("number", [*SIZES, *(-size * 1.23456 for size in SIZES), math.inf])
def test_no_reader_meets_e_notation(unit: str, number: float) -> None:
    assert not re.search(r"\de[-+]?\d|nan|inf", shown(number, unit))  # type: ignore[arg-type]
    assert not re.search(r"\de[-+]?\d|nan", brief(number))


def test_what_is_not_known_is_a_dash() -> None:
    assert {shown(math.nan, unit) for unit in ("", "USD")} == {"–"}


@pytest.mark.parametrize("value", [0.9996, 1, 1.0004])
def test_what_reads_as_one_is_counted_as_one(value: float) -> None:
    assert shown(value, "isolates") == "1\u00a0isolate"
    assert shown(1.2, "isolates") == "1.2\u00a0isolates"


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


@pytest.mark.parametrize(
    ("values", "unit", "said"),
    [
        ([0.08, 0.08, 251.959], "ms", ["0.08", "0.08", "252"]),
        ([7.5, 52.25, 1069.4], "ms", ["7.5", "52.3", "1,069"]),
        ([42.2, 89.04, 64.31], "ms", ["42.2", "89.0", "64.3"]),
        ([2.5, 2.5, 30.41], "ms", ["2.50", "2.50", "30.41"]),
        ([327.4, 505.2, 1180.3], "ms", ["327", "505", "1,180"]),
        ([0.5278, 0.0713], "ratio", ["52.8 %", "7.1 %"]),
        ([0.08, None, 251.959], "ms", ["0.08", "–", "252"]),
    ],
)
def test_a_column_has_one_number_of_decimals_unless_its_numbers_are_too_unlike(
    values: list[float | None], unit: Unit, said: list[str]
) -> None:
    assert [cell.replace("\u00a0", " ") for cell in cells(values, unit)] == said


@pytest.mark.parametrize(
    ("value", "half", "unit", "said"),
    [
        (79.31, 0.109, "ms", "79.3 ± 0.1 ms"),
        (868.2, 8.23, "ms", "868 ± 8 ms"),
        (0.00207, 0.000216, "ratio", "0.21 ± 0.02 %"),
        (0.0307, 0.00277, "ratio", "3.1 ± 0.3 %"),
        (0.0, 0.0, "ratio", "0 %"),
        (28.15, 0.02, "USD", "$28.15 ± $0.02"),
        (182.13, 0.0001, "USD", "$182.13 ± under $0.01"),
        (15_634_000.0, 19_108.0, "loads", "15.6 million loads ± 19,108 loads"),
        (math.inf, math.nan, "ms", "∞ ms ± – ms"),
    ],
)
def test_a_number_and_its_error_are_told_to_the_same_digit(
    value: float, half: float, unit: Unit, said: str
) -> None:
    assert give_or_take(value, half, unit).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("value", "half", "unit", "said"),
    [
        (0.0001, 0.0002, "ms", "under 0.001 ms"),
        (0.001, 0.0001, "ms", "0.001 ± under 0.001 ms"),
        (-0.0001, 0.0001, "ms", "under 0.001 ms"),
        (0.000002, 0.000001, "ratio", "under 0.001 %"),
        (26.14, 0.07, "ms", "26.14 ± 0.07 ms"),
    ],
)
def test_what_is_too_small_to_tell_is_not_told_as_zeros(
    value: float, half: float, unit: Any, said: str
) -> None:
    assert give_or_take(value, half, unit).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("one", "two", "unit", "said"),
    [
        (0.999, 0.99897, "ratio", ("99.900 %", "99.897 %")),
        (0.9999999, 0.99999, "ratio", ("99.99999 %", "99.999 %")),
        (0.5, 0.51, "ratio", ("50 %", "51 %")),
        (3.0, 2.9999, "ms", ("3.0000 ms", "2.9999 ms")),
        (100.0, 10.0, "ms", ("100 ms", "10 ms")),
        (5.0, 5.001, "USD", ("$5.000", "$5.001")),
        (1e8, 1.0000001e8, "requests", ("100,000,000 requests", "100,000,010 requests")),
        (0.1, 0.1, "ratio", ("10 %", "10 %")),
        (1.00003, 1, "times", ("1.00003×", "1.00000×")),
    ],
)
def test_two_numbers_that_are_compared_are_not_rounded_to_each_other(
    one: float, two: float, unit: Unit, said: tuple[str, str]
) -> None:
    assert tuple(text.replace("\u00a0", " ") for text in apart(one, two, unit)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.999, "99.9 %"), (0.9999, "99.99 %"), (0.999999, "99.9999 %"), (0.9972, "99.7 %"),
     (1 - 1e-13, "over 99.9999999 %"), (1.0, "100 %")],
)  # fmt: skip
def test_nines_are_told_as_many_as_there_are(share: float, said: str) -> None:
    assert shown(share, "ratio").replace("\u00a0", " ") == said


def test_half_a_cent_is_rounded_up_as_people_do() -> None:
    assert shown(0.575, "USD") == "$0.58"
    assert shown(-0.575, "USD") == "-$0.58"
    assert shown(2.675, "USD") == "$2.68"


def test_a_label_that_names_its_unit_needs_none_after_the_value() -> None:
    assert beside("loads from the origin a month", 5_000_000, "loads") == "5,000,000"
    assert beside("monthly bill", 100, "USD") == "$100.00"
    assert beside("time to answer", 2_000, "ms") == "2,000\u00a0ms"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.2115, "ratio", "21.2 %"),
        (1 - 0.7885, "ratio", "21.2 %"),
        (0.2125, "ratio", "21.3 %"),
        (0.99825, "ratio", "99.8 %"),
        (0.012345, "USD", "$0.01"),
        (1.005, "USD", "$1.01"),
        (2692.5, "", "2,693"),
        (2693.5, "", "2,694"),
        (12.25, "ms", "12.3 ms"),
        (-12.25, "ms", "-12.3 ms"),
        (0.5, "ms", "0.5 ms"),
        (999.5, "ms", "1,000 ms"),
        (-0.0, "ratio", "0 %"),
        (-0.0, "USD", "$0.00"),
        (123_450_000, "", "123 million"),
    ],
)
def test_a_half_is_rounded_one_way_however_a_computer_holds_it(
    value: float, unit: Unit, said: str
) -> None:
    assert shown(value, unit).replace("\u00a0", " ") == said


def test_a_share_reads_alike_in_a_sentence_a_column_and_beside_its_error() -> None:
    from cachelib.model.judgement.regret import Share
    from cachelib.report.publish.decision_tables import _share

    for nth in range(1, 2_000):
        share = nth / 2_000  # of as many tries as a report makes
        said = shown(share, "ratio") if 0.1 <= share < 0.995 else ""
        other = [_share(Share(share, 0.0)), give_or_take(share, 0.001, "ratio")]
        for text in other if said else ():
            assert float(text.split()[0]) == float(said.split()[0])
        assert shown(share, "ratio") == shown(1 - (1 - share), "ratio")
