"""The literals of a source that a name calls a secret: what they say is shown nowhere."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.mask import promises_secret
from cachelib.evidence.syntax import part, text

_SHORTEST = 4
# A remark: a word, and what it is said to be; long or with a digit, where it is no plain word.
_REMARK = re.compile(
    r"""([\w-]+)["'`]? *(?:[:=]|\bis|\bwas) *["'`]?((?=[^\s"'`]*\d)[^\s"'`]{6,}|[^\s"'`]{10,})"""
)
_LITERALS = ("string", "template_string", "number", "regex")
_NAMED_BY = {
    "variable_declarator": "name",
    "pair": "key",
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "public_field_definition": "name",
    "property_signature": "name",
    "enum_declaration": "name",
    "enum_assignment": "name",
    "required_parameter": "pattern",
    "optional_parameter": "pattern",
    "object_assignment_pattern": "left",
    "assignment_pattern": "left",
    "type_alias_declaration": "name",
    "switch_statement": "value",
}
# What these are given are names, not values.
_ASKING = {
    *("get", "getWithMetadata", "getAll", "getItem", "has", "match", "list", "header", "cookie"),
    *("query", "param", "split", "replace", "startsWith", "includes", "slice", "fetch", "delete"),
    *("idFromName", "getByName", "prepare", "exec", "json", "log", "warn", "error", "info"),
}


def secrets_in(root: Node) -> frozenset[str]:
    """The contents of the literals that stand under a name which promises a secret, by line."""
    found: set[str] = set()
    open_ = [(root, False)]
    while open_:
        node, is_secret = open_.pop()
        if node.type == "statement_block":
            is_secret = False
        if is_secret and node.type in _LITERALS:
            found.update(_lines(node))
        elif node.type == "comment" and promises_secret(text(node)):
            found.update([*_beside(node), *_told(node)])
        open_ += [(child, _is_secret(node, child, is_secret)) for child in node.children]
    return frozenset(found)


def _is_secret(node: Node, child: Node, outer: bool) -> bool:
    name = _NAMED_BY.get(node.type)
    if name is not None:
        named = part(node, name)
        return child != named and (outer or _promises(named))
    match node.type:
        case "jsx_attribute":
            return outer or _promises(node.named_children[0])
        case "binary_expression":
            return outer or any(
                _promises(side) for side in node.named_children if side.type not in _LITERALS
            )
        case "call_expression" | "new_expression":
            called = part(node, "function") or part(node, "constructor")
            if child == called:
                return outer
            asks = _last_name(called) in _ASKING
            return not asks and (outer or promises_secret(_last_name(called)))
        case "arguments":
            naming = [each for each in node.named_children if _is_name(each)]
            return child not in naming and (outer or bool(naming))
    return outer


def _promises(node: Node | None) -> bool:
    """By the last name of `config.password`, `headers["X-Api-Key"]`; no name stands in a call."""
    if node is None or node.type in ("call_expression", "await_expression", "binary_expression"):
        return False
    return promises_secret(text(part(node, "index")) or _last_name(node))


def _last_name(node: Node | None) -> str:
    return text(part(node, "property")) or text(node)


def _is_name(argument: Node) -> bool:
    """`"x-api-key"` of `headers.set("x-api-key", …)`."""
    words = text(argument)[1:-1]
    is_word = words.replace("-", "").replace("_", "").isalpha()
    return argument.type == "string" and is_word and promises_secret(words)


def _lines(literal: Node) -> Iterator[str]:
    """What a literal says, line by line; short pieces between substitutions say nothing."""
    pieces = literal.named_children if literal.type.endswith("string") else [literal]
    has_parts = any(piece.type == "template_substitution" for piece in pieces)
    shortest = 2 * _SHORTEST if has_parts else _SHORTEST
    for piece in pieces:
        if piece.type != "template_substitution":
            lines = [line.strip().removesuffix("\\") for line in text(piece).split("\n")]
            yield from (line for line in lines if len(line) >= shortest)


def _beside(comment: Node) -> Iterator[str]:
    """The literals on the line of a comment that speaks of a secret."""
    before = comment.prev_sibling
    if before is not None and before.end_point.row == comment.start_point.row:
        open_ = [before]
        while open_:
            node = open_.pop()
            if node.type in _LITERALS:
                yield from _lines(node)
            open_ += node.children


def _told(comment: Node) -> Iterator[str]:
    """What a remark says that a secret is."""
    found = _REMARK.findall(text(comment))
    yield from (value.rstrip(".,;:*/)") for name, value in found if promises_secret(name))
