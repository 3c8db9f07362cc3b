"""The examined sources as one program: declarations by scope, calls, classes, assignments."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from cachelib.evidence.definitions import Definition, definitions
from cachelib.evidence.imports import Imports
from cachelib.evidence.module import CLASSES, DECLARATIONS, FUNCTIONS, KEPT, Module
from cachelib.evidence.syntax import (
    ancestors,
    below,
    enclosing,
    part,
    text,
)

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


Exports = dict[str, list[tuple[str, Definition]]]


IMPORTED = ("import_specifier", "import_clause", "namespace_import")


@dataclass
class Program:
    """`exported` says in which file each name of a module's top level stands, `given_later` what is
    assigned to a name after its declaration, or pushed into it. `places_by_name` are indexes of
    `calls`.

    `renamed` has what `export { a as b }` and `export default a` call otherwise, by path and name:
    the specifier of the file it comes from (or none) and its name there; `passed_on` the specifiers
    of `export *`. `types` are the declarations of types by name, `paths` the files by tree.
    """

    modules: list[Module] = field(default_factory=list)
    imports: Imports = field(default_factory=lambda: Imports([], {}))
    calls: list[tuple[Module, Node]] = field(default_factory=list)
    nodes: dict[str, list[tuple[Module, Node]]] = field(default_factory=lambda: defaultdict(list))
    scopes: dict[int, dict[str, Definition]] = field(default_factory=lambda: defaultdict(dict))
    exported: dict[str, list[tuple[str, Definition]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    classes: dict[str, Node] = field(default_factory=dict)
    members: dict[tuple[str, str], list[Node]] = field(default_factory=lambda: defaultdict(list))
    calls_by_name: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    places_by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    assigned: dict[tuple[str, str], list[Node]] = field(default_factory=lambda: defaultdict(list))
    given_later: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, list[Node]] = field(default_factory=lambda: defaultdict(list))
    paths: dict[int, str] = field(default_factory=dict)
    renamed: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    passed_on: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    known_exports: dict[tuple[str, str], Definition | None] = field(default_factory=dict)

    def calls_of(self, *names: str) -> list[tuple[Module, Node]]:
        """The calls of anything so called, in the order of the sources."""
        return [
            self.calls[place] for place in sorted(p for n in names for p in self.places_by_name[n])
        ]

    @cached_property
    def by_path(self) -> dict[str, Module]:
        return {each.path: each for each in self.modules}

    def mentions(self, name: str) -> bool:
        """Whether any code uses the name, or has it as a string."""
        return any(name in each.source and name in each.words for each in self.modules)

    def look_up(self, name: str, at: Node) -> Definition | None:
        """The declaration in force for a name, in this file or exported by another one."""
        for known in self._scopes_around(at.parent):
            if (found := known.get(name)) is not None:
                return self._imported(found) if found.owner.type in IMPORTED else found
        return None

    def _scopes_around(self, node: Node | None) -> list[dict[str, Definition]]:
        """The declarations of each scope around, from the innermost; a parent is dear to find."""
        steps: list[Node] = []
        while node is not None and node.id not in self._around:
            steps.append(node)
            node = node.parent
        found = self._around[node.id] if node is not None else []
        for step in reversed(steps):
            known = self.scopes.get(step.id)
            found = [known, *found] if known else found
            self._around[step.id] = found
        return found

    @cached_property
    def _around(self) -> dict[int, list[dict[str, Definition]]]:
        return {}

    @cached_property
    def extended(self) -> dict[str, set[str]]:
        """The members that are assigned to somewhere: `cursor` for `options.cursor = …`.

        A member that is computed, as in `options[name] = …`, may be any: `*`.
        """
        members: dict[str, set[str]] = defaultdict(set)
        for _, node in self.nodes["assignment_expression"]:
            inner = part(node, "left")
            while inner is not None and inner.type in ("member_expression", "subscript_expression"):
                base = part(inner, "object")
                members[text(base)].add(text(part(inner, "property")) or "*")
                inner = base
        return members

    def _imported(self, found: Definition) -> Definition:
        """What another file exports under the name: the file that is named, else the only one."""
        if found.path == ("*",):
            return found
        path = self.file_of(found)
        exported = self.exported_by(path, found.path[0]) if path else None
        if exported is None and found.owner.type == "import_clause" and path:
            exported = self.exported_by(path, "default")
        if exported is not None:
            return exported
        known = self.exported.get(found.path[0], [])
        return known[0][1] if len(known) == 1 and not path else found

    def source_of(self, found: Definition) -> str:
        statement = enclosing(found.owner, {"import_statement"})
        return text(part(statement, "source")).strip("\"'")

    def file_of(self, found: Definition) -> str:
        return self.resolve(found.owner, self.source_of(found))

    def resolve(self, at: Node, specifier: str) -> str:
        """The path of the file that an import in the file of a node names, or nothing."""
        return self.imports.resolve(self.path_of(at), specifier) or ""

    def path_of(self, node: Node) -> str:
        *_, root = node, *ancestors(node)
        return self.paths.get(root.id, "")

    def exported_by(self, path: str, name: str) -> Definition | None:
        """A name of a file, also one that it passes on from another (`export * from`)."""
        if (path, name) not in self.known_exports:
            self.known_exports[path, name] = self._passed_on_by(path, name, set())
        return self.known_exports[path, name]

    def _passed_on_by(
        self, path: str, name: str, seen: set[tuple[str, str]], depth: int = 0
    ) -> Definition | None:
        """`seen` are the names looked for already: files may pass on each other in circles."""
        for place, definition in self.exported.get(name, []):
            if place == path and definition.owner.type not in IMPORTED:
                return definition
        if (path, name) in seen or depth > _DEEPEST_EXPORT:
            return None
        seen.add((path, name))
        if (renamed := self.renamed.get((path, name))) is not None:
            source, inner = renamed
            target = self.imports.resolve(path, source) if source else path
            return self._passed_on_by(target, inner, seen, depth + 1) if target else None
        for source in self.passed_on.get(path, []):
            target = self.imports.resolve(path, source)
            found = self._passed_on_by(target, name, seen, depth + 1) if target else None
            if found is not None:
                return found
        return None


_DEEPEST_EXPORT = 8
_TYPES = ("interface_declaration", "type_alias_declaration")


def program_of(modules: Iterable[Module], imports: Imports) -> Program:
    """The modules as one program; `imports` says which file an import names."""
    program = Program(imports=imports)
    for module in modules:
        program.modules.append(module)
        _index(program, module)
    return program


def _index(program: Program, module: Module) -> None:
    program.paths[module.root.id] = module.path
    for node in module.nodes:
        kind = node.type
        if kind == "call_expression":
            _add_call(program, module, node)
        if kind in KEPT:
            program.nodes[kind].append((module, node))
            if kind == "new_expression":
                program.calls_by_name[text(part(node, "constructor"))].append(node)
            elif kind == "assignment_expression":
                _assign(program, node)
            elif kind in _TYPES:
                program.types[text(part(node, "name"))].append(node)
        if kind in DECLARATIONS:
            _declare(program, module.path, node)
        elif kind == "export_statement":
            _export(program, module.path, node)


def _add_call(program: Program, module: Module, call: Node) -> None:
    name = callee(call)
    program.places_by_name[name].append(len(program.calls))
    program.calls.append((module, call))
    program.calls_by_name[name].append(call)
    if name == "push":
        program.given_later[text(receiver_of(call))] += arguments(call)


def _export(program: Program, path: str, node: Node) -> None:
    source = text(part(node, "source")).strip("\"'")
    listed = bool(source) or part(node, "declaration") is None
    specifiers = list(below(node, "export_specifier")) if listed else []
    for each in specifiers:
        inner, outer = part(each, "name"), part(each, "alias") or part(each, "name")
        program.renamed[path, text(outer)] = source, text(inner)
    if source and not specifiers:
        program.passed_on[path].append(source)
    value = part(node, "value")
    if value is not None and value.type == "identifier":
        program.renamed[path, "default"] = "", text(value)


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
    if left is not None and right is not None and left.type == "identifier":
        program.given_later[text(left)].append(right)
    if left is None or right is None or left.type != "member_expression":
        return
    if text(part(left, "object")) == "this":
        name = text(part(left, "property"))
        program.assigned[class_key(enclosing(node, CLASSES)), name].append(right)


def class_key(class_: Node | None) -> str:
    """What tells classes of one name apart."""
    return str(class_.id) if class_ is not None else ""


def _declare(program: Program, path: str, node: Node) -> None:
    for definition in definitions(node):
        scope = _scope_of(node)
        if scope is not None:
            program.scopes[scope.id].setdefault(definition.name, definition)
            if scope.type == "program" and node.type not in IMPORTED:
                program.exported[definition.name].append((path, definition))
    if node.type in CLASSES:
        _declare_class(program, node)


def _declare_class(program: Program, node: Node) -> None:
    key, body = class_key(node), part(node, "body")
    program.classes[key] = node
    for member in body.named_children if body is not None else []:
        program.members[key, text(part(member, "name"))].append(member)


def _scope_of(node: Node) -> Node | None:
    """A parameter belongs to its function, a loop variable to its loop, the rest to their block."""
    if node.type in ("for_in_statement", "catch_clause", "arrow_function"):
        return node
    return enclosing(node, _SCOPES)
