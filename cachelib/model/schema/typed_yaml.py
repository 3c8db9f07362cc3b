"""YAML files checked against a typed model, every problem with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from cachelib.errors import CachelibError
from cachelib.model.schema.bounds import faults
from cachelib.model.schema.unreadable import marked, unmarked
from cachelib.model.schema.yaml_reader import reader
from cachelib.plural import ordinal

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

MAX_BYTES = 4 << 20
MOST_LISTED = 40


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file: where, and what to do."""

    file: Path
    line: int
    key: str
    message: str
    given: str = ""
    """What was said on the command line in the file's place, where that is what is wrong."""

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.given or f'{self.file}:{self.line}'}: {key}{self.message}"


class InvalidFileError(CachelibError, ValueError):
    """A file with problems, all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """A YAML file that parses: its data, and where each part of it stands.

    `given`: for the parts that a command line has set, the words that it did so with.
    """

    path: Path
    data: Any
    tree: Node | None
    given: Mapping[Location, str]

    def problem(self, location: Location, message: str, key: str = "") -> Problem:
        """What is wrong at a location, or at the innermost part of it that there is."""
        location, message = self._within(location, message)
        present = self.present(location)
        line = _line(self.tree, present)
        name = key or self.spelled(present)
        return Problem(self.path, line, name, message, self._said(present))

    def present(self, location: Location) -> Location:
        """Without the steps that pydantic adds for unions and that no key spells."""
        kept: list[int | str] = []
        at = self.data
        for step in location:
            found = _inside(at, step)
            if found is not None:
                at = found[0]
                kept.append(step)
        return tuple(kept) or location

    def spelled(self, location: Location) -> str:
        """A location as its reader knows it: of a list, an entry's own name, or which it is."""
        words, at = list[str](), self.data
        for step in location:
            found = _inside(at, step)
            at = found[0] if found is not None else None
            words.append(_called(at, step) if isinstance(step, int) else step)
        return ".".join(words)

    def _within(self, location: Location, message: str) -> tuple[Location, str]:
        """The part that a message begins with, as `expiry: …` does, where that is there."""
        path, _, rest = message.partition(": ")
        steps = tuple(int(step) if step.isdecimal() else step for step in path.split("."))
        at = self.present(location)
        if not rest or self.present((*at, *steps)) != (*at, *steps):
            return location, message
        return self._within((*at, *steps), rest)

    def _said(self, location: Location) -> str:
        """The words on the command line that set this part, or one in it or around it."""
        for place, words in self.given.items():
            length = min(len(place), len(location))
            if length and place[:length] == location[:length]:
                return words
        return ""


def _inside(value: Any, step: int | str) -> tuple[Any] | None:
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return (value[step],)
    return (value[step],) if isinstance(value, dict) and step in value else None


NAMES = ("name", "id", "metric", "meter")
"""What the entries of lists are known by."""
PLAIN = re.compile(r"[A-Za-z][\w.-]{,59}")


def _called(entry: Any, nth: int) -> str:
    """An entry of a list by its name, or else by its place, as people count."""
    own = [entry[key] for key in NAMES if key in entry] if isinstance(entry, dict) else [entry]
    name = next((each for each in own if isinstance(each, str) and PLAIN.fullmatch(each)), None)
    return name or ordinal(nth + 1)


Findings = Iterable[tuple[Location, str]]
"""Locations, and what is wrong there."""


def load(
    path: Path, model: type[Model], findings: Callable[[Model], Findings] = lambda _: ()
) -> Model:
    """The file as a `model`; raises `InvalidFileError` with every problem at once.

    `findings` says what else is wrong with a file whose types are right.
    """
    return validated(read(path), model, findings)


def read(path: Path) -> Document:
    """The file as data; raises `InvalidFileError` for what is no YAML."""
    data, tree = _parse(path)
    return Document(path, data, tree, {})


def validated(
    document: Document, model: type[Model], findings: Callable[[Model], Findings] = lambda _: ()
) -> Model:
    """The data as a `model`; raises `InvalidFileError` with every problem at once."""
    try:
        made = model.model_validate(document.data, context={"folder": document.path.parent})
    except ValidationError as error:
        problems = list(_problems(document, model, error))
    else:
        problems = [document.problem(location, message) for location, message in findings(made)]
    if problems:
        raise InvalidFileError(sorted(problems, key=_by_line))
    return made


def _by_line(problem: Problem) -> tuple[int, str]:
    return problem.line, problem.key


