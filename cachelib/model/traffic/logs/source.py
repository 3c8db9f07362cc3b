"""The bytes of a log, decompressed and cut into Arrow batches, whatever its length."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa

from cachelib.errors import CachelibError

BLOCK = 4 << 20
MAX_LINE = 1 << 20
LINES = pa.schema(
    [("_file", pa.int32()), ("_line", pa.int64()), ("text", pa.string()), ("_bad", pa.string())]
)
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)


class LogError(CachelibError, ValueError):
    """A log that cannot be used, with the file and the reason."""


def files(paths: Path | Sequence[Path]) -> list[Path]:
    """The files meant: each path itself, or every visible file below a folder, by name."""
    found: list[Path] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        if path.is_dir():
            inside = (p for p in sorted(path.rglob("*")) if p.is_file())
            found += [p for p in inside if not p.relative_to(path).as_posix().startswith(".")]
        elif path.exists():
            found.append(path)
        else:
            raise LogError(f"{path}: there is no such file")
    if not found:
        raise LogError(f"{paths}: the folder holds no file")
    return found


def open_stream(path: Path) -> IO[bytes]:
    """A file's content; gzip, xz and zstd are told by their first bytes, not by the name."""
    with path.open("rb") as raw:
        magic = raw.read(6)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(path))
    if magic == b"\xfd7zXZ\x00":
        return lzma.open(path)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(IO[bytes], pa.input_stream(str(path), compression="zstd"))
    return path.open("rb")


def first_line(path: Path) -> bytes:
    """At most `MAX_LINE` bytes of the first line, for telling the format."""
    with open_stream(path) as stream:
        return stream.read(MAX_LINE).split(b"\n", 1)[0]


def line_batches(paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """Every line of every file as `LINES`; one that is no text has a `_bad` reason and no text."""
    for number, path in enumerate(paths):
        line = 1
        for block in _blocks(path):
            batch = _clean_batch(block, number, line) or _checked_batch(block, number, line)
            line += len(batch)
            yield batch


def record_batches(paths: Iterable[Path], dtype: np.dtype[Any]) -> Iterator[pa.RecordBatch]:
    """Fixed-size binary records, one column for each field of `dtype`, with `_file` and `_line`."""
    for number, path in enumerate(paths):
        line = 1
        with open_stream(path) as stream:
            while block := stream.read(BLOCK // dtype.itemsize * dtype.itemsize):
                if len(block) % dtype.itemsize:
                    raise EOFError(f"the last record is cut short of {dtype.itemsize} bytes")
                records = np.frombuffer(block, dtype)
                yield _numbered(records, number, line)
                line += len(records)


def _numbered(records: np.ndarray[Any, Any], number: int, line: int) -> pa.RecordBatch:
    names = list(records.dtype.names or ())
    native = [records[n].astype(records[n].dtype.newbyteorder("=")) for n in names]
    places = [
        np.full(len(records), number, np.int32),
        np.arange(line, line + len(records), dtype=np.int64),
    ]
    return pa.RecordBatch.from_arrays(
        [pa.array(column) for column in places + native], names=["_file", "_line", *names]
    )


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces that end with a line; of an endless line, what shows that it is one."""
    with open_stream(path) as stream:
        rest = b""
        while block := stream.read(BLOCK):
            end = block.rfind(b"\n") + 1
            if end:
                yield b"".join((rest, memoryview(block)[:end]))
                rest = block[end:]
            else:
                rest = (rest + block)[: MAX_LINE + 1]
        if rest:
            yield rest + b"\n"


def _clean_batch(block: bytes, number: int, line: int) -> pa.RecordBatch | None:
    """The lines without copying them, if all are text of a sane length; each keeps its newline."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    if np.diff(offsets).max(initial=0) > MAX_LINE or not _is_text(block):
        return None
    text = pa.Array.from_buffers(
        pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block)]
    )
    return _lines(text, pa.nulls(len(ends), pa.string()), number, line)


def _checked_batch(block: bytes, number: int, line: int) -> pa.RecordBatch:
    raw = block[:-1].split(b"\n")
    faults = [_fault(text) for text in raw]
    texts = ["" if fault else text.decode() for text, fault in zip(raw, faults, strict=True)]
    return _lines(pa.array(texts, pa.string()), pa.array(faults, pa.string()), number, line)


def _fault(text: bytes) -> str | None:
    if len(text) > MAX_LINE:
        return f"longer than {MAX_LINE} bytes"
    return None if _is_text(text) else "not UTF-8"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(text: pa.Array, bad: pa.Array, number: int, line: int) -> pa.RecordBatch:
    file = np.full(len(text), number, np.int32)
    lines = np.arange(line, line + len(text), dtype=np.int64)
    return pa.RecordBatch.from_arrays([pa.array(file), pa.array(lines), text, bad], schema=LINES)
