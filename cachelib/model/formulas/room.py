"""Tiers and memories with so much room, by formula: what nobody asks for in time is pushed out.

Which time t that is, Che's approximation says: a key that is asked for x times a second is there
with chance 1 - e^-xt, and t is such that what is there fills the room (H. Che, Y. Tung, Z. Wang,
2002). What has ended takes room until then. Of a value that would stay for V, found xV times, are
found those that come before a gap longer than t: as of an isolate that is idle; own derivation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.roots import increasing_root
from cachelib.model.formulas.setting import NEVER_S, Array, Setting
from cachelib.model.tiers.tier import Tier

SOONEST_S, LATEST_S = 1e-6, 1e14


class Left(NamedTuple):
    """The share that is left of what would be found with room for all, and for how many seconds
    a value can be found."""

    share: Array
    seconds: Array


def is_short(at: Setting, tier: Tier | None) -> bool:
    """Whether the tier has no room without end."""
    return tier is not None and bool(tier.room) and bool((at[tier.room] < NEVER_S).any())


def left(at: Setting, tier: Tier, asked: Array, life: Array) -> Left:
    """Of values that live for `life`; `asked`: requests for a key a second in one copy."""
    entries = at[tier.room] * 1e9 / (at["value_bytes"] + at[tier.beside])
    found = lives.arrivals(asked, life, pushed_out_after(at, entries, asked))
    share = share_left(found, asked * life)
    return Left(share, np.minimum(found / asked, life))


def share_left(found: Array, whole: Array) -> Array:
    """Of reads found, so many for each load: as a share of what they are with room for all."""
    some = np.maximum(whole, 1e-300)  # nobody may ask
    return np.where(found < whole, found / (1 + found) * (1 + whole) / some, 1.0)


def pushed_out_after(at: Setting, entries: Array, asked: Array) -> Array:
    """Seconds after which what nobody asks for is pushed out, shape (draws, copies, 1)."""
    held, number = at.keys.number.sum(), at.keys.number
    if (held <= entries).all():
        return np.full((1, 1, 1), NEVER_S)
    shape = np.broadcast_shapes(asked.shape[:2], entries.shape[:2])
    # of what has room for all, any root will do
    short = np.where(entries < held, entries, held / 2)
    least = np.broadcast_to(short[:, :, 0], shape)

    def overfull(seconds: Array) -> Array:
        there = -np.expm1(-asked * np.exp(seconds).reshape(*shape, 1))
        return np.ravel(there @ number - least)

    ends = (np.full(least.size, np.log(end)) for end in (SOONEST_S, LATEST_S))
    after = np.exp(increasing_root(overfull, *ends)).reshape(*shape, 1)
    return np.where(held <= entries, NEVER_S, after)
