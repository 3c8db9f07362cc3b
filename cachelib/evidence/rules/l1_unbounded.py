"""A map that outlives requests, is filled by them and never made smaller."""

import re
from collections import defaultdict
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.flow import Origins
from cachelib.evidence.functions import function_name, owner_function
from cachelib.evidence.module import CLASSES, FUNCTIONS, LOOPS, Module
from cachelib.evidence.program import arguments, callee, receiver_of
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import Hit, NotModelled, Rule
from cachelib.evidence.rules._few_keys import is_of_few
from cachelib.evidence.rules._lifetimes import is_durable_object, is_static, outlives_requests
from cachelib.evidence.syntax import ancestors, below, enclosing, part, text

_CACHE = re.compile(r"(?i)cache|memo|(?<![a-z])l1(?![a-z])")
_REGISTER = re.compile(r"(?i)^(?:register|define|use|on|subscribe|addListener|addHandler|provide)")
_FEW = re.compile(
    r"(?i)^(?:\w+\.)?\w*(?:event|hook|topic|channel|lang|locale|theme|provider|plugin|model|region)"
    r"(?:name|type|kind|id)?$|^(?:\w+\.)?(?:type|kind)$"
)
_MAKING = re.compile(r"^(?:create|make|build|new|init|connect)[A-Z]")
_WRITING = re.compile(
    r"\b(?:UPDATE|INSERT|DELETE FROM)\b|\.(?:put|update|insert)\("
    r"|[\"'](?:PUT|POST|PATCH|DELETE)[\"']"
)
_TIMED = re.compile(
    r"Date\b|performance\.now|(?i:expires|expiry|\buntil\b|stale|\bage\b|maxAge|(?<![a-z])ttl\b)"
)
_OF_THE_PLATFORM = re.compile(r"\.cf\b|\.method\b")  # places, countries, methods: there are few
_COMPARING = ("<", ">", "<=", ">=", "===", "==")
_DEEPEST_TYPE = 8  # of names for names
_ENDING = ("finally", "then", "forEach", "setTimeout")


def find(examined: Examination) -> Iterator[Hit]:
    uses, measured = _uses(examined), _measured(examined)
    for module, node in examined.program.nodes["new_expression"]:
        if text(part(node, "constructor")) == "Map" and _is_shared_map(examined, node):
            name = str(node.id)
            smaller = name in measured or _shrinks(uses[name]) or _begins_anew(examined, node)
            if not smaller and _grows(examined, uses[name]):
                origins = _key_origins(examined, uses[name])
                confidence = _confidence(origins, in_class=enclosing(node, CLASSES) is not None)
                if _is_taken_out(examined, uses[name]):
                    confidence = "low"
                keeps = _is_called_cache(node) or _is_memo(uses[name]) or _is_of_rows(origins)
                if confidence == "high" or keeps:
                    forever = confidence != "low" and _never_expires(examined, uses[name])
                    yield _hit(module, node, confidence, never_expires=forever)
    yield from _plain_objects(examined)


def _hit(module: Module, node: Node, confidence: Confidence, *, never_expires: bool = False) -> Hit:
    message = "this cache in memory has no bound: it grows until the isolate dies"
    if never_expires:
        message += ", and nothing in it expires: what it keeps first, it serves until then"
    if confidence == "high":
        return Hit(message, node, module)
    return Hit(
        f"{message}, if there are more keys than it can hold",
        node,
        module,
        confidence=confidence,
        because="nothing bounds it, but how many keys there are is not shown",
    )


def _confidence(keys: list[Origins], *, in_class: bool = False) -> Confidence:
    """What comes with a request may be anything; what a load names is as much as it names.

    What callers give to a class that nothing here makes is more than the sources can say.
    """
    kinds = [{o.kind for o in each if not _OF_THE_PLATFORM.search(o.text)} for each in keys]
    if any("request" in each and "load" not in each for each in kinds):
        return "high"
    handed_in = any(each and each <= {"given", "time"} for each in kinds)
    return "medium" if handed_in and in_class else "low"


def _is_of_rows(keys: list[Origins]) -> bool:
    """Keyed by a row's id: it keeps rows, whatever it is called; a service's list may be short."""
    loads = (origin.text for each in keys for origin in each if origin.kind == "load")
    return any(not load.endswith("fetch") for load in loads)


