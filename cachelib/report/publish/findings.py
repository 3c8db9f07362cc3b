"""Findings: what a notebook hands over, as data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from cachelib.model.case.names import FINDING
from cachelib.report.numbers import Scalar, Unit, cells, is_number
from cachelib.report.publish.outcome import Outcome

MIME = FINDING
NARROW = "application/vnd.cachelib.narrow+svg"
"""Beside it in a bundle: a chart redrawn for a phone."""

How = Literal["simulated", "closed form", "measured", "quoted", "assumed", "derived", "examined"]


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
    source: str = Field("", description="where it is quoted from")


class Column(BaseModel):
    name: str
    unit: Unit = ""


LIMIT = "Limit"  # the name of a table's last row, if that has the limits of its columns


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
            max((abs(float(row[place])) for row in self.rows if is_number(row[place])), default=0)  # type: ignore[arg-type]
            for place in range(len(self.columns))
        ]
        return [
            [
                abs(float(cell)) / most[place]  # type: ignore[arg-type]
                if self.bars and self.columns[place].unit and most[place] and is_number(cell)
                else None
                for place, cell in enumerate(row)
            ]
            for row in self.rows
        ]

    def shown(self) -> list[list[str]]:
        """The rows as people read them."""
        limits = self.rows[-1] if self.bars and self.rows and self.rows[-1][0] == LIMIT else []
        columns = [
            cells([row[place] for row in self.rows], column.unit, *limits[place : place + 1])
            for place, column in enumerate(self.columns)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


class Data(BaseModel):
    """The numbers behind a chart: rows under columns whose heads say what and in which unit."""

    columns: list[str]
    rows: list[list[Scalar]]


class Figure(_Finding):
    """A chart; the SVG itself lies beside this record in the same output bundle."""

    kind: Literal["figure"] = "figure"
    alt: str = Field(min_length=1)
    data: Data | None = None


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


class Judgement(_Finding):
    """The decision as data, for programs."""

    kind: Literal["judgement"] = "judgement"
    outcome: Outcome


Drawn = Diagram | Sequence
Finding = Annotated[
    Metric | Table | Figure | Diagram | Sequence | Text | Panel | Judgement,
    Field(discriminator="kind"),
]
_FINDING: TypeAdapter[Finding] = TypeAdapter(Finding)


def parse(bundle: Any) -> Finding:
    """The finding in a bundle of MIME type `MIME`; raises `ValidationError`."""
    return _FINDING.validate_python(bundle)


def column_head(column: Column) -> str:
    """A column's name with the unit that its cells leave out."""
    return f"{column.name}, {column.unit}" if column.unit in ("ms", "s") else column.name
