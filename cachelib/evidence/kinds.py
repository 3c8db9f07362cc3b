"""What an expression stands for: a binding, a value read from KV, a memory cache, an instance.

A flow-insensitive inference over names: `env.X`, `this.env.X`, `c.env.X`, destructured, aliased,
handed to a helper, held in a class. It follows declarations, assignments to fields, arguments at
known call sites and returned values; where it cannot follow, it knows nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tree_sitter import Node

from cachelib.evidence.bindings import BY_TYPE
from cachelib.evidence.definitions import Definition
from cachelib.evidence.names import BindingNames
from cachelib.evidence.program import (
    CLASSES,
    FUNCTIONS,
    Program,
    arguments,
    callee,
    class_key,
    function_of,
    receiver_of,
)
from cachelib.evidence.syntax import ancestors, below, enclosing, part, text


class Kind(NamedTuple):
    """`tag` is a kind of binding, or one of env, kv_value, map, map_value, class, object, lru.

    `name` is the binding, the class, or the place of the map or object.
    """

    tag: str
    name: str = ""


Kinds = frozenset[Kind]
NOTHING: Kinds = frozenset()
ENV: Kinds = frozenset([Kind("env")])
_DEEPEST = 40

_NOT_WORKERS = ("process", "import.meta", "Deno", "Bun")
_LRU = re.compile(r"LRU|TTLCache|QuickLRU|TinyLfu|BoundedCache")
_TRANSPARENT = {
    "parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression",
    "await_expression", "type_assertion",
}  # fmt: skip


class Resolver:
    def __init__(self, program: Program, configured: dict[str, str]) -> None:
        """`configured` maps the names of bindings in the configuration to their kinds."""
        self.program = program
        self.bindings = BindingNames(program, configured)
        self._known: dict[int, Kinds] = {}
        self._returned: dict[int, Kinds] = {}
        self._objects: dict[str, Node] = {}
        self._callers: dict[str, dict[int, list[Node]]] = {}
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
                return _class(enclosing(node, CLASSES))
            case "class":
                return _class(node)
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
            return _class(owner)
        if owner.type in FUNCTIONS:
            return NOTHING
        if owner.type in ("required_parameter", "optional_parameter", "identifier"):
            base |= self._passed(owner)
        if not definition.value and owner.type == "variable_declarator":
            base |= self._later(definition)
        for step in definition.path:
            base = self._property(base, step) if base else self._bare(step)
        return base

    def _bare(self, step: str) -> Kinds:
        """What a name destructured from an unknown value is likely to be."""
        if step == "env":
            return ENV
        return self._binding(step) if self.bindings.looks_like_one(step) else NOTHING

    def _later(self, definition: Definition) -> Kinds:
        """`let kv; … kv = env.CACHE`."""
        return self._union(
            part(node, "right")
            for _, node in self.program.nodes["assignment_expression"]
            if text(part(node, "left")) == definition.name
            and self.program.look_up(definition.name, node) is definition
        )

    def _typed(self, owner: Node) -> Kinds:
        annotation = part(owner, "type") or next(
            (child for child in owner.named_children if child.type.endswith("_type")), None
        )
        if owner.type == "as_expression":
            annotation = owner.named_children[-1]
        if annotation is None:
            return NOTHING
        return self.of_type(annotation)

    def of_type(self, annotation: Node) -> Kinds:
        found: set[Kind] = set()
        for node in below(annotation, "type_identifier", "nested_type_identifier"):
            name = text(node)
            definition = self.program.look_up(name, node)
            if name in BY_TYPE:
                found.add(Kind(BY_TYPE[name].kind))
            elif re.fullmatch(r"(?:\w+\.)?\w*(?:Env|Environment|Bindings)", name):
                found.add(Kind("env"))
            elif definition is not None and definition.owner.type in CLASSES:
                found |= _class(definition.owner)
        return frozenset(found)

    def _passed(self, parameter: Node) -> Kinds:
        """What callers give for a parameter."""
        function = (
            enclosing(parameter, FUNCTIONS) if parameter.type != "identifier" else parameter.parent
        )
        if function is None:
            return NOTHING
        siblings = _parameters(function)
        index = next((i for i, each in enumerate(siblings) if each.id == parameter.id), 0)
        given = [arguments(call) for call in self.callers(function)]
        found = self._union(args[index] for args in given if index < len(args))
        return found | self._continued(function, index)

    def _continued(self, function: Node, index: int) -> Kinds:
        """The parameter of a callback: `kv.get(key).then((value) => …)`."""
        call = function.parent.parent if function.parent is not None else None
        if index or call is None or call.type != "call_expression" or callee(call) != "then":
            return NOTHING
        called = function_of(call)
        return self.kinds(part(called, "object")) if called is not None else NOTHING

    def callers(self, function: Node) -> list[Node]:
        name = self.function_name(function)
        if not name:
            return []
        if name == "constructor":
            return self._constructions(enclosing(function, CLASSES))
        if name not in self._callers:
            self._callers[name] = self._callers_by_function(name)
        return self._callers[name].get(function.id, [])

    def _constructions(self, class_: Node | None) -> list[Node]:
        calls = self.program.calls_by_name[text(part(class_, "name"))]
        return [call for call in calls if self.kinds(call) == _class(class_)]

    def _callers_by_function(self, name: str) -> dict[int, list[Node]]:
        found: dict[int, list[Node]] = defaultdict(list)
        for call in self.program.calls_by_name[name]:
            for function in self.callees(call) if call.type == "call_expression" else []:
                found[function.id].append(call)
        return found

    def function_name(self, function: Node) -> str:
        name = part(function, "name")
        parent = function.parent
        if name is None and parent is not None:
            name = part(parent, "name") or part(parent, "key")
        return text(name)

    def callees(self, call: Node) -> list[Node]:
        """The functions of the program that a call may reach."""
        called = function_of(call)
        if called is None:
            return []
        if called.type == "identifier":
            definition = self.program.look_up(text(called), called)
            function = _function_of(definition) if definition is not None else None
            return [function] if function is not None else []
        if called.type != "member_expression":
            return []
        name = text(part(called, "property"))
        found = []
        for kind in self.kinds(part(called, "object")):
            if kind.tag == "class":
                found += self._methods(kind.name, name)
            elif kind.tag == "object":
                value = self._object_value(kind.name, name)
                found += [value] if value is not None and value.type in FUNCTIONS else []
        return found

    def _lineage(self, class_: str) -> Iterator[str]:
        """A class of the program and what it extends."""
        seen: set[str] = set()
        while class_ in self.program.classes and class_ not in seen and len(seen) < _DEEPEST:
            yield class_
            seen.add(class_)
            class_ = self._extended(self.program.classes[class_])

    def _extended(self, class_: Node) -> str:
        """The key of the class in the `extends` of another, where the program has it."""
        for child in class_.named_children:
            if child.type == "class_heritage":
                base = next(below(child, "identifier"), None)
                return min(self.names(base, "class"), default="")
        return ""

    def fields(self, class_: str, name: str) -> list[Node]:
        """The members of that name, of the class or of what it extends."""
        for each in self._lineage(class_):
            if (each, name) in self.program.members:
                return self.program.members[each, name]
        return []

    def _methods(self, class_: str, name: str) -> list[Node]:
        """The methods of that name, and the functions held in fields."""
        members = [part(each, "value") or each for each in self.fields(class_, name)]
        return [each for each in members if each.type in FUNCTIONS]

    def objects(self, node: Node | None) -> list[Node]:
        """The object literals that an expression may stand for, in the order of the source."""
        nodes = [self._objects[name] for name in self.names(node, "object")]
        return sorted(nodes, key=lambda each: each.start_byte)

    def parameters(self, function: Node) -> list[Node]:
        return _parameters(function)

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
            found = self._method(method, self.kinds(receiver))
            if found:
                return found
        return self._union_returned(node)

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
        if index is not None and index.type == "string":
            return self._member(base, text(index)[1:-1])
        return frozenset(k for k in self.kinds(base) if k.tag == "kv_value")

    def _member(self, base: Node | None, name: str) -> Kinds:
        if name == "env" and text(base) not in _NOT_WORKERS:
            return ENV
        return self._property(self.kinds(base), name)

    def _property(self, base: Kinds, name: str) -> Kinds:
        found: Kinds = NOTHING
        for kind in base:
            if kind.tag == "env":
                found |= self._binding(name)
            elif kind.tag == "class":
                found |= self._field(kind.name, name)
            elif kind.tag in ("kv_value", "map_value"):
                found |= {kind}
            elif kind.tag == "object":
                found |= self.kinds(self._object_value(kind.name, name))
        return found

    def _object_value(self, id_: str, name: str) -> Node | None:
        for child in self._objects[id_].named_children:
            if child.type == "pair" and text(part(child, "key")).strip("\"'") == name:
                return part(child, "value")
            if child.type == "shorthand_property_identifier" and text(child) == name:
                return child
            if child.type == "method_definition" and self.function_name(child) == name:
                return child
        return None

    def _binding(self, name: str) -> Kinds:
        tag = self.bindings.kind(name)
        return frozenset([Kind(tag, name)]) if tag is not None else NOTHING

    def _field(self, class_: str, name: str) -> Kinds:
        found = NOTHING
        for each in self._lineage(class_):
            found |= self._union(self.program.assigned[each, name])
            for parameter in self._parameter_properties(each, name):
                found |= self._typed(parameter) | self._passed(parameter)
        for member in self.fields(class_, name):
            if member.type not in FUNCTIONS:
                found |= self._typed(member) | self.kinds(part(member, "value"))
            elif any(child.type == "get" for child in member.children):
                found |= self.returned(member)
        return found

    def _parameter_properties(self, class_: str, name: str) -> list[Node]:
        """`constructor(private readonly kv: KVNamespace)`."""
        constructors = self.fields(class_, "constructor")
        return [
            parameter
            for constructor in constructors
            for parameter in _parameters(constructor)
            if text(part(parameter, "pattern")) == name
            and any(
                child.type in ("accessibility_modifier", "readonly") for child in parameter.children
            )
        ]


def _class(node: Node | None) -> Kinds:
    return frozenset([Kind("class", class_key(node))]) if node is not None else NOTHING


def _parameters(function: Node) -> list[Node]:
    listed = part(function, "parameters")
    if listed is None:
        single = part(function, "parameter")
        return [single] if single is not None else []
    return [child for child in listed.named_children if child.type != "comment"]


def _function_of(definition: Definition) -> Node | None:
    if definition.owner.type in FUNCTIONS:
        return definition.owner
    value = definition.value
    return value if value is not None and value.type in FUNCTIONS and not definition.path else None


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


def owner_function(node: Node) -> Node | None:
    return next((above for above in ancestors(node) if above.type in FUNCTIONS), None)
