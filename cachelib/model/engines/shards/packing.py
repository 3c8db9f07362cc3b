"""Requests in a file, a shard's block after block: each column in as few bytes as hold it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_LIVES
from cachelib.model.engines.shards.parting import Part
from cachelib.model.traffic.trace import Trace

Column = npt.NDArray[Any]
KINDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def write_part(file: IO[bytes], part: Part) -> None:
    """Append a block of at least one request."""
    np.save(file, np.array([len(part)]))
    for column in part.columns:
        _write(file, column)


def read_part(file: IO[bytes], names: list[str], colos: list[str]) -> Part | None:
    """The next block, or None at the end."""
    try:
        (n,) = np.load(file, allow_pickle=False)
    except EOFError:
        return None
    return Part.of(tuple(_read(file, int(n)) for _ in range(9)), names, colos)


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
    np.save(file, np.array([len(trace)]))
    np.save(file, np.frombuffer(names, np.uint8))
    lives = NO_LIVES if trace.ttl_s is None else trace.ttl_s
    for column in (trace.time_s, trace.key, trace.colo, trace.op, trace.size, lives):
        _write(file, column)


def read_trace(file: IO[bytes]) -> Trace:
    """The trace that was written."""
    (n,) = np.load(file, allow_pickle=False)
    keys, colos = json.loads(np.load(file, allow_pickle=False).tobytes())
    time_s, key, colo, op, size, lives = (_read(file, int(n)) for _ in range(6))
    return Trace(
        time_s=time_s, key=key, colo=colo, op=op, size=size, keys=keys, colos=colos,
        ttl_s=lives if len(lives) else None,
    )  # fmt: skip


def _write(file: IO[bytes], column: Column) -> None:
    """A column that says one thing is that thing; whole numbers are told from their least on."""
    if not len(column):
        np.save(file, column)
        np.save(file, column)
        return
    least, most = column.min(), column.max()
    rest = column
    if least == most:
        rest = column[:0]
    elif column.dtype.kind in "iu":
        kind = next(k for size, k in KINDS.items() if int(most) - int(least) < 1 << 8 * size)
        rest = (column - least).astype(kind)
    np.save(file, np.array([least], column.dtype))
    np.save(file, rest)


def _read(file: IO[bytes], n: int) -> Column:
    least: Column = np.load(file, allow_pickle=False)
    rest: Column = np.load(file, allow_pickle=False)
    if not len(least):
        return least
    if not len(rest):
        return np.full(n, least[0])
    if rest.dtype.kind == "f":
        return rest
    whole: Column = rest.astype(least.dtype)
    whole += least[0]
    return whole
