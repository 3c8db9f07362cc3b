"""A value found in KV enters the memory cache with a full life of its own."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function, parameters
from cachelib.evidence.module import Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.pairs import may_meet
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.rules._lifetimes import NOW, sets
from cachelib.evidence.syntax import below, part, text
from cachelib.evidence.values import MISSING


def find(examined: Examination) -> Iterator[Hit]:
    for module, kept, given in _kept(examined):
        for place, stored in _stored(examined, kept, given):
            if not _comes_from_kv(examined, stored[0]):
                continue
            for end, value in _given_by_callers(examined, kept, stored[0]):
                if sure := _life(examined, end, value):
                    where = examined.module_of(end)
                    yield Hit(_MESSAGE, end, where, confidence=sure, because=_BECAUSE[sure])
            restarts = _restarts_life(examined, kept, stored)
            sure = _life(examined, place, stored[0]) if restarts else None
            if sure is not None:
                where = module if place == kept else examined.module_of(place)
                yield Hit(_MESSAGE, place, where, confidence=sure, because=_BECAUSE[sure])


def _kept(examined: Examination) -> Iterator[tuple[Module, Node, list[Node]]]:
    """What goes into a map or a library's cache, and into a variable of the module."""
    for module, call in sets(examined):
        yield module, call, arguments(call)[1:]
    for module, node in examined.program.nodes["assignment_expression"]:
        target, value = part(node, "left"), part(node, "right")
        if target is None or value is None or target.type != "identifier":
            continue
        found = examined.program.look_up(text(target), target)
        if found is not None and owner_function(found.owner) is None:
            yield module, node, [value]


def _stored(
    examined: Examination, kept: Node, given: list[Node]
) -> Iterator[tuple[Node, list[Node]]]:
    """What may be stored, and where its life is decided: in a caller that hands the entry over."""
    if not given:
        return
    rest = [literal for each in given[1:] for literal in _meant(examined, each)[:1]]
    for literal in _meant(examined, given[0]):
        end = next(_clock_readings(literal), None)
        elsewhere = examined.routine(literal) != examined.routine(kept)
        yield end if end is not None and elsewhere else kept, [literal, *rest]


def _given_by_callers(
    examined: Examination, kept: Node, entry: Node
) -> Iterator[tuple[Node, Node]]:
    """The whole new life that a caller gives a helper together with a value from KV."""
    routine = examined.routine(kept)
    if routine is None or entry.type != "object":
        return
    names = [text(part(each, "pattern") or each) for each in parameters(routine)]
    stored = {text(part(each, "value")) for each in below(entry, "pair")}
    stored |= {text(each) for each in below(entry, "shorthand_property_identifier")}
    for call in examined.kinds.callers(routine) if stored & {*names} else []:
        given = [each for name, each in zip(names, arguments(call), strict=False) if name in stored]
        values = [
            each for each in given if _comes_from_kv(examined, each) and NOW not in text(each)
        ]
        ends = [each for each in given if NOW in text(each) and not _limited_by_kv(examined, each)]
        if values and ends:
            yield ends[0], values[0]


def _meant(examined: Examination, argument: Node) -> list[Node]:
    """The literals behind `const entry = { … }`, and those that callers give for a parameter."""
    literals = examined.kinds.objects(argument) if argument.type == "identifier" else []
    return literals or [argument]


def _comes_from_kv(examined: Examination, value: Node) -> bool:
    parts = [
        value,
        *below(value, "identifier", "member_expression", "shorthand_property_identifier"),
    ]
    return any(examined.kinds.has(each, "kv_value") for each in parts)


def _life(examined: Examination, kept: Node, value: Node) -> Confidence | None:
    """How surely what was read has an end in KV, which the fresh one may exceed.

    None where it has none: a setting, or what is written without an expiration, cannot outlive
    itself in memory.
    """
    reads = _reads(examined, kept, value)
    roles = {examined.roles.of(get).name for get in reads}
    if roles and not roles & {"cache", "unknown"}:
        return None
    writes = [put for put in examined.of("put") if any(_may_be_of(examined, put, g) for g in reads)]
    if any(_expires(examined, put) for put in writes) or _tells_its_age(examined, reads):
        return "high"
    if writes:
        return None
    return "medium" if "cache" in roles else "low"


def _reads(examined: Examination, kept: Node, value: Node) -> list[Operation]:
    """The reads that may have given the value: of its routine, else any of its namespaces."""
    inner = below(value, "identifier", "member_expression", "shorthand_property_identifier")
    names = {name for each in (value, *inner) for name in examined.kinds.names(each, "kv_value")}
    found = [get for get in examined.reads if get.namespaces & names]
    routine = examined.routine(kept)
    return [get for get in found if examined.routine(get.call) == routine] or found


def _may_be_of(examined: Examination, put: Operation, get: Operation) -> bool:
    keys = examined.flow.pattern(put.key), examined.flow.pattern(get.key)
    return put.shares_namespace(get) and may_meet(*keys)


def _expires(examined: Examination, put: Operation) -> bool:
    ends = [examined.values.option(put.call, 2, name) for name in ("expirationTtl", "expiration")]
    return any(end is not MISSING for end in ends)


def _tells_its_age(examined: Examination, reads: list[Operation]) -> bool:
    """`entry.storedAt`: the application looks at the age of what it has found."""
    members = (
        member
        for get in reads
        if (routine := examined.routine(get.call)) is not None
        for member in below(routine, "member_expression")
    )
    return any(
        _AGE.match(text(part(member, "property")))
        and examined.kinds.has(part(member, "object"), "kv_value")
        for member in members
    )


def _restarts_life(examined: Examination, call: Node, stored: list[Node]) -> bool:
    """The entry's end counts from now, and nothing read from KV limits it."""
    if call.type == "call_expression" and examined.kinds.has(receiver_of(call), "lru"):
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


_MESSAGE = "promotes a value from KV to memory with a fresh, full TTL"
_AGE = re.compile(r"(?:expires?\w*|(?:stored|cached|saved|fetched|created)(?:At)?|timestamp)$")
_BECAUSE: dict[Confidence, str] = {
    "high": "",
    "medium": "it is called a cache, but who writes it, and for how long, is not in the source",
    "low": "who writes it, and whether it ever expires, is not in the source",
}

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
