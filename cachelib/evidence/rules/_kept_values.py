"""Writes of what was read as it is, with other metadata or another end of its life."""

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.pairs import Pair
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.syntax import below, part, text


def is_kept(examined: Examination, pair: Pair) -> bool:
    """The value is written as it was read: nothing in the routine changes or hands on its name."""
    value = _plain(next(iter(arguments(pair.write.call)[1:2]), None))
    if pair.write.call != pair.write.operation.call or value is None or value.type != "identifier":
        return False
    definition = examined.program.look_up(text(value), value)
    if definition is None or definition.value is None:
        return False
    if definition.path not in ((), ("value",)) or _awaited(definition.value) != pair.read.call:
        return False
    of_value = examined.pairs.variables(value)
    uses = (each for each in below(pair.routine, "identifier") if text(each) == text(value))
    return all(_only_looks(each) for each in uses if examined.pairs.variables(each) == of_value)


def _plain(value: Node | None) -> Node | None:
    """`JSON.stringify(link)` is the link, in text."""
    if value is not None and value.type == "call_expression":
        return arguments(value)[0] if text(function_of(value)) == "JSON.stringify" else None
    return value


def _awaited(value: Node) -> Node:
    return value.named_children[0] if value.type == "await_expression" else value


def _only_looks(name: Node) -> bool:
    """Declared, asked for, written as text, or a plain member of it is read."""
    above = name.parent
    if above is None:
        return False
    if above.type == "member_expression":
        return _is_read(above)
    if above.type == "arguments" and above.parent is not None:
        function = text(function_of(above.parent))
        return function == "JSON.stringify" or function.endswith(".put")
    return above.type in (
        *("variable_declarator", "pair_pattern", "parenthesized_expression", "unary_expression"),
    )


def _is_read(member: Node) -> bool:
    above = member.parent
    changing = ("call_expression", "update_expression", "unary_expression", "member_expression")
    if above is None or above.type in changing or above.type == "subscript_expression":
        return False
    assigned = above.type in ("assignment_expression", "augmented_assignment_expression")
    return not assigned or part(above, "left") != member
