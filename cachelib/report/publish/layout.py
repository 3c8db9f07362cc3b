"""Diagrams laid out and drawn as SVG, on paper as wide as the page's or as a phone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cachelib.report.publish.findings import Diagram, Drawn, Edge, Message, Node, Sequence
from cachelib.report.templates import html_environment

LETTER = 0.58  # the width of one, in heights of its line; of a bold one a little more
BOLD = 0.64
ROW_HEIGHT, MAX_LANE = 34.0, 150.0


@dataclass(frozen=True)
class Paper:
    """How wide a drawing may be, and how large its letters are."""

    width: float
    letters: float
    gap_x: float
    gap_y: float
    least_box: float
    most_box: float

    @property
    def line(self) -> float:
        return round(self.letters * 1.2)

    def lines(self, text: str, width: float, letter: float = LETTER) -> list[str]:
        """The text in lines of that width; a word is broken only where it has joints."""
        room = max(int(width / (letter * self.letters)), 1)
        told = textwrap.wrap(text.replace("_", "_ "), room, break_long_words=False)
        return [line.replace("_ ", "_") for line in told]

    def size(self, lines: list[str], width: float) -> float:
        """Letters so large that the longest word of a name fits."""
        longest = max((len(line) for line in lines), default=1) * BOLD
        return round(min(self.letters, width / longest), 1)


WIDE = Paper(width=720, letters=13, gap_x=20, gap_y=46, least_box=56, most_box=260)
NARROW = Paper(width=340, letters=11, gap_x=6, gap_y=44, least_box=40, most_box=200)


@dataclass(frozen=True)
class Box:
    """A node with its place, in the units of the SVG."""

    node: Node
    paper: Paper
    x: float
    width: float
    y: float = 0
    height: float = 0

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def name(self) -> list[str]:
        return self.paper.lines(self.node.label, self.width - 10, BOLD)

    @property
    def size(self) -> float:
        return self.paper.size(self.name, self.width - 6)

    @property
    def notes(self) -> list[str]:
        return self.paper.lines(self.node.note, self.width - 8)

    @property
    def needs(self) -> float:
        """How high it must be for what it says."""
        return self.paper.line * (len(self.name) + len(self.notes)) + self.paper.letters

    def lines(self) -> Iterator[tuple[float, str, bool]]:
        """Each line with its height, in the middle of the box, and whether it is of the name."""
        told = [(line, True) for line in self.name] + [(line, False) for line in self.notes]
        first = self.y + (self.height - self.paper.line * len(told)) / 2 + 0.9 * self.paper.letters
        for nth, (line, is_name) in enumerate(told):
            yield first + nth * self.paper.line, line, is_name


@dataclass(frozen=True)
class Arrow:
    """An edge with its ends, and where its label stands: beside the arrowhead, on the far side."""

    edge: Edge
    source: Box
    target: Box

    @property
    def x1(self) -> float:
        return self.source.middle

    @property
    def y1(self) -> float:
        return self.source.bottom

    @property
    def x2(self) -> float:
        return self.target.middle

    @property
    def y2(self) -> float:
        return self.target.y

    @property
    def anchor(self) -> str:
        return "end" if self.x2 < self.x1 else "start"

    def lines(self) -> Iterator[tuple[float, float, str]]:
        paper = self.source.paper
        straight = self.x1 == self.x2
        room = paper.width - self.x2 if straight else self.target.width / 2 + paper.gap_x
        told = paper.lines(self.edge.label, room - 12)
        x = self.x2 + (-10 if self.anchor == "end" else 10)
        for nth, line in enumerate(told):
            yield x, self.y2 - 7 - paper.line * (len(told) - 1 - nth), line


@dataclass(frozen=True)
class Lane:
    """A participant of a sequence, at its x."""

    node: Node
    x: float
    name: list[str]
    note: list[str]
    size: float


@dataclass(frozen=True)
class Row:
    message: Message
    x1: float
    x2: float
    y: float
    middle: float


def to_svg(diagram: Drawn, *, narrow: bool = False) -> str:
    """The diagram as an `<svg>` element; every label is escaped."""
    paper = NARROW if narrow else WIDE
    if isinstance(diagram, Sequence):
        return _sequence_svg(diagram, paper)
    return _layers_svg(diagram, paper)


def _sequence_svg(sequence: Sequence, paper: Paper) -> str:
    pitch = paper.width / len(sequence.participants)
    lane_width = min(pitch - paper.gap_x / 2, MAX_LANE)
    lanes = [
        _lane(node, (nth + 0.5) * pitch, lane_width, paper)
        for nth, node in enumerate(sequence.participants)
    ]
    top = 10 + paper.line * max(len(lane.name) + len(lane.note) for lane in lanes)
    x = {lane.node.id: lane.x for lane in lanes}
    rows = [
        _row(message, x[message.source], x[message.target], top + (nth + 1) * ROW_HEIGHT, paper)
        for nth, message in enumerate(sequence.messages)
    ]
    template = html_environment().get_template("diagrams/sequence.svg.j2")
    return template.render(
        lanes=lanes,
        rows=rows,
        paper=paper,
        height=top + (len(rows) + 1) * ROW_HEIGHT,
        top=top,
        lane_width=lane_width,
    )


def _lane(node: Node, x: float, width: float, paper: Paper) -> Lane:
    name = paper.lines(node.label, width - 6, BOLD)
    return Lane(node, x, name, paper.lines(node.note, width - 6), paper.size(name, width - 6))


def _row(message: Message, x1: float, x2: float, y: float, paper: Paper) -> Row:
    """A message with the middle of its label, which stays on the paper."""
    half = LETTER * paper.letters * len(message.label) / 2
    middle = min(max((x1 + x2) / 2, half), max(paper.width - half, paper.width / 2))
    return Row(message, x1, x2, y, middle)


def _layers_svg(diagram: Diagram, paper: Paper) -> str:
    boxes = {box.node.id: box for box in _boxes(diagram, paper)}
    arrows = [Arrow(edge, boxes[edge.source], boxes[edge.target]) for edge in _told(diagram.edges)]
    template = html_environment().get_template("diagrams/layers.svg.j2")
    height = max(box.bottom for box in boxes.values()) + 2
    return template.render(boxes=boxes.values(), arrows=arrows, paper=paper, height=height)


def _told(edges: list[Edge]) -> Iterator[Edge]:
    """The edges, what several that follow each other say alike said at the last of them."""
    for edge, following in pairwise([*edges, None]):
        if edge is None:
            continue
        again = following and (following.source, following.label) == (edge.source, edge.label)
        yield edge.model_copy(update={"label": ""}) if again else edge


def _boxes(diagram: Diagram, paper: Paper) -> Iterator[Box]:
    y = 2.0
    for layer in diagram.layers:
        width = min(paper.most_box, (paper.width - paper.gap_x * (len(layer) + 1)) / len(layer))
        left = (paper.width - len(layer) * width - (len(layer) - 1) * paper.gap_x) / 2
        row = [
            Box(node, paper, left + place * (width + paper.gap_x), width)
            for place, node in enumerate(layer)
        ]
        height = max(paper.least_box, *(box.needs for box in row))
        for box in row:
            yield Box(box.node, paper, box.x, width, y, height)
        y += height + paper.gap_y
