"""An old value is served while a new one is fetched, however old it is."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import callee, receiver_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._lifetimes import outlives_requests
from cachelib.evidence.rules._requests import is_background
from cachelib.evidence.syntax import ancestors, below, inside, part, text
from cachelib.evidence.values import MISSING

_AGE = re.compile(r"(?i)Date\.now|expir|stale|fresh|\bage\b|\bttl\b|revalidat|cachedAt|storedAt")
_LEAVING = ("return_statement", "throw_statement")


def find(examined: Examination) -> Iterator[Hit]:
    for module, later in examined.program.calls_of("waitUntil"):
        routine = examined.routine(later)
        if routine is None or is_background(later):
            continue
        read = _kept(examined, routine, later)
        if read is None or not _only_refreshes(routine, later) or not _writes(examined, later):
            continue
        yield Hit("a value is served however old it is while a new one is fetched", later, module)


def _kept(examined: Examination, routine: Node, later: Node) -> Node | None:
    """The read of something that never expires: memory, or a key without expiration."""
    for call in below(routine, "call_expression"):
        if call.start_byte >= later.start_byte or callee(call) not in ("get", "getWithMetadata"):
            continue
        maps = examined.kinds.names(receiver_of(call), "map")
        if any(str(n.id) in maps and outlives_requests(n) for n in _maps(examined)):
            return call
        for get in (each for each in examined.reads if each.call == call):
            puts = [e for e in examined.roles.operations(get) if e.method == "put"]
            options = [
                examined.values.option(put.call, 2, name)
                for put in puts
                for name in ("expirationTtl", "expiration")
            ]
            if puts and all(option is MISSING for option in options):
                return call
    return None


def _maps(examined: Examination) -> Iterator[Node]:
    return (node for _, node in examined.program.nodes["new_expression"])


def _only_refreshes(routine: Node, later: Node) -> bool:
    """The age decides whether to refresh, and nowhere whether to serve."""
    tests = [
        condition
        for each in below(routine, "if_statement", "ternary_expression")
        if (condition := part(each, "condition")) is not None and _AGE.search(text(condition))
    ]
    around = {above.id for above in ancestors(later)}
    refreshing = [each for each in tests if each.parent is not None and each.parent.id in around]
    within = [each for each in tests if inside(each, later)]
    if len(tests) != 1 or not (refreshing or within):
        return False
    branch = part(tests[0].parent, "consequence")
    return branch is not None and (bool(within) or not any(below(branch, *_LEAVING)))


def _writes(examined: Examination, later: Node) -> bool:
    """What is done later stores something, itself or through what it calls."""
    for call in below(later, "call_expression"):
        functions = examined.kinds.callees(call)
        for each in (later, *functions):
            if any(callee(inner) in ("put", "set") for inner in below(each, "call_expression")):
                return True
    return False


RULE = Rule(
    id="stale-without-bound",
    severity="warning",
    title="Stale values without a bound",
    why="Serving the old value while a new one is fetched hides a slow origin. Without an age "
    "from which on it is not served, a key that is asked for once a week is a week old, and "
    "where the refresh fails it is served for ever: waitUntil swallows the error.",
    source="Cloudflare docs, workers/runtime-apis/context; RFC 5861 bounds stale-while-revalidate; "
    "read 2026-11-26",
    counterfactual=NotModelled("how long a refresh keeps failing is not part of a case"),
    find=find,
    fires="""export async function page(env: Env, ctx: ExecutionContext, key: string) {
  const known = await env.CACHE.get<{ body: string; at: number }>(key, "json");
  if (known) {
    if (Date.now() - known.at > 60_000) ctx.waitUntil(refresh(env, key));
    return known.body;
  }
  return refresh(env, key);
}
async function refresh(env: Env, key: string) {
  const body = await (await fetch(`https://origin.example/${key}`)).text();
  await env.CACHE.put(key, JSON.stringify({ body, at: Date.now() }));
  return body;
}""",
    quiet="""export async function page(env: Env, ctx: ExecutionContext, key: string) {
  const known = await env.CACHE.get<{ body: string; at: number }>(key, "json");
  if (known) {
    if (Date.now() - known.at > 60_000) ctx.waitUntil(refresh(env, key));
    return known.body;
  }
  return refresh(env, key);
}
async function refresh(env: Env, key: string) {
  const body = await (await fetch(`https://origin.example/${key}`)).text();
  await env.CACHE.put(key, JSON.stringify({ body, at: Date.now() }), { expirationTtl: 600 });
  return body;
}""",
)
