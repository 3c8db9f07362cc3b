"""Tiers with so much room, for numba: what was asked for longest ago is pushed out of them.

The entries of one copy of a tier hang in a list of its own, as an L1's do; of the store that all
share, whose values are records, they have the key alone.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.pool import (
    NONE,
    STORE_PLACE,
    drop,
    find,
    find_or_add,
    link_newest,
    unlink,
)
from cachelib.model.engines.compiler import inner

OF_STORE = 0
"""The room of what all share; those of the colos come after it."""


@inner
def touch(state, nth, at):
    """The entry is asked for now."""
    room = state.rooms[nth]
    if room.newest != at:
        unlink(state.pool, room, at)
        link_newest(state.pool, room, at)


@inner
def fits(rules, value, most):
    return value.size + rules.beside <= most


@inner
def give_room(state, nth, place, key, value):
    """The number of the key's entry, the newest of its room, as large as the value."""
    room, at = state.rooms[nth], find_or_add(state, place, key)
    entry = state.pool[at]
    if entry.until == -np.inf:
        room.entries += 1
        link_newest(state.pool, room, at)
    else:
        touch(state, nth, at)
    room.bytes += value.size - entry.size
    entry.size = value.size
    return at


@inner
def too_full(rules, state, nth, most):
    room = state.rooms[nth]
    return room.bytes + room.entries * rules.beside > most


@inner
def leave_room(state, nth, place, key):
    """Drop the key's entry, if there is one."""
    at = find(state, place, key)
    if at != NONE:
        drop(state, state.rooms[nth], at)


@inner
def push_out(state, nth):
    """Drop what was asked for longest ago; its key."""
    room = state.rooms[nth]
    at = np.int64(room.oldest)
    key = np.int64(state.pool[at].key)
    drop(state, room, at)
    return key


@inner
def touch_in_store(state, key):
    touch(state, OF_STORE, find(state, STORE_PLACE, key))


@inner
def give_room_in_store(state, key, value):
    at = give_room(state, OF_STORE, STORE_PLACE, key, value)
    state.pool[at].version, state.pool[at].until = NONE, np.inf


@inner
def leave_store(state, key):
    leave_room(state, OF_STORE, STORE_PLACE, key)
