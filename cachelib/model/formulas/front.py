"""Workers Cache before the Worker, by formula: reads that look past it, and those that run it.

Own derivation. What stands behind is asked when the value of all copies has ended, by the next
read, which loads it; so loads are those of one cache. V is how long the store behind keeps a value
valid, longer than T where writes renew it; of these the answers in front hear nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.setting import Array


class Front(NamedTuple):
    """Reads a second, by colo and key: past the data centre's tier, and past both."""

    past_colo: Array
    runs: Array


class Traffic(NamedTuple):
    """Reads of all and by colo, writes that renew what is behind, and losses by deploys, 1/s."""

    r: Array
    rc: Array
    w: Array
    lost: Array


def front(asked: Traffic, ttl: Array) -> Front:
    """Both tiers, for values that live `ttl`."""
    everywhere = _looks(asked, asked.r, ttl)
    here = np.maximum(_looks(asked, asked.rc, ttl), everywhere * asked.rc / asked.r)
    return Front(np.minimum(here, asked.rc), everywhere * asked.rc / asked.r)


def _looks(asked: Traffic, reads: Array, ttl: Array) -> Array:
    """Reads a second that find nothing in a tier which `reads` come to.

    From one renewal behind to the next, V + 1/x: the read that loads, or else the first within T;
    one for every copy that ended while writes kept the value behind; one for every deploy.
    """
    every = asked.r + asked.w
    valid = lives.valid(asked.w, ttl)
    first = reads / every + (1 - reads / every) * -np.expm1(-reads * ttl)
    copy = ttl - lives.mean_age(asked.w, ttl)
    later = np.maximum(valid - ttl, 0) / (1 / reads + copy)
    emptied = asked.lost * valid * -np.expm1(-reads * ttl / 2)
    looks: Array = (first + later + emptied) / (valid + 1 / every)
    return np.minimum(looks, reads)
