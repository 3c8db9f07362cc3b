"""A hot read leaves cacheTtl at its default, though the data may be older than that."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name, parameters
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.repair import insert
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Counterfactual, Edit, Hit, Rule
from cachelib.evidence.rules._lifetimes import kv_life
from cachelib.evidence.syntax import ancestors, part, text
from cachelib.evidence.values import MISSING

_LONGER_S = 300
_PERSONAL = re.compile(r"(?i)session|token|auth|nonce|otp|csrf|user")
_VERSION = re.compile(r"(?i)version|purge|generation|epoch|revision|maintenance|kill_?switch")
_RARE = re.compile(r"(?i)admin|manage(?!r)|dashboard|export|debug|report")
_REQUEST = re.compile(r"^(?:request|req|c|context)$|\brequest\b")
_BACKGROUND = re.compile(r"^(?:scheduled|queue|alarm|email|tail)$|[Cc]ron|[Rr]efresh|[Ww]arm")


def find(examined: Examination) -> Iterator[Hit]:
    told: set[str] = set()
    for get in examined.reads:
        if _sets_cache_ttl(examined, get):
            told |= get.namespaces
    written = {name for put in examined.of("put", "delete") for name in put.namespaces}
    for get in examined.reads:
        published = not get.namespaces & written and (
            examined.values.is_constant(get.key) or _serves(examined, get)
        )
        hot = published or _is_slow(examined, get) or _is_link(examined, get)
        if _VERSION.search(f"{get.namespace} {text(get.key)}") or not hot:
            continue
        called = " ".join(map(function_name, _functions_around(get)))
        personal = _PERSONAL.search(f"{get.namespace} {text(get.key)} {called}")
        if not personal and not get.namespaces & told and not _in_background(get):
            told |= get.namespaces
            message = f"no read of {get.namespace} sets cacheTtl: each place asks again every 60 s"
            confidence, because = _certainty(examined, get, published=published)
            yield Hit(
                message,
                get.call,
                get.module,
                edits=_repair(get),
                confidence=confidence,
                because=because,
            )


def _certainty(examined: Examination, get: Operation, *, published: bool) -> tuple[Confidence, str]:
    if not published:
        return "high", "it may be old for longer anyway"
    names = " ".join([get.module.path, *map(function_name, _functions_around(get))])
    if _RARE.search(names) or not examined.values.is_constant(get.key):
        return "low", "nothing here writes it; how often it is read is not shown"
    return "medium", "nothing here writes it, and it is one key"


def _functions_around(get: Operation) -> list[Node]:
    return [each for each in ancestors(get.call) if each.type in FUNCTIONS]


def _is_slow(examined: Examination, get: Operation) -> bool:
    """A cache whose values may be far older than the cacheTtl that would be set."""
    if any(each.shares_namespace(get) for each in examined.of("delete")):
        return False  # whoever purges does not want to wait longer
    role = examined.roles.of(get).name
    if role != "cache" and (role != "unknown" or examined.values.is_constant(get.key)):
        return False
    family = [each for each in examined.roles.operations(get) if each.method == "put"]
    lives = [kv_life(examined, each) for each in family]
    return bool(lives) and all(life is not None and life.seconds >= 2 * _LONGER_S for life in lives)


def _is_link(examined: Examination, get: Operation) -> bool:
    """Written once and followed often: the target of a redirect, by a key of its own."""
    if examined.values.is_constant(get.key) or not _redirects(examined, get):
        return False
    family = examined.roles.family(get)
    others = [each for each in examined.operations if each.shares_namespace(get)]
    changed = any(
        pair.derived and pair.write.operation.shares_namespace(get) for pair in examined.pairs.all
    )
    removed = any(e.method == "delete" and examined.roles.family(e) == family for e in others)
    return any(each.method == "put" for each in others) and not changed and not removed


def _redirects(examined: Examination, get: Operation) -> bool:
    routine = examined.routine(get.call)
    return routine is not None and re.search(r"(?i)redirect", text(routine)) is not None


def _sets_cache_ttl(examined: Examination, get: Operation) -> bool:
    """Or may set it, for all that can be seen."""
    return examined.values.option(get.call, 1, "cacheTtl") is not MISSING


def _serves(examined: Examination, get: Operation) -> bool:
    """In a handler of requests: the namespace is published elsewhere and only read here."""
    routine = examined.routine(get.call)
    given = parameters(routine) if routine is not None else []
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
    why="A location keeps a value it has read for cacheTtl, 60 s unless said otherwise; then "
    "the next read goes to the regional or central store. Where the data may be older than "
    "that anyway, a longer cacheTtl makes more reads local, at the price of seeing writes "
    "later.",
    source="Cloudflare docs, kv/concepts/how-kv-works and kv/platform/limits; read 2026-11-23",
    counterfactual=Counterfactual("cache_ttl", "60", "300", ("latency_p95_ms", "stale_share")),
    find=find,
    fires="""export const flags = (env: Env) => env.CONFIG.get("flags", "json");""",
    quiet="""export const flags = (env: Env) => env.CONFIG.get("flags", { cacheTtl: 300 });""",
)
