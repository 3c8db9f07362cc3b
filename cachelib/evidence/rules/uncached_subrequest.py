"""Keys that change once a month are fetched for every request."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import parameters
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls, in_request
from cachelib.evidence.syntax import below, inside, part, text

_PUBLISHED = re.compile(r"(?i)/certs\b|jwks|\.well-known/|openid-configuration|public[-_]?keys?\b")
_KEPT = re.compile(r"(?i)cach|memo|(?<![a-z])lru|\bcf\s*:")


def find(examined: Examination) -> Iterator[Hit]:
    for module, call in examined.program.calls_of("fetch"):
        if text(function_of(call)) not in ("fetch", "globalThis.fetch"):
            continue
        url = next(iter(arguments(call)), None)
        routine = examined.routine(call)
        if url is None or routine is None or not _PUBLISHED.search(_spelled(examined, url)):
            continue
        if not _is_kept(examined, call, routine) and in_request(examined, call):
            message = "this is fetched for every request, though it changes once in weeks"
            yield Hit(
                message,
                call,
                module,
                confidence="medium",
                because="nothing around the fetch keeps what it brings",
            )


def _spelled(examined: Examination, url: Node) -> str:
    return f"{text(url)} {examined.flow.pattern(url)}"


def _is_kept(examined: Examination, call: Node, routine: Node) -> bool:
    """In a variable of the module, in KV or the Cache API, or by `cf`; here or by who calls."""
    callers = [examined.routine(each) for each in examined.kinds.callers(routine)]
    around = [routine, *(each for each in callers if each is not None)]
    if any(_KEPT.search(text(each)) or _outlives(each) for each in around):
        return True
    stored = [write.call for write in examined.of("put")]
    stored += [put for _, put in edge_calls(examined, "put")]
    return any(inside(each, routine) for each in stored)


def _outlives(routine: Node) -> bool:
    """Whether the routine sets a variable that it does not declare: one of the module, a field."""
    own = {text(part(each, "name")) for each in below(routine, "variable_declarator")}
    own |= {text(each) for each in parameters(routine)}
    set_here = below(routine, "assignment_expression", "augmented_assignment_expression")
    return any(text(part(each, "left")).split(".")[0] not in own for each in set_here)


RULE = Rule(
    id="uncached-subrequest",
    severity="note",
    title="Published keys fetched every time",
    why="Signing keys and discovery documents change rarely and are made to be cached. "
    "Fetching them for each request adds a round trip to it, and makes it fail when the "
    "publisher does.",
    source="Cloudflare docs, workers/runtime-apis/request (cf.cacheTtl); read 2026-11-26",
    counterfactual=NotModelled("the subrequests of a case are those of its own values"),
    find=find,
    fires="""export default {
  async fetch(request: Request): Promise<Response> {
    const keys = await (await fetch("https://team.example/cdn-cgi/access/certs")).json();
    return new Response(String(verify(request, keys)));
  },
};""",
    quiet="""export default {
  async fetch(request: Request): Promise<Response> {
    const url = "https://team.example/cdn-cgi/access/certs";
    const keys = await (await fetch(url, { cf: { cacheTtl: 3600 } })).json();
    return new Response(String(verify(request, keys)));
  },
};""",
)
