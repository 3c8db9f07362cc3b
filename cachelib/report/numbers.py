"""Numbers as people read them: rounded to what they can tell, each with its unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from collections.abc import Sequence as Values
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Unit = Literal[
    "", "ratio", "points", "ms", "s", "USD", "price", "requests", "loads", "operations", "isolates",
    "times", "hours", "MB", "cities", "back ends", "hits", "reads", "reads a write",
]  # fmt: skip
Scalar = str | int | float | bool | None


KNOWN = 13
"""Digits of a number that mean something; beyond them computers write what is no part of it."""


def fixed(value: float, decimals: int) -> str:
    """With so many decimals, a half rounded away from nothing, as people do: 21.15 is 21.2.

    What is a half is asked of the number as it is written, not of how a computer holds it, which
    may be a hair below; the page's script does the same.
    """
    value = value or 0.0  # what is less than nothing by nothing is nothing
    if not abs(value) < HUGE:
        return f"{value:,.{decimals}f}"
    written = Decimal(f"{value:.{KNOWN}g}")
    return f"{written.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,f}"


def rounded(value: float, digits: int) -> float:
    """To so many digits that count, a half as `fixed` does."""
    if not value or not math.isfinite(value):
        return value
    written = Decimal(f"{value:.{KNOWN}g}")
    last = Decimal(1).scaleb(written.adjusted() - digits + 1)
    return float(written.quantize(last, ROUND_HALF_UP))


def _short(value: float, digits: int) -> str:
    """The same as text, without zeros at its end, and never in e-notation."""
    return f"{Decimal(repr(rounded(value, digits))).normalize():f}"


def shown(value: Scalar, unit: Unit = "") -> str:
    """A value as people read it: rounded to what it can tell, with its unit."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == "ratio":
        return f"{_per_cent(100 * value)}\u00a0%"
    if unit == "points":
        digits = _digits(100 * value)
        return f"{digits}\u00a0{of('points', 1 if digits == '1' else 2)}"
    if unit == "USD":
        return _dollars(value)
    if unit == "price":
        return _exact(value)
    if unit == "times":
        return f"{_digits(value)}×"
    digits = _digits(value)
    return f"{digits}\u00a0{of(unit, 1 if digits == '1' else 2)}".rstrip("\u00a0")


def of(unit: str, value: float) -> str:
    """What is counted, by its number: 1 isolate, 2 isolates; an abbreviation is as it is."""
    return unit.removesuffix("s") if value == 1 and unit not in ("s", "ms") else unit


def give_or_take(value: float, half: float, unit: Unit) -> str:
    """`79.3 ± 0.1 ms`: a number with half its interval, both to the digit that this can tell."""
    if not half:
        return shown(value, unit)
    if unit == "USD" and half < 0.005:
        return f"{shown(value, unit)} ±\u00a0under\u00a0$0.01"
    if unit == "USD" or not math.isfinite(half) or abs(value) >= MILLIONS:
        return f"{shown(value, unit)} ±\u00a0{shown(half, unit)}"
    factor = 100 if unit in ("ratio", "points") else 1
    value, half = factor * value, factor * half
    decimals = min(max(-math.floor(math.log10(half)), 0), 3)
    sign = "%" if unit == "ratio" else of(unit, value)
    spread = fixed(half, decimals) if half >= TOO_SMALL / 2 else f"under\u00a0{TOO_SMALL}"
    told = f"{fixed(value, decimals)} ±\u00a0{spread}"
    if abs(value) + half < TOO_SMALL / 2:
        told = f"under\u00a0{TOO_SMALL}"
    return f"{told}\u00a0{sign}".rstrip("\u00a0")


TOO_SMALL = 0.001  # to be told beside an interval, or as an error


def apart(one: float, two: float, unit: Unit = "") -> tuple[str, str]:
    """Two values that are compared, with as many decimals as it takes to tell which is more.

    Either by itself might be rounded to the other: less than 99.9 %, now 99.90 %.
    """
    factor = 100 if unit in ("ratio", "points") else 1
    gap = factor * abs(one - two)
    told = shown(one, unit), shown(two, unit)
    if not 0 < gap < math.inf or not look_alike(*told):
        return told
    decimals = min(max(-math.floor(math.log10(gap)), 0), 12)
    sign = {"ratio": "\u00a0%", "USD": "", "times": "×", "": ""}.get(unit, f"\u00a0{unit}")
    first = "$" if unit == "USD" else ""
    both = (f"{first}{fixed(factor * each, decimals)}{sign}" for each in (one, two))
    return next(both), next(both)


def look_alike(one: str, two: str) -> bool:
    """Whether two texts tell one number: 99.9 and 99.90 do."""
    return _NUMBER.sub(_plain, one) == _NUMBER.sub(_plain, two)


_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?")


def _plain(number: re.Match[str]) -> str:
    return f"{float(number[0].replace(',', '')):.12g}"


