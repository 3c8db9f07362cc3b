"""Hit ratios by formula, for Poisson requests: an independent check of the simulations.

All functions take `rates`, requests per second by key, shape `(keys,)`, and return shares of all
requests unless they say otherwise. Where real traffic is not Poisson (bursts, days and nights,
correlated keys) they are off, and by how much is worth showing.

Sources:
[1] Jung, Berger, Balakrishnan: Modeling TTL-based Internet caches. INFOCOM 2003.
[2] Fofack, Nain, Neglia, Towsley: Performance evaluation of hierarchical TTL-based cache
    networks. Computer Networks 65 (2014) 212-231.
[3] Che, Tung, Wang: Hierarchical Web caching systems. IEEE JSAC 20 (2002);
    Fricker, Robert, Roberts: A versatile and accurate approximation for LRU. ITC 2012.
[4] Martina, Garetto, Leonardi: A unified approach to the performance analysis of caching
    systems. arXiv:1307.6702.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammainc

Rates = npt.NDArray[np.float64]


def zipf_rates(requests_per_s: float, keys: int, exponent: float) -> Rates:
    """Rates of `keys` keys by Zipf's law, the most asked first."""
    weight = np.arange(1, keys + 1, dtype=np.float64) ** -exponent
    return np.asarray(requests_per_s * weight / weight.sum())


def ttl(rates: Rates, ttl_s: float) -> float:
    """Unlimited cache, each entry for `ttl_s` from its load: h = λT / (1 + λT). [1]"""
    return _share(rates, rates * ttl_s / (1 + rates * ttl_s))


def sliding_ttl(rates: Rates, ttl_s: float) -> float:
    """The same with the life renewed by every request: h = 1 - exp(-λT). [2]"""
    return _share(rates, -np.expm1(-rates * ttl_s))


def characteristic_time(rates: Rates, entries: float) -> float:
    """Seconds an entry stays in an LRU cache without a request: Σ(1 - exp(-λt)) = entries. [3]"""
    return _fill_time(rates, entries, lambda t: float(-np.expm1(-rates * t).sum()))


def lru(rates: Rates, entries: int) -> float:
    """LRU of `entries` equal entries, by Che's approximation. [3]"""
    return sliding_ttl(rates, characteristic_time(rates, entries))


def fifo(rates: Rates, entries: int) -> float:
    """FIFO or random replacement: Σ λt/(1+λt) = entries gives t, and h = λt/(1+λt). [4]"""

    def filled(t: float) -> float:
        return float((rates * t / (1 + rates * t)).sum())

    return ttl(rates, _fill_time(rates, entries, filled))


def lru_ttl(rates: Rates, entries: int, ttl_s: float) -> float:
    """LRU of `entries` whose entries also expire `ttl_s` after their load.

    Own derivation. Hits per load, E(T), obey E' = λ[1 - exp(-λt)(1 + E(T - t))] with E(T) = λT up
    to the characteristic time t: a cycle goes on while gaps are below t and their sum below T.
    It is solved by steps; T <= t is `ttl`, T >> t is `lru`. An expired entry keeps its place.
    """
    t = characteristic_time(rates, entries)
    if ttl_s <= t:
        return ttl(rates, ttl_s)
    hits = _hits_per_load(rates, t, ttl_s)
    return _share(rates, hits / (1 + hits))


class TwoTier(NamedTuple):
    """Shares of all requests by what answers them."""

    l1: float
    l2: float
    origin: float


def isolated_l1s(
    rates: Rates,
    isolates: int,
    l1_ttl_s: float,
    l2_ttl_s: float | None = None,
    expiry: Literal["inherited", "independent"] = "inherited",
) -> TwoTier:
    """`isolates` L1s that share requests evenly; with `l2_ttl_s`, over one L2 without eviction.

    L1 alone: each sees λ/P, so h = (λ/P)T₁ / (1 + (λ/P)T₁) [1]. With inherited expiry no copy
    outlives L2's entry, so loads are those of one cache of T₂, exactly and for any traffic; the
    L1 share is then 1 - loads - L2 hits, found by `_inherited_l1`. With independent expiry L2
    sees the P miss streams, taken as Poisson [2] (origin low by up to 0.006).
    """
    alone = ttl(rates / isolates, l1_ttl_s)
    if l2_ttl_s is None:
        return TwoTier(alone, 0.0, 1 - alone)
    if expiry == "independent":
        missed = rates / (1 + rates * l1_ttl_s / isolates)
        origin = _share(rates, missed / rates / (1 + missed * l2_ttl_s))
        return TwoTier(alone, 1 - alone - origin, origin)
    origin = 1 - ttl(rates, l2_ttl_s)
    l1 = _share(rates, _inherited_l1(rates, isolates, l1_ttl_s, l2_ttl_s))
    return TwoTier(l1, 1 - l1 - origin, origin)


