"""Where a value comes from: followed back through variables, helpers, parameters and fields."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from tree_sitter import Node

from cachelib.evidence.definitions import Definition
from cachelib.evidence.functions import owner_function, parameters, returns
from cachelib.evidence.kinds import Resolver
from cachelib.evidence.module import CLASSES, FUNCTIONS
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.syntax import ancestors, below, enclosing, inside, part, text

OriginKind = Literal["env", "request", "given", "kv", "load", "minted", "time", "called", "unknown"]

_DEEPEST = 60
_MOST = 24  # origins of one expression; more say no more
_STEPS = 3  # of a path
_LONGEST = 2_000  # characters of a pattern; a key of KV has at most 512 bytes
_MINTED = re.compile(
    r"(?i)randomUUID|getRandomValues|Math\.random|generateKey|generateSecret|\bnanoid\b|\buuid\w*\b"
    r"|randomBytes|randomString|generateRandom|generateId|generateToken|\bulid\b|createId"
)
_TIME = re.compile(r"^(?:Date\.now|performance\.now)$")
_REQUEST = re.compile(r"^(?:request|req|_request|_req)$")
_LOADING = ("ai", "service", "d1", "r2", "vectorize", "hyperdrive", "browser", "stub")


_LITERAL = ("string", "template_string", "array", "object", "number", "regex", "new_expression")
_MAPPING = ("map", "flatMap", "then", "reduce")
_GLOBALS = frozenset(
    [
        *("JSON", "Math", "Object", "String", "Number", "Boolean", "Array", "Promise", "Date"),
        *("URL", "URLSearchParams", "console", "structuredClone", "parseInt", "parseFloat"),
        *("encodeURIComponent", "decodeURIComponent", "atob", "btoa", "undefined", "NaN"),
    ]
)
_ORDER = ("load", "minted", "request", "given", "kv", "time", "env", "called", "unknown")


class Origin(NamedTuple):
    """`text` is how the source calls it, with the path that leads to it: `user.key`."""

    kind: OriginKind
    text: str


Origins = frozenset[Origin]
NONE: Origins = frozenset()


class Flow:
    """A backward slice to what no source here computes: parameters, the request, env, loads."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.program = resolver.program
        self._known: dict[tuple[int, int], Origins] = {}
        self._called: Node | None = None
        self._patterns: dict[int, str] = {}
        self._assigned: dict[tuple[int, str], list[Node]] = {}

    def origins(self, node: Node | None, depth: int = 0) -> Origins:
        if node is None or depth > _DEEPEST:
            return NONE
        called = self._called if _is_within(node, self._called) else None
        place = node.id, called.id if called is not None else 0
        if place not in self._known:
            self._known[place] = NONE  # a cycle adds nothing
            outer, self._called = self._called, called
            try:
                found = self._infer(node, depth + 1)
            finally:
                self._called = outer
            self._known[place] = frozenset(sorted(found, key=_weight)[:_MOST])
        return self._known[place]

    def _returned(self, function: Node, depth: int) -> Origins:
        """What a call adds to its arguments: not what other calls give for the parameters."""
        outer, self._called = self._called, function
        try:
            return self._union(returns(function), depth)
        finally:
            self._called = outer

    def _union(self, nodes: Iterable[Node | None], depth: int) -> Origins:
        return NONE.union(*(self.origins(node, depth) for node in nodes))

    def _infer(self, node: Node, depth: int) -> Origins:
        match node.type:
            case "identifier" | "shorthand_property_identifier":
                return self._name(node, depth)
            case "member_expression" | "subscript_expression":
                return self._member(node, depth)
            case "call_expression":
                return self._call(node, depth)
            case "new_expression":
                if text(part(node, "constructor")) == "Date" and not arguments(node):
                    return frozenset([Origin("time", "new Date()")])
                return self._union(arguments(node), depth)
            case "ternary_expression":
                sides = ("condition", "consequence", "alternative")
                return self._union((part(node, side) for side in sides), depth)
            case "pair":
                return self.origins(part(node, "value"), depth)
            case kind if kind in FUNCTIONS:
                return self._union(returns(node), depth)
            case "string" | "number" | "property_identifier" | "comment" | "regex":
                return NONE
        if node.type.endswith(("_type", "type_annotation", "type_arguments")):
            return NONE
        return self._union(node.named_children, depth)

    def _name(self, node: Node, depth: int) -> Origins:
        name = text(node)
        if self.resolver.has(node, "env"):
            return frozenset([Origin("env", name)])
        definition = self.program.look_up(name, node)
        if definition is None and name in _GLOBALS:
            return NONE
        if definition is None:
            kind: OriginKind = "request" if _REQUEST.match(name) else "unknown"
            return frozenset([Origin(kind, name)]) if name != "undefined" else NONE
        return self._defined(definition, name, depth)

    def _defined(self, definition: Definition, name: str, depth: int) -> Origins:
        owner = definition.owner
        if owner.type in CLASSES or owner.type in FUNCTIONS:
            return NONE
        if owner.type in ("required_parameter", "optional_parameter", "identifier"):
            return self._given(definition, name, depth)
        found = self.origins(definition.value, depth)
        if definition.path and definition.path[-1] != "[]":
            found = frozenset(_at(each, definition.path[-1]) for each in found)
        if owner.type == "for_in_statement":
            found |= self.origins(part(owner, "right"), depth)
        elif owner.type == "variable_declarator":
            found |= self._union(self._later(definition), depth)
        return found

    def _later(self, definition: Definition) -> list[Node]:
        """What is assigned to a variable after its declaration."""
        variable = definition.owner.id, definition.name
        if variable not in self._assigned:
            self._assigned[variable] = [
                value
                for value in self.program.given_later.get(definition.name, [])
                if self.program.look_up(definition.name, value) == definition
            ]
        return self._assigned[variable]

    def _given(self, definition: Definition, name: str, depth: int) -> Origins:
        """What callers give for a parameter, else the parameter itself."""
        owner = definition.owner
        if _REQUEST.match(name) or "Request" in text(part(owner, "type")):
            return frozenset([Origin("request", name)])
        function = enclosing(owner, FUNCTIONS) if owner.type != "identifier" else owner.parent
        if function is not None and function == self._called:
            return NONE
        siblings = parameters(function) if function is not None else []
        index = next((i for i, each in enumerate(siblings) if each.id == owner.id), 0)
        calls = self.resolver.callers(function) if function is not None else []
        given = [arguments(call) for call in calls]
        values = [args[index] for args in given if index < len(args)]
        if not values:
            default = part(owner, "value")
            return self.origins(default, depth) | {Origin("given", name)}
        found = self._union(values, depth)
        steps = [step for step in definition.path if step != "[]"]
        return frozenset(_at(each, steps[-1]) for each in found) if steps else found

    def _member(self, node: Node, depth: int) -> Origins:
        base, name = part(node, "object"), text(part(node, "property") or part(node, "index"))
        if self.resolver.has(base, "env"):
            return frozenset([Origin("env", name)])
        if base is not None and base.type == "this":
            return self._field(base, name, depth)
        if name in ("req", "request") and not self.resolver.names(base, "object"):
            return frozenset([Origin("request", name)])
        kv = self.resolver.names(node, "kv_value")
        if kv:
            return frozenset(Origin("kv", each) for each in kv)
        index = self.origins(part(node, "index"), depth)
        return index | {_at(each, name) for each in self.origins(base, depth)}

    def _field(self, this: Node, name: str, depth: int) -> Origins:
        found = NONE
        for class_ in sorted(self.resolver.names(this, "class")):
            found |= self._union(self.resolver.held(class_, name), depth)
            for parameter in self.resolver.parameter_properties(class_, name):
                definition = Definition(name, parameter)
                found |= self._given(definition, name, depth)
        return found or frozenset([Origin("given", f"this.{name}")])

    def _call(self, node: Node, depth: int) -> Origins:
        called = function_of(node)
        name, given = text(called), arguments(node)
        if _TIME.match(name):
            return frozenset([Origin("time", name)])
        if _MINTED.search(name):
            return frozenset([Origin("minted", name)])
        if name in ("fetch", "globalThis.fetch"):
            return self._union(given, depth) | {Origin("load", name)}
        receiver = part(called, "object")
        kv = self.resolver.names(receiver, "kv")
        if kv:
            return frozenset(Origin("kv", each) for each in kv)
        mapping = text(part(called, "property")) in _MAPPING
        given_values = [each for each in given if mapping or each.type not in FUNCTIONS]
        found = self._union(given_values, depth)
        if name.split(".")[0] in _GLOBALS and "(" not in name:  # not `Date.now().toString()`
            return found
        if any(self.resolver.has(receiver, tag) for tag in _LOADING):
            return found | {Origin("load", name)}
        functions = self.resolver.callees(node)
        if functions:
            found |= self._union(given, depth)
            return found.union(*(self._returned(each, depth) for each in functions))
        base = frozenset(
            _at(each, _method(called, given)) for each in self.origins(receiver, depth)
        )
        if base or (receiver is not None and receiver.type in _LITERAL):
            return found | base
        return found | {Origin("called", name)}

    def pattern(self, node: Node | None, depth: int = 0) -> str:
        """A key as text with `*` for what differs: `user:*`; `*` where nothing is known."""
        if node is None or depth > _DEEPEST:
            return "*"
        if node.id not in self._patterns:
            self._patterns[node.id] = "*"  # of what is made of itself nothing is known
            self._patterns[node.id] = self._pattern_of(node, depth)
        return self._patterns[node.id]

    def _pattern_of(self, node: Node, depth: int) -> str:
        known = self.resolver.string(node)
        if known is not None:
            return known
        match node.type:
            case "template_string":
                steps = [
                    text(child)
                    if child.type in ("string_fragment", "escape_sequence")
                    else self.pattern(child.named_children[0], depth + 1)
                    for child in node.named_children
                    if child.type != "template_substitution" or child.named_children
                ]
                return _joined(steps)
            case "binary_expression" if text(part(node, "operator")) == "+":
                sides = (part(node, "left"), part(node, "right"))
                return _joined([self.pattern(side, depth + 1) for side in sides])
            case "identifier" | "shorthand_property_identifier":
                return self._pattern_of_name(node, depth)
            case "member_expression":
                return self._pattern_of_member(node, depth)
            case "await_expression" | "parenthesized_expression" | "as_expression":
                return self.pattern(node.named_children[0], depth + 1)
            case "call_expression":
                functions = self.resolver.callees(node)
                values = [each for f in functions for each in returns(f)]
                return self.pattern(values[0], depth + 1) if len(values) == 1 else "*"
        return "*"

    def _pattern_of_name(self, node: Node, depth: int) -> str:
        definition = self.program.look_up(text(node), node)
        if definition is None or definition.path:
            return "*"
        if definition.value is not None:
            return self.pattern(definition.value, depth + 1)
        owner = definition.owner
        function = owner_function(owner)
        if function is None or not owner.type.endswith("_parameter"):
            return "*"
        places = [each.id for each in parameters(function)]
        if owner.id not in places:
            return "*"  # of a function's type, which nobody calls
        index = places.index(owner.id)
        given = [arguments(call) for call in self.resolver.callers(function)]
        found = {self.pattern(a[index], depth + 1) for a in given if index < len(a)}
        if not found and part(owner, "value") is not None:
            return self.pattern(part(owner, "value"), depth + 1)
        return found.pop() if len(found) == 1 else "*"

    def _pattern_of_member(self, node: Node, depth: int) -> str:
        base, name = part(node, "object"), text(part(node, "property"))
        values = [
            value for each in self.resolver.objects(base) if (value := _member_of(each, name))
        ]
        for class_ in sorted(self.resolver.names(base, "class")):
            values += self.resolver.held(class_, name)
            values += [
                value
                for parameter in self.resolver.parameter_properties(class_, name)
                if (value := part(parameter, "value")) is not None
            ]
        found = {self.pattern(each, depth + 1) for each in values}
        return found.pop() if len(found) == 1 else "*"


