"""Small compiled caches over Poisson requests, to hold the closed forms against."""

import numpy as np
from numba import njit

from tests.conftest import examples

REQUESTS, KEYS, RATE, ZIPF = examples(6_000_000), 20_000, 1_000.0, 0.9
WARM = REQUESTS // 4


def requests(rates, seed=42):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.standard_exponential(REQUESTS)) / rates.sum()
    edges = np.cumsum(rates) / rates.sum()
    guide = np.searchsorted(edges, np.linspace(0, 1, 1 << 16))
    return time, _choose(rng.random(REQUESTS), edges, guide)


@njit(cache=True)
def _choose(uniform, edges, guide):
    keys = np.empty(len(uniform), np.int32)
    for i, u in enumerate(uniform):
        k = guide[int(u * (len(guide) - 1))]
        while edges[k] < u:
            k += 1
        keys[i] = k
    return keys


@njit(cache=True)
def two_tiers(time, key, isolates, t1, t2, inherited, sliding):
    """Requests after the warm-up that hit L1, hit L2, and load; t2 = 0 has no L2."""
    l1 = np.full((KEYS, isolates), -np.inf)
    l2 = np.full(KEYS, -np.inf)
    counts = np.zeros(3, np.int64)
    np.random.seed(1)
    for i in range(len(time)):
        t, k, p = time[i], key[i], np.random.randint(isolates)
        if t < l1[k, p]:
            answer = 0
            if sliding:
                l1[k, p] = t + t1
        else:
            answer = 1 if t < l2[k] else 2
            if answer == 2 and t2 > 0:
                l2[k] = t + t2
            l1[k, p] = min(t + t1, l2[k]) if inherited and t2 > 0 else t + t1
        counts[answer] += i >= WARM
    return counts


@njit(cache=True)
def bounded(time, key, entries, ttl, lru):
    """Hits after the warm-up of one LRU or FIFO cache of `entries` with lazy expiry."""
    after, before = np.full(KEYS + 1, -1), np.full(KEYS + 1, -1)
    expires = np.full(KEYS, -np.inf)
    ring = KEYS  # the list's head and tail
    after[ring] = before[ring] = ring
    held = hits = 0
    for i in range(len(time)):
        t, k = time[i], key[i]
        present = after[k] >= 0
        hit = present and t < expires[k]
        if not hit:
            expires[k] = t + ttl
        hits += hit and i >= WARM
        if present and lru:
            after[before[k]], before[after[k]] = after[k], before[k]
        if not present:
            held += 1
        if not present or lru:
            after[k], before[k] = after[ring], ring
            before[after[ring]] = k
            after[ring] = k
        if held > entries:
            oldest = before[ring]
            before[ring] = before[oldest]
            after[before[oldest]] = ring
            after[oldest] = -1
            held -= 1
    return hits


@njit(cache=True)
def loads_per_expiry(rate, load_s, isolates, single_flight, rounds):
    """Mean loads that begin before the first one of a missing key is done."""
    np.random.seed(2)
    loads = 0
    for _ in range(rounds):
        busy = np.zeros(isolates, np.bool_)
        busy[np.random.randint(isolates)] = True
        loads += 1
        t = np.random.exponential(1 / rate)
        while t < load_s:
            p = np.random.randint(isolates)
            loads += not (single_flight and busy[p])
            busy[p] = True
            t += np.random.exponential(1 / rate)
    return loads / rounds
