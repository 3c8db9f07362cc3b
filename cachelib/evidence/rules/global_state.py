"""A variable at the top of a module that requests change, as if all of them shared it."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function
from cachelib.evidence.module import FUNCTIONS, LOOPS, Module
from cachelib.evidence.program import arguments, callee, receiver_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.syntax import ancestors, below, enclosing, inside, part, text

_CLEARING = ("null", "undefined", "number", "false", "true", "new_expression")
_PERSONAL = re.compile(r"(?i)session|user|login|cart|connection|rate_?limit|attempt|nonce|online")
_REGISTRY = re.compile(
    r"(?i)listener|subscri|handler|callback|event|hook|observer|plugin|middleware|warned|register"
    r"|registry|route|factor|provider|adapter|timer"
)
_BREAKER = re.compile(
    r"(?i)fail|degrad|circuit|breaker|backoff|cool_?down|retr(?:y|ies)|consecutive"
)
_SHARED = re.compile(r"(?i)in_?flight|pending|dedupe|coalesc")
_COMPONENTS = (".vue", ".svelte", ".astro")  # whose script runs for each component anew
_MEMO = ("||", "??")
_COLLECTION = re.compile(r"^(?:\[|new (?:Weak)?(?:Set|Array)\b|Array\.)")
_ADDING = ("push", "add", "unshift")


def find(examined: Examination) -> Iterator[Hit]:
    seen: set[str] = set()
    for module, node, name in _changes(examined):
        if f"{module.path}:{name}" not in seen:
            seen.add(f"{module.path}:{name}")
            message = f"{name} belongs to one isolate: other requests see another one, or none"
            breaks = _BREAKER.search(name) is not None
            because = "an isolate may act on its own failures alone" if breaks else ""
            sure: Confidence = "low" if breaks else "high"
            yield Hit(message, node, module, confidence=sure, because=because)


def _changes(examined: Examination) -> Iterator[tuple[Module, Node, str]]:
    """Counting, collecting, keeping something of a request."""
    nodes = examined.program.nodes
    for kind in ("update_expression", "augmented_assignment_expression"):
        for module, node in nodes[kind]:
            target = part(node, "argument") or part(node, "left")
            name = _global(examined, _base(target), node)
            memo = text(part(node, "operator")) in ("??=", "||=")
            if name and not memo and not _numbers(node) and not _is_of_now(node, name):
                yield module, node, name
    for module, node in nodes["assignment_expression"]:
        target = part(node, "left")
        name = _global(examined, _base(target), node)
        if name and target is not None and _keeps_state(examined, node, target):
            yield module, node, name
    yield from _collections(examined)


def _keeps_state(examined: Examination, node: Node, target: Node) -> bool:
    """A variable that is no memo; a member that counts on itself."""
    if target.type == "identifier":
        return not _is_memo(examined, node)
    right = part(node, "right")
    if (
        right is not None
        and right.type == "binary_expression"
        and text(part(right, "operator")) in _MEMO
    ):
        return False
    members = below(right, "member_expression", "subscript_expression") if right else ()
    return any(text(each) == text(target) for each in members)


def _collections(examined: Examination) -> Iterator[tuple[Module, Node, str]]:
    for module, call in examined.program.calls_of(*_ADDING, "set"):
        receiver = receiver_of(call)
        if callee(call) in _ADDING and (name := _global(examined, receiver, call)):
            definition = examined.program.look_up(name, call)
            collects = definition is not None and _COLLECTION.match(text(definition.value))
            waits = any(text(part(above, "constructor")) == "Promise" for above in ancestors(call))
            if collects and not waits and _is_of_request(examined, call, name):
                yield module, call, name
        elif callee(call) == "set" and examined.kinds.has(receiver, "map"):
            stored = part(call, "arguments")
            counted = f"{text(receiver)}.get(" in text(stored) or _of_own(examined, call)
            personal = _PERSONAL.search(text(receiver)) is not None and not _SHARED.search(
                text(receiver)
            )
            if personal and not counted:
                personal = not _is_load(examined, call)
            if _is_taken_off(call):
                continue
            if (counted or personal) and (name := _global(examined, receiver, call)):
                yield module, call, name


def _is_of_now(node: Node, name: str) -> bool:
    """Counted up and, when it has ended, down again: how much this isolate does at a time."""
    function = owner_function(node)
    ends = below(function, "finally_clause") if function is not None else ()
    changed = re.compile(rf"\b{re.escape(name)}\s*(?:--|-=)|--\s*{re.escape(name)}\b")
    return any(changed.search(text(each)) for each in ends)


def _is_taken_off(call: Node) -> bool:
    """The entry leaves in a `finally` of the same function: it is about what runs now."""
    function, name = owner_function(call), f"{text(receiver_of(call))}.delete("
    ends = below(function, "finally_clause") if function is not None else ()
    return any(name in text(each) for each in ends)


def _is_load(examined: Examination, call: Node) -> bool:
    """`files.set(id, load(id))`: what any isolate could load for itself is a cache's."""
    stored = next(iter(arguments(call)[1:2]), None)
    if stored is not None and stored.type == "identifier":
        definition = examined.program.look_up(text(stored), stored)
        stored = definition.value if definition is not None else None
    if stored is None:
        return False
    if any(origin.kind in ("load", "kv") for origin in examined.flow.origins(stored)):
        return True
    functions = examined.kinds.callees(stored) if stored.type == "call_expression" else []
    return any(child.type == "async" for each in functions for child in each.children)


