"""The response waits for a write to the Cache API."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls, in_request, object_class
from cachelib.evidence.syntax import below, part, text


def find(examined: Examination) -> Iterator[Hit]:
    for module, put in edge_calls(examined, "put"):
        routine = examined.routine(put)
        if routine is None or object_class(put) or not _is_awaited_statement(put):
            continue
        if "Response" not in (text(part(routine, "return_type")) or "Response"):
            continue
        if _is_returned(examined, put, routine) and in_request(examined, put):
            yield Hit("awaits the write to the Cache API before it responds", put, module)


def _is_returned(examined: Examination, put: Node, routine: Node) -> bool:
    """What is written is what is answered: a mark, a lock or a token is rightly waited for."""
    written = next(iter(arguments(put)[1:2]), None)
    names = {
        text(name)
        for name in (below(written, "identifier") if written is not None else ())
        if examined.program.look_up(text(name), name) is not None
    }
    made = written is not None and written.type == "new_expression"
    return any(
        text(name) in names
        for answer in below(routine, "return_statement")
        if answer.start_byte > put.end_byte and (not made or "Response(" in text(answer))
        for name in below(answer, "identifier")
    )


def _is_awaited_statement(call: Node) -> bool:
    waiting = call.parent
    return (
        waiting is not None
        and waiting.type == "await_expression"
        and waiting.parent is not None
        and waiting.parent.type == "expression_statement"
    )


RULE = Rule(
    id="cache-write-awaited",
    severity="note",
    title="Response waits for the Cache API",
    why="A put of the Cache API ends when the whole body has been stored, so that the first "
    "byte of the response waits for the last one. waitUntil lets both go on at once.",
    source="Cloudflare docs, workers/runtime-apis/cache and workers/runtime-apis/context; read "
    "2026-11-26",
    counterfactual=NotModelled("in the model no reader waits for a write"),
    find=find,
    fires="""export default {
  async fetch(request: Request): Promise<Response> {
    const response = new Response(await render(request.url));
    await caches.default.put(request.url, response.clone());
    return response;
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const response = new Response(await render(request.url));
    ctx.waitUntil(caches.default.put(request.url, response.clone()));
    return response;
  },
};""",
)
