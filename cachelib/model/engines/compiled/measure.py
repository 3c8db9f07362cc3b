"""Latency of each request, and histograms of latency and staleness, for numba.

A bin is the exponent and the first seven bits of the fraction of a 32-bit float, so that counting
needs no logarithm: bins are 1/128 of a power of two wide, at most 0.8 per cent of their value.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.drawing import mix
from cachelib.model.engines.compiler import compiled, hot
from cachelib.model.engines.exact import PER_UNIT
from cachelib.model.tiers import outcomes as said
from cachelib.model.tiers.outcomes import FAILED, WRITTEN

SHIFT = 16
FIRST = int(np.float32(2**-10).view(np.int32)) >> SHIFT  # ms or s; what is below is in bin 0
BINS = 40 << 7  # up to 2³⁰
JITTER_BITS = 12

tier_of = hot(said.tier_of)


@hot
def bin_of(bits):
    return min(BINS - 1, max(0, (bits >> SHIFT) - FIRST))


@compiled
def measure(
    outcomes, bits, colos, row, rows, key, jitter, base, region, latency, codes, ms, age, late
):  # fmt: skip
    """`bits` are latency, age and lateness as integers; histograms come with their totals.

    `row` is the number of the first request; or `rows` has that of each.
    """
    code_of, extra, ages, lates = outcomes
    for i in range(len(colos)):
        code, colo = code_of[i], colos[i]
        number = rows[i] if len(rows) else row + i
        drawn = mix(key ^ np.uint64(number))
        latency[i] = (base[code, colo] + extra[i]) * jitter[drawn >> np.uint64(64 - JITTER_BITS)]
        codes[code] += 1
    for i in range(len(colos)):
        tier = tier_of(code_of[i])
        if tier != WRITTEN:
            here = region[colos[i]]
            ms[0][here, bin_of(bits[0][i])] += 1
            ms[1][here] += np.int64(np.rint(latency[i] * PER_UNIT))
            if tier != FAILED:
                age[0][bin_of(bits[1][i])] += 1
                age[1][0] += np.int64(np.rint(ages[i] * PER_UNIT))
                late[0][bin_of(bits[2][i])] += 1
                late[1][0] += np.int64(np.rint(lates[i] * PER_UNIT))
