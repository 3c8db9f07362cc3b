"""A map that outlives requests, is filled by them and never made smaller."""

from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.kinds import owner_function
from cachelib.evidence.program import LOOPS, Module, callee, receiver_of
from cachelib.evidence.rule import Counterfactual, Hit, Rule
from cachelib.evidence.syntax import ancestors, enclosing, part, text

_ENDING = ("finally", "then", "forEach", "setTimeout")


def find(examined: Examination) -> Iterator[Hit]:
    for module, node in examined.program.nodes["new_expression"]:
        if text(part(node, "constructor")) == "Map" and _outlives_requests(node):
            uses = list(_uses(examined, str(node.id)))
            if _grows(uses) and not _shrinks(examined, uses, str(node.id)):
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


def _uses(examined: Examination, name: str) -> Iterator[tuple[str, Node]]:
    """The methods called on a map, with the calls."""
    for method in ("set", "get", "delete", "clear", "has"):
        for call in examined.program.calls_by_name[method]:
            if name in examined.kinds.names(receiver_of(call), "map"):
                yield method, call


def _grows(uses: list[tuple[str, Node]]) -> bool:
    methods = {method for method, call in uses if owner_function(call) is not None}
    return "set" in methods and bool(methods & {"get", "has"})


def _shrinks(examined: Examination, uses: list[tuple[str, Node]], name: str) -> bool:
    if any(method == "clear" for method, _ in uses):
        return True
    if any(method == "delete" and _evicts(call) for method, call in uses):
        return True
    return any(
        text(part(member, "property")) == "size"
        and name in examined.kinds.names(part(member, "object"), "map")
        for member in examined.compared_members
    )


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
        if left is None or left.type != "subscript_expression" or base is None:
            continue
        definition = examined.program.look_up(text(base), base)
        if definition is None or index is None or owner_function(definition.owner) is not None:
            continue
        literal = definition.value
        empty = text(literal) in ("{}", "Object.create(null)")
        dropped = f"delete {text(base)}["
        if (
            literal is not None
            and empty
            and owner_function(node) is not None
            and index.type not in ("string", "number")
            and dropped not in module.source
            and f"Object.keys({text(base)})" not in module.source
            and literal.id not in seen
        ):
            seen.add(literal.id)
            yield _hit(module, literal)


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
