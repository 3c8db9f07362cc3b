"""The response waits for a KV write that nobody needs to wait for."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import callee
from cachelib.evidence.rule import Edit, Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, enclosing, inside, part, text

_RESPONDING = re.compile(
    r"\bnew Response\(|\bResponse\.json\(|\bc\.(?:json|text|html|body)\(|\bjson\(|Promise<Response>"
)
_STORING = re.compile(
    r"""(?x) \.(?:json|text|formData|arrayBuffer|parseBody)\(\)   # the request's body is stored
    | ["'](?:POST|PUT|PATCH|DELETE)["'] | redirect | Set-Cookie | setCookie"""
)
_STORING_ROUTES = {"post", "put", "patch", "delete"}


def find(examined: Examination) -> Iterator[Hit]:
    for put in examined.of("put"):
        routine = examined.routine(put.call)
        statement = put.call.parent.parent if put.call.parent is not None else None
        if routine is None or statement is None or routine != owner_function(put.call):
            continue
        awaited = _is_awaited(put.call)
        if (
            awaited
            and _responds_after(routine, put.call)
            and _fills_a_cache(examined, routine, put)
        ):
            message = f"awaits the write to {put.namespace} before it responds"
            yield Hit(
                message,
                put.call,
                put.module,
                edits=_repair(routine, statement, put),
                confidence=examined.roles.of(put).confidence,
                because=examined.roles.of(put).why,
            )


def _is_awaited(call: Node) -> bool:
    """By itself or among others: `await Promise.all([kv.put(…), …])`."""
    waiting = call.parent
    if waiting is not None and waiting.type == "array":
        waiting = enclosing(waiting, {"await_expression", "expression_statement"})
    return (
        waiting is not None
        and waiting.type == "await_expression"
        and waiting.parent is not None
        and waiting.parent.type in ("expression_statement", "variable_declarator")
    )


def _responds_after(routine: Node, call: Node) -> bool:
    if _RESPONDING.search(text(part(routine, "return_type"))):
        return True
    later = (each for each in below(routine, "return_statement") if each.start_byte > call.end_byte)
    return any(_RESPONDING.search(text(each)) for each in later)


def _fills_a_cache(examined: Examination, routine: Node, put: Operation) -> bool:
    """Not a request whose purpose is to store something: that answer promises durability."""
    if not examined.roles.is_cache(put) or not examined.flow.origins(put.value):
        return False
    call = enclosing(routine, {"call_expression"})
    if call is not None and callee(call) in _STORING_ROUTES and inside(routine, call):
        return False
    filled = any(pair.write.call == put.call and not pair.derived for pair in examined.pairs.all)
    return filled or not _STORING.search(text(routine))


def _repair(routine: Node, statement: Node, put: Operation) -> tuple[Edit, ...]:
    """Mechanical where the write is a statement and the execution context is at hand."""
    if statement.type != "expression_statement":
        return ()
    names = [text(part(each, "pattern")) for each in below(routine, "required_parameter")]
    context = "ctx" if "ctx" in names else "c.executionCtx" if "c" in names else ""
    if not context:
        return ()
    return (  # around the call, so that a repair of its arguments goes with this one
        Edit(statement.start_byte, put.call.start_byte, f"{context}.waitUntil("),
        Edit(put.call.end_byte, statement.end_byte, ");"),
    )


RULE = Rule(
    id="kv-write-awaited",
    severity="warning",
    title="Response waits for a KV write",
    why="A KV write goes to the central stores, which are not near the Worker by default. "
    "waitUntil lets it finish after the response has been sent.",
    source="Cloudflare docs, kv/concepts/how-kv-works and workers/runtime-apis/context; read "
    "2026-11-23",
    counterfactual=NotModelled("in the model no reader waits for a write"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const body = await render(request.url);
    await env.CACHE.put(request.url, body, { expirationTtl: 3600 });
    return new Response(body);
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const body = await render(request.url);
    ctx.waitUntil(env.CACHE.put(request.url, body, { expirationTtl: 3600 }));
    return new Response(body);
  },
};""",
)
