"""An answer of 3xx goes into the cache like a good one."""

import re
from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls
from cachelib.evidence.syntax import below, text

_MANUAL = re.compile(r"redirect\s*:\s*[\"'`]manual[\"'`]")
_ONLY_GOOD = re.compile(
    r"\.ok\b|status\s*(?:===?|<=?)\s*2\d\d|status\s*<\s*30\d|\.redirected\b|30[1278]"
    r"|status\s*(?:>=|!==?)\s*(?:200|300)|[\"'`][Ll]ocation[\"'`]|no-store"
)


def find(examined: Examination) -> Iterator[Hit]:
    for module, put in edge_calls(examined, "put"):
        routine, given = examined.routine(put), arguments(put)
        if routine is None or len(given) < 2 or _ONLY_GOOD.search(text(routine)):
            continue
        loaded = any(origin.kind == "load" for origin in examined.flow.origins(given[1]))
        if loaded and any(_MANUAL.search(text(each)) for each in below(routine, "arguments")):
            message = "redirects are not followed here, and cached as if they were the answer"
            yield Hit(message, put, module)


RULE = Rule(
    id="cache-redirect",
    severity="warning",
    title="Redirect cached as an answer",
    why="With redirect: manual a fetch gives the 301, 302 or 307 itself. Put into the cache, a "
    "redirect to a login or to a maintenance page is served to everybody until it expires, "
    "though the origin meant it for one caller or for a moment.",
    source="Cloudflare docs, workers/runtime-apis/fetch and workers/runtime-apis/cache; read "
    "2026-11-26",
    counterfactual=NotModelled("how often the origin redirects is not part of a case"),
    find=find,
    fires="""export async function proxy(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch(request.url, { redirect: "manual" });
  if (answer.status < 500) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}""",
    quiet="""export async function proxy(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch(request.url, { redirect: "manual" });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}""",
)
