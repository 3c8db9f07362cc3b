"""What the local runtimes cannot show, so that no live run confirms it."""

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


OF_WORKERS = (
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
        "purges on a schedule",
        "requests alone are sent, and the simulation beside them empties no cache by a clock",
        "this project: live/driver.py",
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

POD = "this project: live/pod.py"
OF_SERVERS = (
    NotChecked(
        "expiry by Redis's own clock",
        "Valkey is told no life: values end by what the library writes beside them, and by the "
        "requests' times",
        POD,
    ),
    NotChecked(
        "what Redis pushes out when it is full, and its policy for that",
        "the Valkey that runs here is given no bound",
        "valkey.io/topics/lru-cache",
    ),
    NotChecked(
        "copies that answer reads, their lag, and what a fail-over loses",
        "there is one Valkey, which answers all; where each region has its own, a part of its keys "
        "stands for each",
        "valkey.io/topics/replication",
    ),
    NotChecked(
        "how long a message of a change takes, and what becomes of one that is lost",
        "each is sent and waited for; a process heeds it when the simulation says that it has come",
        POD,
    ),
    NotChecked(
        "requests that meet, and loads that take time",
        "requests for one key are sent one after another, and loads take no time",
        "this project: live/servers.py",
    ),
    NotChecked(
        "purges on a schedule",
        "requests alone are sent, and the simulation beside them empties no cache by a clock",
        "this project: live/servers.py",
    ),
    NotChecked(
        "what the library asks of Redis beside reads and writes",
        "before each load it asks for the number of the last change, one command more, which the "
        "simulation does not count: nodes are paid by the hour",
        "this project: stores/redis.py",
    ),
    NotChecked(
        "how many processes there are, which of them a request meets, and how long they live",
        "each is a process of its own here, and requests are sent as the simulation says",
        "this project: live/servers.py",
    ),
    NotChecked(
        "the database: what it can bear, when its values change, how often it fails",
        "a load is answered by the process itself, at once",
        POD,
    ),
    NotChecked(
        "latencies of the platform",
        "everything is on one machine: the times measured are this machine's",
        POD,
    ),
)


def not_checked_of(tiers: Collection[str]) -> list[NotChecked]:
    """What concerns designs of these tiers, by their words in a case."""
    return [each for each in OF_WORKERS if each.tier in ("", *tiers)]
