"""Whatever the origin answers is cached, an error page as well."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls
from cachelib.evidence.syntax import below, text

_LOOKED_AT = re.compile(
    r"\.ok\b|\.status\b|\bstatus\b|\bthrow\b|\.success\b|\.errors?\b|safeParse|\.parse\w*\((?!raw)"
    r"|isOk|\b[A-Z]\w*\.(?:is|guard|decode|check|validate)\(|assert|Array\.isArray|instanceof|\.length\b|typeof"
)
_LIVES = re.compile(r"(?i)cache-control|s-maxage|max-age|expires")
_TEXTS = re.compile(r"JSON\.(?:parse|stringify)\(")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[int] = set()
    for pair in examined.pairs.all:
        operation = pair.write.operation
        if pair.derived or not examined.roles.is_cache(operation):
            continue
        value = operation.value
        if value is None or pair.write.call != operation.call or operation.call.id in told:
            continue
        if _is_unseen(examined, pair.routine, value):
            told.add(operation.call.id)
            message = f"an error of the origin is kept in {operation.namespace} like a good answer"
            yield Hit(message, operation.call, operation.module)
    for module, put in edge_calls(examined, "put"):
        routine, given = examined.routine(put), arguments(put)
        if routine is None or len(given) < 2 or not _LIVES.search(text(routine)):
            continue
        if _is_unseen(examined, routine, given[1]):
            yield Hit("an error of the origin is cached like a good answer", put, module)


def _is_unseen(examined: Examination, routine: Node, value: Node) -> bool:
    """Comes of a `fetch` that stands here, or in a helper called here, and nobody looks at it."""
    if not any(origin.kind == "load" for origin in examined.flow.origins(value)):
        return False
    looked = [routine]
    fetches = list(_fetches(routine))
    for call in below(routine, "call_expression"):
        for helper in examined.kinds.callees(call):
            if own := list(_fetches(helper)):
                fetches += own
                looked.append(helper)
    if not fetches:
        return False
    return not any(_LOOKED_AT.search(_TEXTS.sub("", text(each))) for each in looked)


def _fetches(function: Node) -> Iterator[Node]:
    return (
        call
        for call in below(function, "call_expression")
        if text(function_of(call)) in ("fetch", "globalThis.fetch")
    )


RULE = Rule(
    id="cache-error-response",
    severity="error",
    title="Error cached as an answer",
    why="fetch does not throw for a status of 404, 429 or 500. An answer whose status nobody "
    "looks at goes into the cache, and is served for as long as a good one, after the "
    "origin has long recovered.",
    source="Cloudflare docs, workers/runtime-apis/fetch and workers/runtime-apis/cache; read "
    "2026-11-26",
    counterfactual=NotModelled(
        "in the model an origin fails now and then, and what failed is kept nowhere"
    ),
    find=find,
    fires="""export async function rates(env: Env) {
  const known = await env.CACHE.get("rates", "json");
  if (known) return known;
  const rates = await (await fetch("https://rates.example/latest")).json();
  await env.CACHE.put("rates", JSON.stringify(rates), { expirationTtl: 3600 });
  return rates;
}""",
    quiet="""export async function rates(env: Env) {
  const known = await env.CACHE.get("rates", "json");
  if (known) return known;
  const answer = await fetch("https://rates.example/latest");
  if (!answer.ok) return null;
  const rates = await answer.json();
  await env.CACHE.put("rates", JSON.stringify(rates), { expirationTtl: 3600 });
  return rates;
}""",
)
