"""What the next requests will look at, brought near all at once, for numba.

A request follows one pointer after the other, and each that leads out of the processor's caches
takes as long as a hundred steps. Those of different requests do not wait for each other, so a
block's are all followed before its first request is: two to three times as fast with many keys.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.pool import (
    COLO_PLACES,
    FRONT_PLACES,
    KV_PLACES,
    NONE,
    REGION_PLACES,
    UPPER_PLACES,
    slot,
)
from cachelib.model.engines.compiled.state import KV_STORE
from cachelib.model.engines.compiler import hot, inner

BLOCK = 32
"""Requests, whose lines of memory fit into the nearest cache."""
NEAR_ENOUGH = 1 << 16
"""Entries: with no more, all that is looked at lies near anyway."""
BUCKET, ENTRY, VERSION = range(3)


@hot
def look(state, place, key, how_far):
    """One pointer: to the bucket; from it to the entry; from that to when it was superseded."""
    at = np.int64(state.buckets[slot(state.buckets, place, key)])
    if how_far == BUCKET or at == NONE:
        return at
    version = np.int64(state.pool[at].version)
    if how_far == ENTRY or version == NONE:
        return version
    return np.int64(state.superseded[version] > 0)


@inner
def look_at_all(rules, state, places, keys, colos, isolates, how_far):
    seen = 0
    for i in range(len(keys)):
        key, door = np.int64(keys[i]), np.int64(colos[i])
        colo = places.runs[door]
        if rules.l1:
            seen += look(state, np.int64(isolates[i]), key, how_far)
        if rules.store == KV_STORE:
            seen += look(state, KV_PLACES + colo * rules.caches, key, how_far)
            seen += look(state, REGION_PLACES + places.region[colo], key, how_far)
        if rules.colo_cache:
            seen += look(state, COLO_PLACES + colo, key, how_far)
        if rules.front:
            seen += look(state, FRONT_PLACES + door, key, how_far)
            seen += look(state, UPPER_PLACES + places.upper[door], key, how_far)
        if how_far == BUCKET:
            seen += state.records[key].version
    return seen


@inner
def fetch(rules, state, places, keys, colos, isolates):
    """Nothing changes by it; what it returns is only there so that it is done."""
    seen = 0
    for how_far in range(3):
        seen += look_at_all(rules, state, places, keys, colos, isolates, how_far)
    return seen