def _parse(path: Path) -> tuple[Any, Node | None]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFileError([Problem(path, 1, "", f"larger than {MAX_BYTES >> 20} MiB")])
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InvalidFileError([Problem(path, 1, "", "is a pipe or a device, and no file")])
        yaml = reader()
        tree = yaml.compose(path.read_text("utf-8"))
        if tree is None:
            return None, None
        if found := faults(tree):
            raise InvalidFileError([Problem(path, line, "", said) for line, said in sorted(found)])
        return yaml.constructor.construct_document(tree), tree
    except InvalidFileError:
        raise
    except MarkedYAMLError as error:
        raise InvalidFileError([_unread(path, *marked(error))]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidFileError([_unread(path, *unmarked(path, error))]) from None
    except OSError as error:
        said = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        problem = Problem(path, 1, "", said or str(error), given=str(path))  # it has no lines
        raise InvalidFileError([problem]) from None


def _unread(path: Path, line: int, said: str) -> Problem:
    return Problem(path, line, "", said)


def _problems(
    document: Document, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    schema = model.model_json_schema()
    for item in error.errors(include_url=False):
        if item["loc"][-1:] == ("str",) and isinstance(item["input"], dict):
            continue  # of a name or a mapping, a mapping was given: what is wrong in it follows
        location, key = document.present(item["loc"]), ""
        if item["type"] == "extra_forbidden":
            known = keys_at(schema, location[:-1])
            message = f"unknown key; {nearest(str(location[-1]), known)}"
        elif item["type"] == "model_type":
            message = "the file is empty" if item["input"] is None else "must be keys with values"
        elif item["type"] == "missing":
            key = document.spelled((*document.present(item["loc"][:-1]), item["loc"][-1]))
            message = "missing; it must be given"
        else:
            message = WORDS.get(item["type"]) or _said(item["msg"])
            if item["type"] != "value_error":  # ours say it themselves
                message += _given(item["input"])
        yield document.problem(item["loc"], message, key)


_A_LIST = "must be a list: a line for each, which begins with a dash"
_TYPES = {
    "must be keys with values": ("dict_type", "mapping_type"),
    "must be text": ("string_type",),
    "must be a number": ("float_parsing", "float_type"),
    "must be a whole number": ("int_parsing", "int_type", "int_from_float"),
    "must be true or false": ("bool_parsing", "bool_type"),
    _A_LIST: ("list_type", "tuple_type", "set_type"),
}
WORDS = {kind: said for said, kinds in _TYPES.items() for kind in kinds}
"""What is wrong, for a reader who does not know the types of a programming language."""


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _given(value: object) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    return f", not {value if len(repr(value)) < 60 else repr(value)[:60] + '…'!r}"


def nearest(name: str, known: Sequence[str]) -> str:
    """A guess at what was meant, and what there is: all of it, if it is not too much to read."""
    swapped = [each for each in known if sorted(each) == sorted(name)]  # two letters, as in p59
    near = swapped or get_close_matches(name, known, n=1, cutoff=0.6)
    guess = f"did you mean {near[0]!r}?" if near else ""
    allowed = f"allowed: {', '.join(known)}" if len(known) <= MOST_LISTED else ""
    return " ".join(filter(None, (guess, allowed))) or f"none of the {len(known):,} there are"


def _line(tree: Node | None, location: Location) -> int:
    node, line = tree, 1
    for step in location:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: Node | None, step: int | str) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def keys_at(schema: dict[str, Any], location: Location) -> list[str]:
    """The keys that the JSON Schema allows at a location, through references and unions."""
    return [key for node in nodes_at(schema, location) for key in node.get("properties", ())]


def nodes_at(schema: dict[str, Any], location: Location) -> list[dict[str, Any]]:
    """What the JSON Schema says of a location: one node for each kind that it may be."""
    nodes = [schema]
    for step in location:
        nodes = [child for node in nodes for child in _step(schema, node, step)]
    return [option for node in nodes for option in _options(schema, node)]


def _step(root: dict[str, Any], node: dict[str, Any], step: int | str) -> Iterator[dict[str, Any]]:
    for option in _options(root, node):
        if step in option.get("properties", {}):
            yield option["properties"][step]
        elif isinstance(step, int) and "items" in option:
            yield option["items"]
        elif isinstance(option.get("additionalProperties"), dict):
            yield option["additionalProperties"]


def _options(root: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _options(root, root["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    elif "anyOf" in node:
        for option in node["anyOf"]:
            yield from _options(root, option)
    else:
        yield node
