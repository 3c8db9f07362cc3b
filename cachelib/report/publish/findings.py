"""Findings: what a notebook hands over, as data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MIME = "application/vnd.cachelib.finding+json"

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


def in_cell(value: Scalar, unit: Unit) -> str:
    """A value in a table, whose column head says the unit unless it is a sign: % or $."""
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


def _digits(value: float) -> str:
    """Whole numbers in full; others to three significant digits."""
    if isinstance(value, int) or value == int(value) or abs(value) >= 1000:
        return f"{round(value):,}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"
