"""One invocation performs an operation for each key of a list that has no end."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.module import LOOPS
from cachelib.evidence.operations import Operation
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import is_conditional
from cachelib.evidence.syntax import ancestors, inside, part, text

_LIMIT = 1000  # KV operations of one invocation


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for operation in examined.of("get", "getWithMetadata", "put", "delete"):
        loop = examined.loop(operation.call)
        if loop is None or loop.id in told:
            continue
        said = _counted(examined, loop) or _listed(examined, operation, loop)
        if said:
            told.add(loop.id)
            yield Hit(f"{said}: {_LIMIT:,} KV operations an invocation are allowed",
                      operation.call, operation.module)  # fmt: skip


def _counted(examined: Examination, loop: Node) -> str:
    """`for (let i = 0; i < 5000; i++)`."""
    condition = part(loop, "condition") if loop.type == "for_statement" else None
    while condition is not None and condition.type in (
        "expression_statement",
        "parenthesized_expression",
    ):
        condition = condition.named_children[0]
    if condition is None or text(part(condition, "operator")) not in ("<", "<="):
        return ""
    rounds = examined.values.number(part(condition, "right"))
    return f"{rounds:,.0f} rounds" if rounds is not None and rounds > _LIMIT else ""


def _listed(examined: Examination, operation: Operation, loop: Node) -> str:
    """Inside a loop that follows the cursor of a list: as many as there are keys.

    Under a prefix that names one user or one token there are few, for all that can be seen.
    """
    if is_conditional(operation.call, loop):
        return ""
    for above in ancestors(loop):
        if above.type not in LOOPS:
            continue
        pages = [
            each
            for each in examined.of("list")
            if inside(each.call, above)
            and not inside(each.call, loop)
            and not _is_of_one(examined, each)
        ]
        if any("cursor" in text(above) and "break" not in text(loop) for _ in pages):
            return "one operation for each key of a list that is followed to its end"
    return ""


def _is_of_one(examined: Examination, listing: Operation) -> bool:
    prefix = examined.values.option(listing.call, 0, "prefix")
    return isinstance(prefix, Node) and "*" in examined.flow.pattern(prefix)


RULE = Rule(
    id="kv-operations-over-limit",
    severity="warning",
    title="More operations than an invocation may perform",
    why="An invocation may perform 1,000 operations on KV (50 on the free plan), which count "
    "among its subrequests; the next one throws. What goes through all keys works until there are "
    "a thousand of them. Read up to 100 keys with one get, keep the state of the walk and go "
    "on in another invocation, or let keys expire.",
    source="Cloudflare docs, kv/platform/limits and workers/platform/limits; read 2026-11-26",
    counterfactual=NotModelled("how many keys there are for one walk is not part of a case"),
    find=find,
    fires="""export async function purge(env: Env) {
  let cursor: string | undefined;
  do {
    const page = await env.CACHE.list({ cursor });
    for (const key of page.keys) await env.CACHE.delete(key.name);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
}""",
    quiet="""export async function purge(env: Env, cursor?: string) {
  const page = await env.CACHE.list({ cursor, limit: 500 });
  for (const key of page.keys) await env.CACHE.delete(key.name);
  return page.list_complete ? undefined : page.cursor;
}""",
)
