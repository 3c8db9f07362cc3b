"""The places that a value can be served from, with the names that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["isolate", "colo", "world"]

SHARED_BY: dict[Scope, str] = {
    "isolate": "in each isolate",
    "colo": "in each data centre",
    "world": "shared by all",
}


@dataclass(frozen=True)
class Tier:
    """A kind of store.

    `word` is what a case calls it, `label` its name in a diagram, `phrase` its name inside a
    sentence; `scope` says who shares one copy.
    """

    word: str
    label: str
    phrase: str
    scope: Scope

    @property
    def shared_by(self) -> str:
        """`in each data centre`: who shares one copy, in words."""
        return SHARED_BY[self.scope]


MEMORY = Tier("memory", "Memory", "the memory of each isolate", "isolate")
STORES = {
    tier.word: tier
    for tier in (
        Tier("kv", "Workers KV", "Workers KV", "world"),
        Tier("durable-object", "Durable Objects", "Durable Objects", "world"),
        Tier("r2", "R2", "R2", "world"),
        Tier("cache-api", "Cache API", "the Cache API", "colo"),
    )
}
"""What may stand behind an isolate's memory, by its word in a case."""
