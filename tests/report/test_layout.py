"""Diagrams on wide and on narrow paper: words stay in their boxes, on the paper, off the arrows."""

from __future__ import annotations

from itertools import combinations

import pytest

from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.report.experiments.parameters import settle
from cachelib.report.publish import layout
from cachelib.report.publish.diagrams import architecture
from cachelib.report.publish.findings import Diagram, Edge, Node
from cachelib.report.publish.layout import BOLD, LETTER, NARROW, WIDE, Arrow, Box, Paper

PAPERS = [WIDE, NARROW]


@pytest.fixture(scope="module")
def study() -> Study:
    return settle({"case": "trading-sentiment"}).study


def fan() -> Diagram:
    """One box over three, each arrow with a word of its own."""
    kinds = ("KV namespace", "R2 bucket", "Workers AI")
    nodes = [Node(id=f"n{i}", label=kind, note="TRADING_RESULTS") for i, kind in enumerate(kinds)]
    top = Node(id="top", label="trading-sentiment")
    edges = [Edge(source="top", target=node.id, label=f"line {i}7") for i, node in enumerate(nodes)]
    return Diagram(id="x.fan", caption="x", alt="x", layers=[[top], nodes], edges=edges)


def fronted(study: Study) -> Diagram:
    tiers = ("workers-cache", "memory", "kv")
    return architecture(study, Design(name="x", tiers=tiers, l1_ttl_s=300, l2_ttl_s=900), "x.front")


def arrows(diagram: Diagram, paper: Paper) -> list[Arrow]:
    boxes = {box.node.id: box for box in layout._boxes(diagram, paper)}
    told = layout._told(diagram.edges)
    return [Arrow(edge, boxes[edge.source], boxes[edge.target]) for edge in told]


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("kind", ["fan", "fronted"])
def test_no_word_of_an_arrow_lies_on_an_arrow_or_off_the_paper(
    study: Study, paper: Paper, kind: str
) -> None:
    drawn = arrows(fan() if kind == "fan" else fronted(study), paper)
    words = [(arrow, *line) for arrow in drawn for line in arrow.lines()]
    assert words
    for arrow, x, y, word in words:
        width = LETTER * paper.letters * len(word)
        left, right = (x - width, x) if arrow.anchor == "end" else (x, x + width)
        assert left >= 0
        assert right <= paper.width
        for other in drawn:
            if not other.y1 <= y <= other.y2:
                continue
            for height in (y, y - 0.6 * paper.letters):  # of its feet, and of its small letters
                at = other.x1 + (other.x2 - other.x1) * (height - other.y1) / (other.y2 - other.y1)
                assert not left <= at <= right, (word, other.edge)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_box_is_as_high_as_its_words_and_none_lies_on_another(study: Study, paper: Paper) -> None:
    for diagram in (fan(), fronted(study)):
        boxes = list(layout._boxes(diagram, paper))
        for box in boxes:
            assert box.x >= 0
            assert box.x + box.width <= paper.width
            for y, line, is_name in box.lines():
                assert box.y + 0.7 * paper.letters <= y <= box.bottom
                if is_name:
                    assert len(line) * BOLD * box.size <= box.width
        for one, other in combinations(boxes, 2):
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart or one.bottom < other.y or other.bottom < one.y


def test_what_several_arrows_say_alike_is_said_once(study: Study) -> None:
    told = [arrow.edge.label for arrow in arrows(fronted(study), WIDE) if arrow.source.y < 200]
    assert told.count("what it has not") == 1


@pytest.mark.parametrize("lanes", [3, 6])
def test_names_of_lanes_fit_into_them(lanes: int) -> None:
    pitch = NARROW.width / lanes
    lane = layout._lane(Node(id="x", label="Durable Objects"), 0, pitch - 3, NARROW)
    assert all(len(line) * BOLD * lane.size <= pitch for line in lane.name)
    assert " ".join(lane.name) == "Durable Objects"


def test_a_label_of_a_message_stays_on_the_paper() -> None:
    said = layout.Message(source="a", target="b", label="GET /sentiment/1/of/the/day")
    half = LETTER * NARROW.letters * len(said.label) / 2
    for x1, x2 in ((30, 90), (310, 250)):
        row = layout._row(said, x1, x2, 9, NARROW)
        assert half <= row.middle <= NARROW.width - half


def test_boxes_know_no_other_paper() -> None:
    box = Box(Node(id="a", label="7 more data centres"), NARROW, 0, 75)
    assert box.name == ["7 more", "data", "centres"]
