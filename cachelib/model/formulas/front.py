"""What answers before the Worker runs, by formula: reads that look past it, and those that run it.

Own derivation. What stands behind is asked when the value of all copies has ended, by the next
read, which loads it; so loads are those of one cache. V is how long the store behind keeps a value
valid, longer than T where writes renew it; of these the answers in front hear nothing. Where no
store stands behind, and each region has an upper tier, each of these loads for itself: its copies
and those of the data centres that ask it end together, and with nobody else's.

Where an answer is served for S after its end, the same reads run the Worker, but wait for it only
if none came before for S: e^-xS for x reads a second. Of a data centre's copies the same holds.

Purges at rate m end a copy as a lost one ends: the mean life c that it has without them is then
(1 - e^-mc)/m, and what has ended is served only if no purge comes before its next read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.formulas import lives
from cachelib.model.formulas.emptying import of_front
from cachelib.model.formulas.setting import Array


class Front(NamedTuple):
    """Reads a second, by colo and key: that wait for what is past the data centre's tier, that wait
    for the Worker, that are served what has ended in their data centre; that wait for a run, and
    that are served while one goes; and those before a run that came there from other upper tiers.
    The first three are by colo of the readers, the others by where the Worker runs. `has`: the
    chance that whoever loads a value anew has the one that has ended. `of_upper`: the reads of each
    upper tier, `looks`: those that wait. `apart`: whether each of these loads for itself.
    """

    past_colo: Array
    waiting: Array
    stale: Array
    awaited: Array
    aside: Array
    of_others: Array
    has: Array
    of_upper: Array
    looks: Array
    apart: bool

    @property
    def runs(self) -> Array:
        return self.awaited + self.aside


class Looks(NamedTuple):
    """Reads a second that find nothing living in a tier: that wait for more, and that do not."""

    awaited: Array
    aside: Array


class Traffic(NamedTuple):
    """Reads of all and by colo of the readers, writes that renew what is behind, losses by deploys,
    purges, and rounds that empty all, of one key; 1/s."""

    r: Array
    rr: Array
    w: Array
    lost: Array
    purged: Array
    emptied: Array


class Readers(NamedTuple):
    """By colo of readers: the numbers of the upper tier that they ask, and of the place where the
    Worker runs for them; and whether a store behind gives all upper tiers the same."""

    upper: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    store: bool


def allowed(writes: Array, every_s: Array) -> Array:
    """The share of so many writes a second, of all keys, that may purge."""
    share: Array = np.minimum(1 / (every_s * np.maximum(writes, 1e-300)), 1.0)
    return share


def front(asked: Traffic, readers: Readers, ttl: Array, stale_s: Array) -> Front:
    """Both tiers, for values that live `ttl` and are served for `stale_s` longer."""
    upper, asks = np.unique(readers.upper, return_inverse=True)
    of_upper = _summed(asked.rr, asks, len(upper))
    alike, alike_here = asked, asked
    if apart := not readers.store and len(upper) > 1:
        alike = asked._replace(r=of_upper)
        alike_here = asked._replace(r=of_upper[:, asks])
    there = _looks(alike, of_upper, ttl, stale_s)
    here = _looks(alike_here, asked.rr, ttl, stale_s)
    part = asked.rr / of_upper[:, asks]
    waiting, served = (looks[:, asks] * part for looks in there)
    past_colo = np.minimum(np.maximum(here.awaited, waiting), asked.rr)
    places = int(readers.runs.max()) + 1
    awaited, aside = (_summed(rate, readers.runs, places) for rate in (waiting, served))
    run, runs = waiting + served, awaited + aside
    from_upper = [
        _summed(run * (asks == nth)[:, None], readers.runs, places) for nth in range(len(upper))
    ]
    of_others = np.maximum(runs - sum((each**2 for each in from_upper), np.zeros(1)) / runs, 0)
    share = of_upper / asked.r
    has = (share * (1 - (1 - share) * np.exp(-of_upper * ttl))).sum(axis=1, keepdims=True)
    return Front(
        past_colo,
        waiting,
        here.aside,
        awaited,
        aside,
        of_others,
        has,
        of_upper,
        there.awaited,
        apart,
    )


def _summed(rate: Array, of: npt.NDArray[np.int64], many: int) -> Array:
    """A rate by colo of readers and key as one by what these have in common, by its number."""
    together: Array = (of == np.arange(many)[:, None]).astype(np.float64) @ rate
    return together


def _looks(asked: Traffic, reads: Array, ttl: Array, stale_s: Array) -> Looks:
    looks = _looks_if_kept(asked, reads, ttl, stale_s)
    return Looks(*of_front(asked.emptied, *looks, reads)) if asked.emptied.any() else looks


def _looks_if_kept(asked: Traffic, reads: Array, ttl: Array, stale_s: Array) -> Looks:
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
    ended, between = first + later, valid + 1 / every
    if asked.purged.any():
        return _purged(asked, reads, np.minimum(ended / between, reads), stale_s)
    awaited = np.minimum((ended * np.exp(-reads * stale_s) + emptied) / between, reads)
    aside = ended * -np.expm1(-reads * stale_s) / between
    return Looks(awaited, np.minimum(aside, reads - awaited))


def _purged(asked: Traffic, reads: Array, looks: Array, stale_s: Array) -> Looks:
    """The same where copies are purged, of looks that there would be if nothing ended any early."""
    life = np.maximum(1 / looks - 1 / reads, 0)
    ends = asked.purged + asked.lost
    left = -np.expm1(-ends * life) / ends
    all_ = reads / (1 + reads * left)
    before = reads / (reads + ends) * -np.expm1(-(reads + ends) * stale_s)
    served = np.exp(-ends * life) * before
    return Looks(all_ * (1 - served), all_ * served)
