"""Whether a copy of an origin's value in KV is ever loaded again."""

import re

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.operations import Operation
from cachelib.evidence.pairs import Pair, leaves, may_meet, was_missing
from cachelib.evidence.rules._requests import is_background
from cachelib.evidence.syntax import below, enclosing, inside, part, text

AGE = re.compile(r"Date\.now\(\)\s*-|\bnow\s*-|-\s*(?:Date\.now\(\)|now)\b|<\s*Date\.now\(\)")
_AGES = re.compile(AGE.pattern + r"|>=?\s*(?:Date\.now\(\)|now\b)|(?i:\bstale|\bexpire|isFresh)")


def is_never_refreshed(examined: Examination, put: Operation) -> bool:
    """Fetched on a miss only, under a key that stays, which nothing else writes or deletes."""
    value, key = examined.flow.origins(put.value), examined.flow.origins(put.key)
    if not any(each.kind == "load" and each.text.endswith("fetch") for each in value):
        return False
    if any(each.kind in ("time", "kv", "minted") for each in key) or _is_changed(examined, put):
        return False
    fills = [each for each in examined.pairs.all if _writes(examined, each, put)]
    on_a_miss = bool(fills) and all(_is_of_a_miss(each) for each in fills)
    return on_a_miss and _is_called_once(examined, put, fills)


def _is_changed(examined: Examination, put: Operation) -> bool:
    """Another write or a delete of what may be the same key."""
    own = examined.flow.pattern(put.key)
    others = (each for each in examined.of("put", "delete") if each.call != put.call)
    return any(
        each.shares_namespace(put) and may_meet(own, examined.flow.pattern(each.key))
        for each in others
    )


def _writes(examined: Examination, pair: Pair, put: Operation) -> bool:
    return any(
        each.call == put.call
        for each in (pair.write.operation, *examined.performed_by_call(pair.write.call))
    )


def _is_called_once(examined: Examination, put: Operation, fills: list[Pair]) -> bool:
    """What loads has no other caller, such as a cron that does so whether it is there or not."""
    routine = examined.routine(put.call)
    callers = examined.kinds.callers(routine) if routine is not None else []
    places = {each.write.call.id for each in fills}
    of_the_fill = put.call.id in places or all(each.id in places for each in callers)
    return of_the_fill and not is_background(put.call)


def _is_of_a_miss(pair: Pair) -> bool:
    """Who finds the key leaves, or writes nothing; how old it is nobody asks."""
    read, write, routine = pair.read.call, pair.write.call, pair.routine
    if _is_skipped(read, routine) or _AGES.search(text(routine)):
        return False
    names = _names(read)
    if was_missing(write, names):
        return True
    return any(_passes_on_a_miss(each, read, write, names) for each in below(routine, *_CHOICES))


def _is_skipped(read: Node, routine: Node) -> bool:
    """The look stands in a branch (`force ? null : await kv.get(key)`), not in what is asked."""
    node, branches = read, ("consequence", "alternative", "right")
    while (above := node.parent) is not None and above != routine:
        chosen = above.type in (*_CHOICES, "ternary_expression")
        if chosen and any(part(above, branch) == node for branch in branches):
            return True
        node = above
    return False


_CHOICES = ("if_statement", "binary_expression")


def _passes_on_a_miss(choice: Node, read: Node, write: Node, names: set[str]) -> bool:
    condition, then = part(choice, "condition"), part(choice, "consequence")
    if choice.type == "binary_expression":  # `(await kv.get(key)) ?? (await load(key))`
        left, right = part(choice, "left"), part(choice, "right")
        return (
            left is not None and right is not None and inside(read, left) and inside(write, right)
        )
    if condition is None or then is None:
        return False
    if inside(write, then):
        return inside(read, condition)
    asked = any(re.search(rf"\b{re.escape(name)}\b", text(condition)) for name in names)
    return asked and read.end_byte <= choice.start_byte < write.start_byte and leaves(then)


def _names(read: Node) -> set[str]:
    """What the read is called: `hit` of `const hit = await kv.get(key)`."""
    declared = enclosing(read, {"variable_declarator", "assignment_expression"})
    target = part(declared, "name") or part(declared, "left")
    kinds = ("identifier", "shorthand_property_identifier_pattern")
    return {text(each) for each in below(target, *kinds)} if target is not None else set()
