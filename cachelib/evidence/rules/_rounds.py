"""How often a loop goes round, where its source says so."""

from tree_sitter import Node

from cachelib.evidence.definitions import Definition
from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import callback_of
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import arguments, function_of, receiver_of
from cachelib.evidence.syntax import enclosing, part, text

_WRAPPING = ("as_expression", "satisfies_expression", "parenthesized_expression")
_WITHOUT_ORDER = ("map", "flatMap", "forEach")
_OF_ALL = ("Object.keys", "Object.values", "Object.entries", "Object.freeze")


def rounds(examined: Examination, loop: Node) -> int | None:
    """Over a constant list: `["new", "sale"].map(…)`, `for (const tag of TAGS)`."""
    if loop.type in FUNCTIONS:
        return length(examined, receiver_of(enclosing(loop, {"call_expression"})))
    return length(examined, part(loop, "right")) if loop.type == "for_in_statement" else None


def length(examined: Examination, listed: Node | None, depth: int = 0) -> int | None:
    """Of a list that the source writes out, and adds nothing to."""
    if listed is None or depth > _DEEPEST:
        return None
    match listed.type:
        case "array" | "object":
            each = [child for child in listed.named_children if child.type != "comment"]
            return None if any(child.type == "spread_element" for child in each) else len(each)
        case "call_expression" if text(function_of(listed)) in _OF_ALL:
            return length(examined, next(iter(arguments(listed)), None), depth + 1)
        case "identifier":
            found = examined.program.look_up(text(listed), listed)
            if found is None or found.path or is_added_to(examined, listed, found):
                return None
            return length(examined, found.value, depth + 1)
        case kind if kind in _WRAPPING:
            return length(examined, listed.named_children[0], depth + 1)
    return None


def is_added_to(examined: Examination, name: Node, found: Definition) -> bool:
    """`tags.push(…)`, `table[key] = …`, `sizes.add(…)`, by this variable or one so called."""
    program = examined.program
    if program.given_later.get(found.name) or "*" in program.extended.get(found.name, ()):
        return True
    return any(text(receiver_of(call)) == text(name) for call in program.calls_by_name["add"])


_DEEPEST = 6


def is_at_once(call: Node, loop: Node) -> bool:
    """The rounds do not wait for each other: `Promise.all(keys.map(…))`, promises collected."""
    if loop.type in FUNCTIONS:
        return callback_of(loop) in _WITHOUT_ORDER
    waiting = enclosing(call, {"await_expression", *FUNCTIONS, loop.type})
    return waiting is None or waiting.type != "await_expression"
