"""Copies of a plain store that answer reads, for numba: they hear of each change a while after it.

All changes lie in one list, in their order; what the copies have heard of by now, they hold.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.pool import NONE, find, find_or_add
from cachelib.model.engines.compiled.state import Held
from cachelib.model.engines.compiler import inner


@inner
def tell_copies(state, place, key, now, value):
    """It was written, or deleted, where nothing is held."""
    change = state.changes[state.totals.changed]
    state.totals.changed += 1
    change.at, change.place, change.key = now, place, key
    change.version, change.size, change.loaded = value.version, value.size, value.loaded
    change.expires, change.refresh = value.expires, value.refresh


@inner
def hear(rules, state, now):
    totals = state.totals
    while totals.copied < totals.changed:
        change = state.changes[totals.copied]
        if change.at + rules.lag_s > now:
            break
        totals.copied += 1
        entry = state.pool[find_or_add(state, np.int64(change.place), np.int64(change.key))]
        entry.version, entry.size, entry.loaded = change.version, change.size, change.loaded
        entry.expires, entry.refresh, entry.until = change.expires, change.refresh, change.expires
        if change.version == NONE:
            entry.until = -np.inf


@inner
def read_copy(rules, state, place, key, now):
    """The living value, if any."""
    hear(rules, state, now)
    at = find(state, place, key)
    if at != NONE and now < state.pool[at].until:
        entry = state.pool[at]
        return Held(
            np.int64(entry.version), np.int64(entry.size), entry.loaded, entry.expires,
            entry.refresh,
        )  # fmt: skip
    return Held(np.int64(NONE), np.int64(0), 0.0, 0.0, 0.0)
