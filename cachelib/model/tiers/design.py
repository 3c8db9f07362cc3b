"""Ways to build the cache, each a few words of composition."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from cachelib.errors import CachelibError
from cachelib.model.schema.strict import Strict
from cachelib.model.tiers.registry import STORES
from cachelib.model.tiers.tier import Tier

Policy = Literal["hard", "clean-up", "soft-hard", "refresh"]
Expiry = Literal["inherited", "independent", "sliding"]

POLICY_WORDS: dict[Policy, str] = {
    "hard": "",
    "clean-up": "expiry kept by the application",
    "soft-hard": "refreshed before it expires",
    "refresh": "refreshed and never expired",
}
EXPIRY_WORDS: dict[Expiry, str] = {
    "inherited": "",
    "independent": "memory with a life of its own",
    "sliding": "memory renewed at every hit",
}


class DesignError(CachelibError, ValueError):
    """A design that cannot be, or not on this platform."""


class Design(Strict):
    """Which tiers a request passes before the origin, and how long they keep a value.

    `policy` says what `l2_ttl_s` means:
    `hard`: L2 drops the value then. `clean-up`: L2 is told no expiry; the application takes an
    older value for missing, and a routine lists and deletes every `clean_up_every_s`.
    `soft-hard`: as `hard`, and past `soft_ttl_s` a request serves the old value and loads in the
    background. `refresh`: L2 never drops it; past `l2_ttl_s` it is served and loaded likewise.
    `write_only_if_changed`: what was so loaded is written to L2 only if it is not the version that
    its reader had at hand; another read of L2, to compare with, would be billed.

    `expiry` says how long L1 keeps a value: `inherited`: `l1_ttl_s`, but no longer than L2 would.
    `independent`: `l1_ttl_s`. `sliding`: `l1_ttl_s` from the last hit, so that a key which is
    asked often enough is served from L1 for ever, however stale.
    """

    name: str
    label: str | None = Field(default=None, max_length=80, description="its name for readers")
    l1: bool = True
    l2: Literal["kv", "durable-object", "r2", "cache-api"] | None = None
    l1_ttl_s: float | None = Field(default=None, gt=0)
    l2_ttl_s: float | None = Field(default=None, gt=0)
    l1_max_entries: int | None = Field(default=None, ge=1)
    l1_max_bytes: int | None = Field(default=None, ge=1, le=128 * 2**20)
    expiry: Expiry = "inherited"
    policy: Policy = "hard"
    soft_ttl_s: float | None = Field(default=None, gt=0)
    clean_up_every_s: float = Field(default=3_600, gt=0)
    write_only_if_changed: bool = False
    objects: int | None = Field(default=None, ge=1, description="Durable Objects; None: one a key")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.policy == "soft-hard" and self.soft_ttl_s is None:
            raise ValueError("soft_ttl_s: the policy 'soft-hard' needs it")
        if self.policy == "clean-up" and self.l2 != "kv":
            raise ValueError("policy: 'clean-up' is for KV")
        if self.expiry == "sliding" and not self.l1:
            raise ValueError("expiry: 'sliding' renews the TTL of an L1, and there is none")
        if self.expiry == "sliding" and self.policy in ("soft-hard", "refresh"):
            raise ValueError(f"expiry: 'sliding' does not go with the policy '{self.policy}'")
        return self

    @property
    def store(self) -> Tier | None:
        """The shared tier, with its names."""
        return STORES[self.l2] if self.l2 else None

    @property
    def words(self) -> str:
        """The design's name for readers, made of what it consists of, or the case's `label`."""
        if self.label:
            return self.label
        behind = self.store.phrase if self.store else ""
        tiers = {
            (False, False): "no cache",
            (True, False): "memory alone",
            (False, True): f"{behind} alone",
            (True, True): f"memory, then {behind}",
        }[self.l1, self.l2 is not None]
        manners = [POLICY_WORDS[self.policy], EXPIRY_WORDS[self.expiry]]
        manners += ["written only if changed"] if self.write_only_if_changed else []
        manners += [f"{self.objects:,} in all"] if self.objects else []
        return ", ".join([tiers, *filter(None, manners)])

    @property
    def hard_ttl_s(self) -> float:
        """Seconds after which a value counts as missing."""
        return math.inf if self.policy == "refresh" else self.l2_ttl_s or math.inf

    @property
    def refresh_after_s(self) -> float:
        """Seconds after which a value is loaded again in the background."""
        if self.policy == "refresh":
            return self.l2_ttl_s or math.inf
        return (self.soft_ttl_s if self.policy == "soft-hard" else None) or math.inf


BUILT_IN = {
    design.name: design
    for design in (
        Design(name="origin-only", l1=False),
        Design(name="l1-only"),
        Design(name="l1-kv", l2="kv"),
        Design(name="l1-kv-fixed", l2="kv", policy="refresh"),
        Design(name="kv-only", l1=False, l2="kv"),
        Design(name="durable-object", l1=False, l2="durable-object"),
        Design(name="l1-durable-object", l2="durable-object"),
        Design(name="l1-cache-api", l2="cache-api"),
        Design(name="l1-r2", l2="r2"),
    )
}


def built_in(name: str, **settings: object) -> Design:
    """The shipped design with other settings; raises `DesignError` for what cannot be."""
    if name not in BUILT_IN:
        raise DesignError(f"designs: {name!r} is unknown; there are {', '.join(BUILT_IN)}")
    try:
        return Design.model_validate(dict(BUILT_IN[name]) | settings)
    except ValidationError as error:
        reasons = (item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise DesignError(f"{name}: {'; '.join(reasons)}") from None
