"""What can be read of a source that does not parse as it stands.

First the grammar is helped where it lacks a piece of the language, then statements that do not
parse are left out. Every replacement is as long as what it replaces, so that lines and columns of
the tree are those of the file.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from tree_sitter import Node

from cachelib.evidence.syntax import Grammar, first_fault, parse_bytes

_TRIES = 12  # parses for one place that does not parse
_PARSED = 4_000_000  # bytes parsed again for one file, all in all
_NEAR = 1  # lines around a fault in which its cause is sought
_STATEMENT = re.compile(
    r".*(?:_statement|_declaration|_signature|method_definition|public_field_definition)$"
)
_BEGINS = re.compile(
    rb"(?m)^[\w$@/#\"'({\[!;<\x80-\xff]"
)  # a statement of the top level, as everybody indents


@dataclass(frozen=True)
class Tree:
    """`left_out` are lines, counted from 1, both included, that are not in the tree."""

    root: Node
    left_out: list[tuple[int, int]]


def read_tree(source: str, grammar: Grammar) -> Tree | None:
    """The tree of what parses, or None where nothing does."""
    raw = source.encode()
    root = parse_bytes(raw, grammar)
    if not root.has_error:
        return Tree(root, [])
    return _Recovery(raw, grammar).tree()


class _Recovery:
    def __init__(self, raw: bytes, grammar: Grammar) -> None:
        self.raw = raw
        self.grammar = grammar
        self._original = raw
        self._budget = _PARSED
        self._left_out: list[tuple[int, int]] = []

    def tree(self) -> Tree | None:
        root = self._parse(self.raw)
        while root.has_error and self._budget > 0:
            root = self._helped(root) or self._without_statement(root) or self._chunks()
        if root.has_error:
            root = self._chunks()
        if root.has_error or not self.raw.strip():
            return None
        return Tree(root, self._lines())

    def _parse(self, raw: bytes) -> Node:
        self._budget -= len(raw)
        return parse_bytes(raw, self.grammar)

    def _helped(self, root: Node) -> Node | None:
        """The tree with a replacement at the first fault, if that brings the fault further."""
        fault = first_fault(root)
        begins = _begins_of_lines(self.raw)
        start = begins[max(0, fault.start_point.row - _NEAR)]
        end = begins[min(len(begins) - 1, fault.start_point.row + 1 + _NEAR)]
        for raw in islice(_replaced(self.raw, start, end, fault.start_byte), _TRIES):
            tried = self._parse(raw)
            if not tried.has_error or first_fault(tried).start_byte > fault.start_byte:
                self.raw = raw
                return tried
        return None

    def _without_statement(self, root: Node) -> Node | None:
        """The tree without the smallest statement around the first fault.

        One that has others of the top level in it has lost a brace and is not that statement.
        """
        node: Node | None = first_fault(root)
        while node is not None and not _STATEMENT.match(node.type):
            node = node.parent
            if node is not None and (node.is_error or node.parent is None):
                return None
        if node is None or _BEGINS.search(self.raw, node.start_byte + 1, node.end_byte):
            return None
        self._blank(node.start_byte, node.end_byte)
        return self._parse(self.raw)

    def _chunks(self) -> Node:
        """The tree of the parts that parse, each from one line that is not indented to the next."""
        begins = [found.start() for found in _BEGINS.finditer(self.raw)]
        for start, end in zip([0, *begins], [*begins, len(self.raw)], strict=True):
            if self._parse(self.raw[start:end]).has_error:
                self._blank(start, end)
        self._budget = 0
        return self._parse(self.raw)

    def _blank(self, start: int, end: int) -> None:
        self._left_out.append((start, end))
        blank = re.sub(rb"[^\n]", b" ", self.raw[start:end])
        self.raw = self.raw[:start] + blank + self.raw[end:]

    def _lines(self) -> list[tuple[int, int]]:
        """The lines of what was left out, those that follow each other as one."""
        begins = _begins_of_lines(self._original)
        merged: list[tuple[int, int]] = []
        for start, end in sorted(self._left_out):
            words = self._original[start:end]
            start += len(words) - len(words.lstrip())
            end -= len(words) - len(words.rstrip())
            if start >= end:
                continue
            first, last = bisect_right(begins, start), bisect_right(begins, end - 1)
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return merged


# -- what the grammar lacks, seen with tree-sitter-typescript 0.23.2 ---------------------------

_IMPORTED_TYPE = re.compile(
    rb"(?:\btypeof\s+|(?:(?<=[:<|&])|(?<=\bas))\s*)import\(\s*(?:\"[^\"\n]*\"|'[^'\n]*')\s*\)"
)
_AMPERSAND = re.compile(rb"&+")
_NAMES = re.compile(
    rb"\b(?:as|abstract|accessor|any|asserts|declare|global|infer|is|keyof|module|namespace"
    rb"|never|number|object|out|override|readonly|satisfies|string|symbol|type|unique|unknown|using)\b"
    rb"|(?<=[\n\t ])in(?:stanceof)?(?=\w)"  # a member in_reply_to behind a line without semicolon
)
_BLANKED = [
    re.compile(rb"(?<=\bexport)\s+type(?=\s*\*)"),
    re.compile(rb"(?<=\bimport)\s+(?:defer|source)(?=\s+[\w*])"),
    re.compile(rb"(?<=[\"'])\s*\b(?:with|assert)\s*\{[^{}]*\}"),
    re.compile(rb"\baccessor(?=\s+[\w#\[\"'])"),
    re.compile(rb"(?<=[<,])\s*(?:in\s+out|in|out)(?=\s+\w)"),
    re.compile(rb"\s+as\s+\w+(?=\s*(?:\bof\b|\]|,))"),
]
_TYPED_CALL = re.compile(rb"(?<!=)>(?=\s*(?:`|\?\.))|(?<=[\"']\))\s*(?:\.\s*\w+\s*)+<")


Replacement = tuple[int, int, bytes]
"""From where, to where, and what each byte becomes."""


def _replaced(raw: bytes, start: int, end: int, fault: int) -> Iterator[bytes]:
    """The source with what stands between `start` and `end` replaced, the likeliest first.

    What is clear by its form is replaced in the rest of the file too: it is used there as well.
    """
    for replacements in (_type_arguments, _imported_types, _unknown_words):
        if any(replacements(raw, start, end)):
            yield _with(raw, replacements(raw, start, len(raw)))
            near = sorted(replacements(raw, start, end), key=lambda each: abs(each[0] - fault))
            yield from (_with(raw, [each]) for each in near)
    for pattern, filler in ((_AMPERSAND, b"."), (_NAMES, b"_")):
        found = [(at.start(), at.end(), filler) for at in pattern.finditer(raw, start, end)]
        found.sort(key=lambda each: abs(each[0] - fault))
        yield from (_with(raw, [each]) for each in found[:4])


def _with(raw: bytes, replacements: Iterable[Replacement]) -> bytes:
    changed = bytearray(raw)
    for start, end, filler in replacements:
        changed[start:end] = re.sub(rb"[^\n]", filler, raw[start:end])
    return bytes(changed)


def _imported_types(raw: bytes, start: int, end: int) -> Iterator[Replacement]:
    yield from ((at.start(), at.end(), b"_") for at in _IMPORTED_TYPE.finditer(raw, start, end))


def _unknown_words(raw: bytes, start: int, end: int) -> Iterator[Replacement]:
    for blanked in _BLANKED:
        yield from ((at.start(), at.end(), b" ") for at in blanked.finditer(raw, start, end))


def _type_arguments(raw: bytes, start: int, end: int) -> Iterator[Replacement]:
    """`<T>` of a tagged template, of `f<T>?.()`, of `import("x").Y<T>`."""
    for found in _TYPED_CALL.finditer(raw, start, end):
        if found[0] == b">":
            opened = _matching(raw, found.start(), max(0, start - 2_000), -1)
            if opened is not None and _is_type_list(raw[opened - 1 : found.start()]):
                yield opened, found.end(), b" "
        else:
            closed = _matching(raw, found.end() - 1, min(len(raw), end + 2_000), 1)
            if closed is not None:
                yield found.end() - 1, closed + 1, b" "


def _is_type_list(words: bytes) -> bool:
    """`f<A, {b: C}`: it follows a name, and its brackets are closed; a comparison's seldom are."""
    pairs = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))
    return words[:1].isalnum() and all(words.count(a) == words.count(b) for a, b in pairs)


def _matching(raw: bytes, at: int, limit: int, step: int) -> int | None:
    """Where the angle bracket at `at` is matched; the arrow `=>` is none."""
    open_ = 0
    for index in range(at, limit, step):
        if raw[index : index + 1] == b"<":
            open_ += step
        elif raw[index : index + 1] == b">" and raw[index - 1 : index] != b"=":
            open_ -= step
        if open_ == 0:
            return index
    return None


def _begins_of_lines(raw: bytes) -> list[int]:
    return list(accumulate((len(each) + 1 for each in raw.split(b"\n")), initial=0))
