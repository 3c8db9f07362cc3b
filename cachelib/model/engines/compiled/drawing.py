"""`cachelib.model.engines.random` for numba."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiler import hot


@hot
def mix(number):
    z = number + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@hot
def exponential(table, key, counter):
    return table[mix(key ^ np.uint64(counter)) >> np.uint64(48)]
