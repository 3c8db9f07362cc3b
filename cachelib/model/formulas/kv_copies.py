"""Where KV finds a value, by formula: in a data centre's cache, its region's, or the central store.

Own derivation, for one key. A region makes a new copy with the first request after the last one has
ended, which waits for the central store; so it has one for L of every L + 1/X, asked X times a
second. Copies in its data centres end with it. Of those, a cache that is asked x times looks past
itself once for each copy that it makes or asks for within L: y = x/X + (1 - x/X)(1 - e^-xL).

Where a read in the last S of a copy has it fetched anew, nobody waits for it unless no read came
within S, e^-XS; and a cache of which one did, p = 1 - e^-xS, has the next copy without looking:
what it lacks of each is y(1 - p) / (1 - p + yp).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.setting import NEVER_S, Array, Setting

LEAST = 1e-30  # stands for a rate of nothing where it divides


class Copies(NamedTuple):
    """Shares of the reads that reach KV from a data centre, by (draws, colos, keys).

    `past_colo`: that its cache does not answer; `central`: that the region's does not, either.
    `oldest_s`: how old what a cache answers can be.
    """

    past_colo: Array
    central: Array
    oldest_s: Array


def copies(at: Setting, asked: Array, value_s: Array | None) -> Copies:
    """Of reads a second by colo and key; `value_s`: how long values are kept, None for ever."""
    ttl, early = at["kv_cache_ttl_s"], at["kv_refresh_share"] * at["kv_cache_ttl_s"]
    value = np.full((1, 1, 1), NEVER_S) if value_s is None else value_s
    whole = 1 - np.minimum(ttl / value, 1)  # the chance that a copy does not end with its value
    before = lives.inherited(ttl, value) - whole * early
    x = np.maximum(asked / at["caches_per_colo"], LEAST)
    region = at.trips.region
    together = (region[:, None] == region).astype(float) @ np.maximum(asked, LEAST)
    cycle = before + 1 / together
    lacks = -np.expm1(-x * before)
    lacks = lacks + (1 - lacks) * x / together
    central = 1 / (cycle * together)
    if early.any():
        keeps = whole * -np.expm1(-x * early)
        others = whole * -np.expm1(-(together - x) * early)
        rest = np.maximum(before - early + lives.mean_age(together, early), 0)
        after = others * -np.expm1(-x * rest) + (1 - others) * lacks
        lacks = (1 - keeps) * lacks / (1 - keeps + lacks - (1 - keeps) * after)
        in_time = whole * -np.expm1(-together * early)
        central = central * (1 - in_time)
        before = before + in_time / together
    past_colo = np.maximum(lacks / (cycle * x), central)
    return Copies(np.minimum(past_colo, 1.0), central, before)
