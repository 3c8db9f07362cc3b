"""Reads that ask the origin, too, when a store has not answered in time, by formula.

Own derivation. What a store takes, s, is spread by one log-normal number J, and all that a read
takes that finds its value, n + s, by another of the same draw, the origin's o by one of its own, K.
If sJ > d, the origin is asked at d: whoever would have found the value has it after the less of
(n + s)J and n + d + oK, whoever would not, after the latter, of which n is not spread here. So a
value found is late at t with the chance of both, which holds where sJ <= d, too, as n + d + oK is
then the later; the mean is the integral of that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from cachelib.model.formulas.setting import Array

STEPS, FAR = 200, 8  # of the integral, and how many sigmas it goes from the median
LEAST_MS = 1e-9


class Race(NamedTuple):
    """Reads a second that look into a store and find their value there, or do not, and the ms that
    pass before it, in it, until the origin is asked, and there; then how widely vary the time in
    the store, all that finding and all that loading take, and the origin's; shape (draws, colos).
    """

    found: Array
    loaded: Array
    near: Array
    looking: Array
    after: Array
    origin: Array
    looking_sigma: Array
    found_sigma: Array
    loaded_sigma: Array
    origin_sigma: Array

    @property
    def rate(self) -> Array:
        """All of them, shape (draws,)."""
        all_: Array = (self.found + self.loaded).sum(axis=1)
        return all_

    @property
    def _in_time(self) -> Array:
        """Up to how many sigmas from the median the store has answered in time."""
        in_time: Array = np.log(self.after / self.looking) / self.looking_sigma
        return in_time

    @property
    def slow(self) -> Array:
        """The chance that the store has not answered in time."""
        slow: Array = ndtr(-self._in_time)
        return slow

    @property
    def asked_in_vain(self) -> Array:
        """Loads a second of what was found, shape (draws,)."""
        return np.asarray((self.found * self.slow).sum(axis=1))

    def answered(self, ms: Array) -> Array:
        """Reads a second that are within `ms`, shape (draws,)."""
        told = self._told(ms)
        late = 1 - ndtr(np.log(ms / (self.near + self.looking)) / self.found_sigma)
        found = 1 - late * (1 - told)
        whole = self.near + self.looking + self.origin
        soon = np.minimum(self._in_time, np.log(ms / whole) / self.loaded_sigma)
        loaded = ndtr(soon) + self.slow * told
        return np.asarray((self.found * found + self.loaded * loaded).sum(axis=1))

    def _told(self, ms: Array) -> Array:
        """The chance that the origin, asked when the store is slow, has answered."""
        left = np.maximum(ms - self.near - self.after, 1e-300)
        told: Array = ndtr(np.log(left / self.origin) / self.origin_sigma)
        return told

    def reach(self, alone: float) -> Array:
        """The logarithms of times between which what is `alone` sigmas from a median lies."""
        looked, told = self.near + self.looking, self.near + self.after
        least, most = self.near, np.maximum(looked + self.origin, told + self.origin)
        sigma = np.maximum(self.looking_sigma, self.origin_sigma)
        ends = [np.log(np.maximum(ms, 1e-6)) for ms in (least, most)]
        away = (min(alone, 0.0) * sigma, max(alone, 0.0) * sigma)
        return np.concatenate([end + by for end, by in zip(ends, away, strict=True)], axis=1)

    @property
    def total_ms(self) -> Array:
        """What they take, all together, of a second, shape (draws,)."""
        above, of_load = (np.exp(s**2 / 2) for s in (self.loaded_sigma, self.origin_sigma))
        whole = self.near + self.looking + self.origin
        soon = whole * above * ndtr(self._in_time - self.loaded_sigma)
        later = self.slow * (self.near + self.after + self.origin * of_load)
        return np.asarray((self.found * self._found_ms + self.loaded * (soon + later)).sum(axis=1))

    @property
    def _found_ms(self) -> Array:
        z = np.linspace(-FAR, FAR, STEPS + 1).reshape(-1, 1, 1)
        ms = (self.near + self.looking) * np.exp(z * self.found_sigma)
        late = ms * (1 - ndtr(z)) * (1 - self._told(ms))
        total: Array = ms[0] + np.trapezoid(late * self.found_sigma, z, axis=0)
        return total
