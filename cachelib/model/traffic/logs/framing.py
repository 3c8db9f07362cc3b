"""Bytes of a log to Arrow batches of rows: lines, JSON values, delimited rows, records.

Every batch has `_file`, `_line` and `_bad`; what is no row of its kind has a reason in `_bad`.
Headers and comments are no rows; an empty line is one, and bad.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from cachelib.model.traffic.logs.source import (
    BLOCK,
    MAX_LINE,
    blocks,
    chunks,
    open_stream,
    text_of,
)

PLACE = [("_file", pa.int32()), ("_line", pa.int64()), ("_bad", pa.string())]
TEXT = pa.schema([*PLACE, ("text", pa.string())])
MAX_VALUE = 8 << 20
QUOTED_LINES = 200  # over how many lines a quoted field may go

Integers = npt.NDArray[np.int64]


def _places(number: int, lines: Integers, bad: list[str | None] | None) -> list[pa.Array]:
    reasons = pa.nulls(len(lines), pa.string()) if bad is None else pa.array(bad, pa.string())
    return [pa.array(np.full(len(lines), number, np.int32)), pa.array(lines), reasons]


def _counting(start: int, n: int) -> Integers:
    return np.arange(start, start + n, dtype=np.int64)


# Lines


def lines(files: list[Path]) -> Iterator[pa.RecordBatch]:
    """Every line, as `text`, with its newline where that saves a copy."""
    for number, path in enumerate(files):
        line = 1
        for block in blocks(path):
            yield _clean(block, number, line) or _checked(block, number, line)
            line += block.count(b"\n")


def _clean(block: bytes, number: int, line: int) -> pa.RecordBatch | None:
    """The lines without copying them, if all are text of a sane length."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    if np.diff(offsets).max(initial=0) > MAX_LINE or not _is_text(block):
        return None
    text = pa.Array.from_buffers(
        pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    )
    places = _places(number, _counting(line, len(ends)), None)
    return pa.RecordBatch.from_arrays([*places, text], schema=TEXT)


def _checked(block: bytes, number: int, line: int) -> pa.RecordBatch:
    raw = block[:-1].split(b"\n")
    bad = [_fault(text) for text in raw]
    texts = ["" if fault else text_of(text) for text, fault in zip(raw, bad, strict=True)]
    places = _places(number, _counting(line, len(raw)), bad)
    return pa.RecordBatch.from_arrays([*places, pa.array(texts, pa.string())], schema=TEXT)


def _fault(text: bytes) -> str | None:
    """Why a line is none; one in Latin-1, in which an agent may be written, is one."""
    if len(text) > MAX_LINE:
        return f"longer than {MAX_LINE} bytes"
    readable = sum(32 <= byte < 127 for byte in text)
    return None if _is_text(text) or 2 * readable > len(text) else "not UTF-8"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# JSON values


@dataclass(frozen=True)
class Nesting:
    """How many braces and brackets are open where a row begins."""

    braces: int = 0
    brackets: int = 0


def values(files: list[Path], nesting: Nesting) -> Iterator[pa.RecordBatch]:
    """The JSON objects at a nesting, whatever lines they take, as `text`."""
    for number, path in enumerate(files):
        scanner = _Scanner(nesting)
        for chunk in chunks(path):
            if found := scanner.feed(chunk):
                yield _value_batch(found, number)
        if found := scanner.finish():
            yield _value_batch(found, number)


def _value_batch(found: list[tuple[int, bytes, str | None]], number: int) -> pa.RecordBatch:
    places = _places(number, np.array([n for n, _, _ in found], np.int64), [f[2] for f in found])
    texts = pa.array([text_of(text) for _, text, _ in found], pa.string())
    return pa.RecordBatch.from_arrays([*places, texts], schema=TEXT)


class _Scanner:
    """Finds where objects begin and end, by counting what opens and closes outside of strings."""

    def __init__(self, nesting: Nesting) -> None:
        self.nesting, self.rest, self.line = nesting, b"", 1
        self.braces = self.brackets = 0  # open where `rest` begins

    def feed(self, chunk: bytes) -> list[tuple[int, bytes, str | None]]:
        data = self.rest + chunk
        starts, ends, depth_at = self._objects(data)
        found: list[tuple[int, bytes, str | None]] = []
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

    def finish(self) -> list[tuple[int, bytes, str | None]]:
        left = self.rest.strip(b" \t\r\n,[]{}")
        inside = self.rest.lstrip(b" \t\r\n,]")
        if left and inside.startswith(b"{"):
            return [(self.line, b"", "the JSON object is cut short")]
        return []

    def _objects(self, data: bytes) -> tuple[Integers, Integers, Any]:
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
        there = brackets == self.nesting.brackets
        starts = outside[there & (kind == ord("{")) & (braces == self.nesting.braces + 1)]
        ends = outside[there & (kind == ord("}")) & (braces == self.nesting.braces)]

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


# Delimited text


