"""A first case of one's own: the ready-made one, with what its keys mean written beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from cachelib.model.case.case import CASES, Case

EXAMPLE = CASES / "trading-sentiment.yaml"
CLAIMS = 2
HEAD = """\
# A case: one decision to make. This one is an example, and runs as it is; make it yours.
# `cachelib check .` says what is wrong with it, `cachelib report` runs it.
"""

Schema = Mapping[str, Any]


class ExistsError(ValueError):
    """A case file that is there already."""


def write_case(folder: Path) -> Path:
    """Write `case.yaml` into the folder, which is made if need be; never over another.

    Raises `ExistsError`.
    """
    path = folder / "case.yaml"
    text = commented(EXAMPLE.read_text("utf-8"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ExistsError(f"{error.filename}: is there already, and was left as it is") from None
    return path


def commented(example: str) -> str:
    """The case with its schema's words above each section, without what ties it to its place."""
    tree = YAML(typ="safe", pure=True).compose(example)
    left_out, schema = set(_tied(tree)), Case.model_json_schema()
    above = {
        key.start_mark.line: "".join(_comment(schema, key.value, value))
        for key, value in tree.value
    }
    lines = example.splitlines(keepends=True)
    kept = (
        above.get(nr, "") + line
        for nr, line in enumerate(lines)
        if nr >= min(above) and nr not in left_out
    )
    return HEAD + "\n" + "".join(kept)


def _tied(tree: MappingNode) -> Iterator[int]:
    """The lines of the system's repository, and of all claims but the first few."""
    for section, value in tree.value:
        if section.value == "system":
            for key, inner in value.value:
                if key.value == "path":
                    yield from range(key.start_mark.line, inner.end_mark.line + 1)
        elif section.value == "claims" and len(value.value) > CLAIMS:
            yield from range(value.value[CLAIMS].start_mark.line, value.end_mark.line)


def _comment(root: Schema, section: str, value: Node) -> Iterator[str]:
    """What a section is, what its keys mean, and which more it may have."""
    property = root["properties"][section]
    node = _resolved(root, property)
    if about := property.get("description") or node.get("description"):
        yield from _wrapped(about, "")
    given = [key.value for key, _ in value.value] if isinstance(value, MappingNode) else None
    for key, inner in node.get("properties", {}).items():
        if meaning := inner.get("description"):
            note = "" if given is None or key in given else " (not set)"
            yield from _wrapped(f"{key}{note}: {meaning}", "  ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.split())
    start, rest = f"# {indent}", f"# {indent}{indent}"
    for line in textwrap.wrap(words, 98, initial_indent=start, subsequent_indent=rest):
        yield f"{line}\n"


def _resolved(root: Schema, node: Schema) -> Schema:
    if "items" in node:
        return _resolved(root, node["items"])
    name = node.get("$ref", "").rsplit("/", 1)[-1]
    return root["$defs"][name] if name else node
