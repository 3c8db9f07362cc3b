"""Latency of each request, and histograms of latency and staleness, for numba."""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np
from numba import njit

from cachelib.edge.compiled.kernel import mix
from cachelib.edge.compiled.pool import OPTIONS, hot
from cachelib.edge.outcomes import WRITTEN

STEP = math.log(1.01)  # bins are one per cent wide
SMALLEST = 1e-3  # ms or s; what is below is in bin 0
BINS = 2_600  # up to 1.7e8
JITTER_BITS = 12


@hot
def bin_of(value):
    if value <= SMALLEST:
        return 0
    return min(BINS - 1, 1 + int(math.log(value / SMALLEST) / STEP))


@njit(cache=True, **OPTIONS)
def measure(outcomes, colos, row, key, jitter, base, region, latency, codes, ms, age, late):
    code_of, extra, ages, lates = outcomes
    for i in range(len(colos)):
        code, colo = code_of[i], colos[i]
        drawn = mix(key ^ np.uint64(row + i))
        took = (base[code, colo] + extra[i]) * jitter[drawn >> np.uint64(64 - JITTER_BITS)]
        latency[i] = took
        codes[code] += 1
        tier = code >> 3
        if tier != WRITTEN:
            ms[0][region[colo], bin_of(took)] += 1
            ms[1][region[colo]] += took
        if tier < WRITTEN:
            age[0][bin_of(ages[i])] += 1
            age[1][0] += ages[i]
            late[0][bin_of(lates[i])] += 1
            late[1][0] += lates[i]
