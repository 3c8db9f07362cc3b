"""The kinds of binding a Worker can have: where wrangler keeps them, how code declares them."""

from dataclasses import dataclass
from typing import Literal

BindingKind = Literal[
    "kv", "durable_object", "r2", "d1", "ai", "queue", "service", "vectorize", "hyperdrive",
    "analytics", "workflow", "browser", "images", "ratelimit", "secrets_store", "dispatch",
    "send_email", "mtls", "pipeline", "version", "assets", "media", "stream", "worker_loader",
    "vpc", "logfwdr", "unsafe", "other_binding",
]  # fmt: skip


@dataclass(frozen=True)
class BindingType:
    """`path` leads to the table or array of tables, `name` is the key that holds the name.

    `type` is the declaration in @cloudflare/workers-types, `aliases` are other names it has there,
    `snippet` what a configuration without such a binding would need.
    """

    kind: BindingKind
    label: str
    path: tuple[str, ...]
    type: str
    name: str = "binding"
    snippet: str = ""
    aliases: tuple[str, ...] = ()


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
        "service", "Service", ("services",), "Fetcher", aliases=("Service", "ServiceStub"),
        snippet='[[services]]\nbinding = "SERVICE"\nservice = "<other worker>"',
    ),
    BindingType(
        "vectorize", "Vectorize index", ("vectorize",), "VectorizeIndex", aliases=("Vectorize",)
    ),
    BindingType("hyperdrive", "Hyperdrive", ("hyperdrive",), "Hyperdrive"),
    BindingType(
        "analytics", "Analytics Engine", ("analytics_engine_datasets",),
        "AnalyticsEngineDataset",
    ),
    BindingType("workflow", "Workflow", ("workflows",), "Workflow"),
    BindingType("browser", "Browser Rendering", ("browser",), "BrowserWorker"),
    BindingType("images", "Images", ("images",), "ImagesBinding"),
    BindingType("ratelimit", "Rate limiter", ("ratelimits",), "RateLimit", name="name"),
    BindingType(
        "secrets_store", "Secrets Store secret", ("secrets_store_secrets",), "SecretsStoreSecret"
    ),
    BindingType("dispatch", "Dispatch namespace", ("dispatch_namespaces",), "DispatchNamespace"),
    BindingType("send_email", "Email", ("send_email",), "SendEmail", name="name"),
    BindingType("mtls", "mTLS certificate", ("mtls_certificates",), "MtlsFetcher"),
    BindingType("pipeline", "Pipeline", ("pipelines",), "Pipeline"),
    BindingType(
        "version", "Version metadata", ("version_metadata",), "WorkerVersionMetadata"
    ),
    BindingType("assets", "Static assets", ("assets",), "AssetsFetcher"),
    BindingType("media", "Media transformations", ("media",), "MediaBinding"),
    BindingType("stream", "Stream", ("stream",), "StreamBinding"),
    BindingType("worker_loader", "Worker loader", ("worker_loaders",), "WorkerLoader"),
    BindingType("vpc", "VPC service", ("vpc_services",), "VpcFetcher"),
    BindingType("vpc", "VPC network", ("vpc_networks",), "VpcNetworkFetcher"),
    BindingType("logfwdr", "Log forwarder", ("logfwdr", "bindings"), "LogForwarder", name="name"),
    BindingType("unsafe", "Unsafe binding", ("unsafe", "bindings"), "UnsafeBinding", name="name"),
)  # fmt: skip

OTHER = BindingType("other_binding", "Binding", (), "")
"""A table with a `binding` under a key that this list does not have: newer than the list."""

KNOWN_KEYS = {each.path[0] for each in BINDING_TYPES}
BY_KIND = {each.kind: each for each in (*reversed(BINDING_TYPES), OTHER)}
BY_TYPE = {name: each for each in BINDING_TYPES for name in (each.type, *each.aliases)}
