"""A Durable Object holds all its requests back while it waits for something outside."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import callee, function_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import ancestors, below, enclosing, part, text

_OUTSIDE = ("ai", "service", "d1", "kv", "r2", "stub", "hyperdrive", "vectorize", "browser")
_FIRST = re.compile(r"^\(\s*(?:!\s*this\.|\w*first|!\s*\w*(?:init|ready|loaded))", re.I)
_STARTING = re.compile(r"^(?:constructor|init\w*|onStart|setup|load\w*|hydrate\w*|restore\w*)$")


def find(examined: Examination) -> Iterator[Hit]:
    for call in examined.program.calls_by_name["blockConcurrencyWhile"]:
        around = [function_name(each) for each in ancestors(call) if each.type in FUNCTIONS]
        if any(_STARTING.match(name) for name in around) or _is_first(call):
            continue
        inner = below(call, "call_expression")
        if any(_goes_out(examined, each) and not _is_for_later(each, call) for each in inner):
            message = (
                "every other request to this object waits until this call outside has returned"
            )
            yield Hit(message, call, examined.module_of(call))


def _is_first(call: Node) -> bool:
    """`if (!this.ready)`, `if (first)`: before an object is used for the first time."""
    check = enclosing(call, {"if_statement"})
    return check is not None and _FIRST.search(text(part(check, "condition"))) is not None


def _is_for_later(call: Node, block: Node) -> bool:
    """Given to waitUntil, which the block does not wait for."""
    above = enclosing(call, {"call_expression"})
    while above is not None and above != block:
        if callee(above) == "waitUntil":
            return True
        above = enclosing(above, {"call_expression"})
    return False


def _goes_out(examined: Examination, call: Node) -> bool:
    called = function_of(call)
    if text(called) in ("fetch", "globalThis.fetch"):
        return True
    return any(examined.kinds.has(part(called, "object"), tag) for tag in _OUTSIDE)


RULE = Rule(
    id="do-blocks-in-request",
    severity="warning",
    title="Object blocked around a slow call",
    why="blockConcurrencyWhile delivers no other event to the object until its callback has "
    "ended, for 30 seconds at most, after which the object is reset. It is meant for what "
    "an object does when it starts; around a call to the outside it makes the object as "
    "slow as that call.",
    source="Cloudflare docs, durable-objects/api/state; read 2026-11-26",
    counterfactual=NotModelled("the model's objects are not blocked while they load"),
    find=find,
    fires="""export class Room extends DurableObject<Env> {
  async fetch(request: Request): Promise<Response> {
    return this.ctx.blockConcurrencyWhile(async () => {
      return fetch("https://slow.example/", { method: "POST", body: request.body });
    });
  }
}""",
    quiet="""export class Room extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.state = await ctx.storage.get("state");
    });
  }
}""",
)
