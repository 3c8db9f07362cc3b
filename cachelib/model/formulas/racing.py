"""Reads that ask the origin, too, when a store has not answered in time, by formula.

Own derivation. What comes before a store and what that takes, n + s, is spread by one log-normal
number J, the origin's o by another, K. If sJ > d, the origin is asked at d: whoever would have
found the value has it after the less of (n + s)J and n + d + oK, whoever would not, after the
latter, of which n is not spread here. So a value found is late at t with the chance of both, which
holds where sJ <= d, too, as n + d + oK is then the later; the mean is the integral of that.
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
    pass before it, in it, until the origin is asked, and there; shape (draws, colos)."""

    found: Array
    loaded: Array
    near: Array
    looking: Array
    after: Array
    origin: Array

    @property
    def rate(self) -> Array:
        """All of them, shape (draws,)."""
        all_: Array = (self.found + self.loaded).sum(axis=1)
        return all_

    def slow(self, sigma: Array) -> Array:
        """The chance that the store has not answered in time."""
        slow: Array = ndtr(-np.log(self.after / self.looking) / sigma)
        return slow

    def asked_in_vain(self, sigma: Array) -> Array:
        """Loads a second of what was found, shape (draws,)."""
        return np.asarray((self.found * self.slow(sigma)).sum(axis=1))

    def answered(self, ms: Array, sigma: Array) -> Array:
        """Reads a second that are within `ms`, shape (draws,)."""
        told = self._told(ms, sigma)
        found = 1 - (1 - ndtr(np.log(ms / (self.near + self.looking)) / sigma)) * (1 - told)
        whole = self.near + self.looking + self.origin
        soon = np.minimum(self.after / self.looking, ms / whole)
        loaded = ndtr(np.log(soon) / sigma) + self.slow(sigma) * told
        return np.asarray((self.found * found + self.loaded * loaded).sum(axis=1))

    def _told(self, ms: Array, sigma: Array) -> Array:
        """The chance that the origin, asked when the store is slow, has answered."""
        left = np.maximum(ms - self.near - self.after, 1e-300)
        told: Array = ndtr(np.log(left / self.origin) / sigma)
        return told

    def total_ms(self, sigma: Array) -> Array:
        """What they take, all together, of a second, shape (draws,)."""
        above = np.exp(sigma**2 / 2)
        whole = self.near + self.looking + self.origin
        soon = whole * above * ndtr(np.log(self.after / self.looking) / sigma - sigma)
        later = self.slow(sigma) * (self.near + self.after + self.origin * above)
        return np.asarray(
            (self.found * self._found_ms(sigma) + self.loaded * (soon + later)).sum(axis=1)
        )

    def _found_ms(self, sigma: Array) -> Array:
        z = np.linspace(-FAR, FAR, STEPS + 1).reshape(-1, 1, 1)
        ms = (self.near + self.looking) * np.exp(z * sigma)
        late = ms * (1 - ndtr(z)) * (1 - self._told(ms, sigma))
        total: Array = ms[0] + np.trapezoid(late * sigma, z, axis=0)
        return total
