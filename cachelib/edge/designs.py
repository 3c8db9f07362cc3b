"""Ways to build the cache, each a few words of composition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cachelib.edge.platform import Strict


class Design(Strict):
    """Which tiers a request passes before the origin, and how long they keep a value."""

    name: str
    l1: bool = True
    l2: Literal["kv"] | None = None
    l1_ttl_s: float | None = Field(default=None, gt=0)
    l2_ttl_s: float | None = Field(default=None, gt=0)
    l1_max_entries: int | None = Field(default=None, ge=1)
    expiry: Literal["inherited", "independent"] = "inherited"


BUILT_IN = {
    design.name: design
    for design in (
        Design(name="origin-only", l1=False),
        Design(name="l1-only"),
        Design(name="l1-kv", l2="kv"),
    )
}
