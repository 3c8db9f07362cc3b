"""`cf: { cacheTtl }` keeps an error as long as a good answer."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import below, part, text

_LONG = 300
_POSTS = re.compile(r"\bmethod\s*:\s*[\"'`](?!GET|HEAD)[A-Z]+[\"'`]")
_BY_STATUS = re.compile(r"cacheTtlByStatus|cacheKey")


def find(examined: Examination) -> Iterator[Hit]:
    for module, call in examined.program.calls_of("fetch"):
        if text(function_of(call)) not in ("fetch", "globalThis.fetch"):
            continue
        for given in arguments(call)[1:2]:
            if _POSTS.search(text(given)):
                continue  # only what is fetched with GET is cached
            option = _cache_ttl(given)
            seconds = examined.values.number(option)
            if option is not None and seconds is not None and seconds >= _LONG:
                message = f"any answer of the origin is kept for {seconds:g} s, an error too"
                yield Hit(message, option, module)


def _cache_ttl(options: Node) -> Node | None:
    """The cacheTtl of a `cf` that says nothing of statuses."""
    for pair in below(options, "pair"):
        if text(part(pair, "key")).strip("\"'") == "cf":
            table = part(pair, "value")
            if table is None or _BY_STATUS.search(text(table)):
                return None
            for inner in below(table, "pair"):
                if text(part(inner, "key")) == "cacheTtl":
                    return part(inner, "value")
    return None


RULE = Rule(
    id="cf-caches-any-status",
    severity="warning",
    title="Errors cached by cf.cacheTtl",
    why="cf.cacheTtl caches the answer whatever its status and headers: a 404 or a 500 of the "
    "origin is served for as long as a good answer. cacheTtlByStatus gives each its own "
    "time, and 0 to errors.",
    source="Cloudflare docs, workers/runtime-apis/request (RequestInitCfProperties); read "
    "2026-11-26",
    counterfactual=NotModelled(
        "in the model an origin fails now and then, and what failed is kept nowhere"
    ),
    find=find,
    fires="""export const load = (url: string) =>
  fetch(url, { cf: { cacheTtl: 86400, cacheEverything: true } });""",
    quiet="""export const load = (url: string) =>
  fetch(url, { cf: { cacheTtlByStatus: { "200-299": 86400, "400-599": 0 } } });""",
)
