"""One LRU cache over a stream of ids, as fast as it can be simulated."""

# mypy: ignore-errors

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.pool import NONE
from cachelib.model.engines.compiler import compiled, hot
from cachelib.model.traffic.logs.formats import formats

ENTRY = np.dtype([("id", "i8"), ("next", "i4"), ("newer", "i4"), ("older", "i4"), ("pad", "i4")])


def lru_hits(ids: npt.NDArray[np.int64], entries: int) -> int:
    """How many requests an LRU cache of `entries` entries, empty at first, would have hit."""
    if entries < 1:
        raise ValueError("entries must be 1 or more")
    buckets = np.full(1 << max(4, (2 * entries).bit_length()), NONE, np.int32)
    return int(_hits(ids, np.zeros(entries + 1, ENTRY), buckets))


def lru_hits_of_file(path: Path, entries: int) -> int:
    """The same for a file of libCacheSim's oracleGeneral format, not compressed."""
    records = np.memmap(path, formats()["oracle-general"].dtype, mode="r")
    return lru_hits(records["id"].view(np.int64), entries)


@hot
def _slot(buckets, number):
    mixed = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(len(buckets) - 1))


@compiled
def _hits(ids, pool, buckets):
    last = len(pool) - 1  # the ring's own entry: its `older` is the newest, its `newer` the oldest
    pool[last].newer = pool[last].older = last
    used = hits = 0
    for number in ids:
        bucket = _slot(buckets, number)
        at = buckets[bucket]
        while at != NONE and pool[at].id != number:
            at = pool[at].next
        if at != NONE:
            hits += 1
            if pool[last].older == at:
                continue
            pool[pool[at].newer].older = pool[at].older
            pool[pool[at].older].newer = pool[at].newer
        else:
            if used < last:
                at = used
                used += 1
            else:
                at = pool[last].newer
                pool[last].newer = pool[at].newer
                pool[pool[at].newer].older = last
                _unhang(buckets, pool, at)
            pool[at].id, pool[at].next = number, buckets[bucket]
            buckets[bucket] = at
        newest = pool[last].older
        pool[at].newer, pool[at].older = last, newest
        pool[newest].newer = at
        pool[last].older = at
    return hits


@hot
def _unhang(buckets, pool, at):
    bucket = _slot(buckets, pool[at].id)
    before = buckets[bucket]
    if before == at:
        buckets[bucket] = pool[at].next
        return
    while pool[before].next != at:
        before = pool[before].next
    pool[before].next = pool[at].next
