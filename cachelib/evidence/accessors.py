"""How frameworks hand bindings on: by a router's second parameter, by variables of a context."""

import re
from collections import defaultdict

from tree_sitter import Node

from cachelib.evidence.functions import function_name, parameters
from cachelib.evidence.module import CLASSES
from cachelib.evidence.program import Program, arguments, callee, receiver_of
from cachelib.evidence.syntax import enclosing, part, text

_PLATFORM_CLASS = re.compile(r"\b(?:DurableObject|WorkerEntrypoint|WorkflowEntrypoint|Agent)\b")
_STATE_TYPE = re.compile(r"DurableObjectState|ExecutionContext")
_STATE_NAME = re.compile(r"^_?(?:state|ctx)$")
_ROUTER = re.compile(r"\b(?:Itty|Auto)?Router\(")
_CONTEXT = re.compile(r"^(?:c|ctx|context)$")
_VARIABLES = re.compile(r"^(?:c|ctx|context)\.var$")
_ENTRIES = ("fetch", "alarm")


def constructed_with_env(constructor: Node) -> bool:
    """`(state, env)`: of a class of the platform, or of an object without the word `extends`."""
    class_ = enclosing(constructor, CLASSES)
    if class_ is None:
        return False
    heads = [text(each) for each in class_.named_children]
    if any(_PLATFORM_CLASS.search(each) for each in heads if each.startswith("extends")):
        return True
    first = next(iter(parameters(constructor)), None)
    names = (text(part(first, "pattern") or first), text(part(first, "type")))
    has_state = bool(_STATE_NAME.match(names[0]) or _STATE_TYPE.search(names[1]))
    body = part(class_, "body")
    members = body.named_children if body is not None else []
    return has_state and any(function_name(each) in _ENTRIES for each in members)


def is_routed(program: Program, function: Node) -> bool:
    """The handler of a route of itty-router, which is given `(request, env)`."""
    given = function.parent
    call = given.parent if given is not None and given.type == "arguments" else None
    router = receiver_of(call)
    if router is None or router.type != "identifier":
        return False
    definition = program.look_up(text(router), router)
    return definition is not None and _ROUTER.search(text(definition.value)) is not None


def variables(program: Program) -> dict[str, list[Node]]:
    """What Hono's context is given by `c.set("kv", …)`, by name."""
    found: dict[str, list[Node]] = defaultdict(list)
    for call in program.calls_by_name["set"]:
        given = arguments(call)
        if len(given) == 2 and _CONTEXT.match(text(receiver_of(call))):
            found[text(given[0]).strip("\"'`")].append(given[1])
    return found


def holds_variables(receiver: Node | None) -> bool:
    """`c` of `c.get("kv")`, `c.var` of `c.var.kv`."""
    name = text(receiver)
    return bool(_CONTEXT.match(name) or _VARIABLES.match(name))


def globals_written(program: Program) -> frozenset[str]:
    """The undeclared names that are read and written like a namespace, as old Workers have them."""
    found = []
    for method in ("get", "put"):
        receivers = (receiver_of(call) for call in program.calls_by_name[method])
        found.append(
            {
                text(each)
                for each in receivers
                if each is not None
                and each.type == "identifier"
                and program.look_up(text(each), each) is None
            }
        )
    listening = any(
        text(next(iter(arguments(call)), None)).strip("\"'`") in ("fetch", "scheduled")
        for call in program.calls_by_name["addEventListener"]
    )
    return frozenset(found[0] & found[1]) if listening else frozenset()


def is_get_of_variable(call: Node) -> bool:
    return callee(call) == "get" and len(arguments(call)) == 1
