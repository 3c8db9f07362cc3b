"""What an expression stands for: a binding, a value read from KV, a memory cache, an instance.

A flow-insensitive inference over names: `env.X`, `this.env.X`, `c.env.X`, destructured, aliased,
handed to a helper, held in a class. It follows declarations, assignments to fields, arguments at
known call sites and returned values; where it cannot follow, it knows nothing.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from tree_sitter import Node

from cachelib.evidence.accessors import (
    constructed_with_env,
    holds_variables,
    is_get_of_variable,
    is_routed,
    variables,
)
from cachelib.evidence.calling import Calls
from cachelib.evidence.declared import ENV, NOTHING, DeclaredTypes, Kind, Kinds, class_kind
from cachelib.evidence.definitions import Definition
from cachelib.evidence.functions import function_name, is_handler, parameters, returns
from cachelib.evidence.lineage import Lineage
from cachelib.evidence.module import CLASSES, FUNCTIONS
from cachelib.evidence.names import BindingNames
from cachelib.evidence.program import (
    IMPORTED,
    Program,
    arguments,
    callee,
    function_of,
    receiver_of,
)
from cachelib.evidence.syntax import enclosing, part, text

_DEEPEST = 40
_STATE = re.compile(r"(?:^|\.)_?(?:ctx|state)$")

_NOT_WORKERS = ("process", "import.meta", "Deno", "Bun")
_LRU = re.compile(r"LRU|TTLCache|QuickLRU|TinyLfu|BoundedCache")
_TRANSPARENT = {
    "parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression",
    "await_expression", "type_assertion",
}  # fmt: skip


class Resolver:
    def __init__(
        self, program: Program, configured: dict[str, str], declared: dict[str, str] | None = None
    ) -> None:
        """The names of bindings and their kinds: as configured, and as *.d.ts files declare."""
        self.program = program
        self.bindings = BindingNames(program, configured, declared or {})
        self._known: dict[int, Kinds] = {}
        self._returned: dict[int, Kinds] = {}
        self._objects: dict[str, Node] = {}
        self._types = DeclaredTypes(program, self.bindings)
        self._lineage = Lineage(program, self.names)
        self._calls = Calls(program, self._lineage, self.kinds, self.names)
        self.callers = self._calls.callers
        self.callees = self._calls.callees
        self.fields = self._lineage.fields
        self.held = self._lineage.held
        self.parameter_properties = self._lineage.parameter_properties
        self._depth = 0

    def kinds(self, node: Node | None) -> Kinds:
        if node is None or self._depth > _DEEPEST:
            return NOTHING
        if node.id not in self._known:
            self._known[node.id] = NOTHING  # a cycle adds nothing
            self._depth += 1
            try:
                self._known[node.id] = self._infer(node)
            finally:
                self._depth -= 1
        return self._known[node.id]

    def has(self, node: Node | None, tag: str) -> bool:
        return any(kind.tag == tag for kind in self.kinds(node))

    def names(self, node: Node | None, tag: str) -> set[str]:
        return {kind.name for kind in self.kinds(node) if kind.tag == tag}

    def _infer(self, node: Node) -> Kinds:
        match node.type:
            case "identifier" | "shorthand_property_identifier":
                return self._identifier(node)
            case "this":
                return class_kind(enclosing(node, CLASSES))
            case "class":
                return class_kind(node)
            case "member_expression":
                name = text(part(node, "property"))
                return self._member(part(node, "object"), name)
            case "subscript_expression":
                return self._subscript(node)
            case "call_expression":
                return self._call(node)
            case "new_expression":
                return self._new(node)
            case "object":
                self._objects[str(node.id)] = node
                return frozenset([Kind("object", str(node.id))])
            case kind if kind in FUNCTIONS:
                return self._function(node)
            case (
                "ternary_expression"
                | "binary_expression"
                | "assignment_expression"
                | "augmented_assignment_expression"
            ):
                sides = ("consequence", "alternative", "right") + (
                    ("left",) if text(part(node, "operator")) in ("??", "||") else ()
                )
                return self._union(part(node, side) for side in sides)
            case kind if kind in _TRANSPARENT:
                inner = [child for child in node.named_children if child.type != "comment"]
                written = self._typed(node) if node.type == "as_expression" else NOTHING
                return (
                    self.kinds(inner[-1] if node.type == "type_assertion" else inner[0]) | written
                )
        return NOTHING

    def _union(self, nodes: Iterable[Node | None]) -> Kinds:
        return frozenset[Kind]().union(*(self.kinds(node) for node in nodes))

    def _function(self, node: Node) -> Kinds:
        self._calls.functions[str(node.id)] = node
        return frozenset([Kind("function", str(node.id))])

    def _identifier(self, node: Node) -> Kinds:
        name = text(node)
        definition = self.program.look_up(name, node)
        found = self._defined(definition) if definition is not None else NOTHING
        if definition is None and self.bindings.looks_like_one(name):
            return self._binding(name)
        if not found and name in ("env", "_env"):
            return ENV
        return found

    def _defined(self, definition: Definition) -> Kinds:
        owner = definition.owner
        base = self.kinds(definition.value) | self._typed(owner)
        if owner.type in CLASSES:
            return class_kind(owner)
        if owner.type in FUNCTIONS:
            return self._function(owner)
        if owner.type in IMPORTED:
            return self._foreign(definition)
        if owner.type in ("required_parameter", "optional_parameter", "identifier"):
            base |= self._passed(owner)
        if not definition.value and owner.type == "variable_declarator":
            base |= self._later(definition)
        for step in definition.path:
            base = self._property(base, step) if base else self._bare(step)
        return base

    def _foreign(self, definition: Definition) -> Kinds:
        """An import that names a module as a whole, or something that is no source here."""
        source = self.program.source_of(definition)
        if definition.path == ("*",):
            path = self.program.file_of(definition)
            return frozenset([Kind("module", path)]) if path else NOTHING
        if source == "cloudflare:workers" and definition.path == ("env",):
            return ENV
        return NOTHING

    def _bare(self, step: str) -> Kinds:
        """What a name destructured from an unknown value is likely to be."""
        if step == "env":
            return ENV
        return self._binding(step) if self.bindings.looks_like_one(step) else NOTHING

    def _later(self, definition: Definition) -> Kinds:
        """`let kv; … kv = env.CACHE`."""
        return self._union(
            value
            for value in self.program.given_later.get(definition.name, [])
            if self.program.look_up(definition.name, value) is definition
        )

    def _typed(self, owner: Node) -> Kinds:
        annotation = part(owner, "type") or next(
            (child for child in owner.named_children if child.type.endswith("_type")), None
        )
        if owner.type == "as_expression":
            annotation = owner.named_children[-1]
        return self._types.of(annotation) if annotation is not None else NOTHING

    def _passed(self, parameter: Node) -> Kinds:
        """What callers give for a parameter."""
        function = (
            enclosing(parameter, FUNCTIONS) if parameter.type != "identifier" else parameter.parent
        )
        if function is None:
            return NOTHING
        siblings = parameters(function)
        index = next((i for i, each in enumerate(siblings) if each.id == parameter.id), 0)
        if index == 1 and self._takes_env(function):
            return ENV
        given = [arguments(call) for call in self.callers(function)]
        found = self._union(args[index] for args in given if index < len(args))
        return found | self._continued(function, index)

    def _takes_env(self, function: Node) -> bool:
        """The second parameter of a handler, and of the constructor of a class of the platform."""
        if function_name(function) == "constructor":
            return constructed_with_env(function)
        routed = is_routed(self.program, function)
        return routed or is_handler(function) or function.id in self._handlers

    @cached_property
    def _handlers(self) -> set[int]:
        """The functions of `export default { fetch: handle }`."""
        return {
            function.id
            for _, pair in self.program.nodes["pair"]
            if (value := part(pair, "value")) is not None
            and value.type == "identifier"
            and is_handler(value)
            for function in self._calls.reached(value)
        }

    def _continued(self, function: Node, index: int) -> Kinds:
        """The parameter of a callback: `kv.get(key).then((value) => …)`."""
        call = function.parent.parent if function.parent is not None else None
        if index or call is None or call.type != "call_expression" or callee(call) != "then":
            return NOTHING
        called = function_of(call)
        return self.kinds(part(called, "object")) if called is not None else NOTHING

    def objects(self, node: Node | None) -> list[Node]:
        """The object literals that an expression may stand for, in the order of the source."""
        nodes = [self._objects[name] for name in self.names(node, "object")]
        return sorted(nodes, key=lambda each: each.start_byte)

    def returned(self, function: Node) -> Kinds:
        if function.id not in self._returned:
            self._returned[function.id] = NOTHING
            self._returned[function.id] = self._union(returns(function))
        return self._returned[function.id]

    def _call(self, node: Node) -> Kinds:
        called = function_of(node)
        if called is not None and called.type == "member_expression":
            method, receiver = callee(node), part(called, "object")
            if text(called) in ("JSON.parse", "structuredClone", "Object.assign"):
                return frozenset(
                    k for a in arguments(node) for k in self.kinds(a) if k.tag == "kv_value"
                )
            if text(called) == "caches.open":
                return frozenset([Kind("edge_cache", text(next(iter(arguments(node)), None)))])
            found = self._method(method, self.kinds(receiver))
            if not found and is_get_of_variable(node):
                key = self.string(arguments(node)[0])
                found = self._union(self._in_context(receiver, key))
            if found:
                return found
        elif text(called) == "require":
            return self._required(node)
        elif text(called) == "env":  # Hono's env(c)
            return ENV
        return self._union_returned(node)

    def _in_context(self, receiver: Node | None, name: str | None) -> list[Node]:
        """What a framework's context has under a name."""
        if name is None or not holds_variables(receiver):
            return []
        return self._variables.get(name, [])

    @cached_property
    def _variables(self) -> dict[str, list[Node]]:
        return variables(self.program)

    def _required(self, call: Node) -> Kinds:
        """`require("./store")`."""
        name = text(next(iter(arguments(call)), None)).strip("\"'`")
        path = self.program.resolve(call, name)
        return frozenset([Kind("module", path)]) if path else NOTHING

    def _union_returned(self, call: Node) -> Kinds:
        return frozenset[Kind]().union(*(self.returned(f) for f in self.callees(call)))

    def _method(self, method: str, receivers: Kinds) -> Kinds:
        found: set[Kind] = set()
        for kind in receivers:
            if kind.tag == "kv" and method in ("get", "getWithMetadata"):
                found.add(Kind("kv_value", kind.name))
            elif kind.tag in ("map", "lru") and method == "get":
                found |= {Kind("map_value", kind.name), *self._maps_within(kind)}
            elif kind.tag == "durable_object" and method in ("get", "getByName"):
                found.add(Kind("stub", kind.name))
            elif kind.tag == "kv_value" and method in ("then", "catch", "finally"):
                found.add(kind)
        return frozenset(found)

    def _maps_within(self, outer: Kind) -> Kinds:
        """The inner maps of `caches.set(namespace, new Map())`."""
        stored = [arguments(call) for call in self.program.calls_by_name["set"]]
        calls = zip(self.program.calls_by_name["set"], stored, strict=True)
        return self._union(
            given[1]
            for call, given in calls
            if len(given) > 1 and given[1].type == "new_expression"
            if outer in self.kinds(receiver_of(call))
        )

    def _new(self, node: Node) -> Kinds:
        name = text(part(node, "constructor"))
        if name == "Map":
            return frozenset([Kind("map", str(node.id))])
        constructed = self.kinds(part(node, "constructor"))
        if constructed:
            return constructed
        return frozenset([Kind("lru", str(node.id))]) if _LRU.search(name) else NOTHING

    def _subscript(self, node: Node) -> Kinds:
        index = part(node, "index")
        base = part(node, "object")
        name = self.string(index)
        if name is not None:
            return self._member(base, name)
        return frozenset(k for k in self.kinds(base) if k.tag == "kv_value")

    def string(self, node: Node | None) -> str | None:
        """The text of a string literal, or of the constant that holds it."""
        if node is not None and node.type == "identifier":
            definition = self.program.look_up(text(node), node)
            node = definition.value if definition is not None and not definition.path else None
        if node is not None and node.type == "member_expression":
            name = text(part(node, "property"))
            named = [
                self._object_value(str(o.id), name) for o in self.objects(part(node, "object"))
            ]
            node = named[0] if len(named) == 1 else None
        return text(node)[1:-1] if node is not None and node.type == "string" else None

    def _member(self, base: Node | None, name: str) -> Kinds:
        if name in ("env", "__env__") and text(base) not in _NOT_WORKERS:
            return ENV
        if kept := self._in_context(base, name):
            return self._union(kept)
        if name == "default" and text(base) == "caches":
            return frozenset([Kind("edge_cache", "default")])
        if name == "storage" and _STATE.search(text(base)):
            return frozenset([Kind("storage")])
        return self._property(self.kinds(base), name)

    def _property(self, base: Kinds, name: str) -> Kinds:
        found: Kinds = NOTHING
        stated = any(k.tag == "shape" and self._types.declares(k.name, name) for k in base)
        for kind in base:
            if kind.tag == "env" and not stated:
                found |= self._binding(name)
            elif kind.tag == "class":
                found |= self._field(kind.name, name)
            elif kind.tag in ("kv_value", "map_value"):
                found |= {kind}
            elif kind.tag == "object":
                found |= self.kinds(self._object_value(kind.name, name))
            elif kind.tag == "shape":
                found |= self._types.member(kind.name, name)
            elif kind.tag == "module":
                exported = self.program.exported_by(kind.name, name)
                found |= self._defined(exported) if exported is not None else NOTHING
        return found

    def _object_value(self, id_: str, name: str) -> Node | None:
        for child in self._objects[id_].named_children:
            if child.type == "pair" and text(part(child, "key")).strip("\"'") == name:
                return part(child, "value")
            if child.type == "shorthand_property_identifier" and text(child) == name:
                return child
            if child.type == "method_definition" and function_name(child) == name:
                return child
        return None

    def _binding(self, name: str) -> Kinds:
        tag = self.bindings.kind(name)
        return frozenset([Kind(tag, name)]) if tag is not None else NOTHING

    def _field(self, class_: str, name: str) -> Kinds:
        found = NOTHING
        for each in self._lineage.of(class_):
            found |= self._union(self.program.assigned[each, name])
            for parameter in self.parameter_properties(each, name):
                found |= self._typed(parameter) | self._passed(parameter)
        for member in self.fields(class_, name):
            if member.type not in FUNCTIONS:
                found |= self._typed(member) | self.kinds(part(member, "value"))
            elif any(child.type == "get" for child in member.children):
                found |= self.returned(member)
        return found
