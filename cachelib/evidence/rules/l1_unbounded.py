"""A map that outlives requests, is filled by them and never made smaller."""

from collections import defaultdict
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function
from cachelib.evidence.program import LOOPS, Module, callee, receiver_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import ancestors, below, enclosing, part, text

_COMPARING = ("<", ">", "<=", ">=", "===", "==")
_ENDING = ("finally", "then", "forEach", "setTimeout")


def find(examined: Examination) -> Iterator[Hit]:
    uses, measured = _uses(examined), _measured(examined)
    for module, node in examined.program.nodes["new_expression"]:
        if text(part(node, "constructor")) == "Map" and _outlives_requests(node):
            name = str(node.id)
            if _grows(examined, uses[name]) and not _shrinks(uses[name]) and name not in measured:
                yield _hit(module, node)
    yield from _plain_objects(examined)


def _hit(module: Module, node: Node) -> Hit:
    return Hit("this cache in memory has no bound: it grows until the isolate dies", node, module)


def _outlives_requests(node: Node) -> bool:
    """At the top of a module, or a field of a class."""
    function = owner_function(node)
    if function is None:
        return True
    return text(part(function, "name")) == "constructor" and enclosing_assignment(node) is not None


def enclosing_assignment(node: Node) -> Node | None:
    found = enclosing(node, {"assignment_expression"})
    return found if text(part(found, "left")).startswith("this.") else None


def _uses(examined: Examination) -> dict[str, list[tuple[str, Node]]]:
    """The methods called on each map, with the calls."""
    found: dict[str, list[tuple[str, Node]]] = defaultdict(list)
    for method in ("set", "get", "delete", "clear", "has"):
        for call in examined.program.calls_by_name[method]:
            for name in examined.kinds.names(receiver_of(call), "map"):
                found[name].append((method, call))
    return found


def _measured(examined: Examination) -> set[str]:
    """The maps whose size is compared with something."""
    found: set[str] = set()
    for _, node in examined.program.nodes["binary_expression"]:
        if text(part(node, "operator")) in _COMPARING:
            for member in below(node, "member_expression"):
                if text(part(member, "property")) == "size":
                    found |= examined.kinds.names(part(member, "object"), "map")
    return found


def _grows(examined: Examination, uses: list[tuple[str, Node]]) -> bool:
    methods = {method for method, call in uses if owner_function(call) is not None}
    sets = [call for method, call in uses if method == "set"]
    filled = any(_by_requests(examined, call) for call in sets)
    return filled and bool(methods & {"get", "has"})


def _by_requests(examined: Examination, call: Node) -> bool:
    """Not only while the module loads, as a table of routes is."""
    function = owner_function(call)
    if function is None:
        return False
    callers = examined.kinds.callers(function)
    return not callers or any(owner_function(each) is not None for each in callers)


def _shrinks(uses: list[tuple[str, Node]]) -> bool:
    return any(method == "clear" or (method == "delete" and _evicts(call)) for method, call in uses)


def _evicts(call: Node) -> bool:
    """A sweep, or an entry that leaves when its load has ended (single flight)."""
    for above in ancestors(call):
        if above.type in LOOPS or above.type == "finally_clause":
            return True
        if above.type == "call_expression" and callee(above) in _ENDING:
            return True
    return False


def _plain_objects(examined: Examination) -> Iterator[Hit]:
    """`const cache = {}` at the top of a module, filled with `cache[key] = …`."""
    seen: set[int] = set()
    for module, node in examined.program.nodes["assignment_expression"]:
        left = part(node, "left")
        base, index = part(left, "object"), part(left, "index")
        if base is None or index is None or index.type in ("string", "number"):
            continue
        literal = _literal(examined, base)
        emptied = f"delete {text(base)}[", f"Object.keys({text(base)})"
        if literal is None or literal.id in seen or any(each in module.source for each in emptied):
            continue
        if _is_shared(literal) and owner_function(node) is not None:
            seen.add(literal.id)
            yield _hit(module, literal)


def _is_shared(literal: Node) -> bool:
    """A variable of the module or a static field; a plain field may well end with its request."""
    field = literal.parent
    if field is None or field.type != "public_field_definition":
        return owner_function(literal) is None
    return any(child.type == "static" for child in field.children)


def _literal(examined: Examination, base: Node) -> Node | None:
    """The empty object that a name or a static field stands for."""
    definition = examined.program.look_up(text(base), base)
    value = definition.value if definition is not None else None
    if text(value) == "Object.create(null)":
        return value
    return next((each for each in examined.kinds.objects(base) if text(each) == "{}"), None)


RULE = Rule(
    id="l1-unbounded",
    severity="warning",
    title="Memory cache without a bound",
    why="An isolate has 128 MB, shared by all requests it serves at once; when it exceeds them it "
    "is ended, and with it every entry of its memory cache.",
    source="Cloudflare docs, workers/platform/limits; read 2026-11-23",
    counterfactual=Counterfactual("l1_bound", "unbounded", "lru", ("l1_hit_ratio", "l1_bytes")),
    find=find,
    fires="""const cache = new Map<string, string>();
export function remember(key: string, value: string) {
  if (!cache.has(key)) cache.set(key, value);
}""",
    quiet="""const cache = new Map<string, string>();
export function remember(key: string, value: string) {
  if (cache.size >= 1000) cache.delete(cache.keys().next().value!);
  if (!cache.has(key)) cache.set(key, value);
}""",
)
