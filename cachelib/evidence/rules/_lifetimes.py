"""How long the memory cache and KV keep an entry, as the source states it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function
from cachelib.evidence.module import CLASSES, Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.syntax import below, enclosing, part, text

NOW = "Date.now()"


@dataclass(frozen=True, eq=False)
class Lifetime:
    """`seconds` an entry lives, and the expression that says so."""

    module: Module
    node: Node
    seconds: float


def sets(examined: Examination) -> Iterator[tuple[Module, Node]]:
    """The calls that put an entry into a memory cache."""
    for call in examined.program.calls_by_name["set"]:
        tags = {kind.tag for kind in examined.kinds.kinds(receiver_of(call))}
        if tags & {"map", "lru"}:
            yield examined.module_of(call), call


def outlives_requests(node: Node) -> bool:
    """At the top of a module, or a field of a class."""
    function = owner_function(node)
    if function is None:
        return True
    assigned = enclosing(node, {"assignment_expression"})
    is_field = text(part(assigned, "left")).startswith("this.")
    return text(part(function, "name")) == "constructor" and is_field


def outlives_with_its_class(examined: Examination, node: Node, depth: int = 0) -> bool:
    """A field lives as long as the objects of its class: known where the class is made.

    True where nothing here makes one, for all that can be seen.
    """
    class_ = enclosing(node, CLASSES)
    if class_ is None or depth > _DEEPEST or is_static(node) or is_durable_object(class_):
        return True
    made = examined.program.calls_by_name[text(part(class_, "name"))]
    return not made or any(is_kept(examined, each, depth) for each in made)


_DEEPEST = 4


def is_kept(examined: Examination, made: Node, depth: int = 0) -> bool:
    """`const one = new One()` of a module, also later, or of an object that is kept itself."""
    if enclosing(made, CLASSES) is not None and outlives_requests(made):
        return outlives_with_its_class(examined, made, depth + 1)
    if owner_function(made) is None:
        return True
    assigned = enclosing(made, {"assignment_expression", "augmented_assignment_expression"})
    target = part(assigned, "left")
    if target is None or target.type != "identifier":
        return False
    if assigned is None or owner_function(assigned) != owner_function(made):
        return False
    definition = examined.program.look_up(text(target), target)
    return definition is not None and owner_function(definition.owner) is None


def is_static(node: Node) -> bool:
    field = enclosing(node, {"public_field_definition"})
    return field is not None and any(child.type == "static" for child in field.children)


def is_durable_object(class_: Node) -> bool:
    return any(
        "DurableObject" in text(child)
        for child in class_.named_children
        if child.type == "class_heritage"
    )


def from_now(call: Node) -> Iterator[Node]:
    """The X of each `Date.now() + X` in the entry that a `set` stores."""
    for argument in arguments(call)[1:]:
        for sum_ in below(argument, "binary_expression"):
            if text(part(sum_, "operator")) == "+" and text(part(sum_, "left")) == NOW:
                addend = part(sum_, "right")
                if addend is not None:
                    yield addend


def of_l1(examined: Examination) -> Iterator[Lifetime]:
    for module, call in sets(examined):
        for addend in from_now(call):
            milliseconds = examined.values.number(addend)
            if milliseconds is not None:
                yield Lifetime(module, addend, milliseconds / 1000)
    for module, node in examined.program.nodes["new_expression"]:
        if examined.kinds.has(node, "lru"):
            option = examined.values.option(node, 0, "ttl")
            milliseconds = examined.values.number(option) if isinstance(option, Node) else None
            if isinstance(option, Node) and milliseconds is not None:
                yield Lifetime(module, option, milliseconds / 1000)
    for module, node in examined.program.nodes["binary_expression"]:
        yield from _by_age(examined, module, node)


def _by_age(examined: Examination, module: Module, node: Node) -> Iterator[Lifetime]:
    """`Date.now() - entry.storedAt < X` on an entry of the memory cache."""
    age, limit = part(node, "left"), part(node, "right")
    if text(part(node, "operator")) not in ("<", "<=", ">", ">=") or age is None or limit is None:
        return
    if text(part(age, "left")) == NOW and examined.kinds.has(part(age, "right"), "map_value"):
        milliseconds = examined.values.number(limit)
        if milliseconds is not None:
            yield Lifetime(module, limit, milliseconds / 1000)


def of_kv(examined: Examination) -> Iterator[Lifetime]:
    lives = (kv_life(examined, put) for put in examined.of("put"))
    return (life for life in lives if life is not None)


def kv_life(examined: Examination, put: Operation) -> Lifetime | None:
    """What a write states as its expirationTtl."""
    option = examined.values.option(put.call, 2, "expirationTtl")
    seconds = examined.values.number(option) if isinstance(option, Node) else None
    if not isinstance(option, Node) or seconds is None:
        return None
    return Lifetime(put.module, option, seconds)


_TIER = {"l1": re.compile(r"(?i)l1|memory|mem(?=_|[A-Z])"), "l2": re.compile(r"(?i)l2|kv")}
_TTL = re.compile(r"(?i)ttl|max_?age|lifetime|expir")


def named_pairs(examined: Examination) -> Iterator[tuple[Lifetime, Lifetime]]:
    """`{ l1TtlSeconds: 900, l2TtlSeconds: 300 }`: the two of one object, class or module."""
    beside = dict(_named(examined, "l2"))
    for holder, l1 in _named(examined, "l1"):
        if holder in beside:
            yield l1, beside[holder]


def _named(examined: Examination, tier: str) -> Iterator[tuple[int, Lifetime]]:
    """The lifetimes whose names tell the tier, with what holds them."""
    other = _TIER["l2" if tier == "l1" else "l1"]
    telling = {each.path for each in examined.program.modules if _TTL.search(each.source)}
    for kind in ("pair", "variable_declarator", "public_field_definition"):
        for module, node in examined.program.nodes[kind]:
            if module.path not in telling:
                continue
            name, holder = _name_and_holder(node)
            if _TTL.search(name) and _TIER[tier].search(name) and not other.search(name):
                value = part(node, "value")
                number = examined.values.number(value)
                if number is not None and value is not None:
                    seconds = number / (1000 if _in_ms(name) else 1)
                    yield holder.id, Lifetime(module, value, seconds)


def _name_and_holder(node: Node) -> tuple[str, Node]:
    """`l1.ttl` and the outer object for `{ l1: { ttl: 60 } }`."""
    name = text(part(node, "key") or part(node, "name")).strip("\"'")
    holder = enclosing(node, {"object", "class_body", "program", "statement_block"}) or node
    around = holder.parent
    if holder.type == "object" and around is not None and around.type == "pair":
        outer = text(part(around, "key")).strip("\"'")
        if any(tier.search(outer) for tier in _TIER.values()):
            return f"{outer}.{name}", around.parent or around
    return name, holder


def _in_ms(name: str) -> bool:
    return re.search(r"(?:_MS|Ms|Millis\w*|_ms)$", name) is not None
