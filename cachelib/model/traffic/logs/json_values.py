"""JSON objects (or lists) one after another, over any number of lines, or within an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from cachelib.model.traffic.logs.framing import TEXT, Integers, places_of
from cachelib.model.traffic.logs.source import chunks, text_of

MAX_VALUE = 8 << 20
Found = list[tuple[int, bytes, str | None]]  # line, text, what is wrong with it


@dataclass(frozen=True)
class Nesting:
    """How many braces and brackets are open where a row begins, and whether that is a list."""

    braces: int = 0
    brackets: int = 0
    lists: bool = False


def values(files: list[Path], nesting: Nesting) -> Iterator[pa.RecordBatch]:
    """The JSON objects at a nesting, whatever lines they take, as `text`."""
    for number, path in enumerate(files):
        scanner = _Scanner(nesting)
        for chunk in chunks(path):
            if found := scanner.feed(chunk):
                yield _value_batch(found, number)
        if found := scanner.finish():
            yield _value_batch(found, number)


def _value_batch(found: Found, number: int) -> pa.RecordBatch:
    places = places_of(number, np.array([n for n, _, _ in found], np.int64), [f[2] for f in found])
    texts = pa.array([text_of(text) for _, text, _ in found], pa.string())
    return pa.RecordBatch.from_arrays([*places, texts], schema=TEXT)


class _Scanner:
    """Finds where objects begin and end, by counting what opens and closes outside of strings."""

    def __init__(self, nesting: Nesting) -> None:
        self.nesting, self.rest, self.line = nesting, b"", 1
        self.braces = self.brackets = 0  # open where `rest` begins

    def feed(self, chunk: bytes) -> Found:
        data = self.rest + chunk
        starts, ends, depth_at = self._objects(data)
        found: Found = []
        newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        lines = self.line + np.searchsorted(newlines, starts)
        for start, end, line in zip(starts[: len(ends)], ends, lines[: len(ends)], strict=True):
            found.append((int(line), data[start : end + 1], None))
        cut = int(starts[len(ends)]) if len(starts) > len(ends) else None
        if cut is None and len(ends):
            cut = int(ends[-1]) + 1
        cut = cut or 0
        if len(data) - cut > MAX_VALUE:
            found.append((self.line, b"", f"no JSON object ends within {MAX_VALUE} bytes"))
            self.rest, self.braces, self.brackets = b"", 0, 0
            return found
        self.line += int(np.searchsorted(newlines, cut))
        if cut:
            self.braces, self.brackets = depth_at(cut)
        self.rest = data[cut:]
        return found

    def finish(self) -> Found:
        left = self.rest.strip(b" \t\r\n,[]{}")
        inside = self.rest.lstrip(b" \t\r\n,]")
        if left and inside.startswith(b"{"):
            return [(self.line, b"", "the JSON object is cut short")]
        return []

    def _objects(self, data: bytes) -> tuple[Integers, Integers, Callable[[int], tuple[int, int]]]:
        raw = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(raw == ord('"'))
        escaped = quotes[(quotes > 0) & (raw[np.maximum(quotes - 1, 0)] == ord("\\"))]
        if len(escaped):
            odd = [at for at in escaped.tolist() if _backslashes(data, at) % 2]
            quotes = np.setdiff1d(quotes, odd, assume_unique=True)
        marks = np.flatnonzero((raw | 0x20 == ord("{")) | (raw | 0x20 == ord("}")))
        outside = marks[np.searchsorted(quotes, marks) % 2 == 0]
        kind = raw[outside]
        braces = self.braces + np.cumsum((kind == ord("{")).astype(int) - (kind == ord("}")))
        brackets = self.brackets + np.cumsum((kind == ord("[")).astype(int) - (kind == ord("]")))
        here = self.nesting
        if here.lists:
            there, deep, level, marks_of = braces == here.braces, brackets, here.brackets, b"[]"
        else:
            there, deep, level, marks_of = brackets == here.brackets, braces, here.braces, b"{}"
        starts = outside[there & (kind == marks_of[0]) & (deep == level + 1)]
        ends = outside[there & (kind == marks_of[1]) & (deep == level)]

        def depth_at(position: int) -> tuple[int, int]:
            before = int(np.searchsorted(outside, position))
            if not before:
                return self.braces, self.brackets
            return int(braces[before - 1]), int(brackets[before - 1])

        return starts, ends, depth_at


def _backslashes(data: bytes, quote: int) -> int:
    n = 0
    while quote - n > 0 and data[quote - n - 1] == ord("\\"):
        n += 1
    return n
