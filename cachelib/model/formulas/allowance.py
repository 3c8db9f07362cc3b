"""A day's writes to KV, and what its reads find when they are used up. Own derivation.

Each write keeps a value for as long, whenever it is made; so if a share x of those is allowed that
would be made, a share x of the reads is served as usual, and the rest finds nothing in the store.
"""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas.setting import Array
from cachelib.model.traffic.generator import DAY_S


def within_the_day(loads: Array, alone: Array, written: Array, allowed: Array) -> Array:
    """Reads a second that wait for the origin; shape (draws, colos, keys).

    `loads` do where all writes are taken, `alone` where none is; `written` are these writes of all
    keys a second, `allowed` those a day.
    """
    left = np.minimum(allowed / DAY_S / np.maximum(written.reshape(-1, 1, 1), 1e-300), 1.0)
    found: Array = loads * left + np.maximum(alone, loads) * (1 - left)
    return found
