"""A first case of one's own: what is known is asked for, the rest is a guess that says so."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from cachelib.errors import CachelibError
from cachelib.model.case.case import SETTINGS, Case, load_case
from cachelib.model.case.names import known
from cachelib.model.platforms.colos import coordinates
from cachelib.model.platforms.profile import FIRST, shipped
from cachelib.model.tiers.built_in import ON_CLOUDFLARE
from cachelib.model.tiers.design import DesignError

SKELETON = Path(__file__).with_name("first_case.yaml")
HEAD = """\
# A case: one decision to make. It runs as it is; what says "not known yet" is a guess: make it
# yours. `cachelib check $folder` says what is wrong with it, `cachelib report $folder` runs it.
# Every key that a case may have is named here; "(not set)" marks what has a default. What each may
# be `cachelib schema` says.
"""

Schema = Mapping[str, Any]
FEW = 5  # keys that are named where they hold the same


class ExistsError(CachelibError, ValueError):
    """A case file that is there already, or cannot be written."""


@dataclass(frozen=True)
class Answers:
    """What only its user knows of a system: the rest can be guessed at first.

    `requests_per_month` and `reads_per_write` are numbers of requests, `value_bytes` bytes,
    `origin_ms` milliseconds; `colos` are IATA codes with weights; `today` is the design in use,
    None where nobody said it, and `against` the one that is asked about.
    """

    name: str = "my-service"
    summary: str = "What it answers, and what it asks for that."
    requests_per_month: float = 1_000_000
    reads_per_write: float = 100
    keys: int = 1_000
    value_bytes: int = 2_000
    origin_ms: float = 100
    colos: Mapping[str, float] | None = None
    today: str | None = None
    against: str = "durable-object"

    def check(self) -> None:
        """Raise `DesignError` or `UnknownColoError` for a name that nothing has."""
        for design in (self.today, self.against):
            if design is not None and (fault := known("design", ON_CLOUDFLARE, design)):
                raise DesignError(fault)
        for colo in self.colos or ():
            coordinates(colo)


def write_case(folder: Path, answers: Answers | None = None) -> Path:
    """Write `case.yaml` into the folder, which is made if need be; never over another.

    Raises `ExistsError`, `DesignError`, `UnknownColoError`, or `InvalidFileError` for a number
    that cannot be.
    """
    answers = answers or Answers()
    answers.check()
    path = folder / "case.yaml"
    text = commented(_filled(answers), str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ExistsError(f"{error.filename}: is there already, and was left as it is") from None
    except OSError as error:
        raise ExistsError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        load_case(path)
    except CachelibError:
        path.unlink()
        raise
    return path


def _filled(answers: Answers) -> str:
    """The skeleton with the answers in it: JSON is YAML."""
    designs = dict.fromkeys([answers.today or "l1-kv", answers.against, *ON_CLOUDFLARE])
    ms = answers.origin_ms
    there, other = (
        ON_CLOUDFLARE[name].words if name else "" for name in (answers.today, answers.against)
    )
    words: dict[str, Any] = {
        "title": f"Which cache should {answers.name} have?",
        "question": f"Is “{there}” still right for us, or is “{other}” better?"
        if there
        else f"Is “{other}” right for us, or is another design better?",
        "name": answers.name,
        "summary": answers.summary,
        "requests_per_month": round(answers.requests_per_month),
        "reads_per_write": answers.reads_per_write,
        "keys": answers.keys,
        "value_bytes": answers.value_bytes,
        "colos": dict(answers.colos or {"IAD": 4, "FRA": 3, "SIN": 1}),
        "today": answers.today,
        "against": answers.against,
        "origin_ms": ms,
        "origin_ms_low": float(f"{ms / 3:.2g}"),
        "origin_ms_high": ms * 3,
    }
    told = {name: json.dumps(value, ensure_ascii=False) for name, value in words.items()}
    told["designs"] = "".join(f"\n  - {name}  # {ON_CLOUDFLARE[name].words}" for name in designs)
    skeleton = SKELETON.read_text("utf-8")
    if answers.today is None:
        skeleton = skeleton.replace("today: $today\n\n", "")
    return Template(skeleton).substitute(told)


def commented(case: str, folder: str) -> str:
    """The case with its schema's words above each section, and those it may have besides."""
    tree = YAML(typ="safe", pure=True).compose(case)
    schema = Case.model_json_schema()
    above = {
        key.start_mark.line: "".join(_comment(schema, key.value, value))
        for key, value in tree.value
    }
    lines = case.splitlines(keepends=True)
    there = {key.value for key, _ in tree.value}
    besides = [
        f"\n# {section} (not set)\n" + "".join(_comment(schema, section, None))
        for section in schema["properties"]
        if section not in there
    ]
    text = "".join(above.get(nr, "") + line for nr, line in enumerate(lines))
    return Template(HEAD).substitute(folder=folder) + "\n" + text + "".join(besides)


def _comment(root: Schema, section: str, value: Node | None) -> Iterator[str]:
    """What a section is, what its keys mean, and which more it may have."""
    property = root["properties"][section]
    node = _resolved(root, property)
    if about := property.get("description") or node.get("description"):
        yield from _wrapped(about, "")
    given = [key.value for key, _ in value.value] if isinstance(value, MappingNode) else []
    keys = {
        name: inner.get("description", "") for name, inner in node.get("properties", {}).items()
    }
    if section == "assumptions":
        known_there = shipped(FIRST).assumptions
        keys |= {name: f"{a.value:g} {a.unit}, {a.low:g} to {a.high:g}: {a.why}"
                 for name, a in known_there.items() if name not in given}  # fmt: skip
    if section == "platform":
        node = {}  # a profile is a file of its own
        keys = dict.fromkeys(SETTINGS, "")
    bare = []
    for key, meaning in keys.items():
        note = "" if key in given or not isinstance(value, MappingNode) else " (not set)"
        if meaning or note:
            yield from _wrapped(f"{key}{note}{': ' if meaning else ''}{meaning}", "  ")
        elif key not in given:
            bare.append(key)
    if bare:
        more = "more keys" if len(bare) < len(keys) else "keys"
        yield from _wrapped(f"{more}: {', '.join(bare)}", "  ")
    yield from _of_parts(root, node)


def _of_parts(root: Schema, node: Schema) -> Iterator[str]:
    """The keys of what a section's own keys hold, by these: `keys of schedules: op, every_s`."""
    holders: dict[tuple[str, ...], list[str]] = {}
    for key, inner in node.get("properties", {}).items():
        if names := tuple(_resolved(root, inner).get("properties", ())):
            holders.setdefault(names, []).append(key)
    for names, inside in holders.items():
        of = ", ".join(inside) if len(inside) < FEW else "each"
        yield from _wrapped(f"keys of {of}: {', '.join(names)}", "  ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.split())
    start, rest = f"# {indent}", f"# {indent}{indent}"
    for line in textwrap.wrap(words, 98, initial_indent=start, subsequent_indent=rest):
        yield f"{line}\n"


def _resolved(root: Schema, node: Schema) -> Schema:
    """The object that a property holds, or a list or names of which it holds."""
    if "anyOf" in node:
        return next(filter(None, (_resolved(root, kind) for kind in node["anyOf"])), {})
    for several in ("items", "additionalProperties"):
        if isinstance(node.get(several), dict):
            return _resolved(root, node[several])
    name = node.get("$ref", "").rsplit("/", 1)[-1]
    if name:
        found: Schema = root["$defs"][name]
        return found
    return node if "properties" in node else {}
