"""Keys read one by one in a loop, where one bulk read takes a hundred."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation
from cachelib.evidence.program import Module, arguments
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import below, part, text

_MANY = ("array",)
_MAKES_MANY = (".slice(", ".splice(", ".map(", ".filter(", "Array.from(")


def find(examined: Examination) -> Iterator[Hit]:
    for get in examined.reads:
        loop = examined.loop(get.call)
        if loop and examined.varies_by_name(get.key, loop) and not _is_bulk(examined, get.key):
            yield _hit(get, get.module, get.call)
    for module, call in examined.program.calls:
        loop = examined.loop(call)
        if loop and any(examined.varies_by_name(each, loop) for each in arguments(call)):
            reached = [o for o in examined.reached_by(call) if _single_read(examined, o)]
            if reached:
                yield _hit(reached[0], module, call)


def _hit(get: Operation, module: Module, node: Node) -> Hit:
    message = f"reads {get.namespace} key by key in a loop; get([…]) reads up to 100 keys at once"
    return Hit(message, node, module)


def _single_read(examined: Examination, operation: Operation) -> bool:
    """A read of one key, which the caller chooses."""
    if operation.method not in ("get", "getWithMetadata") or operation.key is None:
        return False
    names = (examined.program.look_up(text(n), n) for n in below(operation.key, "identifier"))
    chosen = any(found is not None and found.owner.type.endswith("parameter") for found in names)
    return chosen and not _is_bulk(examined, operation.key)


def _is_bulk(examined: Examination, key: Node | None) -> bool:
    """The key is an array of keys."""
    if key is None or key.type in _MANY or any(made in text(key) for made in _MAKES_MANY):
        return True
    definition = examined.program.look_up(text(key), key) if key.type == "identifier" else None
    if definition is None:
        return False
    value, annotation = definition.value, text(part(definition.owner, "type"))
    made = value is not None and (
        value.type in _MANY or any(each in text(value) for each in _MAKES_MANY)
    )
    return made or annotation.endswith("[]") or "Array<" in annotation


RULE = Rule(
    id="kv-get-in-loop",
    severity="warning",
    title="KV reads in a loop",
    why="One invocation may perform 1,000 KV operations and hold 6 connections at once; a bulk "
    "read of up to 100 keys counts as one operation and takes one round trip.",
    source="Cloudflare docs, kv/api/read-key-value-pairs and changelog 2025-04-10; read 2026-11-23",
    counterfactual=Counterfactual("kv_reads", "one_by_one", "bulk", ("latency_p95_ms",)),
    find=find,
    fires="""export async function all(env: Env, keys: string[]) {
  const values = [];
  for (const key of keys) values.push(await env.CACHE.get(key));
  return values;
}""",
    quiet="""export async function all(env: Env, keys: string[]) {
  return env.CACHE.get(keys);
}""",
)
