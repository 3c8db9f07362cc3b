"""A value found in KV enters the memory cache with a full life of its own."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.rules._lifetimes import NOW, sets
from cachelib.evidence.syntax import below, part, text


def find(examined: Examination) -> Iterator[Hit]:
    for module, call in sets(examined):
        stored = [_meant(examined, each) for each in arguments(call)[1:]]
        if not stored or not _comes_from_kv(examined, stored[0]):
            continue
        if _restarts_life(examined, call, stored) and _has_a_life(examined, stored[0]):
            message = "promotes a value from KV to memory with a fresh, full TTL"
            yield Hit(message, call, module)


def _meant(examined: Examination, argument: Node) -> Node:
    """The literal behind `const entry = { … }`."""
    literals = examined.kinds.objects(argument) if argument.type == "identifier" else []
    return literals[0] if literals else argument


def _comes_from_kv(examined: Examination, value: Node) -> bool:
    parts = [
        value,
        *below(value, "identifier", "member_expression", "shorthand_property_identifier"),
    ]
    return any(examined.kinds.has(each, "kv_value") for each in parts)


def _has_a_life(examined: Examination, value: Node) -> bool:
    """What KV keeps is a cache: a setting has no age that could be exceeded."""
    inner = below(value, "identifier", "member_expression", "shorthand_property_identifier")
    names = {name for each in (value, *inner) for name in examined.kinds.names(each, "kv_value")}
    roles = {examined.roles.of(get).name for get in examined.reads if get.namespaces & names}
    return not roles or bool(roles & {"cache", "unknown"})


def _restarts_life(examined: Examination, call: Node, stored: list[Node]) -> bool:
    """The entry's end counts from now, and nothing read from KV limits it."""
    if examined.kinds.has(receiver_of(call), "lru"):
        return len(stored) == 1 and _has_ttl(examined, call)
    ends = [each for argument in stored for each in _clock_readings(argument)]
    return bool(ends) and not any(_limited_by_kv(examined, end) for end in ends)


def _clock_readings(argument: Node) -> Iterator[Node]:
    """The value of each member that contains `Date.now()`, or an argument that does."""
    pairs = [part(pair, "value") for pair in below(argument, "pair")]
    for value in pairs or [argument]:
        if value is not None and NOW in text(value):
            yield value


def _limited_by_kv(examined: Examination, end: Node) -> bool:
    members = below(end, "member_expression", "identifier")
    return any(examined.kinds.has(each, "kv_value") for each in members)


def _has_ttl(examined: Examination, call: Node) -> bool:
    names = examined.kinds.names(receiver_of(call), "lru")
    return any(
        str(node.id) in names and "ttl" in text(part(node, "arguments")).lower()
        for _, node in examined.program.nodes["new_expression"]
    )


RULE = Rule(
    id="l1-promotion-fresh-ttl",
    severity="warning",
    title="Promotion with a fresh full TTL",
    why="An entry that has spent most of its life in KV starts a new one in memory, so what is "
    "served can be as old as both lifetimes together. An entry that keeps only what is "
    "left of its life costs no additional load.",
    source="this project's expiry rule (inherited expiry), proved in its test suite",
    counterfactual=Counterfactual(
        "promotion", "independent", "inherited", ("max_age_s", "stale_share", "origin_loads")
    ),
    find=find,
    fires="""const l1 = new Map<string, { value: string; expiresAt: number }>();
export async function read(env: Env, key: string) {
  const value = await env.CACHE.get(key);
  if (value !== null) l1.set(key, { value, expiresAt: Date.now() + 60_000 });
  return value;
}""",
    quiet="""const l1 = new Map<string, { value: string; expiresAt: number }>();
export async function read(env: Env, key: string) {
  const entry = await env.CACHE.get<{ value: string; expiresAt: number }>(key, "json");
  if (entry !== null) l1.set(key, entry);
  return entry?.value ?? null;
}""",
)
