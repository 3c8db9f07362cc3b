"""What a function takes and gives, and which function a node stands in."""

from tree_sitter import Node

from cachelib.evidence.definitions import Definition
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import callee
from cachelib.evidence.syntax import ancestors, below, part, text

HANDLERS = ("fetch", "scheduled", "queue", "email", "tail", "trace", "test")


def owner_function(node: Node) -> Node | None:
    return next((above for above in ancestors(node) if above.type in FUNCTIONS), None)


def parameters(function: Node) -> list[Node]:
    listed = part(function, "parameters")
    if listed is None:
        single = part(function, "parameter")
        return [single] if single is not None else []
    return [child for child in listed.named_children if child.type != "comment"]


def function_of_definition(definition: Definition) -> Node | None:
    if definition.owner.type in FUNCTIONS:
        return definition.owner
    value = definition.value
    return value if value is not None and value.type in FUNCTIONS and not definition.path else None


def function_name(function: Node) -> str:
    """Its own name, or that of the variable, field or property that holds it."""
    name = part(function, "name")
    parent = function.parent
    if name is None and parent is not None:
        name = part(parent, "name") or part(parent, "key")
    return text(name)


def returns(function: Node) -> list[Node]:
    """The expressions a function returns; those of functions inside it are not its own."""
    body = part(function, "body")
    if body is None:
        return []
    if body.type != "statement_block":
        return [body]
    return [
        statement.named_children[0]
        for statement in below(body, "return_statement")
        if statement.named_children and owner_function(statement) == function
    ]


def is_handler(function: Node) -> bool:
    """`fetch(request, env)` of an object that is not an argument: a Worker's entry."""
    holder = function if function.type == "method_definition" else function.parent
    if holder is None or holder.type not in ("method_definition", "pair"):
        return False
    name = text(part(holder, "name") or part(holder, "key")).strip("\"'")
    literal = holder.parent
    outside = literal.parent if literal is not None and literal.type == "object" else None
    return name in HANDLERS and outside is not None and outside.type not in ("arguments", "pair")


def callback_of(function: Node) -> str:
    """The name of the method a function is an argument of: `map` of `keys.map(key => …)`."""
    parent = function.parent
    if parent is None or parent.type != "arguments" or parent.parent is None:
        return ""
    return callee(parent.parent) if parent.parent.type == "call_expression" else ""
