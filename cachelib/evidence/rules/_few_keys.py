"""Whether a key can be one of a known few only: what a client sends is checked against a list."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from cachelib.evidence.examination import Examination
from cachelib.evidence.functions import owner_function, parameters, returns
from cachelib.evidence.pairs import leaves
from cachelib.evidence.program import arguments, callee, function_of, receiver_of
from cachelib.evidence.rules._rounds import is_added_to, length
from cachelib.evidence.syntax import below, inside, part, text

_LITERAL = ("string", "number", "true", "false", "null", "undefined")
_INNER = ("parenthesized_expression", "as_expression", "await_expression", "non_null_expression")
_CONSTANT = re.compile(r"^[A-Z][A-Z0-9_]+$")  # also of a file that is not at hand
_WORDS = re.compile(r"/\^\(?(?:\?:)?[\w|/-]+\)?\$/\w*")
_ENUM = re.compile(r"^\w+\.(?:enum|nativeEnum|literal|picklist)\(")
_OF_A_LIST = ("includes", "has", "indexOf", "hasOwn", "hasOwnProperty", "some", "test")
_DEEPEST = 5


def is_of_few(examined: Examination, key: Node | None, depth: int = 0) -> bool:
    """A literal, a remainder, a choice of these, or a name that was looked for in a list."""
    if key is None or depth > _DEEPEST:
        return False
    sides = [part(key, side) for side in ("left", "right")]
    match key.type:
        case kind if kind in _LITERAL:
            return True
        case "template_string":
            inner = [each.named_children[0] for each in below(key, "template_substitution")]
            return all(is_of_few(examined, each, depth + 1) for each in inner)
        case "binary_expression" if text(part(key, "operator")) == "%":
            return True
        case "binary_expression":
            return all(is_of_few(examined, each, depth + 1) for each in sides)
        case "ternary_expression":
            return _is_chosen(examined, key, depth)
        case kind if kind in _INNER:
            return is_of_few(examined, key.named_children[0], depth + 1)
        case "call_expression":
            return _is_taken_from_a_list(examined, key)
        case "member_expression":
            return _is_checked(examined, key)
        case "identifier":
            return _is_checked(examined, key) or _is_named_of_few(examined, key, depth)
    return False


def _is_chosen(examined: Examination, key: Node, depth: int) -> bool:
    """`LANGUAGES.includes(asked) ? asked : "en"`."""
    condition, then = part(key, "condition"), part(key, "consequence")
    of_few = is_of_few(examined, then, depth + 1) or (
        condition is not None and _admits(examined, condition, text(then))
    )
    return of_few and is_of_few(examined, part(key, "alternative"), depth + 1)


def _is_taken_from_a_list(examined: Examination, call: Node) -> bool:
    """`LIST.find(…)`, `z.enum([…]).parse(asked)`."""
    receiver = receiver_of(call)
    if callee(call) in ("find", "at"):
        return length(examined, receiver) is not None
    definition = (
        examined.program.look_up(text(receiver), receiver)
        if receiver is not None and receiver.type == "identifier"
        else None
    )
    made = definition.value if definition is not None else receiver
    return callee(call) == "parse" and _ENUM.match(text(made)) is not None


def _is_named_of_few(examined: Examination, key: Node, depth: int) -> bool:
    """What the name stands for is of few: what it is made of, or what all callers give for it."""
    found = examined.program.look_up(text(key), key)
    if found is None or found.path:
        return False
    if _is_of_words(examined, part(found.owner, "type")):
        return True
    later = examined.program.given_later.get(found.name, [])
    if any(examined.program.look_up(found.name, each) == found for each in later):
        return False
    if found.value is not None and found.owner.type == "variable_declarator":
        return is_of_few(examined, found.value, depth + 1)
    function = owner_function(found.owner)
    places = [each.id for each in parameters(function)] if function is not None else []
    if function is None or found.owner.id not in places:
        return False
    given = [arguments(call) for call in examined.kinds.callers(function)]
    index = places.index(found.owner.id)
    asked = [args[index] for args in given if index < len(args)]
    return bool(asked) and all(is_of_few(examined, each, depth + 1) for each in asked)


def _is_of_words(examined: Examination, written: Node | None) -> bool:
    """`"de" | "en"`, also under a name."""
    kinds = ("union_type", "literal_type", "type_identifier")
    type_ = next(below(written, *kinds), None) if written is not None else None
    for _ in range(_DEEPEST):
        if type_ is None or type_.type != "type_identifier":
            break
        declared = examined.program.types.get(text(type_), [])
        type_ = part(declared[0], "value") if declared else None
    if type_ is None or type_.type == "type_identifier":
        return False
    return not re.search(r"\b(?:string|number|bigint)\b", re.sub(r"([\"']).*?\1", "", text(type_)))


def _is_checked(examined: Examination, key: Node) -> bool:
    """The code is reached with one of a list only: under an `if`, or after one that leaves."""
    routine = examined.routine(key)
    if routine is None:
        return False
    name = text(key)
    for choice in below(routine, "if_statement", "switch_statement"):
        if choice.start_byte > key.start_byte:
            break
        if choice.type == "switch_statement":
            if text(part(choice, "value")).strip("()") == name and _is_in_a_case(choice, key):
                return True
            continue
        condition, then = part(choice, "condition"), part(choice, "consequence")
        if condition is None or then is None:
            continue
        if inside(key, then):
            if _admits(examined, condition, name):
                return True
        elif (
            leaves(then)
            and choice.end_byte <= key.start_byte
            and (_refuses(examined, condition, name) or _misses(examined, condition, name, routine))
        ):
            return True
    return False


def _is_in_a_case(switch: Node, key: Node) -> bool:
    """Under a `case`, or behind a switch whose default leaves."""
    body = part(switch, "body")
    cases = body.named_children if body is not None else []
    if inside(key, switch):
        return any(each.type == "switch_case" and inside(key, each) for each in cases)
    return any(each.type == "switch_default" and leaves(each) for each in cases)


def _admits(examined: Examination, condition: Node, name: str) -> bool:
    """True only of one of a list: `LIST.includes(name)`, `name === "a" || name === "b"`."""
    for each in _parts(condition, "&&"):
        if _is_of_list(examined, each, name):
            return True
        if all(_is_literally(one, name, ("===", "==")) for one in _parts(each, "||")):
            return True
    return False


def _refuses(examined: Examination, condition: Node, name: str) -> bool:
    """True of all that is not of a list: `!LIST.includes(name)`, `name !== "a" && …`."""
    for each in _parts(condition, "||"):
        inner = part(each, "argument") if text(part(each, "operator")) == "!" else None
        if inner is not None and _admits(examined, inner, name):
            return True
        if text(part(each, "operator")) in ("===", "==", "<"):  # `LIST.indexOf(name) === -1`
            left = part(each, "left")
            if left is not None and _calls(left, "indexOf"):
                return _is_of_list(examined, left, name)
        if all(_is_literally(one, name, ("!==", "!=")) for one in _parts(each, "&&")):
            return True
    return False


def _calls(node: Node, name: str) -> bool:
    return node.type == "call_expression" and callee(node) == name


def _misses(examined: Examination, condition: Node, name: str, routine: Node) -> bool:
    """`const entry = TABLE[name]; if (!entry) return …`."""
    missing = {text(part(each, "argument")) for each in _parts(condition, "||")}
    return any(
        text(part(each, "name")) in missing
        and (value := part(each, "value")) is not None
        and value.type == "subscript_expression"
        and text(part(value, "index")) == name
        and _is_list(examined, part(value, "object"))
        for each in below(routine, "variable_declarator")
    )


def _parts(condition: Node, operator: str) -> Iterator[Node]:
    while condition.type == "parenthesized_expression":
        condition = condition.named_children[0]
    if condition.type == "binary_expression" and text(part(condition, "operator")) == operator:
        for side in ("left", "right"):
            if (inner := part(condition, side)) is not None:
                yield from _parts(inner, operator)
    else:
        yield condition


def _is_literally(node: Node, name: str, operators: tuple[str, ...]) -> bool:
    sides = [part(node, "left"), part(node, "right")]
    compared = node.type == "binary_expression" and text(part(node, "operator")) in operators
    return compared and any(
        text(one) == name and other is not None and other.type in ("string", "number")
        for one, other in (sides, sides[::-1])
    )


def _is_of_list(examined: Examination, node: Node, name: str, depth: int = 0) -> bool:
    if node.type == "binary_expression" and text(part(node, "operator")) == "in":
        return text(part(node, "left")) == name and _is_list(examined, part(node, "right"))
    if node.type != "call_expression" or depth > _DEEPEST:
        return False
    given = arguments(node)
    if callee(node) in _OF_A_LIST and any(name in text(each) for each in given):
        listed = [receiver_of(node), given[0] if callee(node) == "hasOwn" else None]
        return any(_is_list(examined, each) for each in listed)
    if function_of(node) is None or name not in map(text, given):
        return False
    return any(  # `isLanguage(name)`
        _is_of_list(examined, returned, text(part(own, "pattern") or own), depth + 1)
        for function in examined.kinds.callees(node)
        for own in parameters(function)[:1]
        for returned in returns(function)
    )


def _is_list(examined: Examination, listed: Node | None) -> bool:
    """Written out here: an array, an object, `new Set([…])`, an enum, words; or a constant."""
    while listed is not None and listed.type in _INNER:
        listed = listed.named_children[0]
    if listed is None:
        return False
    if length(examined, listed) is not None or _WORDS.fullmatch(text(listed)):
        return True
    if listed.type == "call_expression":
        return _is_of_enum(examined, listed)
    definition = examined.program.look_up(text(listed), listed)
    made = definition.value if definition is not None else None
    if definition is not None and made is not None:
        if is_added_to(examined, listed, definition):
            return False
        return _is_set_of_few(examined, made)
    return _CONSTANT.match(text(listed)) is not None


def _is_set_of_few(examined: Examination, made: Node) -> bool:
    """`new Set(["s", "m"])`."""
    while made.type in _INNER:
        made = made.named_children[0]
    if made.type != "new_expression" or text(part(made, "constructor")) not in ("Set", "Map"):
        return False
    return length(examined, next(iter(arguments(made)), None)) is not None


def _is_of_enum(examined: Examination, call: Node) -> bool:
    """`Object.values(Shop)`."""
    name = text(next(iter(arguments(call)), None))
    of_all = text(function_of(call)) in ("Object.values", "Object.keys") and name.isidentifier()
    declared = re.compile(rf"\benum {name}\b") if of_all else None
    return declared is not None and any(
        declared.search(each.source) for each in examined.program.modules
    )
