"""A response that the caller's own credentials fetched is cached under the URL alone."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import edge_calls
from cachelib.evidence.rules.personal_data_under_shared_key import credential_headers
from cachelib.evidence.syntax import below, text

_CAREFUL = re.compile(r"(?i)cookie|authorization|cf-access|vary|no-store|private")


def find(examined: Examination) -> Iterator[Hit]:
    for module, put in edge_calls(examined, "put"):
        routine = examined.routine(put)
        if routine is None or _CAREFUL.search(text(routine)):
            continue
        loads = [each for each in below(routine, "call_expression") if _forwards(each)]
        if loads and _is_by_url(examined, put):
            message = "the caller's Cookie and Authorization go to the origin, the key is the URL"
            yield Hit(message, loads[0], module)
    for module, call in examined.program.calls_of("fetch"):
        if _forwards(call) and _caches_everything(call) and not _is_careful(examined, call):
            message = "the caller's Cookie and Authorization go along, and everything is cached"
            yield Hit(message, call, module)


def _caches_everything(call: Node) -> bool:
    return re.search(r"cacheEverything\s*:\s*true", text(call)) is not None


def _is_careful(examined: Examination, call: Node) -> bool:
    return "cacheKey" in text(call) or _CAREFUL.search(text(examined.routine(call))) is not None


def _forwards(call: Node) -> bool:
    return text(function_of(call)) == "fetch" and credential_headers(call)


def _is_by_url(examined: Examination, put: Node) -> bool:
    key = next(iter(arguments(put)), None)
    return any(origin.kind == "request" for origin in examined.flow.origins(key))


RULE = Rule(
    id="cache-key-ignores-credentials",
    severity="error",
    title="Cached across credentials",
    why="The origin answers as the caller's cookies and Authorization say, the Cache API finds "
    "the answer by its URL: what one user may see is served to the next one. Leave the "
    "headers out, put who asks into the key, or do not cache such requests.",
    source="Cloudflare docs, workers/runtime-apis/cache; read 2026-11-26",
    counterfactual=NotModelled("whose data is served to whom is a matter of safety, not of cost"),
    find=find,
    fires="""export async function proxy(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch("https://origin.example/", { headers: request.headers });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}""",
    quiet="""export async function proxy(request: Request, ctx: ExecutionContext) {
  const known = await caches.default.match(request.url);
  if (known) return known;
  const answer = await fetch("https://origin.example/", { headers: { accept: "text/html" } });
  if (answer.ok) ctx.waitUntil(caches.default.put(request.url, answer.clone()));
  return answer;
}""",
)
