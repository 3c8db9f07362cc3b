"""What the local runtime cannot show, so that no live run confirms it."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

MINIFLARE = "workers-sdk packages/miniflare"
DOCS = "developers.cloudflare.com"


class NotChecked(NamedTuple):
    """A behaviour of the platform, why the live run says nothing of it, and the source."""

    what: str
    why: str
    source: str
    tier: str = ""  # whose behaviour it is, if it is one tier's


NOT_CHECKED = (
    NotChecked(
        "KV's caches in data centres and regions (cacheTtl)",
        "the local runtime checks cacheTtl and ignores it: there is one location",
        f"{MINIFLARE}/src/workers/kv/validator.worker.ts@1dfdd300",
        "kv",
    ),
    NotChecked(
        "KV's eventual consistency",
        "a local namespace is kept in one place, so every read sees the last write",
        f"{MINIFLARE}/src/workers/kv/namespace.worker.ts@12565a10",
        "kv",
    ),
    NotChecked(
        "cached negative look-ups of KV",
        "observed: a key that another Worker had just missed is found as soon as it is written",
        "observed: miniflare 4.20260730.0",
        "kv",
    ),
    NotChecked(
        "KV's limit of one write a second for each key",
        "observed: 50 writes to one key at once succeed",
        "observed: miniflare 4.20260730.0",
        "kv",
    ),
    NotChecked(
        "expiry by the platform's own clock",
        "expirationTtl and max-age are judged by the virtual clock, outside of the platform",
        "this project: live/worker/virtual",
    ),
    NotChecked(
        "that every data centre has its own Cache API, and that contents are evicted",
        "there is one location; each data centre is given a cache of its own name",
        f"{DOCS}/workers/runtime-apis/cache",
        "cache-api",
    ),
    NotChecked(
        "Workers Cache",
        "the local runtime has none: it always runs the Worker, for which ctx.cache is undefined",
        "github.com/cloudflare/workers-sdk/discussions/14734",
        "workers-cache",
    ),
    NotChecked(
        "where a Durable Object is placed, when it is evicted, how many requests it takes",
        "there is one location, eviction is switched off, and no limit is set locally",
        f"{DOCS}/durable-objects/reference/data-location; {DOCS}/durable-objects/platform/limits",
        "durable-object",
    ),
    NotChecked(
        "that a Durable Object loads what it has not, which saves a request",
        "the Worker loads here, which knows the origin, and writes what it loaded to the object",
        "this project: live/worker/stores.js",
        "durable-object",
    ),
    NotChecked(
        "the rows billed for a Durable Object's storage calls, and its duration",
        "one call counts as one row, as documented; the runtime counts rows of SQL statements only",
        f"{DOCS}/durable-objects/platform/pricing",
        "durable-object",
    ),
    NotChecked(
        "how many isolates there are, which of them a request meets, and how long they live",
        "each isolate is a Worker of its own here, and requests are sent as the simulation says",
        "this project: live/driver.py",
    ),
    NotChecked(
        "latencies of the platform",
        "everything is on one machine: the times measured are this machine's",
        f"{DOCS}/workers/local-development",
    ),
)


def not_checked_of(tiers: Collection[str]) -> list[NotChecked]:
    """What concerns designs of these tiers, by their words in a case."""
    return [each for each in NOT_CHECKED if each.tier in ("", *tiers)]
