"""The names a declaration declares, and what each stands for."""

from dataclasses import dataclass

from tree_sitter import Node

from cachelib.evidence.syntax import part, text


@dataclass(frozen=True)
class Definition:
    """What a name stands for: `value` at `path` for a destructured one, else the value itself."""

    name: str
    owner: Node
    value: Node | None = None
    path: tuple[str, ...] = ()


def definitions(node: Node) -> list[Definition]:
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
        case "namespace_import":
            names = [text(child) for child in node.named_children if child.type == "identifier"]
            return [Definition(name, node, path=("*",)) for name in names]
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
        listed = _listed(value) if name.type == "array_pattern" and not path else []
        return [
            each
            for place, child in _placed(name)
            for each in (
                _pattern(child, owner, listed[place], path)
                if place < len(listed)
                else _pattern(child, owner, None if listed else value, (*path, "[]"))
            )
        ]
    return []


def _placed(pattern: Node) -> list[tuple[int, Node]]:
    """The members of `[, second, third]` with their places."""
    place, found = 0, []
    for child in pattern.children:
        if child.type == ",":
            place += 1
        elif child.is_named:
            found.append((place, child))
    return found


def _listed(value: Node | None) -> list[Node]:
    """The values of `[a, b]`, also of `await Promise.all([a, b])`."""
    while value is not None and value.type in ("await_expression", "parenthesized_expression"):
        value = value.named_children[0]
    if value is not None and text(part(value, "function")) == "Promise.all":
        given = part(value, "arguments")
        value = given.named_children[0] if given is not None and given.named_children else None
    plain = value is not None and value.type == "array"
    members = value.named_children if value is not None and plain else []
    return [] if any(each.type == "spread_element" for each in members) else list(members)
