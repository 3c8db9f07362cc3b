"""JSON whose rows are lists of values, and whose columns are named once: before them, or first.

So write Loki's query interface (times and lines), ClickHouse (JSONCompact), Kusto and others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from cachelib.model.traffic.logs.delimited import is_data, numbered
from cachelib.model.traffic.logs.framing import lines
from cachelib.model.traffic.logs.json_values import Nesting, values

FIRST = re.compile(r'\[\s*(?=\[\s*["\d\-tfn])')
NAMED = re.compile(r'"(?:columns|fields|meta|headers?|names|columnNames)"\s*:\s*(?=\[)')
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
TYPE = re.compile(r"(\w+\()*(String|U?Int\d+|Float\d+|Date\w*|Decimal\w*|Bool|UUID|IPv\d).*")
LOKI = ("timestamp", "line")


class Lists(NamedTuple):
    """Rows of values, the names of these, and the texts of those rows that are names themselves."""

    names: list[str]
    rows: list[list[Any]]
    headers: list[str]
    nesting: Nesting | None = None
    """Where they lie; None where each is a line."""

    @property
    def container(self) -> str:
        return "json" if self.nesting is None else "json-values"

    @property
    def paths(self) -> dict[str, str]:
        return {name: f"$[{i}]" for i, name in enumerate(self.names)}

    @property
    def columns(self) -> dict[str, list[str]]:
        """The names with what stands below them."""
        return {
            name: [_text(row[i]) for row in self.rows if i < len(row)]
            for i, name in enumerate(self.names)
        }

    def batches(self, files: list[Path]) -> Iterator[pa.RecordBatch]:
        """The rows, without those that name the columns."""
        names = pa.array(self.headers, pa.string())
        rows = lines(files) if self.nesting is None else values(files, self.nesting)
        for batch in rows:
            plain = pc.utf8_trim_whitespace(batch["text"])
            yield batch.filter(pc.invert(pc.is_in(plain, value_set=names)))


def lists(first: Sequence[str], start: str) -> Lists | None:
    """Of a JSON text that begins with the lines `first`, and with `start`."""
    by_line = len(first) > 1 and all(line.lstrip()[:1] == "[" for line in first)
    found = _named([line.strip() for line in first], "", None) if by_line else None
    return found or _within(start)


def _within(start: str) -> Lists | None:
    """The lists that stand in a list."""
    found = FIRST.search(start)
    if found is None:
        return None
    texts = [*texts_of(start, found.end(), list)]
    inside = sum(map(len, texts))
    around = start[: found.start()] + start[found.end() + inside :]
    return _named(texts, around, nesting_at(start, found, lists=True))


def nesting_at(start: str, found: re.Match[str], *, lists: bool = False) -> Nesting:
    """Where rows lie that follow the bracket with which a match ends."""
    before = STRING.sub("", start[: found.start()])
    level = before.count("[") - before.count("]") + 1
    return Nesting(before.count("{") - before.count("}"), level, lists=lists)


def _named(texts: list[str], around: str, nesting: Nesting | None) -> Lists | None:
    rows = [row for text in texts if (row := _values(text)) is not None]
    if not rows or 2 * len(rows) < len(texts):
        return None
    names = _names_in(around)
    if not names and '"stream"' in around:
        names = list(LOKI)
    if names:
        return Lists(names, rows, [], nesting)
    first = [value for value in rows[0] if isinstance(value, str)]
    if len(first) < len(rows[0]) or is_data(first):
        return None
    typed = len(rows) > 1 and all(TYPE.fullmatch(str(value)) for value in rows[1])
    heads = 1 + typed
    return Lists(numbered(first), rows[heads:], texts[:heads], nesting)


def texts_of(start: str, at: int, kind: type) -> Iterator[str]:
    """The values of a kind that stand one after another, as written, up to one that is cut."""
    decoder = json.JSONDecoder()
    for _ in range(200):
        while at < len(start) and start[at] in " \t\r\n,":
            at += 1
        try:
            value, end = decoder.raw_decode(start, at)
        except (ValueError, RecursionError):
            return
        if not isinstance(value, kind):
            return
        yield start[at:end]
        at = end


def _values(text: str) -> list[Any] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, list) and row else None


def _names_in(around: str) -> list[str]:
    """What names the columns in the text around the rows: words, or objects with a name each."""
    found: list[str] = []
    for mark in NAMED.finditer(around):
        try:
            told, _ = json.JSONDecoder().raw_decode(around, mark.end())
        except ValueError:
            continue
        names = [_name(each) for each in told]
        if names and all(names):
            found = numbered([str(name) for name in names])
    return found


def _name(told: Any) -> str | None:
    if isinstance(told, dict):
        told = next((told[key] for key in ("name", "ColumnName", "text") if key in told), None)
    return told if isinstance(told, str) else None


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
