"""The kinds of binding a Worker can have: where wrangler keeps them, how code declares them."""

from dataclasses import dataclass
from typing import Literal

BindingKind = Literal[
    "kv", "durable_object", "r2", "d1", "ai", "queue", "service", "vectorize", "hyperdrive",
    "analytics", "workflow", "browser", "images", "ratelimit",
]  # fmt: skip


@dataclass(frozen=True)
class BindingType:
    """`path` leads to the table or array of tables, `name` is the key that holds the name.

    `type` is the declaration in @cloudflare/workers-types, `snippet` what a configuration without
    such a binding would need.
    """

    kind: BindingKind
    label: str
    path: tuple[str, ...]
    type: str
    name: str = "binding"
    snippet: str = ""


BINDING_TYPES = (
    BindingType(
        "kv", "KV namespace", ("kv_namespaces",), "KVNamespace",
        snippet='[[kv_namespaces]]\nbinding = "CACHE"\nid = "<namespace id>"',
    ),
    BindingType(
        "durable_object", "Durable Objects", ("durable_objects", "bindings"),
        "DurableObjectNamespace", name="name",
        snippet='[[durable_objects.bindings]]\nname = "CACHE"\nclass_name = "CacheObject"\n\n'
        '[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["CacheObject"]',
    ),
    BindingType(
        "r2", "R2 bucket", ("r2_buckets",), "R2Bucket",
        snippet='[[r2_buckets]]\nbinding = "BUCKET"\nbucket_name = "<bucket>"',
    ),
    BindingType(
        "d1", "D1 database", ("d1_databases",), "D1Database",
        snippet='[[d1_databases]]\nbinding = "DB"\ndatabase_name = "<name>"\ndatabase_id = "<id>"',
    ),
    BindingType("ai", "Workers AI", ("ai",), "Ai", snippet='[ai]\nbinding = "AI"'),
    BindingType(
        "queue", "Queue producer", ("queues", "producers"), "Queue",
        snippet='[[queues.producers]]\nbinding = "QUEUE"\nqueue = "<queue>"',
    ),
    BindingType(
        "service", "Service", ("services",), "Fetcher",
        snippet='[[services]]\nbinding = "SERVICE"\nservice = "<other worker>"',
    ),
    BindingType("vectorize", "Vectorize index", ("vectorize",), "VectorizeIndex"),
    BindingType("hyperdrive", "Hyperdrive", ("hyperdrive",), "Hyperdrive"),
    BindingType(
        "analytics", "Analytics Engine", ("analytics_engine_datasets",),
        "AnalyticsEngineDataset",
    ),
    BindingType("workflow", "Workflow", ("workflows",), "Workflow"),
    BindingType("browser", "Browser Rendering", ("browser",), "BrowserWorker"),
    BindingType("images", "Images", ("images",), "ImagesBinding"),
    BindingType("ratelimit", "Rate limiter", ("ratelimits",), "RateLimit", name="name"),
)  # fmt: skip

BY_KIND = {each.kind: each for each in BINDING_TYPES}
BY_TYPE = {each.type: each for each in BINDING_TYPES}
