"""A hot read leaves cacheTtl at its default, though the data may be older than that."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.repair import insert
from cachelib.evidence.rule import Counterfactual, Edit, Hit, Rule
from cachelib.evidence.rules._lifetimes import kv_life
from cachelib.evidence.syntax import ancestors, part, text
from cachelib.evidence.values import MISSING

_LONGER_S = 300
_PERSONAL = re.compile(r"(?i)session|token|auth|nonce|otp|csrf|user")
_REQUEST = re.compile(r"^(?:request|req|c|context)$|\brequest\b")
_BACKGROUND = re.compile(r"^(?:scheduled|queue|alarm|email|tail)$|[Cc]ron|[Rr]efresh|[Ww]arm")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[str] = set()
    for get in examined.reads:
        if _sets_cache_ttl(examined, get):
            told |= get.namespaces
    slow = _slowly_changing(examined)
    written = {name for put in examined.of("put", "delete") for name in put.namespaces}
    for get in examined.reads:
        published = not get.namespaces & written and _serves(examined, get)
        hot = examined.values.is_constant(get.key) or get.namespaces & slow or published
        personal = _PERSONAL.search(f"{get.namespace} {text(get.key)}")
        if hot and not personal and not get.namespaces & told and not _in_background(get):
            told |= get.namespaces
            message = f"no read of {get.namespace} sets cacheTtl: each place asks again every 60 s"
            yield Hit(message, get.call, get.module, edits=_repair(get))


def _sets_cache_ttl(examined: Examination, get: Operation) -> bool:
    """Or may set it, for all that can be seen."""
    return examined.values.option(get.call, 1, "cacheTtl") is not MISSING


def _slowly_changing(examined: Examination) -> set[str]:
    """The namespaces whose values may be far older than the cacheTtl that would be set."""
    return {
        name
        for put in examined.of("put")
        if (life := kv_life(examined, put)) is not None and life.seconds >= 2 * _LONGER_S
        for name in put.namespaces
    }


def _serves(examined: Examination, get: Operation) -> bool:
    """In a handler of requests: the namespace is published elsewhere and only read here."""
    routine = examined.routine(get.call)
    given = examined.kinds.parameters(routine) if routine is not None else []
    names = [text(part(each, "pattern") or each) for each in given]
    return any(_REQUEST.search(name) for name in names) and examined.loop(get.call) is None


def _in_background(get: Operation) -> bool:
    return any(_BACKGROUND.search(text(part(above, "name"))) for above in ancestors(get.call))


def _repair(get: Operation) -> tuple[Edit, ...]:
    given = arguments(get.call)
    if len(given) < 2:
        return tuple(insert(key.end_byte, ", { cacheTtl: 300 }") for key in given)
    if given[1].type == "string":
        typed = f"{{ type: {text(given[1])}, cacheTtl: 300 }}"
        return (Edit(given[1].start_byte, given[1].end_byte, typed),)
    if isinstance(given[1], Node) and given[1].type == "object":
        return (insert(given[1].start_byte + 1, " cacheTtl: 300,"),)
    return ()


RULE = Rule(
    id="kv-cache-ttl-never-set",
    severity="note",
    title="cacheTtl never set on a hot read",
    why="A location keeps a value it has read for cacheTtl, 60 s unless said otherwise; then the "
    "next read goes to the regional or central store. Where the data may be older than that "
    "anyway, a longer cacheTtl makes more reads local, at the price of seeing writes later.",
    source="Cloudflare docs, kv/concepts/how-kv-works and kv/platform/limits; read 2026-11-23",
    counterfactual=Counterfactual(
        "cache_ttl", "60", "300", ("latency_p95_ms", "kv_cold_reads", "stale_share")
    ),
    find=find,
    fires="""export const flags = (env: Env) => env.CONFIG.get("flags", "json");""",
    quiet="""export const flags = (env: Env) => env.CONFIG.get("flags", { cacheTtl: 300 });""",
)