def _is_taken_out(examined: Examination, uses: list[tuple[str, Node]]) -> bool:
    """An entry leaves by an event of its own (a room that closes), not as a look finds it stale."""
    looks = {
        routine.id
        for method, call in uses
        if method in ("get", "has") and (routine := examined.routine(call)) is not None
    }
    leaving = (examined.routine(call) for method, call in uses if method == "delete")
    return any(
        routine is not None and routine.id not in looks and not _writes(examined, routine)
        for routine in leaving
    )


def _writes(examined: Examination, routine: Node) -> bool:
    """It changes what the map is a copy of: the copies of what nobody changes stay."""
    stores = any(each.method in ("put", "delete") for each in examined.performed_by(routine))
    return stores or _WRITING.search(text(routine)) is not None


def _never_expires(examined: Examination, uses: list[tuple[str, Node]]) -> bool:
    """No time stands in what fills the map and looks into it, nor in what is put there."""
    routines = [examined.routine(call) for _, call in uses]
    stored = [each for method, call in uses if method == "set" for each in arguments(call)[1:]]
    origins = {origin.kind for each in stored for origin in examined.flow.origins(each)}
    timed = any(_TIMED.search(text(each)) for each in [*routines, *stored])
    return not timed and not origins & {"time", "given", "unknown"}


def _key_origins(examined: Examination, uses: list[tuple[str, Node]]) -> list[Origins]:
    keys = (next(iter(arguments(call)), None) for method, call in uses if method == "set")
    return [examined.flow.origins(key) for key in keys]


def _is_shared_map(examined: Examination, node: Node) -> bool:
    """It lives as long as the isolate: of the module, static, or of an object that does."""
    if not outlives_requests(node) or _has_few_keys(examined, node):
        return False
    class_ = enclosing(node, CLASSES)
    if class_ is None or is_static(node):
        return True
    made = examined.program.calls_by_name[text(part(class_, "name"))]
    if not made:
        return is_durable_object(class_) or _is_called_cache(node)
    return any(owner_function(each) is None and not enclosing(each, CLASSES) for each in made)


def _is_called_cache(node: Node) -> bool:
    """Where nothing else tells what a map is for: by its name, or that of its class or file."""
    holders = {"public_field_definition", "assignment_expression", "variable_declarator"}
    holder, class_ = enclosing(node, holders), enclosing(node, CLASSES)
    names = (part(holder, "name"), part(holder, "left"), part(class_, "name"))
    return _CACHE.search(" ".join(map(text, names))) is not None


def _has_few_keys(examined: Examination, node: Node) -> bool:
    """Keys of a union of literals."""
    key = _key_type(node)
    for _ in range(_DEEPEST_TYPE):
        if key is None or key.type != "type_identifier":
            break
        declared = examined.program.types.get(text(key), [])
        key = part(declared[0], "value") if declared else None
    return key is not None and key.type in ("union_type", "literal_type")


def _is_memo(uses: list[tuple[str, Node]]) -> bool:
    """`set(key, compute(key))`."""
    stored = (arguments(call) for method, call in uses if method == "set")
    return any(
        len(given) == 2
        and given[1].type == "call_expression"
        and text(given[0]) in map(text, arguments(given[1]))
        for given in stored
    )


def _key_type(node: Node) -> Node | None:
    """The K of `Map<K, V>`, of `Partial<Record<K, V>>` and of `{ [name in K]: V }`."""
    holder = enclosing(node, {"variable_declarator", "public_field_definition"})
    written = part(node, "type_arguments") or part(holder, "type")
    for inner in below(written, "type_arguments", "mapped_type_clause") if written else ():
        if inner.type == "mapped_type_clause":
            return part(inner, "type")
        first = next(iter(inner.named_children), None)
        if first is not None and first.type != "generic_type":
            return first
    return None


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
    for module, node in examined.program.nodes["binary_expression"]:
        if ".size" in module.source and text(part(node, "operator")) in _COMPARING:
            for member in below(node, "member_expression"):
                if text(part(member, "property")) == "size":
                    found |= examined.kinds.names(part(member, "object"), "map")
    return found


def _grows(examined: Examination, uses: list[tuple[str, Node]]) -> bool:
    methods = {method for method, call in uses if owner_function(call) is not None}
    sets = [call for method, call in uses if method == "set"]
    filled = any(
        _by_requests(examined, call)
        and not _of_env(examined, call)
        and not _registers(call)
        and not _is_of_few(call)
        and not is_of_few(examined, next(iter(arguments(call)), None))
        for call in sets
    )
    if sets and all(_holds_an_instance(examined, call) for call in sets):
        return False
    return filled and bool(methods & {"get", "has"})


def _registers(call: Node) -> bool:
    """`register(name, handler)`: as many entries as the program has handlers."""
    function = owner_function(call)
    return function is not None and _REGISTER.match(function_name(function)) is not None


