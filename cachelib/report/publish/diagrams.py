"""Diagrams from data: laid out once, drawn as SVG here and as Mermaid by the Markdown template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import TIERS
from cachelib.report.publish.findings import Diagram, Drawn, Edge, Message, Node, Sequence, shown
from cachelib.report.templates import html_environment

WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MAX_BOX = 720.0, 52.0, 20.0, 46.0, 260.0
ROW_HEIGHT, MAX_LANE = 34.0, 150.0
SHOWN_COLOS = 3
L2_NAMES = {
    "kv": "Workers KV",
    "durable-object": "Durable Objects",
    "r2": "R2",
    "cache-api": "Cache API",
}


@dataclass(frozen=True)
class Box:
    """A node with its place, in the units of the SVG."""

    node: Node
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + BOX_HEIGHT


@dataclass(frozen=True)
class Arrow:
    edge: Edge
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Lane:
    """A participant of a sequence, at its x."""

    node: Node
    x: float


@dataclass(frozen=True)
class Row:
    message: Message
    x1: float
    x2: float
    y: float


def to_svg(diagram: Drawn) -> str:
    """The diagram as an `<svg>` element; every label is escaped."""
    return _sequence_svg(diagram) if isinstance(diagram, Sequence) else _layers_svg(diagram)


def _sequence_svg(sequence: Sequence) -> str:
    pitch = WIDTH / len(sequence.participants)
    lanes = [Lane(node, (nth + 0.5) * pitch) for nth, node in enumerate(sequence.participants)]
    x = {lane.node.id: lane.x for lane in lanes}
    rows = [
        Row(message, x[message.source], x[message.target], BOX_HEIGHT + (nth + 1) * ROW_HEIGHT)
        for nth, message in enumerate(sequence.messages)
    ]
    template = html_environment().get_template("diagrams/sequence.svg.j2")
    return template.render(
        lanes=lanes,
        rows=rows,
        width=WIDTH,
        height=BOX_HEIGHT + (len(rows) + 1) * ROW_HEIGHT,
        top=BOX_HEIGHT - 6,
        lane_width=min(pitch - 12, MAX_LANE),
    )


def _layers_svg(diagram: Diagram) -> str:
    boxes = {box.node.id: box for box in _boxes(diagram)}
    arrows = [_arrow(edge, boxes[edge.source], boxes[edge.target]) for edge in diagram.edges]
    template = html_environment().get_template("diagrams/layers.svg.j2")
    height = max(box.bottom for box in boxes.values()) + 2
    return template.render(
        boxes=boxes.values(), arrows=arrows, width=WIDTH, height=height, box_height=BOX_HEIGHT
    )


def _boxes(diagram: Diagram) -> Iterator[Box]:
    for depth, layer in enumerate(diagram.layers):
        width = min(MAX_BOX, (WIDTH - GAP_X * (len(layer) + 1)) / len(layer))
        left = (WIDTH - len(layer) * width - (len(layer) - 1) * GAP_X) / 2
        for place, node in enumerate(layer):
            x = left + place * (width + GAP_X)
            yield Box(node, x, 2 + depth * (BOX_HEIGHT + GAP_Y), width)


def _arrow(edge: Edge, source: Box, target: Box) -> Arrow:
    return Arrow(edge, source.middle, source.bottom, target.middle, target.y)


def architecture(study: Study, name: str) -> Diagram:
    """The case's system built as the design `name`: users, isolates with their L1s, L2, origin."""
    design = study.design(name)
    users = Node(id="users", label="Users", note=study.case.system.name, kind="user")
    origin_ms = study.platform.origin_ms
    origin = Node(id="origin", label="Origin", note=f"{origin_ms:g} ms", kind="origin")
    workers, shared = _workers(study, design), _shared(study, design)
    next_tier = shared[0] if shared else origin
    return Diagram(
        id=f"architecture.{design.name}",
        caption=f"The system as {design.name}",
        alt=_alt(study, design),
        how="derived",
        layers=[[users], workers, *([shared] if shared else []), [origin]],
        edges=[
            *(Edge(source="users", target=worker.id) for worker in workers),
            *(Edge(source=worker.id, target=next_tier.id) for worker in workers),
            *(Edge(source=node.id, target="origin", label="miss in L2") for node in shared),
        ],
    )