def given(value: float, unit: Unit = "") -> str:
    """A number that somebody has set, with all its digits: a limit of 99.83 % is not 99.8 %."""
    if unit == "USD" or unit not in ("", "ratio", "ms", "s", "loads", "hours", "times"):
        return shown(value, unit)
    if not 1e-4 <= abs(value) < MILLIONS:
        return shown(value, unit)
    digits = f"{(100 if unit == 'ratio' else 1) * value:,.10g}"
    sign = {"ratio": "\u00a0%", "times": "×", "": ""}.get(unit, f"\u00a0{unit}")
    return f"{digits}{sign}"


def beside(label: str, value: float, unit: Unit) -> str:
    """A limit after its label, which may have said already what is counted: `loads`, `hours`."""
    return given(value, "" if unit and label.startswith(unit) else unit)


def beside_limit(label: str, found: float, limit: float, unit: Unit) -> tuple[str, str]:
    """A value and its limit, the value with as many digits as tell on which side it lies."""
    unit = "" if unit and label.startswith(unit) else unit
    allowed, factor = given(limit, unit), 100 if unit == "ratio" else 1
    told = shown(found, unit)
    if _is_beyond(told, found, limit, factor):
        return told, allowed
    return apart(found, limit, unit)[0], allowed


def _is_beyond(told: str, value: float, limit: float, factor: int) -> bool:
    """Whether a text of a value has it on that side of a limit on which it is."""
    said = re.fullmatch(r"-?\$?(\d[\d,]*(?:\.\d+)?)(?:\u00a0%|\u00a0\w+|×)?", told)
    if said is None or "illion" in told:
        return True  # less than something, or many millions
    number = float(said[1].replace(",", "")) * (-1 if told.startswith("-") else 1)
    if abs(value - limit) * factor < NOTHING:
        return True
    return abs(number - factor * limit) > NOTHING and (number > factor * limit) == (value > limit)


NOTHING = 1e-9  # what a difference of nothing comes to


def cells(values: Values[Scalar], unit: Unit, limit: Scalar = None) -> list[str]:
    """A table's column: one number of decimals for all, so that their points stand in line.

    The column's head says the unit unless it is a sign: % or $. Beside a `limit`, its last, which
    is told with all its digits, there are as many as tell on which side of it each value lies.
    """
    told = _column(values, unit)
    if not isinstance(limit, int | float) or not is_number(limit):
        return told
    factor, sign = (100, "\u00a0%") if unit == "ratio" else (1, "")
    first = "$" if unit == "USD" else ""
    least = 2 if first else len(f"{factor * limit:.10g}".partition(".")[2])
    numbers = [
        float(v) if isinstance(v, int | float) and is_number(v) else math.nan for v in values
    ]

    def suits(told: list[str]) -> bool:
        pairs = [pair for pair in zip(told, numbers, strict=True) if not math.isnan(pair[1])]
        return all(_is_beyond(*pair, limit, factor) for pair in pairs)

    if len(told[-1].removesuffix(sign).partition(".")[2]) >= least and suits(told):
        return told
    for decimals in range(least, MOST_DECIMALS):
        told = [
            in_cell(value, unit) if math.isnan(n) else f"{first}{fixed(factor * n, decimals)}{sign}"
            for value, n in zip(values, numbers, strict=True)
        ]
        if suits(told):
            break
    return told


MOST_DECIMALS = 8  # of a column in which a value lies very near to its limit


def _column(values: Values[Scalar], unit: Unit) -> list[str]:
    numbers = [value for value in values if isinstance(value, int | float) and is_number(value)]
    if unit == "USD" and any(_has_mills(number) for number in numbers):
        return [_in_mills(value) if is_number(value) else shown(value) for value in values]
    if not unit or unit == "USD" or len(numbers) < 2:
        return [in_cell(value, unit) for value in values]
    factor = 100 if unit in ("ratio", "points") else 1
    decimals = _decimals([abs(number) * factor for number in numbers])
    if unit == "ratio":
        decimals = min(decimals, 2) if max(map(abs, numbers)) >= 0.01 else decimals
        decimals = max(decimals, min(_decimals_near_all([100 * number for number in numbers]), 2))
    elif factor == 1 and _is_wide(numbers, decimals):
        return [in_cell(value, unit) for value in values]
    sign, whole = ("\u00a0%", 100.0) if unit == "ratio" else ("", None)
    return [
        _aligned(value * factor, decimals, whole) + sign
        if isinstance(value, int | float) and is_number(value)
        else in_cell(value, unit)
        for value in values
    ]


def alike(values: Mapping[str, float], name: str, unit: Unit) -> list[str]:
    """The names of those that read in a column as that one does, itself among them."""
    told = dict(zip(values, cells(list(values.values()), unit), strict=True))
    return [each for each in values if told[each] == told[name]]


def brief(value: float) -> str:
    """Where there is room for little: three digits and perhaps a letter: 1, 250, 3k, 1.5M."""
    if not math.isfinite(value):
        return _digits(value)
    few = rounded(value, 3)
    for power, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if power <= abs(few) < 1000 * power:
            return f"{few / power:.3g}{letter}"
    return f"{few:.3g}" if 1e-4 <= abs(few) < 1000 or not few else _power(few)


