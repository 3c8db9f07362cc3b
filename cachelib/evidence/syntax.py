"""Syntax trees of TypeScript, JavaScript and TOML, and the few steps over them used here."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Literal

import tree_sitter_toml
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from cachelib.errors import CachelibError

_TYPESCRIPT = {".ts", ".mts", ".cts"}
Grammar = Literal["typescript", "tsx", "toml"]

_GRAMMARS = {
    "typescript": tree_sitter_typescript.language_typescript,
    "tsx": tree_sitter_typescript.language_tsx,
    "toml": tree_sitter_toml.language,
}


@cache
def _language(grammar: Grammar) -> Language:
    return Language(_GRAMMARS[grammar]())


@cache
def _parser(grammar: Grammar) -> Parser:
    return Parser(_language(grammar))


@cache
def _query(grammar: Grammar, types: frozenset[str]) -> Query:
    return Query(_language(grammar), " ".join(f"({each}) @found" for each in sorted(types)))


def parse(source: str, grammar: Grammar) -> Node:
    """The root of the tree; a source with faults has `has_error` set."""
    return parse_bytes(source.encode(), grammar)


def parse_bytes(source: bytes, grammar: Grammar) -> Node:
    return _parser(grammar).parse(source).root_node


def grammar_of(suffix: str) -> Grammar:
    """Plain TypeScript allows `<T>value`, which every other dialect reads as JSX."""
    return "typescript" if suffix in _TYPESCRIPT else "tsx"


def text(node: Node | None) -> str:
    raw = node.text if node is not None else None
    if raw is None:
        return ""
    if len(raw) > _LONG:
        _spend(len(raw) // _BYTES_A_NODE)
    return raw.decode()


_LONG, _BYTES_A_NODE = 2_000, 40  # of a text whose reading counts as work


def part(node: Node | None, *fields: str) -> Node | None:
    """The child under a field, then the child of that under the next field."""
    for field in fields:
        node = node.child_by_field_name(field) if node is not None else None
    return node


class TooMuchWorkError(CachelibError):
    """A tree was gone through more often than it was allowed to."""


@dataclass
class _Work:
    left: int


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextmanager
def at_most(nodes: int) -> Iterator[None]:
    """Whoever goes through more nodes of trees meanwhile gets TooMuchWorkError.

    Nodes are counted, not seconds, so that a result is the same on every machine.
    """
    token = _WORK.set(_Work(nodes))
    try:
        yield
    finally:
        _WORK.reset(token)


def _spend(nodes: int) -> None:
    work = _WORK.get()
    if work is not None:
        work.left -= nodes
        if work.left < 0:
            raise TooMuchWorkError(f"more than was allowed by {-work.left} nodes")


def preorder(root: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the source; deep trees cost no stack."""
    _spend(root.descendant_count)
    cursor = root.walk()
    while (node := cursor.node) is not None:
        yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def of_types(root: Node, grammar: Grammar, types: frozenset[str]) -> list[Node]:
    """What `below` gives, found by the parser's own library: for few nodes of a whole file."""
    found = QueryCursor(_query(grammar, types)).captures(root).get("found", [])
    return sorted(found, key=lambda each: (each.start_byte, -each.end_byte))


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
    """Within the other or the same; of another file, whose bytes count alike, it is not."""
    if not (outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte):
        return False
    above: Node | None = node
    while above is not None and above != outer and above.start_byte >= outer.start_byte:
        above = above.parent
    return above == outer


def line(node: Node) -> int:
    """The line a node starts on, counted from 1."""
    return node.start_point.row + 1


def first_fault(root: Node) -> Node:
    """The first place that does not parse, as narrow as the tree tells; only faults are entered."""
    node = root
    while (inner := next((each for each in node.children if each.has_error), None)) is not None:
        node = inner
    return node
