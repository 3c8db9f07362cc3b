"""Every request goes to one and the same Durable Object."""

from collections import defaultdict
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import Module
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.rules._requests import is_background
from cachelib.evidence.syntax import part, text

NAMING = ("idFromName", "getByName")
OTHERS = ("newUniqueId", "idFromString")


def find(examined: Examination) -> Iterator[Hit]:
    named: dict[str, list[tuple[Module, Node]]] = defaultdict(list)
    various: set[str] = set()
    for module, call in examined.program.calls_of(*NAMING, *OTHERS):
        called = function_of(call)
        method = text(part(called, "property"))
        for namespace in examined.kinds.names(part(called, "object"), "durable_object"):
            key = next(iter(arguments(call)), None)
            if method in NAMING and examined.values.is_constant(key):
                if not is_background(call):
                    named[namespace].append((module, call))
            elif method in (*NAMING, *OTHERS):
                various.add(namespace)
    for namespace, calls in named.items():
        if namespace not in various:
            module, call = calls[0]
            message = f"one object of {namespace or 'this namespace'} serves every request"
            yield Hit(message, call, module)


RULE = Rule(
    id="do-single-id",
    severity="warning",
    title="One Durable Object id for everything",
    why="A Durable Object runs in one place, in one thread, near whoever called it first; its "
    "soft limit is 1,000 requests per second. An id for each key or shard spreads the load "
    "and the places.",
    source="Cloudflare docs, durable-objects/platform/limits and "
    "durable-objects/reference/data-location; read 2026-11-23",
    counterfactual=Counterfactual(
        "object_shards", "one", "one_per_key", ("latency_p95_ms", "error_rate")
    ),
    find=find,
    fires="""export const stub = (env: Env) =>
  env.COUNTER.get(env.COUNTER.idFromName("global"));""",
    quiet="""export const stub = (env: Env, room: string) =>
  env.COUNTER.get(env.COUNTER.idFromName(room));""",
)
