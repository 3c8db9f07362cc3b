"""A whole URL as a key: KV takes 512 bytes, and every query makes another entry."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, text

_WHOLE = re.compile(r"^(?:[\w.]*\b(?:request|req|raw)\.url|(?:\w*[uU]rl)\.(?:href|toString\(\)))$")
_SHORTENED = re.compile(r"(?i)hash|digest|sha|md5|hex|slice|substring|base64|encode|fingerprint")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[tuple[str, str]] = set()
    for operation in (*examined.of("put"), *examined.reads):
        key = operation.key
        if key is None or not _is_whole_url(examined, key):
            continue
        place = (operation.module.path, operation.namespace)
        if place not in told:
            told.add(place)
            message = f"a whole URL is a key of {operation.namespace}: over 512 bytes it throws"
            yield Hit(message, operation.call, operation.module)


def _is_whole_url(examined: Examination, key: Node, depth: int = 0) -> bool:
    """The URL itself, or a template around it; not what a hash made of it."""
    if _SHORTENED.search(text(key)) or depth > 4:
        return False
    if _WHOLE.match(text(key)):
        return not _is_stripped(examined, key)
    if key.type == "template_string":
        parts = [child.named_children[0] for child in below(key, "template_substitution")]
        return any(_is_whole_url(examined, each, depth + 1) for each in parts)
    if key.type == "identifier":
        definition = examined.program.look_up(text(key), key)
        value = definition.value if definition is not None and not definition.path else None
        return value is not None and _is_whole_url(examined, value, depth + 1)
    return False


def _is_stripped(examined: Examination, key: Node) -> bool:
    """`url.search = ""` has made it short before."""
    routine = examined.routine(key)
    return (
        routine is not None
        and re.search(r"\.search\s*=|searchParams\.delete", text(routine)) is not None
    )


RULE = Rule(
    id="kv-key-too-long",
    severity="warning",
    title="Whole URL as a key",
    why="A key of KV has 512 bytes at most; a longer one makes get and put throw, so that a "
    "long query fails the request. And any parameter, also one that changes nothing, makes "
    "another entry: a write each, and a miss.",
    source="Cloudflare docs, kv/platform/limits and kv/api/write-key-value-pairs; read 2026-11-26",
    counterfactual=NotModelled("how many spellings a URL has is not in the traffic of a case"),
    find=find,
    fires="""export async function keep(request: Request, env: Env, page: string) {
  await env.CACHE.put(request.url, page, { expirationTtl: 300 });
}""",
    quiet="""export async function keep(request: Request, env: Env, page: string) {
  await env.CACHE.put(new URL(request.url).pathname, page, { expirationTtl: 300 });
}""",
)
