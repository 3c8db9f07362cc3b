"""YAML files checked against a typed model, every problem with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file: where, and what to do."""

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.message}"


class InvalidFileError(ValueError):
    """A file with problems, all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(path: Path, model: type[Model]) -> Model:
    """The file as a `model`; raises `InvalidFileError` with every problem at once."""
    data, tree = _parse(path)
    try:
        return model.model_validate(data, context={"folder": path.parent})
    except ValidationError as error:
        raise InvalidFileError(sorted(_problems(path, tree, model, error), key=_by_line)) from None


def _by_line(problem: Problem) -> tuple[int, str]:
    return problem.line, problem.key


def _parse(path: Path) -> tuple[Any, Node | None]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFileError([Problem(path, 1, "", f"larger than {MAX_BYTES >> 20} MiB")])
        reader = YAML(typ="safe", pure=True)
        tree = reader.compose(path.read_text("utf-8"))
        return None if tree is None else reader.constructor.construct_document(tree), tree
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        # ruamel's later paragraphs explain its own API
        what = str(error.problem or error.context or "not YAML").split("\n")[0]
        raise InvalidFileError([Problem(path, line, "", what)]) from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidFileError([Problem(path, 1, "", f"not readable as YAML: {error}")]) from None
    except OSError as error:
        raise InvalidFileError([Problem(path, 1, "", error.strerror or str(error))]) from None


def _problems(
    path: Path, tree: Node | None, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    schema = model.model_json_schema()
    for item in error.errors(include_url=False):
        if item["loc"][-1:] == ("str",) and isinstance(item["input"], dict):
            continue  # of a name or a mapping, a mapping was given: what is wrong in it follows
        location = _present(item["loc"], tree)
        key = ".".join(map(str, location))
        if item["type"] == "extra_forbidden":
            known = list(_known(schema, location[:-1]))
            message = f"unknown key; {_nearest(str(location[-1]), known)}"
        elif item["type"] == "missing":
            key, message = ".".join(map(str, item["loc"])), "missing; it must be given"
        else:
            message = f"{_said(item['msg'])}{_given(item['input'])}"
        yield Problem(path, _line(tree, location), key, message)


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "must be")


def _given(value: object) -> str:
    if isinstance(value, dict | list) or value is None:
        return ""
    return f", not {value if len(repr(value)) < 60 else repr(value)[:60] + '…'!r}"


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}allowed: {', '.join(known)}"


def _present(location: Location, tree: Node | None) -> Location:
    """The location without the steps that pydantic adds for unions and that no key spells."""
    kept: list[int | str] = []
    for step in location:
        if _child(_descend(tree, tuple(kept)), step) is not None:
            kept.append(step)
    return tuple(kept) or location


def _line(tree: Node | None, location: Location) -> int:
    node, line = tree, 1
    for step in location:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _descend(tree: Node | None, location: Location) -> Node | None:
    for step in location:
        found = _child(tree, step)
        if found is None:
            return None
        tree = found[1]
    return tree


def _child(node: Node | None, step: int | str) -> tuple[int, Node] | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _known(schema: dict[str, Any], location: Location) -> Iterator[str]:
    """The keys that the JSON Schema allows at a location, through references and unions."""
    nodes = [schema]
    for step in location:
        nodes = [child for node in nodes for child in _step(schema, node, step)]
    for node in nodes:
        for option in _options(schema, node):
            yield from option.get("properties", ())


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
