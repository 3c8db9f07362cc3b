"""The architecture that a configuration describes, as nodes and edges to be drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cachelib.evidence.bindings import BINDING_TYPES
from cachelib.evidence.facts import Fact, FactKind
from cachelib.evidence.inventory import Inventory

NodeKind = Literal["client", "worker", "storage", "compute", "queue", "object", "service", "other"]


@dataclass(frozen=True)
class GraphNode:
    id: str
    label: str
    kind: NodeKind


@dataclass(frozen=True)
class GraphEdge:
    source: str
    target: str
    label: str


@dataclass(frozen=True)
class Graph:
    nodes: list[GraphNode]
    edges: list[GraphEdge]


_KINDS: dict[FactKind, NodeKind] = {
    "kv": "storage",
    "r2": "storage",
    "d1": "storage",
    "vectorize": "storage",
    "hyperdrive": "storage",
    "durable_object": "object",
    "ai": "compute",
    "browser": "compute",
    "images": "compute",
    "queue": "queue",
    "service": "service",
}
_NAMED_BY = ("class_name", "bucket_name", "database_name", "queue", "service", "index_name")
_BINDINGS = {each.kind for each in BINDING_TYPES}


def architecture(inventory: Inventory, environment: str | None = None) -> Graph:
    """Client, worker and what it is bound to in one environment; every edge is a line of the file.

    Labels are the configuration's own words and have to be escaped by whoever draws them.
    """
    facts = [fact for fact in inventory.facts if fact.environment == environment]
    worker = GraphNode("worker", inventory.worker, "worker")
    nodes, edges = [GraphNode("client", "Clients", "client"), worker], []
    routes = [fact.name for fact in facts if fact.kind == "route"]
    edges.append(GraphEdge("client", "worker", ", ".join(routes) or "HTTP"))
    for fact, node in _bound(facts):
        if node not in nodes:
            nodes.append(node)
        edges.append(GraphEdge("worker", node.id, f"{fact.name} ({fact.file}:{fact.line})"))
    for fact in facts:
        if fact.kind == "cron":
            edges.append(GraphEdge("worker", "worker", f"cron {fact.name}"))
        elif fact.kind == "queue_consumer":
            queue = GraphNode(f"queue:{fact.name}", f"Queue {fact.name}", "queue")
            if queue not in nodes:
                nodes.append(queue)
            edges.append(GraphEdge(queue.id, "worker", f"consumes ({fact.file}:{fact.line})"))
    return Graph(nodes, edges)


def _bound(facts: list[Fact]) -> Iterator[tuple[Fact, GraphNode]]:
    for fact in facts:
        if fact.kind in _BINDINGS:
            name = next((fact.details[key] for key in _NAMED_BY if key in fact.details), fact.name)
            owner = fact.details.get("script_name")
            label = f"{fact.label} {name}" + (f" of {owner}" if owner else "")
            kind = _KINDS.get(fact.kind, "other")
            yield fact, GraphNode(f"{fact.kind}:{owner or ''}{name}", label, kind)
