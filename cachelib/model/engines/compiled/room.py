"""What no later request can find gives its room back, for numba; so memory is of what lives."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.pool import KV_PLACES, NONE, slot
from cachelib.model.engines.compiler import compiled


@compiled
def sweep(pool, isolates, used, now):
    """Close up the entries of `used` that live on after `now`, and say how many they are.

    Only for memories without bounds: in these an entry that has ended has no effect.
    """
    live = 0
    for at in range(used):
        entry = pool[at]
        if entry.key == NONE or not now < entry.until:
            continue
        if entry.place < KV_PLACES and entry.generation != isolates[entry.place].generation:
            continue
        if at != live:
            pool[live] = entry
        live += 1
    return live


@compiled
def renumber(pool, used, records, superseded, numbers):
    """Number the versions anew that somebody still holds, and say how many they are.

    `numbers` are zeros, one for each version.
    """
    for at in range(used):
        if pool[at].key != NONE and pool[at].version != NONE:
            numbers[pool[at].version] = 1
    for record in records:
        if record.version != NONE:
            numbers[record.version] = 1
        if record.current != NONE:
            numbers[record.current] = 1
    held = 0
    for version in range(len(numbers)):
        if numbers[version]:
            superseded[held] = superseded[version]
            numbers[version] = held
            held += 1
    for at in range(used):
        if pool[at].key != NONE and pool[at].version != NONE:
            pool[at].version = numbers[pool[at].version]
    for record in records:
        if record.version != NONE:
            record.version = numbers[record.version]
        if record.current != NONE:
            record.current = numbers[record.current]
    return held


@compiled
def rehash(pool, buckets, used):
    """Put the first `used` entries into new buckets; those that are free keep their list."""
    for at in range(used):
        entry = pool[at]
        if entry.key != NONE:
            bucket = slot(buckets, np.int64(entry.place), np.int64(entry.key))
            entry.next = buckets[bucket]
            buckets[bucket] = at
