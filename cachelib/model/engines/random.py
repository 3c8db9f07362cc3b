"""Random numbers that depend on nothing but what they are for.

A simulation draws each number from its seed, its purpose and a counter, never from a stream, so
that engines, pieces of a trace and orders of work cannot change it. The generator is SplitMix64
(Steele, Lea, Flood: Fast splittable pseudorandom number generators. OOPSLA 2014).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(number: int) -> int:
    """64 bits that look random, from any 64 bits; one to one."""
    number = (number + GOLDEN) & MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
    return number ^ (number >> 31)


def mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """`mix` of each number."""
    with np.errstate(over="ignore"):
        z = numbers + np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def key_of(seed: int, purpose: int) -> int:
    """The start of the numbers for one purpose."""
    return mix(mix(seed & MASK) ^ purpose)


# Purposes.
ROUTING, FAILURES, ISOLATES, CHANGES, LATENCY, CACHES = range(1, 7)
READERS, VISITS = range(101, 103)

TABLE_BITS = 16
_MIDDLES = (np.arange(1 << TABLE_BITS) + 0.5) / (1 << TABLE_BITS)
EXPONENTIAL: npt.NDArray[np.float64] = -np.log1p(-_MIDDLES)
"""Quantiles of the exponential distribution of mean 1, to be drawn by the top bits of a number:
a table gives every engine the same bits, which two libraries' logarithms need not."""


def exponential(key: int, counter: int) -> float:
    """An exponential number of mean 1."""
    return float(EXPONENTIAL[mix(key ^ counter) >> (64 - TABLE_BITS)])


def uniform(key: int, counter: int) -> float:
    """A number in [0, 1)."""
    return (mix(key ^ counter) >> 11) * 2.0**-53
