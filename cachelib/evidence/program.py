"""The examined sources as one program: declarations by scope, calls, classes, assignments."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from tree_sitter import Node

from cachelib.evidence.files import Source
from cachelib.evidence.mask import mask
from cachelib.evidence.syntax import (
    ancestors,
    below,
    enclosing,
    grammar_of,
    parse,
    part,
    preorder,
    text,
)

FUNCTIONS = frozenset(
    [
        *("function_declaration", "function_expression", "arrow_function", "method_definition"),
        *("generator_function", "generator_function_declaration"),
    ]
)
LOOPS = frozenset(["for_statement", "for_in_statement", "while_statement", "do_statement"])
CLASSES = frozenset(["class_declaration", "class", "abstract_class_declaration"])
_SCOPES = (
    FUNCTIONS
    | CLASSES
    | frozenset(
        [
            "program",
            "statement_block",
            "for_statement",
            "for_in_statement",
            "catch_clause",
            "switch_body",
        ]
    )
)


@dataclass(frozen=True)
class Definition:
    """What a name stands for: `value` at `path` for a destructured one, else the value itself."""

    name: str
    owner: Node
    value: Node | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Module:
    path: str
    source: str
    root: Node

    @cached_property
    def lines(self) -> list[str]:
        """Split at line feeds only, as the parser counts rows."""
        return self.source.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """The byte at which each line begins, and one for the end."""
        return list(accumulate((len(line.encode()) + 1 for line in self.lines), initial=0))

    @cached_property
    def shown(self) -> list[str]:
        """The lines without what looks like a credential."""
        return mask(self.source).split("\n")


@dataclass
class Program:
    modules: list[Module] = field(default_factory=list)
    calls: list[tuple[Module, Node]] = field(default_factory=list)
    nodes: dict[str, list[tuple[Module, Node]]] = field(default_factory=lambda: defaultdict(list))
    scopes: dict[int, dict[str, Definition]] = field(default_factory=lambda: defaultdict(dict))
    exported: dict[str, list[Definition]] = field(default_factory=lambda: defaultdict(list))
    classes: dict[str, Node] = field(default_factory=dict)
    extended: dict[str, str] = field(default_factory=dict)
    members: dict[tuple[str, str], list[Node]] = field(default_factory=lambda: defaultdict(list))
    calls_by_name: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    assigned: dict[tuple[str, str], list[Node]] = field(default_factory=lambda: defaultdict(list))
    mentioned: set[str] = field(default_factory=set)

    def look_up(self, name: str, at: Node) -> Definition | None:
        """The declaration in force for a name, in this file or exported by another one."""
        for scope in ancestors(at):
            if (known := self.scopes.get(scope.id)) is not None and name in known:
                found = known[name]
                if found.owner.type in ("import_specifier", "import_clause"):
                    return next(iter(self.exported.get(found.path[0], [])), found)
                return found
        return None


_KEPT = LOOPS | {
    "assignment_expression",
    "augmented_assignment_expression",
    "update_expression",
    "binary_expression",
    "interface_declaration",
    "new_expression",
    "pair",
    "public_field_definition",
    "subscript_expression",
    "type_alias_declaration",
    "variable_declarator",
}
_NAMES = {
    "identifier", "property_identifier", "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
}  # fmt: skip


def read_program(sources: Iterable[Source]) -> tuple[Program, list[Source]]:
    """The program, and the sources that do not parse and so are no part of it."""
    program, broken = Program(), []
    for source in sources:
        root = parse(source.text, grammar_of(PurePosixPath(source.path).suffix))
        if root.has_error:
            broken.append(source)
        else:
            module = Module(source.path, source.text, root)
            program.modules.append(module)
            _index(program, module)
    return program, broken


def _index(program: Program, module: Module) -> None:
    for node in preorder(module.root):
        kind = node.type
        if kind == "call_expression":
            program.calls.append((module, node))
            program.calls_by_name[callee(node)].append(node)
        if kind in _KEPT:
            program.nodes[kind].append((module, node))
            if kind == "new_expression":
                program.calls_by_name[text(part(node, "constructor"))].append(node)
            elif kind == "assignment_expression":
                _assign(program, node)
        if kind in _DECLARATIONS:
            _declare(program, node)
        if kind == "string_fragment" or (kind in _NAMES and not _is_declared_member(node)):
            program.mentioned.add(text(node))


def _is_declared_member(node: Node) -> bool:
    """`CACHE` in `interface Env { CACHE: KVNamespace }` declares, it does not use."""
    return node.parent is not None and node.parent.type == "property_signature"


def function_of(call: Node | None) -> Node | None:
    """What is called. The grammar reads `await f<T>(x)` as a call of `await f`."""
    called = part(call, "function")
    if called is not None and called.type == "await_expression":
        return called.named_children[0]
    return called


def receiver_of(call: Node | None) -> Node | None:
    return part(function_of(call), "object")


def callee(call: Node) -> str:
    """The last name of what is called: `put` of `this.env.CACHE.put(…)`."""
    called = function_of(call)
    if called is not None and called.type == "member_expression":
        return text(part(called, "property"))
    return text(called) if called is not None and called.type == "identifier" else ""


def arguments(call: Node) -> list[Node]:
    given = part(call, "arguments")
    if given is None:
        return []
    return [child for child in given.named_children if child.type != "comment"]


def _assign(program: Program, node: Node) -> None:
    left, right = part(node, "left"), part(node, "right")
    if left is None or right is None or left.type != "member_expression":
        return
    if text(part(left, "object")) == "this":
        name = text(part(left, "property"))
        program.assigned[class_name(node), name].append(right)


def class_name(node: Node) -> str:
    """The name of the class around a node, or an empty string."""
    around = enclosing(node, CLASSES)
    return text(part(around, "name")) if around is not None else ""


_PARAMETERS = {"required_parameter", "optional_parameter"}
_DECLARATIONS = FUNCTIONS | CLASSES | _PARAMETERS | {
    "variable_declarator", "import_specifier", "import_clause", "for_in_statement", "catch_clause",
}  # fmt: skip


def _declare(program: Program, node: Node) -> None:
    for definition in _definitions(node):
        scope = _scope_of(node)
        if scope is not None:
            program.scopes[scope.id].setdefault(definition.name, definition)
            if scope.type == "program" and node.type not in ("import_specifier", "import_clause"):
                program.exported[definition.name].append(definition)
    if node.type in CLASSES:
        _declare_class(program, node)


def _declare_class(program: Program, node: Node) -> None:
    name, body = text(part(node, "name")), part(node, "body")
    if name in program.classes:
        return
    program.classes[name] = node
    for child in node.named_children:
        if child.type == "class_heritage":
            program.extended[name] = text(next(below(child, "identifier"), None))
    for member in body.named_children if body is not None else []:
        program.members[name, text(part(member, "name"))].append(member)


def _scope_of(node: Node) -> Node | None:
    """A parameter belongs to its function, a loop variable to its loop, the rest to their block."""
    if node.type in ("for_in_statement", "catch_clause", "arrow_function"):
        return node
    return enclosing(node, _SCOPES)


def _definitions(node: Node) -> list[Definition]:
    match node.type:
        case "variable_declarator":
            name, value = part(node, "name"), part(node, "value")
            return _pattern(name, node, value)
        case "required_parameter" | "optional_parameter":
            return _pattern(part(node, "pattern"), node, None)
        case "arrow_function":
            single = part(node, "parameter")
            return [Definition(text(single), single)] if single is not None else []
        case "for_in_statement":
            return _pattern(part(node, "left"), node, None)
        case "catch_clause":
            return _pattern(part(node, "parameter"), node, None)
        case "import_specifier":
            original = part(node, "name")
            name = part(node, "alias") or original
            return [Definition(text(name), node, path=(text(original),))]
        case "import_clause":
            names = [text(child) for child in node.named_children if child.type == "identifier"]
            return [Definition(name, node, path=(name,)) for name in names]
        case "method_definition":
            return []
        case _:
            name = part(node, "name")
            return [Definition(text(name), node)] if name is not None else []


def _pattern(
    name: Node | None, owner: Node, value: Node | None, path: tuple[str, ...] = ()
) -> list[Definition]:
    if name is None:
        return []
    if name.type in ("identifier", "shorthand_property_identifier_pattern"):
        step = (text(name),) if name.type != "identifier" else ()
        return [Definition(text(name), owner, value, (*path, *step))]
    if name.type == "object_pattern":
        return [
            each for child in name.named_children for each in _pattern(child, owner, value, path)
        ]
    if name.type == "pair_pattern":
        key = text(part(name, "key")).strip("\"'")
        return _pattern(part(name, "value"), owner, value, (*path, key))
    if name.type in ("object_assignment_pattern", "assignment_pattern"):
        return _pattern(part(name, "left"), owner, value, path)
    if name.type in ("array_pattern", "rest_pattern"):
        return [
            each
            for child in name.named_children
            for each in _pattern(child, owner, None, (*path, "[]"))
        ]
    return []
