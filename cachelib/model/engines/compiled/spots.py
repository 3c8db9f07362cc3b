"""Spots, for numba: each of the disjoint caches of a data centre, of which a request meets one.

Where there is one in each, a spot is the data centre.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.drawing import mix
from cachelib.model.engines.compiler import hot


@hot
def spot_of(rules, colo, row):
    """The one that a request meets, by its number."""
    if rules.caches == 1:
        return colo
    drawn = mix(rules.cache_key ^ np.uint64(row)) % np.uint64(rules.caches)
    return colo * rules.caches + np.int64(drawn)


@hot
def colo_of(rules, spot):
    return spot if rules.caches == 1 else spot // rules.caches


@hot
def place_of(rules, spot):
    """Where a data centre's cache has what is looked for: some have it at once for all of it."""
    return spot if rules.parted else colo_of(rules, spot)
