"""A round that empties caches, for numba: what all share, each data centre's, what is in front."""

# mypy: ignore-errors

from __future__ import annotations

from cachelib.model.engines.compiled.front import drop_everywhere
from cachelib.model.engines.compiled.pool import NONE
from cachelib.model.engines.compiled.spots import spot_of
from cachelib.model.engines.compiled.state import DO_STORE, TO_ALL, TO_COLO
from cachelib.model.engines.compiled.stores import (
    delete_from_colo_cache,
    delete_from_store,
    ring,
)
from cachelib.model.engines.compiled.telling import tell
from cachelib.model.engines.compiler import compiled, inner

NOBODY = -1
"""The isolate of whoever has none."""


@compiled
def empty(rules, state, places, there, keys, colo, nth, now):
    """Of so many keys, the first ones, from a colo; how many were found in what all share.

    `there`: the colos in which a Worker runs. `nth`: the number of the round.
    """
    found, spot = 0, spot_of(rules, colo, nth)
    for key in range(keys):
        if rules.store and is_listed(rules, state, key, now):
            found += 1
            delete_from_store(rules, state, places, spot, key, state.records[key], now)
            if rules.tells == TO_ALL:
                tell(state, NOBODY, colo, key, now)
        if rules.colo_cache:
            empty_each(rules, state, there, key, now)
        if rules.front:
            drop_everywhere(state, places, key)
    return found


@inner
def is_listed(rules, state, key, now):
    """Whether a list of what the store holds has the key."""
    record = state.records[key]
    if rules.store == DO_STORE:
        ring(rules, state, record, now)
    return record.version != NONE and (not rules.erases or now < record.expires)


@inner
def empty_each(rules, state, there, key, now):
    """Every colo's cache of a key."""
    for colo in there:
        for nth in range(rules.caches if rules.parted else 1):
            delete_from_colo_cache(rules, state, colo * rules.caches + nth, key, now)
        if rules.tells == TO_COLO:
            tell(state, NOBODY, colo, key, now)
