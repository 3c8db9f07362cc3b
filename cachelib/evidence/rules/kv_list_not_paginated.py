"""A list of keys that is taken for all of them, though it ends at a thousand."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, part, text

_PAGING = re.compile(r"cursor|list_complete|listComplete")
_DEEPEST = 8
_PART = re.compile(
    r"(?i)(?:^|[._])(?:\w*prefix|lang(?:uage)?|locale|project|tenant|org\w*|workspace|categor(?:y|ies)|kind"
    r"|type|status|collection|site|domain|channel|namespace)(?:_?(?:id|name|slug|code))?(?:$|\.)"
)


def find(examined: Examination) -> Iterator[Hit]:
    for listing in examined.of("list"):
        if _is_whole(examined, listing) and not _pages(examined, listing):
            message = (
                f"{listing.namespace}.list gives 1,000 keys at most, and no cursor is followed"
            )
            confidence: Confidence = "medium" if _varies(examined, listing) else "high"
            because = "how many keys there are under one prefix is not shown"
            yield Hit(
                message,
                listing.call,
                listing.module,
                confidence=confidence,
                because=because if confidence == "medium" else "",
            )


def _is_whole(examined: Examination, listing: Operation) -> bool:
    """Options that a caller hands in may hold a cursor, a limit says that some are enough."""
    given = arguments(listing.call)
    if given and given[0].type not in ("object", "undefined"):
        return False
    if given and ("limit" in text(given[0]) or "..." in text(given[0])):
        return False
    if _varies(examined, listing) and not _is_of_many(examined, listing):
        return False
    return not _is_passed_on(listing.call)


def _prefix(examined: Examination, listing: Operation) -> Node | None:
    prefix = examined.values.option(listing.call, 0, "prefix")
    return prefix if isinstance(prefix, Node) else None


def _varies(examined: Examination, listing: Operation) -> bool:
    prefix = _prefix(examined, listing)
    return prefix is not None and "*" in examined.flow.pattern(prefix)


def _is_of_many(examined: Examination, listing: Operation) -> bool:
    """A prefix that names a part of all, as a language; that of one user or page has few keys."""
    prefix = _prefix(examined, listing)
    if _PART.search(text(_last(examined, prefix))):
        return True
    return all(_PART.search(origin.text) for origin in examined.flow.origins(prefix))


def _last(examined: Examination, prefix: Node | None) -> Node | None:
    """The last thing that differs in a prefix: `language` of `posts/${site}/${language}/`."""
    for _ in range(_DEEPEST):
        if prefix is not None and prefix.type == "identifier":
            definition = examined.program.look_up(text(prefix), prefix)
            made = definition.value if definition is not None else None
            if made is None or made.type not in ("template_string", "binary_expression"):
                break
            prefix = made
        filled = [*below(prefix, "template_substitution", "identifier")] if prefix else []
        if not filled or filled[-1] == prefix:
            break
        prefix = filled[-1]
    return prefix


def _is_passed_on(call: Node) -> bool:
    """`return kv.list(…)`: the caller may go on."""
    parent = call.parent
    while parent is not None and parent.type in ("await_expression", "parenthesized_expression"):
        parent = parent.parent
    return parent is not None and parent.type in ("return_statement", "arrow_function")


def _pages(examined: Examination, listing: Operation) -> bool:
    routine = examined.routine(listing.call)
    return routine is not None and _PAGING.search(text(part(routine, "body"))) is not None


RULE = Rule(
    id="kv-list-not-paginated",
    severity="warning",
    title="List without its cursor",
    why="list returns at most 1,000 keys and says with list_complete whether there are more. "
    "What ignores it works until the 1,001st key, and then silently leaves some out.",
    source="Cloudflare docs, kv/api/list-keys; read 2026-11-26",
    counterfactual=NotModelled("keys that are left out are a matter of correctness, not of cost"),
    find=find,
    fires="""export async function names(env: Env) {
  const { keys } = await env.IMAGES_KV.list({ prefix: "img:" });
  return keys.map((key) => key.name);
}""",
    quiet="""export async function names(env: Env) {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await env.IMAGES_KV.list({ prefix: "img:", cursor });
    found.push(...page.keys.map((key) => key.name));
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return found;
}""",
)
