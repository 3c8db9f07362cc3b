"""The platform: how many isolates, where, and how long each tier takes to answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from cachelib.model.platforms.hints import one_of, spelled_out
from cachelib.model.platforms.nodes import node_type
from cachelib.model.platforms.profile import (
    FIRST,
    SHIPPED,
    Assumption,
    Fact,
    Profile,
    profile,
    shipped,
)
from cachelib.model.schema.strict import NotNegative, PerSecond, Seconds, Share, Strict
from cachelib.model.tiers.design import Design, DesignError
from cachelib.model.tiers.tier import Tier

__all__ = ["Assumption", "Fact", "Platform", "Profile", "Routing", "profile", "profile_of"]

Routing = Literal["round-robin", "random", "hash", "sticky"]
Isolates = Annotated[int, Field(ge=1, le=10_000)]
Places = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(spelled_out),
]
"""Data centres, as IATA codes or in the vendor's words; one may stand alone."""
Nowhere = Annotated[tuple[str, ...], BeforeValidator(spelled_out)]
"""The same, or none."""
SMART = ("smart",)


def room_of(tier: Tier, platform: Platform) -> float:
    """Bytes that a copy of the tier has room for; infinity where no number says it."""
    return float(getattr(platform, tier.room)) * 1e9 if tier.room else math.inf


def is_sized(design: Design, platform: Platform) -> bool:
    """Whether it matters how large values are."""
    bounded = any(room_of(tier, platform) < math.inf for tier in design.stores)
    return bounded or design.l1_max_bytes is not None


def profile_of(said: object) -> Profile:
    """The profile that a name or a mapping says, whole."""
    if isinstance(said, str):
        return shipped(said)
    return (said if isinstance(said, Profile) else Profile.model_validate(said)).whole


