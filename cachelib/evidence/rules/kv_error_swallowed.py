"""A failed KV operation leaves no trace."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments, callee
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, enclosing, part, text

_FAILURE = re.compile(r"(?i)error|fail|unreach|unavail|degraded|\b(?:ok|success)\s*:\s*false")


def find(examined: Examination) -> Iterator[Hit]:
    at = {operation.call.id: operation for operation in examined.operations}
    for module, attempt in examined.program.nodes["try_statement"]:
        handler = part(attempt, "handler")
        if handler is not None and _is_silent(part(handler, "body")) and not _keeps_it(handler):
            operation = _tried(examined, attempt, at)
            if operation is not None and not _is_told(handler, operation):
                yield Hit(_message(operation), handler, module)
    for operation in examined.operations:
        caught = _catch_of(operation.call)
        if caught is not None and _is_silent_callback(caught):
            yield Hit(_message(operation), caught, operation.module)


def _message(operation: Operation) -> str:
    return f"an error of {operation.namespace}.{operation.method} is swallowed here"


def _tried(examined: Examination, attempt: Node, at: dict[int, Operation]) -> Operation | None:
    """An operation in the body, or in a function it calls, whose error ends here."""
    body = part(attempt, "body")
    for call in below(body, "call_expression") if body is not None else ():
        if enclosing(call, {"try_statement"}) == attempt:
            if call.id in at and _catch_of(call) is None:
                return at[call.id]
            for operation in examined.performed_by_call(call):
                caught = _catch_of(operation.call) or enclosing(operation.call, {"try_statement"})
                if caught is None:
                    return operation
    return None


def _is_silent(body: Node | None) -> bool:
    """Nothing is called and nothing thrown: no log, no counter, no fallback that knows."""
    if body is None:
        return False
    return not any(below(body, "call_expression", "throw_statement", "update_expression",
                         "augmented_assignment_expression", "new_expression"))  # fmt: skip


def _is_told(handler: Node, operation: Operation) -> bool:
    """`return { status: "error" }`, or `return false` after a write: whoever called learns it."""
    answers = [*below(handler, "return_statement")]
    said = any(_FAILURE.search(text(each)) for each in answers)
    refused = any(
        each.named_children and text(each.named_children[0]) == "false" for each in answers
    )
    return said or (refused and operation.method in ("put", "delete"))


def _keeps_it(handler: Node) -> bool:
    """`catch (error) { last = error; }`: somebody will look at it."""
    name, body = text(part(handler, "parameter")), part(handler, "body")
    return (
        bool(name) and body is not None and any(text(e) == name for e in below(body, "identifier"))
    )


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
    "the limits of the plan. A swallowed error looks like a miss: the origin is loaded "
    "again and nobody learns that the cache is off.",
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
