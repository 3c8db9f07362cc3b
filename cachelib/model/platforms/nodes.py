"""Types of a node of Redis that may be rented: how much they hold, and what an hour costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import Field, RootModel

from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import load

KEPT_BACK = 0.25
"""Of a node's memory, for copies and connections: `reserved-memory-percent`, the default."""
SOURCE = "{}, Valkey, us-east-1, on demand: AWS Price List API as transcribed, read 2026-10-02"


class NodeType(Strict):
    """One of them; `maxmemory` in bytes, of which a part is kept back."""

    maxmemory: int = Field(ge=1)
    usd_per_hour: Decimal = Field(ge=0)

    @property
    def gb(self) -> float:
        """What entries may take."""
        return self.maxmemory * (1 - KEPT_BACK) / 1e9


class NodeTypes(RootModel[dict[str, NodeType]]):
    """By name."""


@cache
def node_types() -> Mapping[str, NodeType]:
    """All that are known."""
    return load(Path(__file__).with_name("nodes.yaml"), NodeTypes).root


def node_type(name: str) -> NodeType:
    """That of a name; raises `ValueError` with the names known."""
    known = node_types()
    if name not in known:
        raise ValueError(f"redis_node: {name!r} is unknown; there are {', '.join(known)}")
    return known[name]
