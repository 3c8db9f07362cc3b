"""Kinds, and what the declared type of a thing says of its kind."""

import re
from typing import NamedTuple

from tree_sitter import Node

from cachelib.evidence.bindings import BY_KIND
from cachelib.evidence.module import CLASSES
from cachelib.evidence.names import BindingNames
from cachelib.evidence.program import Program, class_key
from cachelib.evidence.syntax import below, part, text


class Kind(NamedTuple):
    """`tag` is a kind of binding, or one of env, kv_value, map, map_value, class, object, lru.

    Also function, module, shape (of a declared type), edge_cache (of the Cache API), storage (of a
    Durable Object). `name` is the binding, the class, the file, or the place of the map or object.
    """

    tag: str
    name: str = ""


Kinds = frozenset[Kind]
NOTHING: Kinds = frozenset()
ENV: Kinds = frozenset([Kind("env")])

_DEEPEST_TYPE = 4


class DeclaredTypes:
    """Types of the platform, aliases and extensions of them, interfaces with members of them."""

    def __init__(self, program: Program, bindings: BindingNames) -> None:
        self._program = program
        self._bindings = bindings
        self._shapes: dict[str, Node] = {}
        self._known: dict[tuple[int, int], Kinds] = {}

    def of(self, annotation: Node, depth: int = 0) -> Kinds:
        """Each type at each depth once: types of many members name each other many times."""
        place = annotation.id, depth
        if place not in self._known:
            self._known[place] = self._of(_written(annotation), depth)
        return self._known[place]

    def _of(self, annotation: Node, depth: int) -> Kinds:
        if annotation.type == "object_type":
            return self._shape(annotation)
        if annotation.type in ("intersection_type", "union_type"):
            return NOTHING.union(*(self.of(each, depth) for each in annotation.named_children))
        found: set[Kind] = set()
        for node in below(annotation, "type_identifier", "nested_type_identifier"):
            if depth < _DEEPEST_TYPE:
                found |= self._named_type(node, depth)
        return frozenset(found)

    def _named_type(self, node: Node, depth: int) -> Kinds:
        name = text(node)
        definition = self._program.look_up(name, node)
        if (known := self._bindings.of_type(name)) is not None:
            return frozenset([Kind(known)])
        if re.fullmatch(r"(?:\w+\.)?\w*(?:Env|Environment|Bindings)", name):
            return ENV
        if definition is not None and definition.owner.type in CLASSES:
            return class_kind(definition.owner)
        if name == "Cache" and definition is None:
            return frozenset([Kind("edge_cache")])
        if name in ("DurableObjectStorage", "DurableObjectTransaction"):
            return frozenset([Kind("storage")])
        found: Kinds = NOTHING
        for declared in self._program.types.get(name, []):
            value = part(declared, "value")
            found |= self.of(value, depth + 1) if value is not None else self._shape(declared)
        return found

    def _shape(self, declared: Node) -> Kinds:
        self._shapes[str(declared.id)] = declared
        return frozenset([Kind("shape", str(declared.id))])

    def member(self, shape: str, name: str, depth: int = 0) -> Kinds:
        """The kind of a member of a declared type; a binding is called as the member is."""
        declared = self._shapes[shape]
        member = _member(declared, name)
        if member is None:
            return self._inherited(declared, name, depth)
        written = part(member, "type")
        kinds = self.of(written) if written is not None else NOTHING
        return frozenset(Kind(k.tag, name) if k.tag in BY_KIND and not k.name else k for k in kinds)

    def declares(self, shape: str, name: str) -> bool:
        """Whether a type has the member itself, of whatever type."""
        return _member(self._shapes[shape], name) is not None

    def _inherited(self, declared: Node, name: str, depth: int) -> Kinds:
        """`interface More extends Base`."""
        found: Kinds = NOTHING
        for clause in declared.children:
            if clause.type == "extends_type_clause" and depth < _DEEPEST_TYPE:
                for kind in self.of(clause):
                    if kind.tag == "shape":
                        found |= self.member(kind.name, name, depth + 1)
        return found


def class_kind(node: Node | None) -> Kinds:
    return frozenset([Kind("class", class_key(node))]) if node is not None else NOTHING


def _written(annotation: Node) -> Node:
    """The type behind a colon or in parentheses."""
    while annotation.type in ("type_annotation", "parenthesized_type"):
        if not annotation.named_children:
            break
        annotation = annotation.named_children[0]
    return annotation


def _member(declared: Node, name: str) -> Node | None:
    members = part(declared, "body") or declared
    for member in members.named_children:
        if member.type == "property_signature" and text(part(member, "name")) == name:
            return member
    return None
