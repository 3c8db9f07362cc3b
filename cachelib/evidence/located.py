"""TOML and JSON with comments read into values that know their place in the file."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from tree_sitter import Node

from cachelib.errors import CachelibError
from cachelib.evidence.syntax import below, first_fault, line, parse, part, text

Path = tuple[str | int, ...]


class UnreadableError(CachelibError, ValueError):
    """A configuration file that does not parse: the line, counted from 1, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Span:
    """Lines counted from 1, both included; bytes as a slice."""

    line: int
    end_line: int
    start: int
    end: int


@dataclass(frozen=True)
class Comment:
    text: str
    line: int


@dataclass(frozen=True)
class Located:
    """A value, its children (of a table or an array) and where it stands."""

    value: object
    span: Span
    children: dict[str | int, "Located"] = field(default_factory=dict)

    def get(self, *path: str | int) -> "Located | None":
        node: Located | None = self
        for step in path:
            node = node.children.get(step) if node is not None else None
        return node

    def scalars(self, path: Path = ()) -> Iterator[tuple[Path, "Located"]]:
        if not self.children:
            yield path, self
        for key, child in self.children.items():
            yield from child.scalars((*path, key))


@dataclass(frozen=True)
class Document:
    root: Located
    comments: list[Comment]


def read_toml(source: str) -> Document:
    """Values as tomllib reads them, places from the syntax tree."""
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(_line_in(str(error), source), str(error)) from None
    tree = parse(source, "toml")
    comments = [
        Comment(text(node).lstrip("# ").rstrip(), line(node)) for node in below(tree, "comment")
    ]
    return Document(_locate(values, (), _toml_spans(tree), _span(tree)), comments)


def _line_in(message: str, source: str) -> int:
    """tomllib tells the line in words only: "… (at line 3, column 7)" or "(at end of document)"."""
    words = message.replace(",", " ").split()
    return int(words[words.index("line") + 1]) if "line" in words else source.count("\n") + 1


def _span(node: Node, last: Node | None = None) -> Span:
    end = last or node
    return Span(line(node), end.end_point.row + 1, node.start_byte, end.end_byte)


def _locate(value: object, path: Path, spans: dict[Path, Span], outer: Span) -> Located:
    span = spans.get(path) or _first_below(path, spans) or outer
    items: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    return Located(value, span, {k: _locate(v, (*path, k), spans, span) for k, v in items})


def _first_below(path: Path, spans: dict[Path, Span]) -> Span | None:
    """A table that only dotted names imply stands where the first of its members does."""
    return next((span for known, span in spans.items() if known[: len(path)] == path), None)


def _toml_spans(tree: Node) -> dict[Path, Span]:
    spans: dict[Path, Span] = {}
    sizes: dict[Path, int] = {}

    def table(keys: list[str]) -> Path:
        """`[a.b]` after `[[a]]` names b of the last a."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in sizes:
                path = (*path, sizes[path] - 1)
        return path

    def pair(node: Node, base: Path) -> None:
        key, *_, value = [child for child in node.named_children if child.type != "comment"]
        path = (*base, *_keys(key))
        spans[path] = _span(node)
        _nested(value, path)

    def _nested(value: Node, path: Path) -> None:
        spans[path] = _span(value) if path not in spans else spans[path]
        members = [child for child in value.named_children if child.type != "comment"]
        if value.type == "inline_table":
            for member in members:
                pair(member, path)
        elif value.type == "array":
            for index, member in enumerate(members):
                _nested(member, (*path, index))
        else:
            spans[path] = _span(value)

    for node in tree.named_children:
        if node.type == "pair":
            pair(node, ())
        elif node.type in ("table", "table_array_element"):
            keys = _keys(node.named_children[0])
            if node.type == "table_array_element":
                *outer, last = keys
                array = (*table(outer), last)
                sizes[array] = sizes.get(array, 0) + 1
            base = table(keys)
            pairs = [child for child in node.named_children if child.type == "pair"]
            spans[base] = _span(node, pairs[-1] if pairs else node.named_children[0])
            for child in pairs:
                pair(child, base)
    return spans


def _keys(node: Node) -> list[str]:
    if node.type == "dotted_key":
        return [key for child in node.named_children for key in _keys(child)]
    return [next(iter(tomllib.loads(f"{text(node)} = 0")))]


def read_jsonc(source: str) -> Document:
    """JSON with comments and trailing commas is an expression of TypeScript."""
    tree = parse(f"({source}\n)", "typescript")
    if tree.has_error:
        raise UnreadableError(line(first_fault(tree)), "not valid JSON")
    comments = [Comment(text(node).strip("/* \n\t"), line(node)) for node in below(tree, "comment")]
    expressions = [node for node in tree.named_children if node.type == "expression_statement"]
    if len(expressions) != 1:
        raise UnreadableError(1, "holds no JSON object")
    inner = [n for n in expressions[0].named_children[0].named_children if n.type != "comment"]
    return Document(_json_value(inner[0]), comments)


def _json_value(node: Node, outer: Node | None = None) -> Located:
    span = _span(outer or node)
    span = Span(span.line, span.end_line, node.start_byte - 1, node.end_byte - 1)
    members = [child for child in node.named_children if child.type != "comment"]
    if node.type == "object" and all(child.type == "pair" for child in members):
        pairs = [(child, *_sides(child)) for child in members]
        children: dict[str | int, Located] = {
            str(_scalar(key)): _json_value(value, pair) for pair, key, value in pairs
        }
        return Located({key: child.value for key, child in children.items()}, span, children)
    if node.type == "array":
        children = {index: _json_value(child) for index, child in enumerate(members)}
        return Located([child.value for child in children.values()], span, children)
    return Located(_scalar(node), span)


def _sides(pair: Node) -> tuple[Node, Node]:
    """The key and the value; a pair without either would be a fault of the tree."""
    key, value = (part(pair, side) for side in ("key", "value"))
    return cast(Node, key), cast(Node, value)


def _scalar(node: Node) -> object:
    try:
        return json.loads(text(node))
    except json.JSONDecodeError:
        words = "names and values take double quotes; only comments and last commas may be added"
        raise UnreadableError(line(node), f"not valid JSON: {words}") from None
