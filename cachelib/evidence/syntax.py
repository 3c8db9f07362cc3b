"""Syntax trees of TypeScript, JavaScript and TOML, and the few steps over them used here."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Literal

import tree_sitter_toml
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

_TYPESCRIPT = {".ts", ".mts", ".cts"}
Grammar = Literal["typescript", "tsx", "toml"]

_GRAMMARS = {
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
    "toml": tree_sitter_toml.language,
}


@cache
def _parser(grammar: Grammar) -> Parser:
    return Parser(Language(_GRAMMARS[grammar]()))


def parse(source: str, grammar: Grammar) -> Node:
    """The root of the tree; a source with faults has `has_error` set."""
    return parse_bytes(source.encode(), grammar)


def parse_bytes(source: bytes, grammar: Grammar) -> Node:
    return _parser(grammar).parse(source).root_node


def grammar_of(suffix: str) -> Grammar:
    """Plain TypeScript allows `<T>value`, which every other dialect reads as JSX."""
    return "typescript" if suffix in _TYPESCRIPT else "tsx"


def text(node: Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""


def part(node: Node | None, *fields: str) -> Node | None:
    """The child under a field, then the child of that under the next field."""
    for field in fields:
        node = node.child_by_field_name(field) if node is not None else None
    return node


def preorder(root: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the source; deep trees cost no stack."""
    cursor = root.walk()
    while (node := cursor.node) is not None:
        yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def is_deeper(root: Node, limit: int) -> bool:
    cursor = root.walk()
    while cursor.depth <= limit:
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
    return True


def below(root: Node, *types: str) -> Iterator[Node]:
    return (node for node in preorder(root) if node.type in types)


def ancestors(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def enclosing(node: Node, types: Collection[str]) -> Node | None:
    return next((above for above in ancestors(node) if above.type in types), None)


def inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte


def line(node: Node) -> int:
    """The line a node starts on, counted from 1."""
    return node.start_point.row + 1


def first_fault(root: Node) -> Node:
    """The first place that does not parse, as narrow as the tree tells; only faults are entered."""
    node = root
    while (inner := next((each for each in node.children if each.has_error), None)) is not None:
        node = inner
    return node
