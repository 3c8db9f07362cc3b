"""Where values and rows lie in JSON of any shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cachelib.model.traffic.logs.json_values import Nesting

ENVELOPES = (
    "events|records|result|results|logs|entries|hits|data|rows|values|logRecords|streams|Records"
)
EVENTS = "logEvents"
"""Where CloudWatch's subscriptions have rows, with whose they are beside."""
OUTER = ("resourceLogs", "scopeLogs", "tables", "streams")  # of OpenTelemetry, Kusto, Loki
TYPED = re.compile(r"\$(date|number(Int|Long|Double|Decimal)|oid|uuid)|[SN]")
"""How MongoDB's extended JSON and DynamoDB's exports say what kind of value stands inside."""


def flattened(
    event: Any, name: str = "", path: str = "$", depth: int = 0
) -> Iterator[tuple[str, str, str]]:
    """The values in an object: dotted name, JSON path, text."""
    if isinstance(event, dict) and depth < 8:
        kind = next(iter(event), "")
        if name and len(event) == 1 and TYPED.fullmatch(kind):
            yield from flattened(event[kind], name, f'{path}."{kind}"', depth + 1)
            return
        if name:
            yield name, path, ""
        for key, value in event.items():
            if '"' not in key and "\\" not in key:
                inner = f"{name}.{key}" if name else key
                yield from flattened(value, inner, f'{path}."{key}"', depth + 1)
    elif isinstance(event, list) and depth < 8:
        if name:
            yield name, path, ""
        if event:
            yield from flattened(event[0], f"{name}[0]", f"{path}[0]", depth + 1)
    else:
        said = event if isinstance(event, str) else json.dumps(event)
        yield name, path, "" if event is None else said


def leaves(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns that hold values themselves, and are not what other columns lie in."""
    outer = {name[:at] for name in columns for at, mark in enumerate(name) if mark in ".["}
    return [name for name, values in columns.items() if name not in outer or any(values)]


def nested(start: str) -> tuple[Nesting, list[dict[str, Any]]]:
    """Where the rows of a JSON text lie, and those of the text's beginning."""
    objects = _values(start, 1 if start.startswith("[") else 0)
    if len(objects) == 1 and (found := envelope(objects[0])):
        depth, lists, rows = found
        return Nesting(depth, (1 if start.startswith("[") else 0) + lists), rows
    if len(objects) > 1 and all(map(_is_envelope, objects)):
        rows = [
            row for each in objects for *_, found in [envelope(each) or (1, 1, [])] for row in found
        ]
        return Nesting(1, (1 if start.startswith("[") else 0) + 1), rows
    if not objects and (deep := re.search(rf'"(?:{ENVELOPES})"\s*:\s*\[', start)):
        before = start[: deep.start()]
        rows = _values(start[deep.end() - 1 :], 1)
        return Nesting(
            before.count("{") - before.count("}"), before.count("[") - before.count("]") + 1
        ), rows
    return Nesting(0, 1 if start.startswith("[") else 0), objects


def _is_envelope(event: dict[str, Any]) -> bool:
    """Whether it has nothing but a list of rows, as Azure writes one a line; or CloudWatch's."""
    name = EVENTS if EVENTS in event else next(iter(event), "")
    return (
        (len(event) == 1 or name == EVENTS)
        and isinstance(rows := event.get(name), list)
        and all(isinstance(row, dict) for row in rows)
        and re.fullmatch(f"{ENVELOPES}|{EVENTS}", name) is not None
    )


def _values(text: str, at: int) -> list[dict[str, Any]]:
    """The objects that stand one after another, up to the first that is not whole."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    while len(found) < 200:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict):
            found.append(value)
    return found


def envelope(
    event: dict[str, Any], depth: int = 1, lists: int = 1
) -> tuple[int, int, list[dict[str, Any]]] | None:
    """The list of objects that an object is the envelope of, and how many braces and brackets are
    open before them."""
    named = re.compile(ENVELOPES)
    for key in sorted(event, key=lambda key: named.fullmatch(key) is None):
        value = event[key]
        rows = value if isinstance(value, list) else []
        is_rows = rows and all(isinstance(row, dict) for row in rows)
        # GraphQL has lists in lists of one
        inside = is_rows and (len(rows) == len(rows[0]) == 1 or key in OUTER)
        if inside and (found := envelope(rows[0], depth + 1, lists + 1)):
            return found
        if is_rows and (len(rows) > 1 or len(event) <= 3 or key == EVENTS):
            return depth, lists, rows
        if isinstance(value, dict) and (found := envelope(value, depth + 1, lists)):
            return found
    return None
