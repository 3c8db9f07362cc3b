"""Diagrams from data: laid out once, drawn as SVG here and as Mermaid by the Markdown template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachelib.edge.case import Case
from cachelib.edge.designs import Design
from cachelib.report.findings import Diagram, Edge, Node
from cachelib.report.templates import html_environment

WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MAX_BOX = 720.0, 52.0, 20.0, 46.0, 260.0
SHOWN_COLOS = 3


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


def to_svg(diagram: Diagram) -> str:
    """The diagram as an `<svg>` element; every label is escaped."""
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


def architecture(case: Case, design: Design) -> Diagram:
    """The case's system built as `design`: users, isolates with their L1s, L2, origin."""
    colos = sorted(case.workload.colos, key=lambda colo: -case.workload.colos[colo])
    shown, more = colos[:SHOWN_COLOS], len(colos) - SHOWN_COLOS
    isolates = round(case.assumptions.isolates_per_colo.value)
    memory = f"own L1, {case.assumptions.l1_ttl_s.value:g} s" if design.l1 else "no cache"
    workers = [
        Node(id=f"w{nth}", label=f"{colo}: {isolates} isolates", note=memory, kind="worker")
        for nth, colo in enumerate(shown)
    ]
    if more > 0:
        workers.append(Node(id="more", label=f"{more} more data centres", note=memory))
    below = _l2(case, design)
    origin = Node(
        id="origin", label="Origin", note=f"{case.assumptions.origin_ms.value:g} ms", kind="origin"
    )
    users = Node(id="users", label="Users", note=case.system.name, kind="user")
    first = below or origin
    edges = [Edge(source="users", target=worker.id) for worker in workers]
    edges += [Edge(source=worker.id, target=first.id) for worker in workers]
    if below:
        edges.append(Edge(source=below.id, target="origin", label="miss in L2"))
    return Diagram(
        id=f"architecture.{design.name}",
        caption=f"The system as {design.name}",
        alt=_alt(case, design, isolates, below is not None),
        how="derived",
        layers=[[users], workers, *([[below]] if below else []), [origin]],
        edges=edges,
    )


def _l2(case: Case, design: Design) -> Node | None:
    if design.l2 is None:
        return None
    ttl = f"shared by all, {case.assumptions.l2_ttl_s.value:g} s"
    return Node(id="l2", label="Workers KV (L2)", note=ttl, kind="store")


def _alt(case: Case, design: Design, isolates: int, shared: bool) -> str:
    return (
        f"Requests reach {len(case.workload.colos)} data centres with {isolates} isolates each; "
        + ("each isolate has an L1 of its own; " if design.l1 else "no isolate caches; ")
        + (
            "all share one KV namespace before the origin."
            if shared
            else "misses go to the origin."
        )
    )
