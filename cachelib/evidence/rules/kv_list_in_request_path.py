"""A list of keys used as a query while somebody waits for a response."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import handles, is_background
from cachelib.evidence.syntax import ancestors, part, text

_RARE = re.compile(
    r"(?i)admin|manage(?!r)|dashboard|debug|cleanup|clean_up|purge|delete|remove|revoke|invalidate|migrat|export|backup"
    r"|sync|reset|sweep|expire|clear|maintenance|logout|repair|reindex|rebuild|nightly|daily|batch"
    r"|cron"
)
_JOB = re.compile(r"^(?:run|process|seed|warm|import|scan)(?:[A-Z]|$)")
_DEEPEST = 3
_GUARDED = re.compile(
    r"(?i)\b40[13]\b|unauthori[sz]ed|forbidden|\brequire_?(?:auth|admin|user|role|session|login)"
    r"|\bis_?admin|authenticate|\b(?:verify|check|get|validate)_?(?:auth|token|session|user)"
    r"|authorization|\bowner|\bcursor\s*[?:=,}]"
)


def find(examined: Examination) -> Iterator[Hit]:
    for listing in examined.of("list"):
        if not _is_rare(examined, listing) and _is_asked(examined, listing.call):
            message = f"each request lists the keys of {listing.namespace} to find what it wants"
            openly = _is_asked(examined, listing.call, openly=True)
            because = "a handler of requests reaches it"
            if not openly:
                because += ", perhaps for a few who may: it asks for a right or a page"
            yield Hit(
                message,
                listing.call,
                listing.module,
                confidence="medium" if openly else "low",
                because=because,
            )


def _is_asked(examined: Examination, node: Node, depth: int = 0, *, openly: bool = False) -> bool:
    """A handler of requests leads here, by no name or path that speaks of a job.

    `openly` means also: past no question who asks, and not page by page as the caller says.
    """
    routine = examined.routine(node)
    if routine is None or depth > _DEEPEST or is_background(node):
        return False
    if _RARE.search(" ".join(_named_around(node))) or _JOB.search(function_name(routine)):
        return False
    if openly and _GUARDED.search(text(routine)):
        return False
    if handles(examined, routine):
        return True
    callers = examined.kinds.callers(routine)
    return any(_is_asked(examined, call, depth + 1, openly=openly) for call in callers)


def _named_around(node: Node) -> Iterator[str]:
    """Functions, and the strings of routes and conditions: `if (path === "/debug/keys")`."""
    for above in ancestors(node):
        if above.type in FUNCTIONS:
            yield function_name(above)
        elif above.type == "if_statement":
            yield text(part(above, "condition"))
        elif above.type == "call_expression":
            yield from (text(each) for each in arguments(above) if each.type == "string")


def _is_rare(examined: Examination, listing: Operation) -> bool:
    """Work of an administrator, or one that deletes what it finds."""
    around = [each for each in ancestors(listing.call) if each.type in FUNCTIONS]
    names = " ".join([listing.module.path, *(function_name(each) for each in around)])
    if _RARE.search(names):
        return True
    routine = examined.routine(listing.call)
    deletes = [each for each in examined.of("delete") if examined.routine(each.call) == routine]
    return bool(deletes) or (routine is not None and "DELETE" in text(routine))


RULE = Rule(
    id="kv-list-in-request-path",
    severity="note",
    title="List as a query",
    why="A list is billed like a write, ten times a read, is slower than a get, and is cached "
    "for a minute only. What is asked for often is better kept under a key of its own that "
    "whoever writes also updates.",
    source="Cloudflare docs, kv/api/list-keys and kv/platform/pricing; read 2026-11-26",
    counterfactual=NotModelled("the traffic of a case does not say how many requests list keys"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { keys } = await env.POSTS.list({ prefix: "post:", limit: 20 });
    return Response.json(keys.map((key) => key.name));
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(await env.POSTS.get("index", "json"));
  },
};""",
)
