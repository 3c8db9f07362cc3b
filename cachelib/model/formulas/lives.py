"""How long copies live, are asked for and go stale, for Poisson requests; arrays of any shape."""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas.setting import Array
from cachelib.model.traffic.generator import MONTH_S


def first_of_month(rate: Array) -> Array:
    """The chance that a request is the first: (1 - e^-nM) / nM for n a second."""
    expected = rate * MONTH_S
    first: Array = -np.expm1(-expected) / expected
    return first


def inherited(ttl: Array, whole: Array) -> Array:
    """The mean life of a copy that ends after T, or with what it was made of.

    Of min(T, R), where R, what that has left, is taken as uniform over its life V: T - T²/2V, or
    V/2.
    """
    short = np.minimum(ttl, whole)
    life: Array = short - short**2 / (2 * whole)
    return life


def oldest(ttl: Array, whole: Array) -> Array:
    """Up to which age those are spread evenly that are as old on average, at any moment.

    Lives L are as if all were E[L²]/E[L]: T(1 - 2T/3V) / (1 - T/2V).
    """
    short = np.minimum(ttl, whole)
    part = short / whole
    life: Array = short * (1 - 2 * part / 3) / (1 - part / 2)
    return life


def mean_age(renewed: Array, ttl: Array) -> Array:
    """The mean of ages up to `ttl` with density ∝ e^-wa: 1/w - T / (e^wT - 1)."""
    n = np.clip(renewed * ttl, 1e-6, 600.0)
    mean: Array = ttl * (1 / n - 1 / np.expm1(n))
    return mean


def arrivals(rate: Array, life: Array, idle: Array) -> Array:
    """Requests that an isolate gets before `life` has passed or a gap longer than `idle` ends it.

    Own derivation for Poisson requests, n = rate × idle: without a life they are e^n - 1, of which
    n come within `idle`, where no gap can be too long; later ones come while the isolate is alive,
    which ends at rate λe^-n. Exact for life <= idle and for life = ∞.
    """
    n = np.minimum(rate * idle, 600.0)
    ends = rate * np.exp(-n)
    alive = 1 - (1 + n) * np.exp(-n)
    later = rate * alive * -np.expm1(-ends * np.maximum(life - idle, 0)) / np.maximum(ends, 1e-300)
    late = np.where(ends * life < 1e-9, rate * alive * np.maximum(life - idle, 0), later)
    arrivals: Array = rate * np.minimum(life, idle) + late
    return arrivals


def seen_within(asked: Array, others: Array, ttl: Array, lost: Array, idle: Array) -> Array:
    """The chance that a key was asked for within `ttl`, at an isolate that is alive since.

    1 - e^-λT (`closed_forms.sliding_ttl`) less the losses, which are those of `_arrivals`.
    """
    n = np.minimum(others * idle, 600.0)
    ends, alive = others * np.exp(-n), 1 - (1 + n) * np.exp(-n)
    soon, first = np.minimum(ttl, idle), asked + lost
    late = first + ends
    early_hits = -np.expm1(-first * soon) / first
    late_hits = alive * np.exp(-first * soon) * -np.expm1(-late * (ttl - soon)) / late
    seen: Array = asked * (early_hits + late_hits)
    return seen


def expired(r: Array, w: Array, ttl: Array) -> Array:
    """The chance that a read finds its key expired, where reads that do and writes renew it.

    A key stays valid V = (e^wT - 1)/w from a renewal, until no write came for T; then the next
    request renews it: 1 / (1 + (r + w) V). Own derivation; without writes V = T, form 1.
    """
    expired: Array = 1 / (1 + (r + w) * valid(w, ttl))
    return expired


def valid(w: Array, ttl: Array) -> Array:
    """Seconds until no write has come for `ttl`: (e^wT - 1) / w."""
    n = np.minimum(w * ttl, 600.0)
    valid: Array = np.where(n < 1e-9, ttl, np.expm1(n) / np.maximum(w, 1e-300))
    return valid


def still_held(rate: Array, ttl: Array) -> Array:
    """The chance that a copy is held somewhere at a moment and read there before it ends."""
    n = rate * ttl
    held: Array = n / (1 + n) * -np.expm1(-n / 2)
    return held


def late(change: Array, life: Array, bound_s: Array | float, renewed: Array | float = 0.0) -> Array:
    """The mean of 1 - e^-v(a - bound), 0 below the bound, over the ages a of a copy.

    Ages reach up to `life` with density ∝ e^-wa, w the rate at which it is renewed before.
    """
    w, over = np.maximum(renewed, 1e-12), np.maximum(life - bound_s, 0)
    changed = -np.expm1(-w * over) + w / (change + w) * np.expm1(-(change + w) * over)
    late: Array = np.exp(-w * bound_s) * changed / -np.expm1(-w * life)
    return np.maximum(late, 0.0)
