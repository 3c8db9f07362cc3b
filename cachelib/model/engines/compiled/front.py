"""Workers Cache, for numba: a tier in each data centre, and one that all share."""

# mypy: ignore-errors

from __future__ import annotations

import math

from cachelib.model.engines.compiled.pool import (
    FRONT_PLACES,
    NONE,
    UPPER_PLACE,
    find,
    find_or_add,
)
from cachelib.model.engines.compiled.stores import held_by, nothing
from cachelib.model.engines.compiler import hot, inner
from cachelib.model.tiers.outcomes import FRONT_IN_COLO, FRONT_UPPER, NO_L2


@hot
def read_front(state, colo, key, now):
    """The depth, and the living value, if any; from the upper tier it is kept in the colo too."""
    at = find(state, FRONT_PLACES + colo, key)
    if at != NONE and now < state.pool[at].until:
        state.totals.workers_cache_hits += 1
        return FRONT_IN_COLO, held_by(state.pool[at])
    at = find(state, UPPER_PLACE, key)
    if at != NONE and now < state.pool[at].until:
        state.totals.workers_cache_hits += 1
        held = held_by(state.pool[at])
        keep(state, FRONT_PLACES + colo, key, held, state.pool[at].until)
        return FRONT_UPPER, held
    return NO_L2, nothing()


@inner
def write_front(rules, state, colo, key, now, held):
    """Keep an answer of the Worker until its value ends, or the next deploy."""
    start, every = state.totals.start, rules.deploy_every
    until = start + (math.floor((now - start) / every) + 1) * every
    if held.expires < until:
        until = held.expires
    keep(state, UPPER_PLACE, key, held, until)
    keep(state, FRONT_PLACES + colo, key, held, until)


@inner
def keep(state, place, key, held, until):
    entry = state.pool[find_or_add(state, place, key)]
    entry.version, entry.size, entry.loaded = held.version, held.size, held.loaded
    entry.expires, entry.refresh, entry.until = held.expires, held.refresh, until
