"""A KV `put` that gives neither expirationTtl nor expiration: the key lives for ever.

Only where that is a fault: in a cache, or where keys that nothing reads grow without end. A
setting, a signing key or a short link must not vanish, so nothing is said of those.
"""

import re
from collections.abc import Iterator

from cachelib.evidence.examination import Examination
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments
from cachelib.evidence.repair import insert
from cachelib.evidence.roles import Role
from cachelib.evidence.rule import Counterfactual, Edit, Harm, Hit, Rule
from cachelib.evidence.rules._refreshing import AGE, is_never_refreshed
from cachelib.evidence.rules._requests import is_background, object_class
from cachelib.evidence.syntax import text
from cachelib.evidence.values import MISSING

_GENERATION = re.compile(r"(?i)generation|version|epoch|revision|purge")


def find(examined: Examination) -> Iterator[Hit]:
    for put in examined.of("put"):
        options = [examined.values.option(put.call, 2, o) for o in ("expirationTtl", "expiration")]
        if not all(option is MISSING for option in options) or _is_deleted(examined, put):
            continue
        if _is_generation(examined, put) or _is_renewed(examined, put):
            continue
        role = examined.roles.of(put)
        if _forgets(examined, put, role):
            yield _hit(examined, put, role)


def _hit(examined: Examination, put: Operation, role: Role) -> Hit:
    message = f"{put.namespace}.put without expirationTtl: the key never expires"
    first = role.name == "cache" and is_never_refreshed(examined, put)
    if first:
        message += ", and nothing here loads it again: readers get its first value for ever"
    return Hit(
        message,
        put.call,
        put.module,
        edits=_repair(put) if role.name == "cache" else (),
        confidence=role.confidence if role.name == "cache" else "medium",
        because=role.why if role.name == "cache" else "ever new keys, which nothing here reads",
        harm=NEVER_REFRESHED if first else None,
    )


def _forgets(examined: Examination, put: Operation, role: Role) -> bool:
    """A cache, or keys without end of which nothing says that they must be kept."""
    if _is_compared(examined, put):
        return False
    if role.name == "cache":
        return role.confidence == "high" or not _is_of_env(examined, put)
    if any(each.shares_namespace(put) for each in examined.of("list")):
        return False  # what is looked for by its prefix is kept on purpose
    if any(get.shares_namespace(put) for get in examined.reads):
        return False  # what is read, and shows no sign of a cache, is kept to be read
    if object_class(put.call):
        return False  # what an object keeps is published, and written anew by the object
    return role.name == "unknown" and "*" in examined.flow.pattern(put.key)


def _is_compared(examined: Examination, put: Operation) -> bool:
    """`if (known === id) return; await kv.put(key, id)`: a mark of what was seen last."""
    routine, value = examined.routine(put.call), re.escape(text(put.value))
    if routine is None or not value:
        return False
    return re.search(rf"[!=]==?\s*{value}(?!\w)|{value}\s*[!=]==?", text(routine)) is not None


def _is_of_env(examined: Examination, put: Operation) -> bool:
    """One key for each deployment: what a run leaves about itself."""
    if "*" not in examined.flow.pattern(put.key):
        return False
    origins = examined.flow.origins(put.key)
    return bool(origins) and all(origin.kind == "env" for origin in origins)


def _is_generation(examined: Examination, put: Operation) -> bool:
    """`put("generation", Date.now())`: by what entries are told apart from older ones."""
    origins = examined.flow.origins(put.value)
    moment = bool(origins) and all(origin.kind == "time" for origin in origins)
    return moment and _GENERATION.search(text(put.key)) is not None


def _is_renewed(examined: Examination, put: Operation) -> bool:
    """One key that is written anew, not forgotten: when it is old, or by a cron."""
    if "*" in examined.flow.pattern(put.key):
        return False
    family = examined.roles.operations(put)
    own = [examined.routine(each.call) for each in family]
    calls = [call for each in own if each is not None for call in examined.kinds.callers(each)]
    loaded = any(each.kind == "load" for each in examined.flow.origins(put.value))
    if loaded and any(map(is_background, [put.call, *calls])):
        return True
    around = [*own, *(examined.routine(call) for call in calls)]
    return any(each is not None and AGE.search(text(each)) for each in around)


def _is_deleted(examined: Examination, put: Operation) -> bool:
    """The source itself takes out again what it puts in: it keeps a record, not a cache."""
    if examined.roles.is_cache(put):
        return False
    family = examined.roles.family(put)
    return any(examined.roles.family(each) == family for each in examined.of("delete"))


def _repair(put: Operation) -> tuple[Edit, ...]:
    """One hour as an example; how long the value may be old is the application's to say."""
    given = arguments(put.call)
    if len(given) == 2:
        return (insert(given[1].end_byte, ", { expirationTtl: 3600 }"),)
    if len(given) == 3 and text(given[2]) in ("undefined", "{}"):
        return (Edit(given[2].start_byte, given[2].end_byte, "{ expirationTtl: 3600 }"),)
    if len(given) == 3 and given[2].type == "object":
        return (insert(given[2].start_byte + 1, " expirationTtl: 3600,"),)
    return ()


NEVER_REFRESHED = Harm(
    why="A key written without expirationTtl or expiration never expires. What is fetched on a "
    "miss only is not fetched again while its copy is there: whatever changes at the origin, "
    "readers are served the value of the first miss, until something outside these sources "
    "deletes or overwrites the key. It is also stored and billed until then.",
    counterfactual=Counterfactual(
        "kv_refresh",
        "never",
        "expiration_ttl",
        ("stale_share", "max_age_s", "origin_loads", "kv_deletes", "kv_stored_gb", "monthly_cost"),
    ),
)

RULE = Rule(
    id="kv-put-without-expiration",
    severity="warning",
    title="KV put without expiration",
    why="A key written without expirationTtl or expiration never expires. It is stored and "
    "billed until something deletes it, and each such delete is billed as well; keys that "
    "expire are removed free of charge.",
    source="Cloudflare docs, kv/api/write-key-value-pairs and kv/reference/faq; read 2026-11-23",
    counterfactual=Counterfactual(
        "kv_expiration", "none", "expiration_ttl", ("kv_deletes", "kv_stored_gb", "monthly_cost")
    ),
    find=find,
    fires="export const save = (env: Env, k: string, v: string) => env.CACHE.put(k, v);",
    quiet="""export const save = (env: Env, k: string, v: string) =>
  env.CACHE.put(k, v, { expirationTtl: 3600 });""",
    harms=(NEVER_REFRESHED,),
)
