"""Options and constants: what a call is given, what an expression always is."""

import math
import re

from tree_sitter import Node

from cachelib.evidence.functions import parameters
from cachelib.evidence.kinds import Resolver
from cachelib.evidence.module import FUNCTIONS
from cachelib.evidence.program import arguments, function_of
from cachelib.evidence.syntax import below, enclosing, part, text

_PARAMETERS = ("required_parameter", "optional_parameter")
_DEEPEST = 30  # names that lead to names; one in a circle would never end


class Missing:
    """An option that is not given."""


class Unknown:
    """An option that may or may not be given."""


MISSING, UNKNOWN = Missing(), Unknown()


class Values:
    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._members: dict[tuple[int, str], Node | Missing | Unknown] = {}
        self._numbers: dict[int, float | None] = {}
        self._constants: dict[int, bool] = {}
        self._spellings: dict[int, str] = {}
        self._depth = 0

    def option(self, call: Node, index: int, name: str) -> Node | Missing | Unknown:
        """The value of an option in the argument at `index`, MISSING, or UNKNOWN."""
        given = arguments(call)
        return self._option(given[index] if len(given) > index else None, name)

    def _option(self, options: Node | None, name: str) -> Node | Missing | Unknown:
        if options is None or text(options) in ("undefined", "{}"):
            return MISSING
        objects = self.resolver.objects(options)
        if not objects:
            return self._never_given(options)
        found = [self._in_object(each, name) for each in objects]
        if options.type == "identifier" and self._extended(options, name):
            return UNKNOWN
        return found[0] if len(set(map(type, found))) == 1 else UNKNOWN

    def _never_given(self, options: Node) -> Missing | Unknown:
        """A parameter that no known caller fills is missing."""
        definition = self.resolver.program.look_up(text(options), options)
        if definition is None or definition.owner.type not in _PARAMETERS:
            return MISSING if options.type == "string" else UNKNOWN
        function = enclosing(definition.owner, FUNCTIONS)
        if function is None or part(definition.owner, "value") is not None:
            return UNKNOWN
        callers = self.resolver.callers(function)
        places = [each.id for each in parameters(function)]
        if definition.owner.id not in places:
            return UNKNOWN
        place = places.index(definition.owner.id)
        filled = [call for call in callers if len(arguments(call)) > place]
        return MISSING if callers and not filled else UNKNOWN

    def _extended(self, options: Node, name: str) -> bool:
        """`options.expirationTtl = …` somewhere in the source."""
        members = self.resolver.program.extended.get(text(options), set())
        return bool(members & {name, "*"})

    def _in_object(self, literal: Node, name: str) -> Node | Missing | Unknown:
        """Later members override earlier ones; an object spread into itself says nothing."""
        place = (literal.id, name)
        if place not in self._members:
            self._members[place] = UNKNOWN
            if self._depth < _DEEPEST:
                self._depth += 1
                try:
                    self._members[place] = self._among_members(literal, name)
                finally:
                    self._depth -= 1
        return self._members[place]

    def _among_members(self, literal: Node, name: str) -> Node | Missing | Unknown:
        found: Node | Missing | Unknown = MISSING
        for child in literal.named_children:
            if child.type == "spread_element":
                spread = self._option(child.named_children[0], name)
                found = (
                    spread if isinstance(spread, Node) else found if spread is MISSING else UNKNOWN
                )
            elif child.type == "pair":
                key = part(child, "key")
                if key is not None and key.type == "computed_property_name":
                    found = UNKNOWN
                elif text(key).strip("\"'") == name:
                    found = part(child, "value") or UNKNOWN
            elif text(child) == name:
                found = child
        return found

    def number(self, node: Node | None, depth: int = 0) -> float | None:
        """The value of a constant expression."""
        if node is None or depth > _DEEPEST:
            return None
        if node.id not in self._numbers:
            self._numbers[node.id] = None  # what is made of itself has no value
            self._numbers[node.id] = self._computed(node, depth)
        return self._numbers[node.id]

    def _computed(self, node: Node, depth: int) -> float | None:
        match node.type:
            case "number":
                return _literal(text(node))
            case "parenthesized_expression" | "as_expression" | "satisfies_expression":
                return self.number(node.named_children[0], depth + 1)
            case "unary_expression" if text(part(node, "operator")) == "-":
                inner = self.number(part(node, "argument"), depth + 1)
                return -inner if inner is not None else None
            case "binary_expression":
                left = self.number(part(node, "left"), depth + 1)
                right = self.number(part(node, "right"), depth + 1)
                return _compute(text(part(node, "operator")), left, right)
            case "identifier" | "shorthand_property_identifier":
                definition = self.resolver.program.look_up(text(node), node)
                if definition is not None and definition.owner.type in _PARAMETERS:
                    return self._always_given(definition.owner, depth)
                value = definition.value if definition and not definition.path else None
                return self.number(value, depth + 1) if not self._reassigned(node) else None
            case "member_expression":
                return self._constant_member(node, depth)
            case "call_expression" if text(function_of(node)) in (
                "Math.floor", "Math.round", "Math.ceil", "Math.trunc", "Number"
            ):  # fmt: skip
                given = arguments(node)
                inner = self.number(given[0], depth + 1) if given else None
                return math.floor(inner) if inner is not None else None
        return None

    def _always_given(self, parameter: Node, depth: int) -> float | None:
        """The one number that every known call gives, the default where a call gives none."""
        function = enclosing(parameter, FUNCTIONS)
        place = [each.id for each in parameters(function)] if function else []
        if function is None or parameter.id not in place:
            return None
        index = place.index(parameter.id)
        given = [arguments(call) for call in self.resolver.callers(function)]
        values = [args[index] if index < len(args) else part(parameter, "value") for args in given]
        values = values or [part(parameter, "value")]
        numbers = {self.number(each, depth + 1) for each in values}
        return numbers.pop() if len(numbers) == 1 else None

    def _reassigned(self, name: Node) -> bool:
        definition = self.resolver.program.look_up(text(name), name)
        declaration = definition.owner.parent if definition is not None else None
        return declaration is None or not text(declaration).startswith("const")

    def _constant_member(self, node: Node, depth: int) -> float | None:
        base, name = part(node, "object"), text(part(node, "property"))
        values = [self._in_object(each, name) for each in self.resolver.objects(base)]
        for class_ in self.resolver.names(base, "class"):
            values += [
                part(member, "value") or UNKNOWN for member in self.resolver.fields(class_, name)
            ]
        values += self._enumerated(text(base), name)
        numbers = {self.number(each, depth + 1) for each in values if isinstance(each, Node)}
        return numbers.pop() if len(numbers) == 1 else None

    def _enumerated(self, enum: str, name: str) -> list[Node | Missing | Unknown]:
        """`enum Ttl { Short = 10 }`."""
        return [
            part(member, "value") or UNKNOWN
            for _, node in self.resolver.program.nodes["enum_declaration"]
            if text(part(node, "name")) == enum
            for member in below(node, "enum_assignment")
            if text(part(member, "name")) == name
        ]

    def same_text(self, one: Node | None, other: Node | None) -> bool:
        """Two expressions that mean the same, as far as names tell."""
        return one is not None and other is not None and self.spelled(one) == self.spelled(other)

    def spelled(self, node: Node) -> str:
        """The expression without white space, a constant by what it stands for."""
        if node.id not in self._spellings:
            self._spellings[node.id] = self._spelled(node)
        return self._spellings[node.id]

    def _spelled(self, node: Node) -> str:
        for _ in range(_DEEPEST):
            if node.type != "identifier" or self._reassigned(node):
                break
            definition = self.resolver.program.look_up(text(node), node)
            if definition is None or definition.value is None or definition.path:
                break
            node = definition.value
        written, start = text(node).encode(), node.start_byte
        for member in [*below(node, "member_expression")][::-1]:
            if source := self._copied_from(member):
                end = written[member.end_byte - start :]
                written = written[: member.start_byte - start] + source.encode() + end
        return re.sub(r"\s+", "", written.decode())

    def _copied_from(self, member: Node) -> str:
        """`next.slug` of `const next = {...old, ...link}` is `link.slug`; empty where it is not."""
        base, name = part(member, "object"), text(part(member, "property"))
        if base is None or base.type != "identifier" or self._reassigned(base):
            return ""
        definition = self.resolver.program.look_up(text(base), base)
        literal = definition.value if definition is not None and not definition.path else None
        if literal is None or literal.type != "object" or self._extended(base, name):
            return ""
        for child in reversed(literal.named_children):
            if child.type == "spread_element":
                spread = text(child.named_children[0])
                return f"{spread}.{name}" if spread.isidentifier() else ""
            if text(part(child, "key") or part(child, "name") or child).strip("\"'") == name:
                value = part(child, "value")
                plain = value is not None and value.type in ("identifier", "member_expression")
                return text(value) if plain else ""
            if any(below(child, "computed_property_name")):
                return ""
        return ""

    def is_constant(self, node: Node | None, depth: int = 0) -> bool:
        """A string that is the same in every request."""
        if node is None or depth > _DEEPEST:
            return False
        if node.id not in self._constants:
            self._constants[node.id] = False  # what is made of itself is not known to be one
            self._constants[node.id] = self._always_the_same(node, depth)
        return self._constants[node.id]

    def _always_the_same(self, node: Node, depth: int) -> bool:
        if node.type == "string" or self.number(node) is not None:
            return True
        if node.type == "template_string":
            return not any(below(node, "template_substitution"))
        definition = self.resolver.program.look_up(text(node), node)
        if definition is not None and definition.value is not None and not definition.path:
            return not self._reassigned(node) and self.is_constant(definition.value, depth + 1)
        if node.type == "member_expression":
            name = text(part(node, "property"))
            objects = self.resolver.objects(part(node, "object"))
            values = [self._in_object(each, name) for each in objects]
            return any(isinstance(v, Node) and self.is_constant(v, depth + 1) for v in values)
        return False


def _literal(digits: str) -> float | None:
    try:
        return float(digits.replace("_", ""))
    except ValueError:
        return None


def _compute(operator: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    try:
        match operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "**":
                return float(left**right)
    except (OverflowError, TypeError, ZeroDivisionError):
        return None
    return None
