"""What the kernel knows: a design as numbers, and all that lives on from request to request."""

# mypy: ignore-errors

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.kv import KV
from cachelib.model.tiers.outcomes import COUNTS

KV_STORE, DO_STORE, PLAIN_STORE = range(1, 4)
OF_THEIR_OWN = {KV.word: KV_STORE, DURABLE_OBJECT.word: DO_STORE}
"""What all share, of which a design has one at most, and 0 stands for none; any other is plain."""
LIST_PAGE = 1_000
NO_BOUND = 1 << 62
VALUE_BYTES = 16  # what the reference needs for a value

RECORD = np.dtype(
    [
        ("version", "i4"), ("size", "i4"), ("current", "i4"), ("object", "i4"),
        ("loaded", "f8"), ("expires", "f8"), ("refresh", "f8"), ("written", "f8"),
        ("last_write", "f8"), ("awake", "i8"),
    ]
)  # fmt: skip
"""A key: what L2's store holds (`version` NONE for nothing), the origin's current version, the
Durable Object it belongs to, and which of that object's wakes last had it in memory."""

OBJECT = np.dtype([("home", "i8"), ("awake", "i8"), ("free_at", "f8"), ("last", "f8")])


LOAD = np.dtype(
    [
        ("due", "f8"), ("loaded", "f8"), ("life", "f8"), ("key", "i8"), ("next", "i8"),
        ("last", "i8"), ("door", "i8"), ("number", "i4"), ("spot", "i4"), ("version", "i4"),
        ("size", "i4"), ("generation", "i4"), ("kind", "u1"), ("keeps", "u1"), ("unchanged", "u1"),
        ("by_object", "u1"),
    ]
)  # fmt: skip
"""A load in progress, or who waits for one with something to keep when it has landed: those hang
behind it in a list, from `next` to `last`. `version` NONE says that the origin fails, `keeps` that
the value is still wanted, as nobody has changed its key in that isolate since, `by_object` that a
Durable Object loads it."""

LOADS, JOINS_OBJECT, JOINS_FRONT = range(3)
"""Kinds of `LOAD`."""

MESSAGE = np.dtype([("at", "f8"), ("isolate", "i4"), ("colo", "i4"), ("key", "i8")])
"""What tells of a change: when it was sent, by whom, of which key."""

CHANGE = np.dtype(
    [
        ("at", "f8"), ("place", "i4"), ("key", "i4"), ("version", "i4"), ("size", "i4"),
        ("loaded", "f8"), ("expires", "f8"), ("refresh", "f8"),
    ]
)  # fmt: skip
"""What the copies of a store have not heard of yet; `version` NONE says that it was deleted."""

TO_COLO, TO_ALL = 1, 2
"""Who hears of changes; 0 for nobody."""

TOTALS = np.dtype(
    [
        ("start", "f8"), ("next_clean_up", "f8"), ("clean_ups", "i8"),
        ("stored_high", "i8"), ("stored_low", "i8"), ("versions", "i8"), ("free", "i8"),
        ("used", "i8"),
        ("colo_reads", "i8"), ("colo_writes", "i8"), ("reads", "i8"), ("writes", "i8"),
        ("messages", "i8"),
        ("changed", "i8"), ("copied", "i8"),
        ("seen", "i8"),
        ("landed", "i8"),
        ("begun", "i8"),
        ("purges_left", "f8"), ("last_purge", "f8"),
        ("front_hits", "i8"), ("front_refreshes", "i8"), ("purges", "i8"), ("refused", "i8"),
        ("origin_free_at", "f8"), ("kv_day", "f8"), ("kv_written_today", "i8"),
        *((name, "i8") for name in COUNTS),
    ]
)  # fmt: skip
"""What there is one of: times; clean-ups, byte-seconds (see `exact`) and versions so far; in the
pool the first of the rooms given back, and the first never used; reads and writes of the plain
tiers that the design has in each colo and for all; messages sent; changes that copies were to hear
of, and that they have heard of; loads that have landed and that
have begun, counted with those who wait; purges that are allowed still, and when that was found;
what is counted of what is in front of the Worker; when the origin is free; the day, and what has
been written to KV on it; and the counts."""

CONSECUTIVE = np.empty(0, np.int64)
"""In the place of requests' numbers, where each is one more than that before it."""


class Rules(NamedTuple):
    """A design on a platform, as numbers; infinity for never and for no limit."""

    front: bool
    in_colo: int
    behind: int
    empties_every: float
    stale: float
    purges: bool
    purge_every: float
    most_purges: float
    l1: bool
    colo_cache: bool
    caches: int
    parted: bool
    store: int
    colo_depth: int
    depth: int
    erases: bool
    deletes: bool
    colo_room: int
    store_room: int
    beside: int
    colo_copied: bool
    store_copied: bool
    lag_s: float
    sized: bool
    l1_ttl: float
    hard_ttl: float
    soft_ttl: float
    inherited: bool
    sliding: bool
    only_if_changed: bool
    tells: int
    told: bool
    clean_up_every: float
    max_entries: int
    max_bytes: int
    bounded: bool
    idle: float
    life: float
    deploy_every: float
    deploy_takes: float
    isolates: int
    cache_ttl: float
    early: float
    write_gap: float
    writes_a_day: float
    read_s: float
    write_s: float
    queue_s: float
    object_idle: float
    object_storage: bool
    object_loads: bool
    object_alarm: bool
    failure: float
    origin_each_s: float
    origin_queue_s: float
    value_life: float
    load_s: float
    joins: bool
    failure_key: np.uint64
    life_key: np.uint64
    change_key: np.uint64
    cache_key: np.uint64


class State(NamedTuple):
    """All that lives on from request to request."""

    pool: npt.NDArray[np.void]
    buckets: npt.NDArray[np.int32]
    isolates: npt.NDArray[np.void]
    rooms: npt.NDArray[np.void]
    records: npt.NDArray[np.void]
    objects: npt.NDArray[np.void]
    key_bytes: npt.NDArray[np.int32]
    superseded: npt.NDArray[np.float64]
    listed: npt.NDArray[np.int64]
    messages: npt.NDArray[np.void]
    changes: npt.NDArray[np.void]
    loads: npt.NDArray[np.void]
    totals: np.void


class Held(NamedTuple):
    """A cached value; `version` NONE is nothing."""

    version: int
    size: int
    loaded: float
    expires: float
    refresh: float


class Places(NamedTuple):
    """The part of `Geography` that stores need, and after how many seconds each colo hears of a
    change. `runs`: by colo where a request came in, its door, the one in which the Worker runs.
    `upper`: by door, the number of the tier behind that in front of the Worker."""

    runs: npt.NDArray[np.int64]
    upper: npt.NDArray[np.int64]
    region: npt.NDArray[np.int64]
    host: npt.NDArray[np.int64]
    to_host: npt.NDArray[np.float64]
    told_after: npt.NDArray[np.float64]