def _workers(study: Study, design: Design) -> list[Node]:
    """The busiest data centres, and one box for the others."""
    isolates = study.platform.isolates_per_colo
    memory = f"own L1, {design.l1_ttl_s:g} s" if design.l1 else "no cache"
    traffic = np.bincount(study.trace.colo, minlength=len(study.trace.colos))
    busiest = [study.trace.colos[place] for place in np.argsort(-traffic, kind="stable")]
    nodes = [
        Node(id=f"w{nth}", label=f"{colo or 'Edge'}: {isolates} isolates", note=memory)
        for nth, colo in enumerate(busiest[:SHOWN_COLOS])
    ]
    more = len(busiest) - SHOWN_COLOS
    return nodes + ([Node(id="more", label=f"{more} more colos", note=memory)] if more > 0 else [])


def _shared(study: Study, design: Design) -> list[Node]:
    if design.l2 is None:
        return []
    note = "in each data centre" if design.l2 == "cache-api" else "shared by all"
    return [Node(id="l2", label=L2_NAMES[design.l2], note=f"{note}, {design.l2_ttl_s:g} s")]


def _alt(study: Study, design: Design) -> str:
    colos, isolates = len(study.trace.colos), study.platform.isolates_per_colo
    return (
        f"Requests reach {colos} data centres with {isolates} isolates each; "
        + ("each isolate has an L1 of its own; " if design.l1 else "no isolate caches; ")
        + (
            f"misses go to {L2_NAMES[design.l2]}, then to the origin."
            if design.l2
            else "misses go to the origin."
        )
    )


def scenario(study: Study, name: str) -> Sequence:
    """The first two requests for one key, in two data centres half a minute apart, as simulated."""
    trace = study.two_requests()
    result = study.replay(name, trace=trace)
    colos = [trace.colos[place] for place in trace.colo]
    workers = [Node(id=f"w{nth}", label=f"Worker in {colo}") for nth, colo in enumerate(colos)]
    design = study.design(name)
    shared = [Node(id="l2", label=L2_NAMES[design.l2])] if design.l2 else []
    origin = Node(id="origin", label="Origin", kind="origin")
    messages: list[Message] = []
    for nth, (tier, ms) in enumerate(zip(result.tier, result.latency_ms, strict=True)):
        messages += _request(f"w{nth}", design, TIERS[tier], trace.keys[0], float(ms))
    return Sequence(
        id=f"scenario.{name}",
        caption=f"The same key asked for twice, {trace.span_s:g} s apart, with {name}",
        alt="; ".join(
            f"in {colo} {TIERS[tier]} answers after {shown(float(ms), 'ms')}"
            for colo, tier, ms in zip(colos, result.tier, result.latency_ms, strict=True)
        ),
        participants=[Node(id="user", label="Users", kind="user"), *workers, *shared, origin],
        messages=messages,
    )


def _request(worker: str, design: Design, tier: str, key: str, ms: float) -> list[Message]:
    """What one request makes the tiers say."""
    said = [Message(source="user", target=worker, label=f"GET {key}")]
    if design.l1:
        hit = "hit" if tier == "L1" else "miss"
        said.append(Message(source=worker, target=worker, label=f"L1 {hit}"))
    if design.l2 and tier != "L1":
        hit = "hit" if tier == "L2" else "miss"
        said.append(Message(source=worker, target="l2", label="get"))
        said.append(Message(source="l2", target=worker, label=hit, answer=True))
    if tier == "origin":
        said.append(Message(source=worker, target="origin", label="load"))
        said.append(Message(source="origin", target=worker, label="value", answer=True))
        if design.l2:
            said.append(Message(source=worker, target="l2", label="put"))
    return [*said, Message(source=worker, target="user", label=shown(ms, "ms"), answer=True)]