def _power(value: float) -> str:
    """`2.5·10⁻⁷`."""
    digits, power = f"{value:.2e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{float(digits):g}·10{raised}"


def saved(before: float, after: float) -> float:
    """The part of `before` that is not in `after` any more; of nothing, nothing."""
    return float(1 - after / before) if before else 0.0


def times(number: float, other: float) -> float | None:
    """How many times the other a number is; None where the other is nothing."""
    return float(number / other) if other else None


def _has_mills(dollars: float) -> bool:
    """Whether an amount is so small that cents would not tell it: then sums of it would not sum."""
    return 0 < abs(dollars) < 0.1 and abs(100 * dollars - round(100 * dollars)) > 1e-9


def _in_mills(dollars: Scalar) -> str:
    amount = float(dollars or 0)
    return f"{'-' if amount < 0 else ''}${fixed(abs(amount), 3)}"


def is_number(value: Scalar) -> bool:
    """Whether a value is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


MOST_DIGITS = 4  # of a column's largest number, if its decimals were those of its small ones


def _is_wide(numbers: Values[float], decimals: int) -> bool:
    """Whether small and large numbers of a column have no number of decimals in common.

    Then each is rounded by itself: 0.08 and 252, not 0.080 and 251.959.
    """
    sizes = [abs(number) for number in numbers if number]
    before = len(f"{max(sizes, default=0):.0f}")
    vanishes = min(sizes, default=1) < 0.5 * 10**-decimals
    return vanishes or (decimals > 0 and before + decimals > MOST_DIGITS)


def _decimals(sizes: Values[float]) -> int:
    """As many as a typical one of the numbers needs to show three digits; none for integers."""
    if all(size == int(size) for size in sizes):
        return 0
    typical = sorted(sizes)[len(sizes) // 2] or max(sizes)
    return min(max(2 - math.floor(math.log10(typical)), 0), 3)


def _decimals_near_all(shares: Values[float], most: int = 3) -> int:
    """As many as tell what is missing of those that are nearly all, in per cent."""
    missing = sorted(float(f"{100 - share:.9f}") for share in shares if 90 < share < 100)
    if not missing or not missing[len(missing) // 2]:
        return most if missing else 0
    return min(max(-math.floor(math.log10(missing[len(missing) // 2])), 0), most)


def _per_cent(share: float) -> str:
    """Nearly all is not all: 99.97, not 100; six nines are told as six nines."""
    if not 99.5 <= share < 100:
        return _digits(share)
    decimals = _decimals_near_all([share], 7)
    said = fixed(share, decimals)
    return f"over\u00a0{100 - 10**-decimals:.{decimals}f}" if said.startswith("100") else said


def _aligned(number: float, decimals: int, whole: float | None) -> str:
    """What is not nothing, and not the whole, is not rounded to it."""
    if abs(number) >= MILLIONS:
        return _digits(number)
    if whole is not None and whole - 0.5 * 10**-decimals <= number < whole:
        return f">\u00a0{whole - 10**-decimals:.{decimals}f}"
    if 0 < abs(number) < 0.5 * 10**-decimals:
        return f"<\u00a0{10**-decimals:.{decimals}f}"
    return fixed(number, decimals)


def in_cell(value: Scalar, unit: Unit) -> str:
    """A value in a table by itself, whose column head says the unit unless it is a sign."""
    return shown(value, unit if unit in ("ratio", "USD") else "")


def _dollars(value: float) -> str:
    """Cents, or as many digits as it takes to tell a part of a cent from nothing."""
    if math.isnan(value):
        return "–"
    sign, value = "-" if value < 0 else "", abs(value)
    if 0 < value < 0.01:
        few = _digits(rounded(value, 1))
        return f"< {sign}${few[2:]}" if few.startswith("<") else f"{sign}${few}"
    if value >= 10_000:
        return f"{sign}${_digits(value)}"
    return f"{sign}${fixed(value, 2)}"


def _exact(dollars: float) -> str:
    """A price with all its digits, cents at least: what a reader multiplies gives the bill."""
    whole, _, part = f"{Decimal(repr(dollars)):f}".partition(".")
    return f"${int(whole):,}.{part.rstrip('0'):0<2}"


MILLIONS, HUGE = 1e7, 1e15
NAMES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
TINY = 1e-6


def _digits(value: float) -> str:
    """Whole numbers in full; others to three significant digits; never in e-notation."""
    size = abs(value)
    if math.isnan(value):
        return "–"
    if value < 0:
        few = _digits(size)
        return f"> -{few[2:]}" if few.startswith("<") else few if few == "0" else f"-{few}"
    if size >= HUGE:
        return "∞" if math.isinf(size) else "over 10¹⁵"
    if size >= MILLIONS:
        scale, name = next((s, n) for s, n in NAMES if size >= s)
        return f"{_digits(value / scale)} {name}"
    if value == int(value) or size >= 100:
        return fixed(value, 0)
    if size >= 0.001:
        return _short(value, 3)
    return _short(value, 1) if size >= TINY else f"< {TINY:f}"
