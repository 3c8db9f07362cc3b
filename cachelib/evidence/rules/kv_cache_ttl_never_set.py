"""A hot read leaves cacheTtl at its default, though the data may be older than that."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination, Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.rule import Counterfactual, Edit, Hit, Rule, insert
from cachelib.evidence.rules._lifetimes import of_kv
from cachelib.evidence.syntax import ancestors, part, text
from cachelib.evidence.values import MISSING

_DEFAULT_S = 60
_IN_BACKGROUND = re.compile(r"^(?:scheduled|queue|alarm|email|tail)$|[Cc]ron|[Rr]efresh|[Ww]arm")


def find(examined: Examination) -> Iterator[Hit]:
    told: list[Operation] = []
    for get in examined.reads:
        if any(get.shares_namespace(each) for each in told) or not _is_hot(examined, get):
            continue
        siblings = [each for each in examined.reads if each.shares_namespace(get)]
        if all(_cache_ttl(examined, each) is MISSING for each in siblings):
            told.append(get)
            message = f"no read of {get.namespace} sets cacheTtl: each place asks again every 60 s"
            yield Hit(message, get.call, get.module, edits=_repair(get))


def _cache_ttl(examined: Examination, get: Operation) -> object:
    return examined.values.option(get.call, 1, "cacheTtl")


def _is_hot(examined: Examination, get: Operation) -> bool:
    """In the path of requests, and either one key for all or data that may be minutes old."""
    if any(_IN_BACKGROUND.search(text(part(above, "name"))) for above in ancestors(get.call)):
        return False
    return examined.values.is_constant(get.key) or _may_be_old(examined, get)


def _may_be_old(examined: Examination, get: Operation) -> bool:
    puts = {each.call.id for each in examined.of("put") if each.shares_namespace(get)}
    return any(
        life.seconds > _DEFAULT_S
        for life in of_kv(examined)
        if puts & {above.id for above in ancestors(life.node)}
    )


def _repair(get: Operation) -> tuple[Edit, ...]:
    given = arguments(get.call)
    if len(given) == 1:
        return (insert(given[0].end_byte, ", { cacheTtl: 300 }"),)
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
