"""Cache entries of all places in one pool: found by a hash, freed into a list, grown by doubling.

A place is an isolate's L1, a colo's or a region's cache of KV, a colo's Cache API or what it has
in front of the Worker, or an upper tier of that; the order in which a store was asked that has only
so much room; the copies of a store that answer reads, a colo's or all's; and where requests may
meet a load in progress.
An L1 with bounds also has its entries in a list, newest first, so that it can evict and be emptied.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiler import hot, inner

KV_PLACES, REGION_PLACES, COLO_PLACES = 1 << 24, 2 << 24, 3 << 24
FRONT_PLACES, UPPER_PLACES = 4 << 24, 5 << 24
GOING, GOING_AT_OBJECT, GOING_AT_FRONT = 6 << 24, 7 << 24, 8 << 24  # loads in progress, by key
STORE_PLACE = 9 << 24
COPY_PLACES, STORE_COPY_PLACE = 10 << 24, 11 << 24
NONE = -1

ENTRY = np.dtype(
    [
        ("place", "i4"), ("key", "i4"), ("next", "i4"), ("newer", "i4"), ("older", "i4"),
        ("version", "i4"), ("size", "i4"), ("generation", "i4"),
        ("loaded", "f8"), ("expires", "f8"), ("refresh", "f8"), ("until", "f8"),
    ]
)  # fmt: skip
"""One cache line. `version` NONE says that the key is known to be missing. `generation`, of an L1's
entry, is that of the isolate that put it there: what a later one finds has been lost."""

ISOLATE = np.dtype(
    [
        ("newest", "i4"), ("oldest", "i4"), ("entries", "i4"), ("generation", "i4"),
        ("bytes", "i8"), ("last", "f8"), ("dies_at", "f8"), ("heard", "i8"),
    ]
)  # fmt: skip
"""`heard`: how many messages of changes, whatever has been lost of its memory since."""


@hot
def slot(buckets, place, key):
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(place) * np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(32)
    return np.int64(mixed & np.uint64(len(buckets) - 1))


@hot
def find(state, place, key):
    """The entry's number, or NONE."""
    pool, buckets = state.pool, state.buckets
    at = np.int64(buckets[slot(buckets, place, key)])
    while at != NONE:
        entry = pool[at]
        if entry.key == key and entry.place == place:
            break
        at = np.int64(entry.next)
    return at


@inner
def find_or_add(state, place, key):
    """The entry's number; a new one has `until` of minus infinity and hangs in no L1's list."""
    at = find(state, place, key)
    if at == NONE:
        pool, buckets, totals = state.pool, state.buckets, state.totals
        at = totals.free
        if at == NONE:
            at = totals.used
            totals.used += 1
        else:
            totals.free = pool[at].next
        bucket, entry = slot(buckets, place, key), pool[at]
        entry.place, entry.key = place, key
        entry.next, entry.newer, entry.older = buckets[bucket], NONE, NONE
        entry.until = -np.inf
        entry.size = 0
        buckets[bucket] = at
    return at


@inner
def remove(state, at):
    """Take the entry out of its bucket and give its room back."""
    pool, buckets, totals = state.pool, state.buckets, state.totals
    entry = pool[at]
    bucket = slot(buckets, np.int64(entry.place), np.int64(entry.key))
    before = buckets[bucket]
    if before == at:
        buckets[bucket] = entry.next
    else:
        while pool[before].next != at:
            before = pool[before].next
        pool[before].next = entry.next
    entry.key = NONE
    entry.next = totals.free
    totals.free = at


@inner
def unlink(pool, isolate, at):
    """Take the entry out of the L1's list."""
    entry = pool[at]
    newer, older = entry.newer, entry.older
    if newer == NONE:
        isolate.newest = older
    else:
        pool[newer].older = older
    if older == NONE:
        isolate.oldest = newer
    else:
        pool[older].newer = newer


@inner
def link_newest(pool, isolate, at):
    newest, entry = isolate.newest, pool[at]
    entry.newer, entry.older = NONE, newest
    if newest == NONE:
        isolate.oldest = at
    else:
        pool[newest].newer = at
    isolate.newest = at


@inner
def drop(state, isolate, at):
    """Out of L1."""
    unlink(state.pool, isolate, at)
    isolate.entries -= 1
    isolate.bytes -= state.pool[at].size
    remove(state, at)


@inner
def empty(state, isolate):
    """Lose all of an L1."""
    at = np.int64(isolate.newest)
    while at != NONE:
        older = np.int64(state.pool[at].older)
        remove(state, at)
        at = older
    isolate.newest = isolate.oldest = NONE
    isolate.entries = isolate.bytes = 0
