"""The designs that are shipped: a line each."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from cachelib.model.tiers.design import Design, DesignError

ON_CLOUDFLARE = {
    design.name: design
    for design in (
        Design(name="origin-only", tiers=()),
        Design(name="l1-only", tiers=("memory",)),
        Design(name="l1-kv", tiers=("memory", "kv")),
        Design(name="l1-kv-joined", tiers=("memory", "kv"), joined=20),
        Design(name="l1-kv-fixed", tiers=("memory", "kv"), policy="refresh"),
        Design(name="kv-only", tiers=("kv",)),
        Design(name="durable-object", tiers=("durable-object",)),
        Design(name="durable-object-memory", tiers=("durable-object",), object_storage=False),
        Design(name="durable-object-alarm", tiers=("durable-object",), object_alarm=True),
        Design(name="l1-durable-object", tiers=("memory", "durable-object")),
        Design(name="l1-cache-api", tiers=("memory", "cache-api")),
        Design(name="l1-cache-api-kv", tiers=("memory", "cache-api", "kv")),
        Design(name="l1-r2", tiers=("memory", "r2")),
        Design(name="workers-cache", tiers=("workers-cache",)),
        Design(name="workers-cache-kv", tiers=("workers-cache", "kv")),
        Design(name="workers-cache-purge", tiers=("workers-cache",), purge_on_write=True),
        Design(name="workers-cache-swr", tiers=("workers-cache",), stale_while_revalidate_s=300),
    )
}
ON_SERVERS = {
    design.name: design
    for design in (
        Design(name="database-only", tiers=()),
        Design(name="memory-only", tiers=("memory",)),
        Design(name="redis-only", tiers=("redis",)),
        Design(name="memory-redis", tiers=("memory", "redis")),
        Design(name="memory-redis-listen", tiers=("memory", "redis"), listen=True),
        Design(name="memory-redis-replicas", tiers=("memory", "redis"), replicas=2),
        Design(name="memory-redis-per-region", tiers=("memory", "redis-per-region")),
    )
}
ON_LAMBDA = {
    design.name: design
    for design in (
        Design(name="memory-dynamodb", tiers=("memory", "dynamodb")),
        Design(name="dax-only", tiers=("dax",)),
        Design(name="memory-dax", tiers=("memory", "dax")),
        Design(name="cloudfront", tiers=("cloudfront",)),
        Design(name="cloudfront-swr", tiers=("cloudfront",), stale_while_revalidate_s=300),
        Design(name="cloudfront-purge", tiers=("cloudfront",), purge_on_write=True),
        Design(name="cloudfront-dynamodb", tiers=("cloudfront", "dynamodb")),
    )
}

PLATFORMS = (ON_CLOUDFLARE, ON_SERVERS, ON_LAMBDA)
BUILT_IN = ON_CLOUDFLARE | ON_SERVERS | ON_LAMBDA
"""The shipped designs; a platform allows those whose tiers it has."""


def shipped_for(tiers: Iterable[str]) -> list[str]:
    """The names of the shipped designs for which these tiers are enough, as people say them there.

    What needs no store goes by a platform's own name, if it has one.
    """
    there = {*tiers}
    fit = [{n: d for n, d in own.items() if there.issuperset(d.tiers)} for own in PLATFORMS]
    own = [names for names in fit if any({*d.tiers} - {"memory"} for d in names.values())]
    bare = [] if any(not d.tiers for names in own for d in names.values()) else fit[:1]
    return [name for names in (*bare, *own) for name in names]


def built_in(name: str, **settings: object) -> Design:
    """The shipped design with other settings; raises `DesignError` for what cannot be."""
    if name not in BUILT_IN:
        raise DesignError(f"designs: {name!r} is unknown; there are {', '.join(BUILT_IN)}")
    try:
        return Design.model_validate(dict(BUILT_IN[name]) | settings)
    except ValidationError as error:
        reasons = (item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise DesignError(f"{name}: {'; '.join(reasons)}") from None