def _is_of_few(call: Node) -> bool:
    """Keyed by what a program has few of: kinds of events, languages, providers."""
    return _FEW.search(text(next(iter(arguments(call)), None))) is not None


def _holds_an_instance(examined: Examination, call: Node) -> bool:
    """`breakers.set(name, new Breaker(name))`: objects by name, a set of listeners for each."""
    stored = next(iter(arguments(call)[1:2]), None)
    if stored is None or stored.type != "identifier":
        return _is_instance(stored)
    definition = examined.program.look_up(text(stored), stored)
    if definition is None or definition.path:  # `const { pathname } = new URL(…)` is no object
        return False
    later = examined.program.given_later.get(definition.name, [])
    given = [e for e in later if examined.program.look_up(definition.name, e) == definition]
    return any(_is_instance(each) for each in [definition.value, *given])


def _is_instance(value: Node | None) -> bool:
    if value is None or value.type in FUNCTIONS:
        return value is not None
    if value.type == "call_expression":
        return _MAKING.match(callee(value)) is not None
    if value.type == "object":  # `{ host: null, guests: new Set() }`: a room, not a value
        return any(text(part(each, "value")).startswith("new Set") for each in value.named_children)
    plain = ("Promise", "Date", "Uint8Array", "Response")
    return value.type == "new_expression" and text(part(value, "constructor")) not in plain


def _of_env(examined: Examination, call: Node) -> bool:
    """Keyed by the configuration or by constants: as many entries as there are of those."""
    key = next(iter(arguments(call)), None)
    return all(origin.kind == "env" for origin in examined.flow.origins(key))


def _by_requests(examined: Examination, call: Node) -> bool:
    """Not only while the module loads, as a table of routes is."""
    function = owner_function(call)
    if function is None:
        return False
    callers = examined.kinds.callers(function)
    return not callers or any(owner_function(each) is not None for each in callers)


def _shrinks(uses: list[tuple[str, Node]]) -> bool:
    filling = {
        (routine.id, text(next(iter(arguments(call)), None)))
        for method, call in uses
        if method == "set" and (routine := owner_function(call)) is not None
    }
    return any(
        method == "clear" or (method == "delete" and (_evicts(call) or _makes_room(call, filling)))
        for method, call in uses
    )


def _begins_anew(examined: Examination, node: Node) -> bool:
    """`if (entries > 500) cache = new Map()`."""
    holder = node.parent
    if holder is None or holder.type != "variable_declarator":
        return False
    name = text(part(holder, "name"))
    return any(
        value.type == "new_expression"
        and owner_function(value) is not None
        and (found := examined.program.look_up(name, value)) is not None
        and found.owner == holder
        for value in examined.program.given_later.get(name, [])
    )


def _makes_room(call: Node, filling: set[tuple[int, str]]) -> bool:
    """What is put in takes another one out: `cache.delete(order.shift())`."""
    routine, key = owner_function(call), text(next(iter(arguments(call)), None))
    own = {name for place, name in filling if routine is not None and place == routine.id}
    return bool(own) and key not in own


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
        literal = None if _FEW.search(text(index)) else _literal(examined, base)
        if literal is not None and _has_few_keys(examined, literal):
            continue
        emptied = f"delete {text(base)}[", f"Object.keys({text(base)})"
        if literal is None or literal.id in seen or any(each in module.source for each in emptied):
            continue
        origins = examined.flow.origins(index)
        if origins and all(origin.kind == "env" for origin in origins):
            continue
        if is_of_few(examined, index):
            continue
        if _is_shared(literal) and owner_function(node) is not None:
            seen.add(literal.id)
            yield _hit(module, literal, _confidence([origins]))


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
    why="An isolate has 128 MB, shared by all requests it serves at once; when it exceeds them "
    "it is ended, and with it every entry of its memory cache.",
    source="Cloudflare docs, workers/platform/limits; read 2026-11-23",
    counterfactual=NotModelled("an isolate that dies of its memory is not modelled"),
    find=find,
    fires="""const cache = new Map<string, string>();
export default {
  async fetch(request: Request): Promise<Response> {
    const known = cache.get(request.url) ?? (await render(request.url));
    cache.set(request.url, known);
    return new Response(known);
  },
};""",
    quiet="""const cache = new Map<string, string>();
export function remember(key: string, value: string) {
  if (cache.size >= 1000) cache.delete(cache.keys().next().value!);
  if (!cache.has(key)) cache.set(key, value);
}""",
)
