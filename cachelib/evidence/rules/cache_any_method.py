"""Whatever the method, the request itself is the key of the Cache API."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name
from cachelib.evidence.program import arguments, callee
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls
from cachelib.evidence.syntax import below, enclosing, text

_ASKED = re.compile(r"\.method\b|[\"'`](?:GET|POST|HEAD)[\"'`]")
_ROUTED = {"get", "head"}
_WRAPPER = re.compile(r"^(?:put|set|store|save|write|cache\w*)$")
_BY_NAME = re.compile(r"^(?:GET|onRequestGet|loader)$")


def find(examined: Examination) -> Iterator[Hit]:
    for module, put in edge_calls(examined, "put"):
        key = next(iter(arguments(put)), None)
        if key is None or not _is_the_request(examined, key) or _is_asked(examined, put):
            continue
        message = "a request of any method is a key here: for all but GET the write throws"
        yield Hit(
            message,
            put,
            module,
            confidence="medium",
            because="neither this routine nor who calls it looks at the method",
        )


def _is_the_request(examined: Examination, key: Node) -> bool:
    return (
        key.type == "identifier" and text(key) in ("request", "req") and not _is_made(examined, key)
    )


def _is_made(examined: Examination, key: Node) -> bool:
    definition = examined.program.look_up(text(key), key)
    return definition is not None and definition.value is not None


def _is_asked(examined: Examination, put: Node, depth: int = 0) -> bool:
    routine = examined.routine(put)
    if routine is None or depth > 3 or _ASKED.search(text(routine)):
        return True
    if _BY_NAME.match(function_name(routine)) or _WRAPPER.match(function_name(routine)):
        return True
    call = enclosing(routine, {"call_expression"})
    if call is not None and callee(call) in _ROUTED:
        return True
    if any(_names(each, routine) for _, each in examined.program.calls_of(*_ROUTED)):
        return True
    callers = examined.kinds.callers(routine)
    return any(_is_asked(examined, each, depth + 1) for each in callers if examined.routine(each))


def _names(route: Node, routine: Node) -> bool:
    """`router.get("/metrics", withCors(metrics))`."""
    name = function_name(routine)
    given = (inner for each in arguments(route) for inner in below(each, "identifier"))
    return bool(name) and any(text(each) == name for each in given)


RULE = Rule(
    id="cache-any-method",
    severity="warning",
    title="Cache API whatever the method",
    why="put of the Cache API throws for a request that is no GET; awaited, it turns a POST "
    "into an error, given to waitUntil it fails unseen. And match would answer a POST to "
    "nobody's benefit.",
    source="Cloudflare docs, workers/runtime-apis/cache; read 2026-11-26",
    counterfactual=NotModelled("a case has reads only"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const response = await env.SERVICE.fetch(request.clone());
    ctx.waitUntil(caches.default.put(request, response.clone()));
    return response;
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const response = await env.SERVICE.fetch(request.clone());
    if (request.method === "GET") ctx.waitUntil(caches.default.put(request, response.clone()));
    return response;
  },
};""",
)
