"""Requests in a file, a shard's block after block: each column in as few bytes as hold it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_LIVES
from cachelib.model.engines.shards.parting import Columns, Part
from cachelib.model.traffic.trace import Trace

Column = npt.NDArray[Any]
HEAD = struct.Struct("<q3s3s8sq")
"""Of a column: how many it has, their kind, the kind they are kept as, the least, how many are."""
PART, TRACE = 9, 7  # columns
KINDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def write_part(file: IO[bytes], part: Part) -> None:
    """Append a block of at least one request."""
    _write(file, part.columns)


def read_part(file: IO[bytes], names: list[str], colos: list[str]) -> Part | None:
    """The next block, or None at the end."""
    columns = _read(file, PART)
    return None if columns is None else Part.of(columns, names, colos)


def numbered(parts: Iterable[Part]) -> tuple[npt.NDArray[np.int32], int]:
    """Of all requests, one after the other, the numbers of keys known by their hashes, in order of
    first use; and how many there are."""
    import pyarrow as pa  # not every replay needs it

    hashes = pa.chunked_array([part.trace.key for part in parts], pa.uint64()).combine_chunks()
    coded = hashes.dictionary_encode()
    return coded.indices.to_numpy(), len(coded.dictionary)


def write_trace(file: IO[bytes], trace: Trace) -> None:
    """All that a replay asks of a trace: its requests, and the names in them."""
    names = json.dumps([trace.keys, trace.colos]).encode()
    lives = NO_LIVES if trace.ttl_s is None else trace.ttl_s
    columns = (trace.time_s, trace.key, trace.colo, trace.op, trace.size, lives)
    _write(file, (np.frombuffer(names, np.uint8), *columns))


def read_trace(file: IO[bytes]) -> Trace:
    """The trace that was written. Raises `EOFError` where there is none."""
    if (columns := _read(file, TRACE)) is None:
        raise EOFError("no trace in the file")
    names, time_s, key, colo, op, size, lives = columns
    keys, colos = json.loads(names.tobytes())
    return Trace(
        time_s=time_s, key=key, colo=colo, op=op, size=size, keys=keys, colos=colos,
        ttl_s=lives if len(lives) else None,
    )  # fmt: skip


def _write(file: IO[bytes], columns: Columns) -> None:
    """Of all columns what they are like, in one piece that is soon read; then what is in them."""
    packed = [_packed(column) for column in columns]
    file.write(b"".join(head for head, _ in packed))
    for _, rest in packed:
        file.write(rest.data)


def _packed(column: Column) -> tuple[bytes, Column]:
    """A column that says one thing is that thing; whole numbers are told from their least on."""
    rest, least = column, column[:1]
    if column.dtype.kind == "f":
        if len(column) and column[0] == column[-1] and (column == column[0]).all():
            rest = column[:0]
    elif len(column):
        least, most = column.min(keepdims=True), int(column.max())
        kind = next((k for size, k in KINDS.items() if most - int(least[0]) < 1 << 8 * size))
        rest = (column - least).astype(kind) if most > least[0] else column[:0]
    kinds = column.dtype.str.encode(), rest.dtype.str.encode()
    return HEAD.pack(len(column), *kinds, least.tobytes(), len(rest)), np.ascontiguousarray(rest)


def _read(file: IO[bytes], columns: int) -> Columns | None:
    heads = file.read(HEAD.size * columns)
    if not heads:
        return None
    if len(heads) != HEAD.size * columns:
        raise EOFError("a file of requests is cut short")
    return tuple(_unpacked(file, *head) for head in HEAD.iter_unpack(heads))


def _unpacked(file: IO[bytes], n: int, kind: bytes, packed: bytes, least: bytes, m: int) -> Column:
    """The column; of memory of its own, since machine code is made for arrays to write to."""
    dtype = np.dtype(kind.decode())
    if not m:
        return np.full(n, np.frombuffer(least, dtype, 1))
    rest: Column = np.empty(m, packed.decode())
    if file.readinto(rest.data.cast("B")) != rest.nbytes:  # type: ignore[attr-defined]
        raise EOFError("a file of requests is cut short")
    if dtype.kind == "f":
        return rest
    whole: Column = rest.astype(dtype, copy=False)
    whole += np.frombuffer(least, dtype, 1)
    return whole
