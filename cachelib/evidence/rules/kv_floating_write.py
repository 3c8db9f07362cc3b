"""A write that nobody waits for: it may be cancelled when the response has gone out."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import Module
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls, object_class, statement_of


def find(examined: Examination) -> Iterator[Hit]:
    for write in examined.of("put", "delete"):
        if _floats(write.call):
            yield _hit(write.module, write.call, f"{write.namespace}.{write.method}")
    for module, call in edge_calls(examined, "put", "delete"):
        if _floats(call):
            yield _hit(module, call, "the write to the Cache API")


def _hit(module: Module, call: Node, what: str) -> Hit:
    message = f"{what} is neither awaited nor given to waitUntil: it may never happen"
    return Hit(message, call, module)


def _floats(call: Node) -> bool:
    """A statement of its own. An object lives on while its promises do; a Worker does not."""
    outer = statement_of(call).parent
    return outer is not None and outer.type == "expression_statement" and not object_class(call)


RULE = Rule(
    id="kv-floating-write",
    severity="error",
    title="Write that nobody waits for",
    why="When the response has been sent, the runtime cancels what is still under way, unless "
    "it was given to waitUntil. A write that is neither awaited nor handed over is lost "
    "now and then, without an error.",
    source="Cloudflare docs, workers/runtime-apis/context (waitUntil); read 2026-11-26",
    counterfactual=NotModelled("how often the runtime cancels a write is documented nowhere"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const page = await render(request.url);
    env.CACHE.put("front", page, { expirationTtl: 300 });
    return new Response(page);
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const page = await render(request.url);
    ctx.waitUntil(env.CACHE.put("front", page, { expirationTtl: 300 }));
    return new Response(page);
  },
};""",
)
