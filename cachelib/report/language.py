"""How results are said: comparisons, shares and counts in words, each in one place.

A sentence of the report is chosen by what was found. So what these functions give says itself
whether two numbers differ, which way, and by how much.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from cachelib.plural import plural
from cachelib.report.numbers import Unit, fixed, rounded, shown

RESOLUTION: dict[Unit, float] = {"ratio": 0.005, "points": 0.005, "USD": 0.005}
"""Differences below these are none; of other units, below a hundredth of the larger number."""
ALIKE = 0.01
LEAST: dict[Unit, float] = {"ms": 0.05}
"""Nor is what no reader could notice, however small the numbers: of units that are not above."""


@dataclass(frozen=True)
class Comparison:
    """One number against another of the same unit."""

    value: float
    other: float
    unit: Unit = ""
    least: float | None = None
    """A difference that is one, where what these numbers are for tells it."""

    @property
    def same(self) -> bool:
        """No difference that the numbers can tell."""
        if self.least is not None:
            return abs(self.value - self.other) <= self.least
        largest = max(abs(self.value), abs(self.other))
        least = max(ALIKE * largest, LEAST.get(self.unit, 0.0))
        return abs(self.value - self.other) <= RESOLUTION.get(self.unit, least)

    @property
    def more(self) -> bool:
        return not self.same and self.value > self.other

    @property
    def less(self) -> bool:
        return not self.same and self.value < self.other

    @property
    def by(self) -> str:
        """How far apart they are, with the unit, without a sign; shares in points."""
        unit: Unit = "points" if self.unit == "ratio" else self.unit
        return shown(abs(self.value - self.other), unit)

    @property
    def times(self) -> str:
        """`33×`: how many times the smaller the larger is."""
        low, high = sorted((abs(self.value), abs(self.other)))
        return shown(high / low, "times") if low else "many times"

    def words(self, more: str, less: str, same: str = "no different") -> str:
        """`65 ms slower`, `65 ms faster`, or that they are alike."""
        if self.same:
            return same
        return f"{self.by} {more if self.more else less}"


def in_so_many(share: float) -> str:
    """A share as people say it: `7 in 10`, `3 in 100`, `none`, `all`."""
    if share <= 0:
        return "none"
    if share >= 0.9995:
        return "all"
    if share >= 0.995:
        return f"all but {in_so_many(1 - share)}"
    if share >= 0.095:
        tenths = fixed(10 * share, 0)
        return f"{tenths} in 10" if tenths != "10" else f"{fixed(100 * share, 0)} in 100"
    power = 10 ** -floor(log10(share))
    return f"{fixed(share * power, 0)} in {power:,}"


def duration(seconds: float) -> str:
    """`5 min`, `1 h`, `1 h 50 min`, `2 days`, `1.5 s`: a time to two places at the most."""
    if rounded(seconds, 3) < 120:
        return shown(seconds, "s")
    units = ((86_400, "day"), (3_600, "h"), (60, "min"))
    at = next(nth for nth, (size, _) in enumerate(units) if seconds >= size)
    if at and round(seconds / units[at][0]) * units[at][0] >= units[at - 1][0]:
        at -= 1  # no 60 minutes, which are an hour
    size, word = units[at]
    smaller = units[at + 1 :][:1]
    step = smaller[0][0] if smaller and seconds < 10 * size else size
    whole, rest = divmod(round(seconds / step) * step, size)
    said = f"{shown(whole)}\u00a0{plural(whole, word) if word == 'day' else word}"
    return f"{said} {rest // step}\u00a0{smaller[0][1]}" if rest else said


def exactly(seconds: float) -> str:
    """`2 min 37 s`, `1 h 13 min 40 s`, `54.6 s`: a time as it is set, to all its places."""
    if rounded(seconds, 3) < 120:
        return shown(seconds, "s")
    said, left = [], round(seconds)
    for size, word in ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s")):
        whole, left = divmod(left, size)
        if whole:
            said.append(f"{whole}\u00a0{plural(whole, word) if word == 'day' else word}")
    return " ".join(said)


def beyond(share: float, *, is_least: bool = False) -> str:
    """By how much a limit is broken: `8 % beyond`, from three times it on `146 times`; what is to
    be at least so much is `8 % short of` it."""
    if share >= 2:
        return f"{shown(1 + share)} times"
    return f"{shown(share, 'ratio')} {'short of' if is_least else 'beyond'}"


def overdue(seconds: float) -> str:
    """For how long an answer had been out of date: `by over 60 s`, or `at all`."""
    return f"by over {duration(seconds)}" if seconds else "at all"


def counted(number: float, noun: str, many: str = "") -> str:
    """`1 fault`, `3 faults`, `no faults`."""
    word = plural(number, noun, many)
    return f"no {word}" if number == 0 else f"{shown(number)} {word}"


def work(hours: float, low: float, high: float) -> str:
    """`2 (1–4) h`: work with its range, where it has one."""
    spread = f" ({shown(low)}–{shown(high)})" if low < high else ""
    return f"{shown(hours)}{spread}\u00a0h"


def give_or_take(share: float) -> str:
    """`± 0.8 points`: the error of a share."""
    return f"±\u00a0{fixed(100 * share, 1)}\u00a0points"


def how_sure(share: float) -> str:
    """A share of the tries as people say how sure they are."""
    steps = ((0.95, "very sure"), (0.8, "fairly sure"), (0.5, "more likely than not"))
    return next((words for least, words in steps if share >= least), "unsure")


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """What a case says, as a sentence: with a capital, a full stop, and code in quotation marks."""
    said = capital(re.sub(r"`([^`]+)`", r"“\1”", text.strip()))
    return said if said.endswith((".", "!", "?")) else f"{said}."


def capital(text: str) -> str:
    """The text as a sentence begins; the rest is left as it is."""
    return text[:1].upper() + text[1:]