def _of_its_node(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of a platform, with the memory that the type of its nodes has."""
    name = given.get("redis_node", "")
    if not name:
        return dict(given)
    gb = node_type(name).gb
    if given.get("redis_gb", gb) != gb:
        raise ValueError(f"redis_gb: redis_node says it: {name} has {gb:.3g} GB; leave one out")
    return {**given, "redis_gb": gb}


class Platform(Strict):
    """What a simulation runs on: each number of a profile settled to one value.

    Numbers not given are those of the shipped profile `cloudflare-workers`, or of the one that
    `profile` names. Infinity means never, or no limit.
    """

    model_config = ConfigDict(allow_inf_nan=True)

    profile: str | Profile = FIRST
    isolates_per_colo: Isolates
    routing: Routing = "random"
    sticky_readers: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1_000, description="that ask at a time in a colo, of whom each stays with one"
    )
    sticky_requests: Annotated[float, Field(ge=1)] = Field(
        default=20.0, description="that a reader makes on average before another takes his place"
    )
    isolate_idle_s: Seconds
    isolate_life_s: Seconds
    deploy_every_s: Seconds
    deploy_takes_s: NotNegative = Field(
        default=0.0, description="isolates are replaced one after another for so long; 0: at once"
    )
    isolate_requests_per_s: Annotated[float, Field(gt=0)] = Field(
        default=float("inf"),
        description="there are as many isolates as have so many each, isolates_per_colo at most",
    )
    isolates_at_least: Isolates = Field(default=1, description="no more than isolates_per_colo")
    isolates_scaled_every_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=300.0, description="how often their number is set by the requests of so long before"
    )
    isolate_memory_mb: Annotated[float, Field(gt=0)] = Field(
        default=float("inf"),
        description="MB that an isolate has for values: what was asked for longest ago is pushed"
        " out, as where a design bounds its memory itself",
    )
    l1_ms: NotNegative
    kv_read_ms: NotNegative
    kv_central_ms: NotNegative
    kv_near_jitter: NotNegative
    kv_far_jitter: NotNegative
    kv_write_ms: NotNegative
    kv_cache_ttl_s: NotNegative = Field(description="0 for no cache in the colos")
    kv_refresh_share: Share = Field(
        default=0.0,
        description="of a copy's life, its end: a read then has KV fetch it anew in the background",
    )
    kv_min_cache_ttl_s: NotNegative
    kv_min_ttl_s: NotNegative
    kv_write_gap_s: NotNegative
    kv_writes_a_day: Annotated[float, Field(ge=1)] = Field(
        default=float("inf"), description="of all keys; what a free plan allows, it sets"
    )
    kv_failure: Share = 0.0
    do_memory_ms: NotNegative
    do_storage_ms: NotNegative
    do_write_ms: NotNegative
    do_idle_s: Seconds
    do_requests_per_s: PerSecond
    do_writes_per_s: PerSecond
    do_queue_s: NotNegative
    do_active_ms: NotNegative
    do_failure: Share = 0.0
    r2_ms: NotNegative
    r2_write_ms: NotNegative
    r2_failure: Share = 0.0
    caches_per_colo: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=1,
        description="disjoint caches in a colo, a request meets any: of KV and the Cache API",
    )
    cache_api_ms: NotNegative
    cache_api_failure: Share = 0.0
    redis_ms: NotNegative = 0.0
    redis_write_ms: NotNegative = 0.0
    redis_message_ms: NotNegative = 0.0
    redis_lag_ms: NotNegative = 0.0
    redis_failure: Share = 0.0
    redis_gb: Annotated[float, Field(gt=0)] = Field(
        default=float("inf"),
        description="GB that a node has for entries: what was asked for longest ago is pushed out",
    )
    redis_entry_bytes: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=85, description="what an entry takes beside its value, its key among it"
    )
    redis_node: str = Field(
        default="", description="a node's type, as cache.m7g.large: its memory and its price follow"
    )
    redis_nodes: Annotated[int, Field(ge=1, le=1_000)] = 1
    cross_zone_share: Share = 0.0
    dynamodb_ms: NotNegative = 0.0
    dynamodb_write_ms: NotNegative = 0.0
    dynamodb_failure: Share = 0.0
    dax_ms: NotNegative = 0.0
    dax_write_ms: NotNegative = 0.0
    dax_failure: Share = 0.0
    dax_nodes: Annotated[int, Field(ge=1, le=1_000)] = 1
    cloudfront_ms: NotNegative = 0.0
    cloudfront_purge_every_s: Seconds = 0.01
    cloudfront_purge_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 3_000
    function_gb: NotNegative = Field(default=0.0, description="billed while a function waits")
    workers_cache_ms: NotNegative
    workers_cache_purge_every_s: Seconds
    workers_cache_purge_burst: Annotated[int, Field(ge=1, le=1_000_000)]
    workers_cache_assets: NotNegative
    workers_cache_calls: NotNegative
    origin_ms: NotNegative
    loads_take_time: bool = Field(
        default=False, description="a value is there when its load has taken the origin's time"
    )
    origin_trips: NotNegative = Field(
        default=1.0, description="ways to the origin and back that a load takes, each after another"
    )
    origin_failure: Share
    origin_requests_per_s: PerSecond = Field(
        default=float("inf"), description="loads that it can begin, one after another"
    )
    origin_queue_s: NotNegative = Field(
        default=5.0, description="that a load waits for its turn at most; then it fails"
    )
    origin_neurons: NotNegative
    origin_cpu_ms: NotNegative
    origin_rows_read: NotNegative
    origin_rows_written: NotNegative
    origin_egress_kb: NotNegative
    load_cpu_ms: NotNegative
    path_factor: Annotated[float, Field(ge=1)]
    rtt_base_ms: NotNegative
    jitter: NotNegative
    worker_cpu_ms: NotNegative
    lists_a_month: NotNegative = Field(
        default=0.0, description="calls that list keys, as the workload's schedules have it"
    )
    purges_a_month: NotNegative = Field(
        default=0.0, description="rounds that empty caches, as the workload's schedules have it"
    )
    value_life_s: Seconds = Field(
        default=float("inf"), description="mean time after which the origin's value changes"
    )
    unplaced: str = Field(default="IAD", description="where a log is that names no data centre")
    kv_central_at: Places = Field(
        default=("IAD", "FRA"),
        description="where the central stores of KV are; nothing is published",
    )
    workers_cache_upper_at: Places = Field(
        default=("IAD", "FRA"),
        description="where the upper tier of Workers Cache is; nothing is published",
    )
    cloudfront_regional_at: Places = Field(
        default=(
            "us-east-2", "us-east-1", "us-west-2", "ap-south-1", "ap-northeast-2", "ap-southeast-1",
            "ap-southeast-2", "ap-northeast-1", "eu-central-1", "eu-west-1", "eu-west-2",
            "sa-east-1",
        ),
        description="where CloudFront has regional edge caches: its page on Origin Shield, 2026-11",
    )  # fmt: skip
    redis_at: Places = Field(
        default=("IAD",),
        description="where the Redis is that all share, or the nearest of several, each with nodes",
    )
    table_at: Places = Field(
        default=("IAD",), description="where the DynamoDB table is, or the nearest of its copies"
    )
    bucket_at: Annotated[str, BeforeValidator(one_of)] = Field(
        default="IAD",
        description="where a bucket is: its location hint (weur) or jurisdiction (eu)",
    )
    objects_at: Places = Field(
        default=("SJC", "IAD", "FRA", "WAW", "SIN", "SYD"),
        description="where Durable Objects may live: all hints, or the locationHint (weur) or"
        " jurisdiction (eu) that the code gives",
    )
    worker_at: Nowhere = Field(
        default=(),
        description="where the Worker runs: near each reader unless `placement` says a region"
        " (aws:us-east-1), or smart, which is where the origin is",
    )
    origin_at: Nowhere = Field(
        default=(),
        description="where the origin is, or the nearest of these: `origin_trips` ways to it and"
        " back come on top of origin_ms, which has them unless this is said",
    )

    if TYPE_CHECKING:  # what is not given comes from the profile

        def __init__(self, **given: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _from_profile(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        named = given.get("profile", FIRST)
        if isinstance(named, str) and named not in SHIPPED:
            raise ValueError(f"profile: {named!r} is unknown; there are {', '.join(SHIPPED)}")
        numbers = profile(FIRST) | profile_of(named).numbers  # those of tiers that are not there
        return {name: number.value for name, number in numbers.items()} | _of_its_node(given)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if 0 < self.kv_cache_ttl_s < self.kv_min_cache_ttl_s:
            raise ValueError(
                f"kv_cache_ttl_s: {self.kv_cache_ttl_s:g} is below the {self.kv_min_cache_ttl_s:g}"
                " s that KV allows; 0 means no cache"
            )
        if self.worker_at == SMART and not self.origin_at:
            raise ValueError(
                "worker_at: smart is near the origin; say with origin_at where that is"
            )
        if self.origin_at and self.loads_take_time:
            raise ValueError(
                "origin_at: where loads take time (loads_take_time) they all take as long; leave"
                " it out, and let origin_ms have the way to the origin"
            )
        if self.has_rate and self.loads_take_time:
            raise ValueError(
                "origin_requests_per_s: is not modelled where loads take time (loads_take_time),"
                " since all take as long; leave one of them out"
            )
        return self

    @property
    def has_rate(self) -> bool:
        """Whether there are loads that the origin cannot take at once."""
        return self.origin_requests_per_s < math.inf

    @property
    def replaced_in_s(self) -> float:
        """How long a deploy takes, which is over when the next begins."""
        return min(self.deploy_takes_s, self.deploy_every_s)

    @property
    def is_scaled(self) -> bool:
        """Whether there are more isolates where there are more requests."""
        return self.isolate_requests_per_s < math.inf

    @property
    def runs_at(self) -> tuple[str, ...]:
        """Where the Worker runs, the nearest of these to its reader; none for near each reader."""
        return self.origin_at if self.worker_at == SMART else self.worker_at

    @property
    def load_ms(self) -> float:
        """How long a load takes, ways to the origin aside: the origin's time, then the Worker's
        own, which makes the value of what has come."""
        return self.origin_ms + self.load_cpu_ms

    @property
    def load_s(self) -> float:
        """Seconds after which a value is there that was asked of the origin."""
        return self.load_ms / 1e3 if self.loads_take_time else 0.0

    def lag_s(self, tier: Tier) -> float:
        """Seconds after which a tier's copies have heard of a change."""
        return float(getattr(self, tier.lag)) / 1e3 if tier.lag else 0.0

    @property
    def table_copies(self) -> int:
        """In how many regions the DynamoDB table is."""
        return len({*self.table_at})

    @property
    def redis_copies(self) -> int:
        """In how many places the Redis is that all share; readers ask the nearest."""
        return len({*self.redis_at})

    @property
    def numbers(self) -> dict[str, float]:
        """All that is a number, by name."""
        there = {name: getattr(self, name) for name in type(self).model_fields}
        there |= {"table_copies": self.table_copies, "redis_copies": self.redis_copies}
        return {name: value for name, value in there.items() if isinstance(value, int | float)}

    @property
    def described(self) -> Profile:
        """The profile itself."""
        return profile_of(self.profile)

    def check(self, design: Design) -> None:
        """Raise `DesignError` for a design that the platform does not allow."""
        told = design.l2 == "kv" and design.policy in ("hard", "soft-hard")
        if told and design.hard_ttl_s < self.kv_min_ttl_s:
            raise DesignError(
                f"{design.name}: l2_ttl_s: KV expires nothing before {self.kv_min_ttl_s:g} s,"
                f" so {design.hard_ttl_s:g} cannot be"
            )
        if design.hedge_after_ms is not None and self.loads_take_time:
            raise DesignError(
                f"{design.name}: hedge_after_ms: is not modelled where loads take time"
                " (loads_take_time); what others wait for is then another's load"
            )
        if self.has_rate and (design.hedge_after_ms is not None or (design.joined or 1) > 1):
            name = "joined" if design.hedge_after_ms is None else "hedge_after_ms"
            raise DesignError(
                f"{design.name}: {name}: is not modelled where the origin takes so many requests"
                " a second alone (origin_requests_per_s)"
            )
        if design.replicas and any(room_of(tier, self) < math.inf for tier in design.stores):
            raise DesignError(
                f"{design.name}: replicas: are not modelled where a node has room for so much alone"
                " (redis_gb), since what is read from a copy is pushed out as if nobody asked"
            )
        if design.front and (self.deploy_takes_s or self.is_scaled):
            name = "deploy_takes_s" if self.deploy_takes_s else "isolate_requests_per_s"
            raise DesignError(
                f"{design.name}: tiers: {design.front.label} is not modelled where isolates are"
                f" replaced one after another or as many as the traffic needs ({name})"
            )
