"""Bytes of a log to Arrow batches of rows: lines, records, Parquet, runs of keys.

Every batch has `_file`, `_line` and `_bad`; what is no row of its kind has a reason in `_bad`.
Headers, comments and blank lines are no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from cachelib.model.traffic.logs.source import (
    BLOCK,
    MAX_LINE,
    blocks,
    open_stream,
    text_of,
)

PLACE = [("_file", pa.int32()), ("_line", pa.int64()), ("_bad", pa.string())]
IS_SPACE = np.isin(np.arange(256), list(b" \t\r\n\v\f"))
TEXT = pa.schema([*PLACE, ("text", pa.string())])

Integers = npt.NDArray[np.int64]


def places_of(number: int, lines: Integers, bad: list[str | None] | None) -> list[pa.Array]:
    """The columns that say where rows stand, and what is wrong with them."""
    reasons = pa.nulls(len(lines), pa.string()) if bad is None else pa.array(bad, pa.string())
    return [pa.array(np.full(len(lines), number, np.int32)), pa.array(lines), reasons]


def counting(start: int, n: int) -> Integers:
    """Line numbers from `start` on."""
    return np.arange(start, start + n, dtype=np.int64)


def lines(files: list[Path]) -> Iterator[pa.RecordBatch]:
    """Every line, as `text`, with its newline where that saves a copy."""
    for number, path in enumerate(files):
        line = 1
        for block in blocks(path):
            batch = _clean(block, number, line) or _checked(block, number, line)
            line += len(batch)
            if len(rows := _without_blank(batch)):
                yield rows


def _without_blank(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows whose line has anything in it; what cannot be read has a reason, and stays."""
    text, ends = _buffers(batch["text"])
    empty = blank(text, ends)
    if not empty.any():
        return batch
    kept = pc.or_(pa.array(~empty), pc.is_valid(batch["_bad"]))
    return batch.filter(kept)


def blank(text: npt.NDArray[np.uint8], ends: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which of the lines between the `ends` of a text have nothing in them that can be seen."""
    if not len(text):
        return np.ones(len(ends) - 1, bool)
    first = text[np.minimum(ends[:-1], len(text) - 1)]
    found: npt.NDArray[np.bool_] = (np.diff(ends) == 0) | IS_SPACE[first]
    for row in np.flatnonzero(found):
        found[row] = not text[ends[row] : ends[row + 1]].tobytes().strip()
    return found


def _buffers(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The bytes of texts one after another, and where each begins."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
    return np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8), ends


def _clean(block: bytes, number: int, line: int) -> pa.RecordBatch | None:
    """The lines without copying them, if all are text of a sane length."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    if np.diff(offsets).max(initial=0) > MAX_LINE:
        return None
    text = pa.Array.from_buffers(
        pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    )
    try:
        text.validate(full=not block.isascii())  # that all is UTF-8, without decoding it
    except pa.ArrowInvalid:
        return None
    places = places_of(number, counting(line, len(ends)), None)
    return pa.RecordBatch.from_arrays([*places, text], schema=TEXT)


def _checked(block: bytes, number: int, line: int) -> pa.RecordBatch:
    raw = block[:-1].split(b"\n")
    bad = [_fault(text) for text in raw]
    texts = ["" if fault else text_of(text) for text, fault in zip(raw, bad, strict=True)]
    places = places_of(number, counting(line, len(raw)), bad)
    return pa.RecordBatch.from_arrays([*places, pa.array(texts, pa.string())], schema=TEXT)


def _fault(text: bytes) -> str | None:
    """Why a line is none; one in Latin-1, in which an agent may be written, is one."""
    if len(text) > MAX_LINE:
        return f"longer than {MAX_LINE} bytes"
    readable = sum(32 <= byte < 127 for byte in text)
    return None if is_text(text) or 2 * readable > len(text) else "not UTF-8"


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


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
                places = places_of(number, counting(line, len(found)), None)
                yield pa.RecordBatch.from_arrays(
                    [*places, *map(pa.array, native)], schema=record_schema(dtype)
                )
                line += len(found)


def only(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    """Of a table's rows one column, as `text`."""
    for batch in batches:
        columns = [batch[place] for place, _ in PLACE]
        yield pa.RecordBatch.from_arrays([*columns, batch[name]], schema=TEXT)


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
                places = places_of(
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


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same, each read while the one before is looked at."""
    with ThreadPoolExecutor(1, thread_name_prefix="log") as pool:
        following = pool.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = pool.submit(next, batches, None)
            yield batch


def parquet_examples(path: Path, rows: int = 20) -> dict[str, list[str]]:
    """The columns of a file, and what stands in its first rows."""
    first = pyarrow.parquet.ParquetFile(path)
    empty = first.schema_arrow.empty_table()
    batch = next(first.iter_batches(rows), None)
    table = _flat(empty if batch is None else pa.Table.from_batches([batch]))
    return {
        name: ["" if value is None else str(value) for value in table[name].to_pylist()]
        for name in table.column_names
    }


def parquet(files: list[Path]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The columns of the first file, and the rows of all, by name; `a.b` is b of the records a."""
    first = _flat(pyarrow.parquet.ParquetFile(files[0]).schema_arrow.empty_table()).schema
    schema = pa.schema([*PLACE, *((field.name, field.type) for field in first)])

    def batches() -> Iterator[pa.RecordBatch]:
        for number, path in enumerate(files):
            line = 1
            # read ahead, all that was read would be kept until the file ends
            file = pyarrow.parquet.ParquetFile(path, pre_buffer=False)
            for nested in _ahead(file.iter_batches(1 << 17)):
                (batch,) = _flat(pa.Table.from_batches([nested])).combine_chunks().to_batches()
                columns = [
                    batch[field.name].cast(field.type)
                    if field.name in batch.schema.names
                    else pa.nulls(len(batch), field.type)
                    for field in first
                ]
                places = places_of(number, counting(line, len(batch)), None)
                yield pa.RecordBatch.from_arrays([*places, *columns], schema=schema)
                line += len(batch)

    return schema, batches()