def _is_within(node: Node, function: Node | None) -> bool:
    if function is None or not inside(node, function):
        return False
    return node == function or any(above == function for above in ancestors(node))


def _weight(origin: Origin) -> tuple[int, str]:
    """What says most first, for what is left out beyond the limit."""
    return _ORDER.index(origin.kind), origin.text


def _method(called: Node | None, given: list[Node]) -> str:
    """`headers.get("cookie")` as a step of a path; other methods add nothing."""
    name = text(part(called, "property"))
    literal = text(given[0]).strip("\"'`") if given and given[0].type == "string" else ""
    if name in ("json", "text", "formData", "arrayBuffer", "blob", "parseBody"):
        return "body"
    return literal if name in ("get", "header", "param", "query") else ""


def _at(origin: Origin, step: str) -> Origin:
    step = step.strip("\"'`")
    if (
        not step
        or origin.text.count(".") >= _STEPS
        or origin.kind in ("time", "minted", "load", "kv")
    ):
        return origin
    return Origin(origin.kind, f"{origin.text}.{step}"[:200])


def _member_of(literal: Node, name: str) -> Node | None:
    for pair in literal.named_children:
        if pair.type == "pair" and text(part(pair, "key")).strip("\"'") == name:
            return part(pair, "value")
    return None


def _joined(steps: list[str]) -> str:
    """Cut where it is longer than any key: a text added to itself again and again doubles."""
    joined = re.sub(r"\*+", "*", "".join(steps)) or "*"
    return joined if len(joined) <= _LONGEST else f"{joined[:_LONGEST].rstrip('*')}*"


def names_in(node: Node) -> set[str]:
    kinds = ("identifier", "property_identifier", "shorthand_property_identifier")
    return {text(each) for each in below(node, *kinds)}
