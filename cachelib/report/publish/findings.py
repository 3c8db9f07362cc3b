"""Findings: what a notebook hands over, as data."""

from __future__ import annotations

import math
from collections.abc import Sequence as Values
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cachelib.model.case.names import FINDING

MIME = FINDING

How = Literal["simulated", "closed form", "measured", "quoted", "assumed", "derived", "examined"]
Unit = Literal[
    "", "ratio", "points", "ms", "s", "USD", "requests", "loads", "operations", "isolates", "times",
    "hours",
]  # fmt: skip
Scalar = str | int | float | bool | None


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_-]+)+$")
    caption: str = Field(min_length=1)
    how: How = "simulated"


class Metric(_Finding):
    """One number, or one word where the finding is a choice."""

    kind: Literal["metric"] = "metric"
    value: Scalar
    unit: Unit = ""


class Column(BaseModel):
    name: str
    unit: Unit = ""


class Table(_Finding):
    """Rows of scalars under named columns."""

    kind: Literal["table"] = "table"
    columns: list[Column]
    rows: list[list[Scalar]]
    bars: bool = False
    """Whether the page draws each number as a bar behind it, as long as its share of the most."""

    def shares(self) -> list[list[float | None]]:
        """Of each cell that has a bar, its part of the column's most, from 0 to 1."""
        most = [
            max((abs(float(row[place])) for row in self.rows if _is_number(row[place])), default=0)  # type: ignore[arg-type]
            for place in range(len(self.columns))
        ]
        return [
            [
                abs(float(cell)) / most[place]  # type: ignore[arg-type]
                if self.bars and self.columns[place].unit and most[place] and _is_number(cell)
                else None
                for place, cell in enumerate(row)
            ]
            for row in self.rows
        ]

    def shown(self) -> list[list[str]]:
        """The rows as people read them."""
        columns = [
            cells([row[place] for row in self.rows], column.unit)
            for place, column in enumerate(self.columns)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


class Figure(_Finding):
    """A chart; the SVG itself lies beside this record in the same output bundle."""

    kind: Literal["figure"] = "figure"
    alt: str = Field(min_length=1)


class Node(BaseModel):
    id: str
    label: str
    note: str = ""
    kind: Literal["user", "worker", "cache", "store", "origin", "missing"] = "worker"


class Edge(BaseModel):
    source: str
    target: str
    label: str = ""


class Diagram(_Finding):
    """Boxes in layers, top to bottom, and arrows between them."""

    kind: Literal["diagram"] = "diagram"
    alt: str = Field(min_length=1)
    layers: list[list[Node]]
    edges: list[Edge]


class Message(BaseModel):
    source: str
    target: str
    label: str
    answer: bool = False


class Sequence(_Finding):
    """Who says what to whom, in order: messages between participants, each named by its id."""

    kind: Literal["sequence"] = "sequence"
    alt: str = Field(min_length=1)
    participants: list[Node]
    messages: list[Message]


class Text(_Finding):
    """Lines of text, quoted as they are."""

    kind: Literal["text"] = "text"
    lines: list[str]


class Panel(_Finding):
    """What the page recomputes by itself: setting, designs and prices, see `what_if.panel`."""

    kind: Literal["panel"] = "panel"
    data: dict[str, Any]


Drawn = Diagram | Sequence
Finding = Annotated[
    Metric | Table | Figure | Diagram | Sequence | Text | Panel, Field(discriminator="kind")
]
_FINDING: TypeAdapter[Finding] = TypeAdapter(Finding)


def parse(bundle: Any) -> Finding:
    """The finding in a bundle of MIME type `MIME`; raises `ValidationError`."""
    return _FINDING.validate_python(bundle)


def shown(value: Scalar, unit: Unit = "") -> str:
    """A value as people read it: rounded to what it can tell, with its unit."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == "ratio":
        return f"{_digits(100 * value)}\u00a0%"
    if unit == "points":
        return f"{_digits(100 * value)}\u00a0points"
    if unit == "USD":
        return _dollars(value)
    if unit == "times":
        return f"{_digits(value)}×"
    return f"{_digits(value)}\u00a0{unit}".rstrip("\u00a0")


def cells(values: Values[Scalar], unit: Unit) -> list[str]:
    """A table's column: one number of decimals for all, so that their points stand in line.

    The column's head says the unit unless it is a sign: % or $.
    """
    numbers = [value for value in values if isinstance(value, int | float) and _is_number(value)]
    if not unit or unit == "USD" or len(numbers) < 2:
        return [in_cell(value, unit) for value in values]
    factor = 100 if unit in ("ratio", "points") else 1
    decimals = _decimals([abs(number) * factor for number in numbers])
    sign = "\u00a0%" if unit == "ratio" else ""
    return [
        _aligned(value * factor, decimals) + sign
        if isinstance(value, int | float) and _is_number(value)
        else in_cell(value, unit)
        for value in values
    ]


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _decimals(sizes: Values[float]) -> int:
    """As many as a typical one of the numbers needs to show three digits; none for integers."""
    if all(size == int(size) for size in sizes):
        return 0
    typical = sorted(sizes)[len(sizes) // 2] or max(sizes)
    return min(max(2 - math.floor(math.log10(typical)), 0), 3)


def _aligned(number: float, decimals: int) -> str:
    if abs(number) >= MILLIONS:
        return _digits(number)
    if 0 < abs(number) < 0.5 * 10**-decimals:
        return f"<\u00a0{10**-decimals:.{decimals}f}"
    return f"{number:,.{decimals}f}"


def in_cell(value: Scalar, unit: Unit) -> str:
    """A value in a table by itself, whose column head says the unit unless it is a sign."""
    return shown(value, unit if unit in ("ratio", "USD") else "")


def column_head(column: Column) -> str:
    """A column's name with the unit that its cells leave out."""
    return f"{column.name}, {column.unit}" if column.unit in ("ms", "s") else column.name


def _dollars(value: float) -> str:
    """Cents, or as many digits as it takes to tell a part of a cent from nothing."""
    sign, value = "-" if value < 0 else "", abs(value)
    if 0 < value < 0.01:
        return f"{sign}${value:.1g}"
    return f"{sign}${value:,.0f}" if value >= 10_000 else f"{sign}${value:,.2f}"


MILLIONS = 1e7
NAMES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
TINY = 1e-6


def _digits(value: float) -> str:
    """Whole numbers in full; others to three significant digits; never in e-notation."""
    size = abs(value)
    if not math.isfinite(value):
        return "∞" if value > 0 else "–"
    if size >= MILLIONS:
        scale, name = next((s, n) for s, n in NAMES if size >= s)
        return f"{_digits(round(value / scale, 1))} {name}" if size < 1e15 else "over 10¹⁵"
    if value == int(value) or size >= 1000:
        return f"{round(value):,}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 0.001:
        return f"{value:.3g}"
    return f"{value:.{-math.floor(math.log10(size))}f}" if size >= TINY else f"< {TINY:f}"