def _numbers(node: Node) -> bool:
    """`const id = next++`: a number that tells things of this isolate apart."""
    used = ("variable_declarator", "assignment_expression", "arguments", "template_substitution",
            "return_statement", "pair")  # fmt: skip
    return node.type == "update_expression" and node.parent is not None and node.parent.type in used


def _is_of_request(examined: Examination, call: Node, name: str) -> bool:
    """What is added comes with a request, or the collection is called after what does."""
    if _PERSONAL.search(name):
        return True
    if _REGISTRY.search(name) or _is_emptied(examined, call, name):
        return False
    kinds = {o.kind for each in arguments(call) for o in examined.flow.origins(each)}
    return bool(kinds & {"request", "given", "minted"})


def _is_emptied(examined: Examination, call: Node, name: str) -> bool:
    """Begun anew before each use, as a list that one synchronous walk fills."""
    later = examined.program.given_later.get(name, [])
    definition = examined.program.look_up(name, call)
    return any(
        text(each) in ("[]", "new Set()") and examined.program.look_up(name, each) == definition
        for each in later
    )


def _of_own(examined: Examination, call: Node) -> bool:
    """`const n = hits.get(ip) ?? 0; hits.set(ip, n + 1)`."""
    for sum_ in below(part(call, "arguments") or call, "binary_expression", "update_expression"):
        return any(examined.kinds.has(name, "map_value") for name in below(sum_, "identifier"))
    return False


def _base(node: Node | None) -> Node | None:
    """`stats` of `stats.hits`."""
    while node is not None and node.type in ("member_expression", "subscript_expression"):
        node = part(node, "object")
    return node


def _global(examined: Examination, name: Node | None, at: Node) -> str:
    """The name, where it is a variable of the module that a function changes."""
    if name is None or name.type != "identifier" or owner_function(at) is None:
        return ""
    definition = examined.program.look_up(text(name), at)
    if definition is None or definition.owner.type != "variable_declarator":
        return ""
    if examined.program.path_of(definition.owner).endswith(_COMPONENTS):
        return ""
    holder = enclosing(definition.owner, {"statement_block", *LOOPS, *FUNCTIONS})
    return text(name) if holder is None else ""


def _is_memo(examined: Examination, node: Node) -> bool:
    """Set once or kept for a while: the assignment depends on a module variable, or clears it."""
    value = part(node, "right")
    if value is None or value.type in _CLEARING:
        return True
    for above in ancestors(node):
        condition = part(above, "condition")
        if condition is not None and not inside(node, condition):
            names = (each for each in below(condition, "identifier"))
            if any(_global(examined, each, node) for each in names):
                return True
        if above.type == "statement_block" and _guarded_before(examined, above, node):
            return True
    return all(origin.kind != "request" for origin in examined.flow.origins(value))


def _guarded_before(examined: Examination, block: Node, node: Node) -> bool:
    """`if (cached) return cached;` earlier in the block."""
    for statement in block.named_children:
        if statement.start_byte >= node.start_byte:
            return False
        condition = part(statement, "condition")
        names = below(condition, "identifier") if condition is not None else ()
        if any(_global(examined, each, node) for each in names):
            return any(below(statement, "return_statement"))
    return False


RULE = Rule(
    id="global-state",
    severity="warning",
    title="Global mutable state used as if shared",
    why="Each isolate has its own memory, there are many of them in every location, and one "
    "may be ended at any time. What a request leaves in a variable is seen by some later "
    "requests and not by others, and data of one user can reach another.",
    source="Cloudflare docs, workers/reference/how-workers-works; read 2026-11-23",
    counterfactual=NotModelled("what the variable means to the application is not known"),
    find=find,
    fires="""let visits = 0;
export default {
  async fetch(): Promise<Response> {
    visits++;
    return new Response(String(visits));
  },
};""",
    quiet="""let client: Client | undefined;
export function connect(url: string) {
  client ??= new Client(url);
  return client;
}""",
)
