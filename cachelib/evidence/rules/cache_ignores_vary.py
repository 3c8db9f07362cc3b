"""What a header of the request decides lies in the cache under the URL alone."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._requests import NAMES, edge_calls, expressions_of
from cachelib.evidence.syntax import below, part, text

_DECIDING = (
    *("accept", "accept-language", "user-agent", "origin", "cf-ipcountry", "x-forwarded-host"),
    *("cf-device-type", "sec-ch-ua-mobile", "sec-ch-ua-platform", "save-data", "dnt"),
)
_HEADER = re.compile(r"[\"'`]([\w-]+)[\"'`]")
_EXTENDED = re.compile(r"searchParams\.(?:set|append)|\bcacheKey\b.*\$\{|new Request\(`")

_PART = re.compile(r"(?:search|pathname|href|host|hostname)$")


def find(examined: Examination) -> Iterator[Hit]:
    for module, put in edge_calls(examined, "put"):
        routine, given = examined.routine(put), arguments(put)
        if routine is None or len(given) < 2:
            continue
        for header in sorted(_deciding(examined, routine, given[1])):
            if not _is_in_key(examined, routine, given[0], header):
                message = f"the answer depends on {header}, the key of the cache does not"
                yield Hit(message, put, module)
                break


def _deciding(examined: Examination, routine: Node, value: Node) -> set[str]:
    """The headers of the request that the stored answer is made of."""
    made_of = {header for each in expressions_of(examined, value) for header in _read(each)}
    said = _varying(routine) & _read(routine)
    return (made_of & set(_DECIDING)) | said


def _varying(routine: Node) -> set[str]:
    """What the routine itself says in `Vary`; encodings are a matter of the network."""
    found: set[str] = set()
    for each in below(routine, "pair", "call_expression"):
        named = re.match(
            r"(?is)(?:\w+\.headers\.(?:set|append)|\w+\.(?:set|append)|c\.header)?\(?"
            r"\s*[\"'`]?vary[\"'`]?\s*[,:]\s*[\"'`]([\w\s,-]+)[\"'`]",
            text(each),
        )
        if named:
            found |= {word.strip().lower() for word in named[1].split(",")}
    return found - {"accept-encoding", ""}


def _read(routine: Node) -> set[str]:
    """The headers that the routine reads of anything."""
    return {
        name[1].lower()
        for call in below(routine, "call_expression")
        if text(call.child_by_field_name("function")).endswith(("headers.get", "req.header"))
        and (name := _HEADER.search(text(call.child_by_field_name("arguments"))))
    }


def _is_in_key(examined: Examination, routine: Node, key: Node, header: str) -> bool:
    """In the key itself, or in an address that the routine extends."""
    made_of = expressions_of(examined, key)
    if any(header in _read(each) or "headers" in text(each) for each in made_of):
        return True
    if any(
        header in _read(each)
        for given in _given_to_address(routine, made_of)
        for each in expressions_of(examined, given)
    ):
        return True
    made = _EXTENDED.search(text(routine))
    return made is not None and not re.fullmatch(r"(?:\w+\.)*(?:request|req|url)", text(key))


def _given_to_address(routine: Node, made_of: list[Node]) -> Iterator[Node]:
    """What a URL that the key is made of gets after it is made: `url.search = …`.

    Not its `hash`: the Cache API compares addresses without their fragment.
    """
    names = {text(name) for each in made_of for name in below(each, *NAMES)}
    for each in below(routine, "assignment_expression", "augmented_assignment_expression"):
        target, value = part(each, "left"), part(each, "right")
        is_its = text(part(target, "object")) in names and _PART.match(
            text(part(target, "property"))
        )
        if is_its and value is not None:
            yield value
    for call in below(routine, "call_expression"):
        receiver, _, method = text(part(call, "function")).partition(".searchParams.")
        if receiver in names and method in ("set", "append"):
            yield from arguments(call)


RULE = Rule(
    id="cache-ignores-vary",
    severity="warning",
    title="Vary ignored",
    why="The Cache API finds an answer by its URL and knows no ignoreVary and no variants: the "
    "language, the format or the country of the first caller is served to all that follow. "
    "Put what decides into the key, or serve one answer to all.",
    source="Cloudflare docs, workers/runtime-apis/cache (2026-08-14) and cache/concepts/vary; read "
    "2026-11-26",
    counterfactual=NotModelled("how many callers get the wrong variant is not part of a case"),
    find=find,
    fires="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const known = await caches.default.match(request.url);
    if (known) return known;
    const language = request.headers.get("Accept-Language") ?? "en";
    const answer = new Response(await env.TEXTS.get(language), {
      headers: { "cache-control": "max-age=300" },
    });
    ctx.waitUntil(caches.default.put(request.url, answer.clone()));
    return answer;
  },
};""",
    quiet="""export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const language = request.headers.get("Accept-Language") ?? "en";
    const key = `${request.url}?language=${language}`;
    const known = await caches.default.match(key);
    if (known) return known;
    const answer = new Response(await env.TEXTS.get(language), {
      headers: { "cache-control": "max-age=300" },
    });
    ctx.waitUntil(caches.default.put(key, answer.clone()));
    return answer;
  },
};""",
)
