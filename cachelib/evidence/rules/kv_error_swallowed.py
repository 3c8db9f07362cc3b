"""A failed KV operation leaves no trace."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import FUNCTIONS, arguments, callee
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, enclosing, part, text

_OPERATION = ("get", "getWithMetadata", "put", "delete", "list")


def find(examined: Examination) -> Iterator[Hit]:
    seen: set[int] = set()
    for operation in examined.operations:
        attempt = examined.within_try(operation.call)
        handler = part(attempt, "handler")
        if handler is not None and handler.id not in seen and _is_silent(part(handler, "body")):
            seen.add(handler.id)
            message = f"an error of {operation.namespace}.{operation.method} is swallowed here"
            yield Hit(message, handler, operation.module)
        caught = _catch_of(operation.call)
        if caught is not None and _is_silent_callback(caught):
            message = f"an error of {operation.namespace}.{operation.method} is swallowed here"
            yield Hit(message, caught, operation.module)


def _is_silent(body: Node | None) -> bool:
    """Nothing is called and nothing thrown: no log, no counter, no fallback that knows."""
    if body is None:
        return False
    return not any(below(body, "call_expression", "throw_statement", "update_expression",
                         "augmented_assignment_expression", "new_expression"))  # fmt: skip


def _catch_of(call: Node) -> Node | None:
    """The callback of `kv.put(…).catch(callback)`."""
    member = call.parent
    while member is not None and member.type == "member_expression":
        outer = member.parent
        if outer is None or outer.type != "call_expression":
            return None
        if callee(outer) == "catch":
            return next(iter(arguments(outer)), None)
        member = outer.parent
    return None


def _is_silent_callback(callback: Node) -> bool:
    if callback.type not in FUNCTIONS or enclosing(callback, {"arguments"}) is None:
        return False
    body = part(callback, "body")
    parameters = text(part(callback, "parameters")).strip("() ")
    used = bool(parameters) and body is not None and parameters.split(":")[0] in text(body)
    return _is_silent(body) and not used


RULE = Rule(
    id="kv-error-swallowed",
    severity="warning",
    title="KV error swallowed",
    why="KV writes fail with 429 above one per second and key, and every operation fails above "
    "the limits of the plan. A swallowed error looks like a miss: the origin is loaded again "
    "and nobody learns that the cache is off.",
    source="Cloudflare docs, kv/api/write-key-value-pairs and kv/platform/limits; read 2026-11-23",
    counterfactual=NotModelled("how often KV fails is not documented, so its cost cannot be run"),
    find=find,
    fires="""export async function save(env: Env, key: string, value: string) {
  try {
    await env.CACHE.put(key, value, { expirationTtl: 3600 });
  } catch {}
}""",
    quiet="""export async function save(env: Env, key: string, value: string) {
  try {
    await env.CACHE.put(key, value, { expirationTtl: 3600 });
  } catch (error) {
    console.error("cache write failed", key, error);
  }
}""",
)