@dataclass(frozen=True)
class Delimited:
    """How rows of text are cut into named columns.

    `names` are those of the first file; each file with a header of its own may have them in
    another order. `directives`: lines with # are the header (W3C), or comments.
    """

    delimiter: str
    names: tuple[str, ...]
    header: bool = True
    quotes: bool = True
    directives: bool = False

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*PLACE, *((name, pa.string()) for name in self.names)])


def delimited(files: list[Path], shape: Delimited) -> Iterator[pa.RecordBatch]:
    """Rows of CSV, TSV and the like; a stray quote costs its own row and no other."""
    for number, path in enumerate(files):
        yield from _Rows(number, shape).read(path)


def header_of(line: str, delimiter: str, *, quotes: bool) -> list[str]:
    """The names in a header, each once: a second `a` is `a3` where it is the fourth column."""
    line = line.lstrip("\ufeff").rstrip("\r\n")
    if delimiter == " ":
        names = line.split()
    elif quotes:
        names = next(csv.reader([line], delimiter=delimiter), [])
    else:
        names = line.split(delimiter)
    return numbered([name.strip() for name in names])


def numbered(names: list[str]) -> list[str]:
    seen = [name.lower() for name in names]
    return [
        name if name and name.lower() not in seen[:i] else f"{name or 'column'}{i}"
        for i, name in enumerate(names)
    ]


class _Rows:
    def __init__(self, number: int, shape: Delimited) -> None:
        self.number, self.shape = number, shape
        self.names = list(shape.names)
        self.awaits_header = shape.header and not shape.directives
        self.rest: list[bytes] = []  # lines of a quoted field that has not ended
        self.line = 1

    def read(self, path: Path) -> Iterator[pa.RecordBatch]:
        for block in blocks(path):
            yield from self._block(block)
        if self.rest:
            yield from self._slow(b"", last=True)

    def _block(self, block: bytes) -> Iterator[pa.RecordBatch]:
        if self.awaits_header:
            first, _, block = block.partition(b"\n")
            self.names = header_of(
                text_of(first), self.shape.delimiter, quotes=self.shape.quotes
            )
            self.awaits_header, self.line = False, self.line + 1
            if not block:
                return
        batch = None if self.rest else self._fast(block)
        if batch is None:
            yield from self._slow(block)
        else:
            self.line += block.count(b"\n")
            yield batch

    def _fast(self, block: bytes) -> pa.RecordBatch | None:
        """By the database's fast reader, if every line is a whole row of the right length."""
        shape = self.shape
        if shape.directives or len(self.names) < 2 or not _is_text(block):
            return None
        if shape.quotes and not _balanced(block):
            return None
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=self.names, use_threads=False, block_size=len(block) + 1
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=shape.delimiter,
                    quote_char='"' if shape.quotes else False,
                    ignore_empty_lines=False,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        if len(table) != block.count(b"\n"):
            return None
        columns = {
            name: table[name].combine_chunks() if len(table) else pa.array([], pa.string())
            for name in table.column_names
        }
        return self._batch(_counting(self.line, len(table)), None, columns)

    def _slow(self, block: bytes, *, last: bool = False) -> Iterator[pa.RecordBatch]:
        """Row by row: a quoted field may go over lines, what does not fit is a bad row."""
        raw = self.rest + (block[:-1].split(b"\n") if block else [])
        self.rest = []
        rows: list[tuple[int, list[str], str | None]] = []
        at = 0
        while at < len(raw):
            text = text_of(raw[at]).rstrip("\r")
            if self.shape.directives and text.startswith("#"):
                if text.startswith("#Fields:"):
                    if rows:
                        yield self._of(rows)
                        rows = []
                    self.names = header_of(text[8:].strip(), " ", quotes=False)
                at += 1
                self.line += 1
                continue
            fields, taken = self._row(raw, at, last)
            if not taken:
                self.rest = raw[at:]
                break
            reason = None
            if not text.strip():
                reason = "an empty line"
            elif fields is None:
                fields, reason = [], "a quote that is not closed"
            elif len(fields) != len(self.names):
                reason = f"{len(fields)} fields where the header has {len(self.names)}"
            rows.append((self.line, fields, reason))
            at += taken
            self.line += taken
        if rows:
            yield self._of(rows)

    def _row(self, raw: list[bytes], at: int, last: bool) -> tuple[list[str] | None, int]:
        """The fields of the row that begins at a line, and how many lines it takes; 0: unknown."""
        shape = self.shape
        text = text_of(raw[at]).rstrip("\r")
        if not shape.quotes:
            return (text.split() if shape.delimiter == " " else text.split(shape.delimiter)), 1
        joined = text
        for taken in range(1, QUOTED_LINES + 1):
            fields = _cells(joined, shape.delimiter)
            if fields is not None and (taken == 1 or len(fields) == len(self.names)):
                return fields, taken
            if fields is not None or len(joined) > MAX_LINE:
                return None, 1
            if at + taken >= len(raw):
                return (None, 1) if last else (None, 0)
            joined += "\n" + text_of(raw[at + taken]).rstrip("\r")
        return None, 1

    def _of(self, rows: list[tuple[int, list[str], str | None]]) -> pa.RecordBatch:
        good = [fields if reason is None else [""] * len(self.names) for _, fields, reason in rows]
        columns = {
            name: pa.array([fields[i] for fields in good], pa.string())
            for i, name in enumerate(self.names)
        }
        places = np.array([line for line, _, _ in rows], np.int64)
        return self._batch(places, [reason for _, _, reason in rows], columns)

    def _batch(
        self, places: Integers, bad: list[str | None] | None, columns: dict[str, pa.Array]
    ) -> pa.RecordBatch:
        known = {name.lower(): column for name, column in columns.items()}
        missing = pa.nulls(len(places), pa.string())
        ordered = [known.get(name.lower(), missing) for name in self.shape.names]
        return pa.RecordBatch.from_arrays(
            [*_places(self.number, places, bad), *ordered], schema=self.shape.schema
        )