def one_l1_over_l2_independent(rates: Rates, l1_ttl_s: float, l2_ttl_s: float) -> float:
    """Origin share with one L1 (P = 1) and independent expiry, exactly.

    The L1's misses are a renewal process with gaps T₁ + Exp(λ); its renewal function is
    M(t) = Σ P(kT₁ + Gamma(k, λ) <= t), and the origin's rate λ/(1+λT₁) / (1 + M(T₂)). [1]
    """
    k = np.arange(1, int(l2_ttl_s // l1_ttl_s) + 1)
    renewals = np.zeros_like(rates)
    for step in k:
        renewals += gammainc(step, rates * (l2_ttl_s - step * l1_ttl_s))
    return _share(rates, 1 / (1 + rates * l1_ttl_s) / (1 + renewals))


def stampede(
    rate: float, load_s: float, isolates: int = 1, *, single_flight: bool = False
) -> float:
    """Loads per expiry of one key asked `rate` times a second, when a load takes `load_s`.

    Without single flight every request of the meantime loads too: 1 + λd. With it, each other
    isolate loads at most once: 1 + (P-1)(1 - exp(-λd/P)). Own derivation for Poisson requests.
    """
    if not single_flight:
        return 1 + rate * load_s
    return float(1 + (isolates - 1) * -np.expm1(-rate * load_s / isolates))


def _share(rates: Rates, hit: Rates) -> float:
    return float((rates * hit).sum() / rates.sum())


def _fill_time(rates: Rates, entries: float, filled: Callable[[float], float]) -> float:
    if entries >= np.count_nonzero(rates):
        return float("inf")
    high = 1.0 / rates.max()
    while filled(high) < entries:
        high *= 2
    return float(brentq(lambda t: filled(t) - entries, 0, high, xtol=1e-12 * high))


def _hits_per_load(rates: Rates, t: float, ttl_s: float) -> Rates:
    steps = int(np.clip(4_000 * t / ttl_s, 8, 128))  # for each t, and 4,000 in all
    dt = t / steps
    closing = np.exp(-rates * t)
    history = [rates * (i * dt) for i in range(steps + 1)]
    hits = history[-1]
    for i in range(round((ttl_s - t) / dt)):
        before = (history[i] + history[i + 1]) / 2
        hits = hits + dt * rates * (1 - closing * (1 + before))
        history.append(hits)
        history[i] = before  # free the memory of what is no longer needed
    return hits


def _inherited_l1(rates: Rates, isolates: int, t1: float, t2: float) -> Rates:
    """L1 hits per request with inherited expiry.

    In one life of the L2 entry, [0, T₂): the loader's L1 starts fresh, the others empty; each is a
    TTL cache of T₁ cut off at T₂. Its misses in the life are M₁(T₂) renewals with gaps T₁ + Exp.
    """
    rate = rates / isolates
    after_load = _misses(rate, t1, t2 - t1) if t2 > t1 else np.zeros_like(rates)
    others = _misses(rate, t1, t2)
    l2_hits = after_load + (isolates - 1) * others
    requests = 1 + rates * t2
    return np.asarray(1 - (1 + l2_hits) / requests)


def _misses(rate: Rates, t1: float, window: float) -> Rates:
    """Expected misses in `window` of a TTL cache that begins it empty.

    Σ P(Gamma(k, λ) + (k-1)T₁ <= window).
    """
    misses = np.zeros_like(rate)
    for k in range(1, int(window // t1) + 2):
        misses += gammainc(k, rate * max(window - (k - 1) * t1, 0))
    return misses
