"""One source as a tree: its code by kind of node, its words, its lines as they may be shown."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from tree_sitter import Node

from cachelib.evidence.files import Fault, Source
from cachelib.evidence.mask import hide, mask, may_hold_secrets
from cachelib.evidence.recovery import read_tree
from cachelib.evidence.secrets import secrets_in
from cachelib.evidence.syntax import Grammar, is_deeper, of_types, text

FUNCTIONS = frozenset(
    [
        *("function_declaration", "function_expression", "arrow_function", "method_definition"),
        *("generator_function", "generator_function_declaration"),
    ]
)
LOOPS = frozenset(["for_statement", "for_in_statement", "while_statement", "do_statement"])
CLASSES = frozenset(["class_declaration", "class", "abstract_class_declaration"])
KEPT = LOOPS | {
    "assignment_expression",
    "augmented_assignment_expression",
    "update_expression",
    "binary_expression",
    "enum_declaration",
    "interface_declaration",
    "new_expression",
    "pair",
    "public_field_definition",
    "subscript_expression",
    "try_statement",
    "type_alias_declaration",
    "variable_declarator",
}
_PARAMETERS = {"required_parameter", "optional_parameter"}
DECLARATIONS = FUNCTIONS | CLASSES | _PARAMETERS | {
    "variable_declarator", "import_specifier", "import_clause", "for_in_statement", "catch_clause",
    "namespace_import",
}  # fmt: skip
_INDEXED = frozenset(KEPT | DECLARATIONS | {"call_expression", "export_statement"})
_NAMES = frozenset(
    [
        *("identifier", "property_identifier", "shorthand_property_identifier"),
        *("shorthand_property_identifier_pattern", "string_fragment"),
    ]
)


_DEEPEST = 500  # a parent is found from the root downwards, so depth costs its square


_BLOCK, _AROUND = 100, 60


@dataclass(frozen=True)
class Module:
    """`left_out` are lines of the file, counted from 1, both included, that do not parse."""

    path: str
    source: str
    root: Node
    grammar: Grammar = "tsx"
    left_out: tuple[tuple[int, int], ...] = ()

    @cached_property
    def nodes(self) -> list[Node]:
        """What a program is made of: calls, declarations, assignments …, in the source's order."""
        return of_types(self.root, self.grammar, _INDEXED)

    @cached_property
    def words(self) -> frozenset[str]:
        """The names that its code uses, and its strings; what it only declares is not used."""
        names = (
            node
            for node in of_types(self.root, self.grammar, _NAMES)
            if node.type == "string_fragment" or not _is_declared_member(node)
        )
        return frozenset(map(text, names))

    @property
    def not_read(self) -> list[Fault]:
        """The lines that do not parse."""
        return [Fault(self.path, first, _left_out(first, last)) for first, last in self.left_out]

    @cached_property
    def lines(self) -> list[str]:
        """Split at line feeds only, as the parser counts rows."""
        return self.source.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """The byte at which each line begins, and one for the end."""
        return list(accumulate((len(line.encode()) + 1 for line in self.lines), initial=0))

    def place(self, byte: int) -> tuple[int, int]:
        """The line and the column, in characters and counted from 1, of a byte of the source."""
        row = min(bisect_right(self.starts, byte), len(self.lines)) - 1
        before = self.lines[row].encode()[: byte - self.starts[row]]
        return row + 1, len(before.decode(errors="ignore")) + 1

    def shown(self, first: int, last: int) -> list[str]:
        """Lines, counted from 0, without what looks like a credential.

        They are masked with those around them: a key of many lines is known by its first.
        """
        block = first // _BLOCK
        start = max(0, block * _BLOCK - _AROUND)
        if block not in self._masked:
            lines = self.lines[start : (block + 1) * _BLOCK + _AROUND]
            self._masked[block] = self.fit(mask("\n".join(lines))).split("\n")
        return self._masked[block][first - start : last - start]

    def fit(self, text: str) -> str:
        """Text about the module without what its own names call secrets."""
        return hide(text, self._secrets)

    @cached_property
    def _secrets(self) -> frozenset[str]:
        return secrets_in(self.root) if may_hold_secrets(self.source) else frozenset()

    @cached_property
    def _masked(self) -> dict[int, list[str]]:
        return {}


def _left_out(first: int, last: int) -> str:
    lines = f"line {first} does" if first == last else f"lines {first} to {last} do"
    return f"{lines} not parse; the rest of the file was audited"


def read_modules(sources: Iterable[Source]) -> tuple[list[Module], list[Fault]]:
    """The sources as trees, and which of them do not parse."""
    read = [read_module(source) for source in sources]
    modules = [each for each in read if isinstance(each, Module)]
    return modules, [each for each in read if isinstance(each, Fault)]


def read_module(source: Source) -> Module | Fault:
    tree = read_tree(*source.code)
    if tree is None:
        return Fault(source.path, 1, "does not parse; nothing in it was audited")
    if is_deeper(tree.root, _DEEPEST):
        return Fault(source.path, 1, f"nested deeper than {_DEEPEST} levels; it was not audited")
    return Module(source.path, source.text, tree.root, source.code[1], tuple(tree.left_out))


def _is_declared_member(node: Node) -> bool:
    """`CACHE` in `interface Env { CACHE: KVNamespace }` declares, it does not use."""
    return node.parent is not None and node.parent.type == "property_signature"
