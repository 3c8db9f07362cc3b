"""What answers before the Worker runs, for numba: a tier in each colo, and those behind them."""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from cachelib.model.engines.compiled.pool import (
    FRONT_PLACES,
    NONE,
    UPPER_PLACES,
    find,
    find_or_add,
)
from cachelib.model.engines.compiled.stores import held_by, nothing
from cachelib.model.engines.compiler import hot, inner
from cachelib.model.tiers.outcomes import NO_L2


@hot
def read_front(rules, state, places, colo, key, now):
    """The depth, and the value that is served, if any; and whether nobody has one that lives.

    From the upper tier it is kept in the colo too, also where the colo has one that has ended.
    """
    depth, held = NO_L2, nothing()
    at = find(state, FRONT_PLACES + colo, key)
    if at != NONE and now < state.pool[at].until:
        depth, held = rules.in_colo, held_by(state.pool[at])
        if now < held.expires:
            state.totals.front_hits += 1
            return depth, held, False
    at, newest = find(state, UPPER_PLACES + places.upper[colo], key), held
    if at != NONE and now < state.pool[at].until:
        newest = held_by(state.pool[at])
        keep(state, FRONT_PLACES + colo, key, newest, state.pool[at].until)
        if held.version == NONE:
            depth, held = rules.behind, newest
    if held.version == NONE:
        return depth, held, False
    state.totals.front_hits += 1
    return depth, held, newest.expires <= now


@inner
def write_front(rules, state, places, colo, key, now, held):
    """Keep an answer of the Worker until its value ends, or a while longer, or the next deploy."""
    start, every = state.totals.start, rules.empties_every
    until = start + (math.floor((now - start) / every) + 1) * every
    if held.expires + rules.stale < until:
        until = held.expires + rules.stale
    keep(state, UPPER_PLACES + places.upper[colo], key, held, until)
    keep(state, FRONT_PLACES + colo, key, held, until)


@inner
def purge(rules, state, places, key, now):
    """Drop the key's answers everywhere, if one more purge is allowed."""
    totals = state.totals
    left = totals.purges_left + (now - totals.last_purge) / rules.purge_every
    totals.purges_left = left if left < rules.most_purges else rules.most_purges
    totals.last_purge = now
    if totals.purges_left < 1:
        totals.refused += 1
        return
    totals.purges_left -= 1
    totals.purges += 1
    drop_everywhere(state, places, key)


@inner
def drop_everywhere(state, places, key):
    for colo in range(len(places.upper)):
        end(state, UPPER_PLACES + places.upper[colo], key)
        end(state, FRONT_PLACES + colo, key)


@inner
def end(state, place, key):
    at = find(state, place, key)
    if at != NONE:
        state.pool[at].until = -np.inf


@inner
def keep(state, place, key, held, until):
    entry = state.pool[find_or_add(state, place, key)]
    entry.version, entry.size, entry.loaded = held.version, held.size, held.loaded
    entry.expires, entry.refresh, entry.until = held.expires, held.refresh, until
