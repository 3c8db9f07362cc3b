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
from cachelib.model.tiers.outcomes import FAILED, L2, ORIGIN, PLACES, RACED, WRITTEN

SHIFT = 16
FIRST = int(np.float32(2**-10).view(np.int32)) >> SHIFT  # ms or s; what is below is in bin 0
BINS = 40 << 7  # up to 2³⁰
JITTER_BITS = 12
JITTERS = 1 << JITTER_BITS

tier_of = hot(said.tier_of)


@hot
def bin_of(bits):
    return min(BINS - 1, max(0, (bits >> SHIFT) - FIRST))


@compiled
def take_time(outcomes, colos, row, rows, key, normal, codes, base, sigma, latency):
    """The latency of each request; how many have which code.

    `row` is the number of the first; or `rows` has that of each. `normal` has quantiles of that
    distribution, `base` medians and `sigma` spreads by code and colo.
    """
    code_of, extra, _, _ = outcomes
    for i in range(len(colos)):
        code, colo = code_of[i], colos[i]
        number = rows[i] if len(rows) else row + i
        drawn = mix(key ^ np.uint64(number))
        spread = np.exp(sigma[code, colo] * normal[drawn >> np.uint64(64 - JITTER_BITS)])
        latency[i] = (base[code, colo] + extra[i]) * spread
        codes[code] += 1


@compiled
def race(
    outcomes, colos, row, rows, key, normal, codes,
    after_ms, near, looking, uneven, origin, jitter, latency,
):  # fmt: skip
    """The same where the origin is asked, too, when a store has not answered for `after_ms`.

    `near` by colo is what comes before the stores, `looking` by code and colo what these take and
    `uneven` its sigma, `origin` by colo a load; all else has the sigma `jitter`. Who finds his
    value later than the origin tells it has the origin's.
    """
    code_of, extra, ages, lates = outcomes
    for i in range(len(colos)):
        code, colo = code_of[i], colos[i]
        tier = tier_of(code)
        if tier != L2 and tier != ORIGIN and tier != FAILED:
            continue
        number = rows[i] if len(rows) else row + i
        drawn = mix(key ^ np.uint64(number))
        one = normal[drawn >> np.uint64(64 - JITTER_BITS)]
        if (looking[code, colo] + extra[i]) * np.exp(uneven[code, colo] * one) <= after_ms:
            continue
        other = normal[(drawn >> np.uint64(64 - 2 * JITTER_BITS)) & np.uint64(JITTERS - 1)]
        told = near[colo] * np.exp(jitter * one) + after_ms + origin[colo] * np.exp(jitter * other)
        if tier == L2:
            code_of[i] = code + (RACED - L2) * PLACES
            codes[code] -= 1
            codes[code_of[i]] += 1
        if tier != L2 or told < latency[i]:
            latency[i] = told
            ages[i] = lates[i] = 0.0


@compiled
def measure(outcomes, bits, colos, region, latency, ms, age, late):
    """`bits` are latency, age and lateness as integers; histograms come with their totals."""
    code_of, _, ages, lates = outcomes
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
