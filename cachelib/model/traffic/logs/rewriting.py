"""Rows in notations that no query can name the fields of, written anew as JSON objects.

Python's dicts, one a line; JSON that was encoded twice; the cells of CloudWatch Logs Insights
(GetQueryResults) and of BigQuery's REST interface (jobs.getQueryResults), whose pages are small.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from cachelib.model.traffic.logs.framing import PLACE, TEXT, lines
from cachelib.model.traffic.logs.json_lists import nesting_at, texts_of
from cachelib.model.traffic.logs.json_values import Nesting, values

Object = dict[str, Any]
NO_ROW = (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError)
INSIGHTS = re.compile(r'\[\s*(?=\[\s*\{\s*"(?:field|value)"\s*:)')
SCHEMA = re.compile(r'"schema"\s*:\s*(?=\{)')
BIGQUERY = re.compile(r'"rows"\s*:\s*\[\s*(?=\{\s*"f"\s*:\s*\[)')


class Rewriting(NamedTuple):
    """How a row is read, and where rows lie; None where each is a line. `first` are some rows."""

    title: str
    read: Callable[[str], Object]
    nesting: Nesting | None
    first: Sequence[str]

    @property
    def objects(self) -> list[Object]:
        return [event for text in self.first if (event := self._object(text)) is not None]

    def batches(self, files: list[Path]) -> Iterator[pa.RecordBatch]:
        """The rows as JSON; one that cannot be read says so."""
        for batch in lines(files) if self.nesting is None else values(files, self.nesting):
            found = [self._object(text) for text in batch["text"].to_pylist()]
            texts = ["" if event is None else json.dumps(event) for event in found]
            bad = [
                said or (f"not {self.title}" if event is None else None)
                for said, event in zip(batch["_bad"].to_pylist(), found, strict=True)
            ]
            places = [batch[name] for name, _ in PLACE[:2]]
            arrays = [*places, pa.array(bad, pa.string()), pa.array(texts, pa.string())]
            yield pa.RecordBatch.from_arrays(arrays, schema=TEXT)

    def _object(self, text: str) -> Object | None:
        try:
            event = self.read(text)
            json.dumps(event, allow_nan=False)
        except NO_ROW:
            return None
        return event


def rewriting(first: Sequence[str], start: str) -> Rewriting | None:
    """Of a text that begins with the lines `first`, and with `start`."""
    found = None
    if first[0].startswith("{'"):
        found = Rewriting("a dict as Python writes it", _dict, None, first)
    elif first[0].startswith('"{'):
        found = Rewriting("an object as text in a string", _quoted, None, first)
    elif start[:1] in ("{", "[") and (at := INSIGHTS.search(start)):
        rows = list(texts_of(start, at.end(), list))
        found = Rewriting("a list of fields", _fields, nesting_at(start, at, lists=True), rows)
    elif start[:1] == "{" and (at := BIGQUERY.search(start)) and (names := _in_schema(start)):
        rows, read = list(texts_of(start, at.end(), dict)), partial(_cells, names)
        found = Rewriting(f"a row of {len(names)} cells", read, nesting_at(start, at), rows)
    return found if found and 2 * len(found.objects) > len(found.first) else None


def _dict(text: str) -> Object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a backslash in somebody's text
        event = ast.literal_eval(text.strip())
    if not isinstance(event, dict):
        raise TypeError(text)
    return event


def _quoted(text: str) -> Object:
    event: Object = json.loads(json.loads(text))
    if not isinstance(event, dict):
        raise TypeError(text)
    return event


def _fields(text: str) -> Object:
    return {cell["field"]: cell["value"] for cell in json.loads(text)}


def _in_schema(start: str) -> list[str]:
    """What the columns are called; none where that is not told before the rows or soon after."""
    found = SCHEMA.search(start)
    try:
        told = json.JSONDecoder().raw_decode(start, found.end())[0] if found else {"fields": []}
        return [str(field["name"]) for field in told["fields"]]
    except NO_ROW:
        return []


def _cells(names: Sequence[str], text: str) -> Object:
    cells = json.loads(text)["f"]
    return {name: cell["v"] for name, cell in zip(names, cells, strict=True)}
