"""A time stamp written on every request: the dearest operation, one a second and key at most."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name, is_handler, owner_function
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import in_request, is_conditional
from cachelib.evidence.syntax import below, text

_SEEN = re.compile(
    r"(?i)last_?(?:seen|active|access\w*|used?|visit\w*|request\w*|ping|hit|activity|login)"
)


def find(examined: Examination) -> Iterator[Hit]:
    for put in examined.of("put"):
        routine = examined.routine(put.call)
        if (
            routine is None
            or is_conditional(put.call, routine)
            or not in_request(examined, put.call)
        ):
            continue
        timed = any(origin.kind == "time" for origin in examined.flow.origins(put.value))
        if timed and _SEEN.search(text(routine)) and not _rarely(examined, routine):
            message = f"{put.namespace} is written on every request, to note when it was"
            yield Hit(
                message,
                put.call,
                put.module,
                confidence="medium",
                because="nothing decides whether the write is due",
            )
    yield from _by_every_request(examined)


def _by_every_request(examined: Examination) -> Iterator[Hit]:
    """One key, changed and written back by the handler that all requests go through."""
    told: set[int] = set()
    for pair in examined.pairs.all:
        call = pair.write.call
        constant = "*" not in examined.flow.pattern(pair.write.operation.key)
        if not pair.derived or not constant or call.id in told or not _is_entry(pair.routine):
            continue
        if not is_conditional(call, pair.routine) and not _leaves_before(pair.routine, call):
            told.add(call.id)
            message = f"{pair.write.operation.namespace} is written on every request, to one key"
            yield Hit(message, call, pair.write.module)


def _is_entry(routine: Node) -> bool:
    return is_handler(routine) and function_name(routine) == "fetch"


def _leaves_before(routine: Node, call: Node) -> bool:
    """Some requests have been answered before."""
    leaving = below(routine, "return_statement", "throw_statement")
    return any(
        each.start_byte < call.start_byte and owner_function(each) == routine for each in leaving
    )


def _rarely(examined: Examination, routine: Node) -> bool:
    """Called under a condition, for all that can be seen."""
    calls = examined.kinds.callers(routine)
    around = [(call, examined.routine(call)) for call in calls]
    return bool(calls) and all(
        outer is not None and is_conditional(call, outer) for call, outer in around
    )


RULE = Rule(
    id="kv-write-per-request",
    severity="warning",
    title="Write on every request",
    why="A write costs ten times a read, and KV takes one write per second to one key: with "
    "more requests than that the rest fail. Writing only when the last stamp is minutes "
    "old, or keeping it in a Durable Object, costs a fraction.",
    source="Cloudflare docs, kv/platform/pricing and kv/api/write-key-value-pairs; read 2026-11-26",
    counterfactual=NotModelled("a case has reads and changes, and no writes for each request"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = request.headers.get("x-id") ?? "none";
    await env.SESSIONS.put(id, JSON.stringify({ lastSeen: Date.now() }), { expirationTtl: 86400 });
    return new Response("ok");
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = request.headers.get("x-id") ?? "none";
    const seen = Number(await env.SESSIONS.get(id));
    if (Date.now() - seen > 600_000) {
      await env.SESSIONS.put(id, String(Date.now()), { expirationTtl: 86400 });
    }
    return new Response("ok");
  },
};""",
)
