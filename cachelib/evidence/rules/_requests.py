"""What runs while somebody waits for a response, and the calls of the Cache API."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import function_name, parameters
from cachelib.evidence.module import CLASSES, FUNCTIONS, LOOPS, Module
from cachelib.evidence.program import callee, receiver_of
from cachelib.evidence.syntax import ancestors, below, enclosing, part, text

_REQUEST = re.compile(r"^(?:request|req|_request|_req|c|event|r)$")
_TYPED = re.compile(r"\b(?:\w+\.)?(?:Incoming|Next|I)?Request\b")
_HANDLING = re.compile(
    r"^(?:fetch|onRequest\w*|loader|action|GET|POST|PUT|PATCH|DELETE|handle\w*)$"
)
_ROUTING = {"get", "all", "use", "post", "put", "patch", "delete", "route", "on"}
_BACKGROUND = re.compile(r"^(?:scheduled|queue|alarm|email|tail|trace)$|[Cc]ron")
_DEEPEST = 3
_MOST_EXPRESSIONS = 40  # of one value
NAMES = ("identifier", "shorthand_property_identifier")
_MANY = ("array",)
_MAKES_MANY = (*(".slice(", ".splice(", ".map(", ".filter(", "Array.from(", "Object.fromEntries("),)


def in_request(examined: Examination, node: Node, depth: int = 0) -> bool:
    """Reached from a handler of requests, through a few helpers at most."""
    routine = examined.routine(node)
    if routine is None or depth > _DEEPEST or is_background(node):
        return False
    if handles(examined, routine):
        return True
    return any(in_request(examined, call, depth + 1) for call in examined.kinds.callers(routine))


def handles(examined: Examination, routine: Node) -> bool:
    """A handler of requests, by its name, its parameters or what it returns."""
    if "Response" in text(part(routine, "return_type")):
        return True
    if _HANDLING.match(function_name(routine)):
        return True
    call = enclosing(routine, {"call_expression"})
    if call is not None and routine.parent is not None and routine.parent.parent == call:
        return callee(call) in _ROUTING
    names = [text(part(each, "pattern") or each) for each in parameters(routine)]
    typed = any(_TYPED.search(text(part(each, "type"))) for each in parameters(routine))
    return typed or any(_REQUEST.match(name) and name != "r" for name in names)


def is_background(node: Node) -> bool:
    """In a cron, a queue consumer, an alarm."""
    around = (each for each in ancestors(node) if each.type in FUNCTIONS)
    return any(_BACKGROUND.search(function_name(each)) for each in around)


def edge_calls(examined: Examination, *methods: str) -> Iterator[tuple[Module, Node]]:
    """Calls of the Cache API: `caches.default.put(…)`."""
    for module, call in examined.program.calls_of(*methods):
        if examined.kinds.has(receiver_of(call), "edge_cache"):
            yield module, call


def expressions_of(examined: Examination, value: Node) -> list[Node]:
    """The expressions that a value is made of, through the variables of its routine."""
    found, waiting = [value], [value]
    while waiting and len(found) < _MOST_EXPRESSIONS:
        for name in below(waiting.pop(), *NAMES):
            definition = examined.program.look_up(text(name), name)
            made = definition.value if definition is not None else None
            if made is not None and made.type not in FUNCTIONS and made not in found:
                found.append(made)
                waiting.append(made)
    return found


def statement_of(call: Node) -> Node:
    """The expression that a call is the whole of, with its `.catch(…)` and its `void`."""
    node = call
    while (parent := node.parent) is not None:
        chained = parent.parent if parent.type == "member_expression" else None
        if (
            chained is not None
            and chained.type == "call_expression"
            and callee(chained) in _CHAINED
        ):
            node = chained
            continue
        if parent.type in ("parenthesized_expression", "unary_expression"):
            node = parent
            continue
        break
    return node


_CHAINED = ("then", "catch", "finally")


def object_class(node: Node) -> Node | None:
    """The class of a Durable Object around a node."""
    for class_ in (each for each in ancestors(node) if each.type in CLASSES):
        heads = [text(each) for each in class_.named_children if each.type == "class_heritage"]
        if any(
            "DurableObject" in each or re.search(r"\b(?:Agent|Server)\b", each) for each in heads
        ):
            return class_
        if re.search(r"\bDurableObjectState\b", text(part(class_, "body"))[:4000]):
            return class_
    return None


def ends_after(call: Node, loop: Node) -> bool:
    """The round in which the call stands is the last: the loop looks for the first that fits."""
    if loop.type not in LOOPS:
        return False
    if _ends_with_leaving(part(loop, "body"), call):
        return True
    block = enclosing(call, {"statement_block"})
    while block is not None and block.start_byte >= loop.start_byte:
        last = block.named_children[-1] if block.named_children else None
        if last is not None and last.type in ("return_statement", "break_statement"):
            return True
        if block.parent == loop:
            return False
        block = enclosing(block, {"statement_block"})
    return False


def _ends_with_leaving(block: Node | None, call: Node) -> bool:
    """`if (await isBroken(each)) continue; … return each;`: who is not passed over is taken."""
    last = block.named_children[-1] if block is not None and block.named_children else None
    if last is None or last.end_byte < call.start_byte:
        return False
    if last.type == "try_statement":
        return _ends_with_leaving(part(last, "body"), call)
    return last.type in ("return_statement", "break_statement")


def is_many(examined: Examination, key: Node | None) -> bool:
    """An array of keys, or an object of them with their values."""
    if key is None or key.type in _MANY or any(made in text(key) for made in _MAKES_MANY):
        return True
    definition = examined.program.look_up(text(key), key) if key.type == "identifier" else None
    if definition is None:
        return False
    value, annotation = definition.value, text(part(definition.owner, "type"))
    made = value is not None and (
        value.type in _MANY or any(each in text(value) for each in _MAKES_MANY)
    )
    return made or annotation.endswith("[]") or "Array<" in annotation


def is_conditional(node: Node, routine: Node) -> bool:
    """Under an `if`, in a loop, a `catch` or a `switch` of the routine."""
    kinds = ("if_statement", "ternary_expression", "switch_case", "catch_clause", "for_statement",
             "for_in_statement", "while_statement", "do_statement")  # fmt: skip
    for above in ancestors(node):
        if above == routine:
            return False
        if above.type in kinds:
            return True
        if above.type == "binary_expression" and text(part(above, "operator")) in ("&&", "||"):
            return True
    return False


def routine_text(examined: Examination, node: Node) -> str:
    routine = examined.routine(node)
    return text(routine) if routine is not None else ""
