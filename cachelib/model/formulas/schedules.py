"""Writes on a schedule, by formula: as often for every key, at fixed times, all made at one place.

What is rewritten before it ends never ends. The isolates that readers reach make none of these
writes, but for one, which is left out.
"""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.setting import Array, Setting

STAYS_S = 1e15
"""Of a value that never ends."""


def valid(at: Setting, writes: Array, ttl: Array) -> Array:
    """`lives.valid` of all writes of a key, where a schedule may make some."""
    by_chance, every_s = lives.valid(writes, ttl), at.keys.every_s
    return by_chance if every_s is None else np.where(every_s <= ttl, STAYS_S, by_chance)


def by_chance(at: Setting, writes: Array) -> Array:
    """The writes of a key that readers' isolates make."""
    return writes if at.keys.every_s is None else np.maximum(writes - 1 / at.keys.every_s, 0)