def _balanced(block: bytes) -> bool:
    """Whether every line has an even number of quotes."""
    raw = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(raw == ord('"'))
    if not len(quotes):
        return True
    ends = np.flatnonzero(raw == ord("\n"))
    return not (np.searchsorted(quotes, ends) % 2).any()


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The fields of one row, or None where a quoted field does not end."""
    cells: list[str] = []
    at, n = 0, len(text)
    while True:
        if at < n and text[at] == '"':
            cell, at = _quoted(text, at + 1)
            if cell is None:
                return None
            stop = text.find(delimiter, at)
            stop = n if stop < 0 else stop
            cells.append(cell + text[at:stop])
        else:
            stop = text.find(delimiter, at)
            stop = n if stop < 0 else stop
            cells.append(text[at:stop])
        if stop >= n:
            return cells
        at = stop + 1


def _quoted(text: str, at: int) -> tuple[str | None, int]:
    parts: list[str] = []
    while True:
        stop = text.find('"', at)
        if stop < 0:
            return None, at
        parts.append(text[at:stop])
        if text[stop + 1 : stop + 2] != '"':
            return "".join(parts), stop + 1
        parts.append('"')
        at = stop + 2


# Binary records, Parquet and runs of blocks


def records(files: list[Path], dtype: np.dtype[Any], skip: int = 0) -> Iterator[pa.RecordBatch]:
    """Records of one layout, a column for each field of `dtype`."""
    for number, path in enumerate(files):
        line = 1
        with open_stream(path) as stream:
            stream.read(skip)
            while block := stream.read(BLOCK // dtype.itemsize * dtype.itemsize):
                if len(block) % dtype.itemsize:
                    raise EOFError(f"the last record is cut short of {dtype.itemsize} bytes")
                found = np.frombuffer(block, dtype)
                names = list(dtype.names or ())
                native = [found[n].astype(found[n].dtype.newbyteorder("=")) for n in names]
                places = _places(number, _counting(line, len(found)), None)
                yield pa.RecordBatch.from_arrays(
                    [*places, *map(pa.array, native)], schema=record_schema(dtype)
                )
                line += len(found)


def record_schema(dtype: np.dtype[Any]) -> pa.Schema:
    fields = [(n, pa.from_numpy_dtype(dtype[n].newbyteorder("="))) for n in dtype.names or ()]
    return pa.schema([*PLACE, *fields])


EXTENTS = pa.schema([*PLACE, ("key", pa.int64())])
MAX_RUN = 1 << 20


def extents(files: list[Path]) -> Iterator[pa.RecordBatch]:
    """Lines "first count ...": one row for each key of the run."""
    for number, path in enumerate(files):
        line = 1
        for block in blocks(path):
            rows: list[tuple[int, int, str | None]] = []
            for text in block[:-1].split(b"\n"):
                rows += _run(text, line)
                line += 1
            if rows:
                places = _places(
                    number, np.array([r[0] for r in rows], np.int64), [r[2] for r in rows]
                )
                keys = pa.array([r[1] for r in rows], pa.int64())
                yield pa.RecordBatch.from_arrays([*places, keys], schema=EXTENTS)


def _run(text: bytes, line: int) -> list[tuple[int, int, str | None]]:
    words = text.split()
    if not words:
        return []
    try:
        first, count = int(words[0]), int(words[1])
    except (ValueError, IndexError):
        return [(line, 0, "not a line of the form first count ...")]
    if not 0 < count <= MAX_RUN:
        return [(line, 0, f"a run of {count} blocks; at most {MAX_RUN} are believed")]
    return [(line, key, None) for key in range(first, first + count)]


def parquet(files: list[Path]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of the first file, and the rows of all, by name."""
    first = pyarrow.parquet.ParquetFile(files[0]).schema_arrow
    schema = pa.schema([*PLACE, *((field.name, field.type) for field in first)])

    def batches() -> Iterator[pa.RecordBatch]:
        for number, path in enumerate(files):
            line = 1
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(1 << 17):
                columns = [
                    batch[field.name].cast(field.type)
                    if field.name in batch.schema.names
                    else pa.nulls(len(batch), field.type)
                    for field in first
                ]
                places = _places(number, _counting(line, len(batch)), None)
                yield pa.RecordBatch.from_arrays([*places, *columns], schema=schema)
                line += len(batch)

    return schema, batches()
