"""How requests flow through a design, by formula.

A key is read r and written w times a second; T is a time to live. Formulas and sources are those
of `closed_forms`; what is derived here says so where it stands.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from cachelib.model.formulas.setting import NEVER_S, Array, Setting
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S


class Cycle(NamedTuple):
    """Between two renewals of a value in L2: seconds, loads in the background, writes of those."""

    seconds: Array
    refreshes: Array
    kept: Array


class Flows:
    """The flows of requests; arrays have shape (draws, colos, keys)."""

    def __init__(self, design: Design, at: Setting) -> None:
        self.design, self.at = design, at
        self.count = at.keys.number
        self.weights = (at.weights / at.weights.sum()).reshape(1, -1, 1)
        total = at["requests_per_month"] / MONTH_S
        writes = 1 / (1 + at["reads_per_write"])
        self.r = total * (1 - writes) * at.keys.share
        self.w = total * writes * at.keys.share
        self.rc: Array = self.r * self.weights
        self.wc: Array = self.w * self.weights
        self.total = total * self.weights
        self.l1_ttl = self._own(design.l1_ttl_s, "l1_ttl_s")
        self.l2_ttl = self._own(design.l2_ttl_s, "l2_ttl_s")
        self.refreshing = design.policy in ("refresh", "soft-hard")
        self.forever = design.policy == "refresh"

    def _own(self, ttl: float | None, name: str) -> Array:
        return self.at[name] if ttl is None else np.full((1, 1, 1), float(ttl))

    def share(self, rate: Array) -> Array:
        """A rate by colo and key as a share of all reads."""
        reads = (self.rc * self.count).sum(axis=(1, 2))
        part: Array = (rate * self.count).sum(axis=(1, 2)) / reads
        return part

    def per_month(self, rate: Array) -> Array:
        """A rate by (colo and) key as a number a month; sums over all."""
        number: Array = (rate * self.count).sum(axis=(1, 2)) * MONTH_S
        return number

    @cached_property
    def missed(self) -> Array:
        """Reads a second that L1 does not answer: a renewal for each load, 1 / (1 + hits)."""
        if not self.design.l1:
            return self.rc
        at, asked = self.at, self._asked
        alone = self.total / at["isolates_per_colo"]  # all keys' requests at one isolate
        if self.design.expiry == "sliding":
            others = np.maximum(alone - asked, 0)
            held = _seen_within(asked, others, self.l1_ttl, self._lost, at["isolate_idle_s"])
            return np.asarray(self.rc * np.maximum(1 - held, 1e-12))
        arrivals = _arrivals(alone, self._l1_life(), at["isolate_idle_s"])
        hits = asked / alone * arrivals
        missed: Array = self.rc / (1 + hits)
        return missed

    @property
    def _asked(self) -> Array:
        """Requests a second for a key at one isolate."""
        split = np.ones((1, 1, 1)) if self.at.hashed else self.at["isolates_per_colo"]
        return (self.rc + self.wc) / split

    def _l1_life(self) -> Array:
        """Seconds that a copy may live in L1, losses of its isolate at random included.

        Inherited expiry leaves a copy min(T₁, R), where R, L2's remaining life at promotion, is
        taken as uniform over T₂: T₁ - T₁²/2T₂, or T₂/2. Losses at rate μ make T (1 - e^-μT)/μ.
        """
        life = self.l1_ttl
        if self.design.l2 and self.design.expiry == "inherited" and not self.forever:
            short = np.minimum(life, self.l2_ttl)
            life = short - short**2 / (2 * self.l2_ttl)
        left: Array = -np.expm1(-self._lost * life) / self._lost
        return left

    @property
    def _lost(self) -> Array:
        """Losses of an isolate a second, at random and by deploys."""
        lost: Array = 1 / self.at["isolate_life_s"] + 1 / self.at["deploy_every_s"]
        return lost

    @property
    def answered_by_l1(self) -> Array:
        return self.rc - self.missed

    @cached_property
    def loaded(self) -> Array:
        """Reads a second that wait for the origin, by colo and key."""
        if self.design.l2 is None:
            return self.missed
        if self.forever:
            return self.rc * self._first_of_month
        if self.design.l2 == "cache-api":
            return self.missed * _expired(self.missed, self.wc, self.l2_ttl)
        arriving, writes = self.r, self.w
        if self.design.expiry != "inherited":
            arriving = self.missed.sum(axis=1, keepdims=True)
        loads = arriving * _expired(arriving, writes, self.l2_ttl)
        if self.design.policy == "soft-hard":
            loads = loads * np.exp(-arriving * (self.l2_ttl - (self.design.soft_ttl_s or 0)))
        by_colo: Array = loads * self.missed / self.missed.sum(axis=1, keepdims=True)
        return by_colo

    @property
    def _first_of_month(self) -> Array:
        """The chance that a read is its key's first: (1 - e^-nM) / nM for n requests a second."""
        expected = (self.r + self.w) * MONTH_S
        first: Array = -np.expm1(-expected) / expected
        return first

    @cached_property
    def _cycle(self) -> Cycle:
        """From one renewal of a refreshed value in L2 to the next. Own derivation.

        It is fresh until no write came for the soft TTL; the next read then loads it anew, and so
        does one more for every colo that still holds the old copy (within `cacheTtl`) and every
        L1 that does and is read. Where an unchanged value is not written, L2's copy stays overdue
        until the value changes, at rate v, or is written, and until then every read that L1 does
        not answer loads again.
        """
        soft = self.l2_ttl  # of the design, where it has one of its own
        if self.design.soft_ttl_s is not None:
            soft = np.full((1, 1, 1), self.design.soft_ttl_s)
        read_first = self.r / (self.r + self.w)
        seconds = _valid(self.w, soft) + 1 / (self.r + self.w)
        refreshes, kept = read_first * (1 + self._still_old()), read_first
        if self.design.write_only_if_changed:
            change = 1 / self.at["value_life_s"]
            same = read_first * np.exp(-soft * change)
            overdue = same / np.maximum(change + self.w, 1 / MONTH_S)
            reading = self.missed.sum(axis=1, keepdims=True)
            seconds, refreshes = seconds + overdue, refreshes + overdue * reading
            kept = read_first - same + overdue * change
        return Cycle(seconds, np.minimum(refreshes, self.r * seconds), kept)

    def _still_old(self) -> Array:
        old = np.zeros_like(self.r)
        if self.design.l2 == "kv":
            held = _still_held(self.missed, self.at["kv_cache_ttl_s"])
            old = old + held.sum(axis=1, keepdims=True)
        if self.design.l1:
            isolates = self.at["isolates_per_colo"]
            held = _still_held(self.rc / isolates, self._l1_life()) * isolates
            old = old + held.sum(axis=1, keepdims=True)
        return old

    @property
    def refreshes(self) -> Array:
        """Loads in the background a second, shape (draws, 1, keys)."""
        if not self.refreshing:
            return np.zeros_like(self.r)
        return self._cycle.refreshes / self._cycle.seconds

    @property
    def kept(self) -> Array:
        """Those of them that are written to L2."""
        if not self.refreshing:
            return np.zeros_like(self.r)
        return self._cycle.kept / self._cycle.seconds

    def counts(self) -> dict[str, Array]:
        """Operations a month, by the names of `outcomes.COUNTS`."""
        at, design = self.at, self.design
        looked = self.per_month(self.missed)
        loads, writes = self.per_month(self.loaded), self.per_month(self.wc)
        refreshes = self.per_month(self.refreshes)
        kept = self.per_month(self.kept)
        stored = loads + writes + kept
        counts = {
            "requests": at["requests_per_month"].ravel(),
            "origin_loads": loads + refreshes,
            "refreshes": refreshes,
        }
        if design.l2 == "kv":
            counts |= {"kv_reads": looked, "kv_missing_reads": loads, "kv_writes": stored}
            counts |= self._clean_up() if design.policy == "clean-up" else {}
        if design.l2 == "durable-object":
            asked = looked + loads + writes + kept
            cold = self.per_month(self.missed * (1 - self.warm))
            counts |= {"do_requests": asked, "do_rows_read": cold, "do_rows_written": stored}
        if design.l2 == "r2":
            counts |= {"r2_class_b": looked, "r2_class_a": stored}
        return dict(zip(counts, np.broadcast_arrays(*counts.values()), strict=True))

    @property
    def warm(self) -> Array:
        """The chance that a Durable Object, one a key, still has its memory when asked."""
        rate = self.missed.sum(axis=1, keepdims=True) + self.w
        warm: Array = -np.expm1(-rate * self.at["do_idle_s"])
        return warm

    def _clean_up(self) -> dict[str, Array]:
        """Deletions: of what nobody asked for between its expiry and the routine's next turn."""
        every = self.design.clean_up_every_s
        n = (self.r + self.w) * every
        left = -np.expm1(-n) / n
        loads = self.loaded.sum(axis=1, keepdims=True) + self.w
        lists = np.ceil(self.count.sum() / 1_000) * MONTH_S / every
        deletes = self.per_month(loads * left * np.exp(-self.w * self.l2_ttl))
        return {
            "kv_deletes": deletes,
            "kv_missing_reads": deletes,  # what is only too old is there, and found so
            "kv_lists": np.atleast_1d(np.float64(lists)),
        }

    def late_share(self, bound_s: float) -> Array:
        """The share of reads whose answer was superseded more than `bound_s` seconds ago.

        A value that changes at rate v is late at age a with chance 1 - e^-v(a - bound). Changes
        that nobody writes make the age of L2's copy count, which ends with its TTL or the next
        write; those that are written, at rate w, the age of L1's copy and of the colo's cache of
        KV. A refreshed value is served once more in every cycle before it is loaded anew.
        """
        change, w = 1 / self.at["value_life_s"], self.w
        if self.design.expiry == "sliding":
            return self.share(self._late_sliding(change, bound_s))
        if self.design.l2 is None:
            return self.share(self.answered_by_l1 * _late(change + w, self._l1_life(), bound_s))
        if self.design.l2 == "cache-api":  # other colos hear of no write
            return self.share((self.rc - self.loaded) * _late(change + w, self.l2_ttl, bound_s))
        overdue = self.rc * _expired(self.r, w, self.l2_ttl) if self.refreshing else 0.0
        late = (self.rc - self.loaded - overdue) * _late(change, self.l2_ttl, bound_s, w)
        same = np.exp(-change * np.maximum(self.l2_ttl - bound_s, 0)) * self.r / (self.r + change)
        unheard = self.answered_by_l1 * _late(w, self._l1_life(), bound_s)
        if self.design.l2 == "kv":
            ttl = self.at["kv_cache_ttl_s"]
            unheard = unheard + (self.missed - self.loaded) * _late(w, ttl, bound_s)
        return self.share(late + overdue * (1 - same) + unheard)

    def _late_sliding(self, change: Array, bound_s: float) -> Array:
        """Late answers a second where every hit renews L1's TTL. Own derivation.

        A copy in L1 has its age from gaps g shorter than the TTL, of which the next comes with the
        chance h of a hit: g / (1 - h) on average. L2's is as old as its TTL lets it be.
        """
        hit = self.answered_by_l1 / self.rc
        n = np.clip(self._asked * self.l1_ttl, 1e-6, 600.0)
        gap = self.l1_ttl * (1 / n - 1 / np.expm1(n))
        near = _late(change + self.w, np.full_like(gap, NEVER_S), bound_s, (1 - hit) / gap)
        if self.design.l2 is None:
            return self.answered_by_l1 * near
        far = _late(change, self.l2_ttl, bound_s, self.w)
        late: Array = self.answered_by_l1 * (1 - (1 - near) * (1 - far))
        return late + (self.missed - self.loaded) * far

    def stored_gb(self) -> Array:
        """GB held on average."""
        if self.design.l2 in (None, "cache-api"):
            return np.zeros(self.at["value_bytes"].size)
        held = 1 - _expired(self.r, self.w, self.l2_ttl)
        if self.forever or self.design.l2 != "kv":
            held = 1 - self._first_of_month
        gb: Array = (held * self.count).sum(axis=(1, 2)) * self.at["value_bytes"].ravel() / 1e9
        return gb


def _arrivals(rate: Array, life: Array, idle: Array) -> Array:
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


def _seen_within(asked: Array, others: Array, ttl: Array, lost: Array, idle: Array) -> Array:
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


def _expired(r: Array, w: Array, ttl: Array) -> Array:
    """The chance that a read finds its key expired, where reads that do and writes renew it.

    A key stays valid V = (e^wT - 1)/w from a renewal, until no write came for T; then the next
    request renews it: 1 / (1 + (r + w) V). Own derivation; without writes V = T, form 1.
    """
    expired: Array = 1 / (1 + (r + w) * _valid(w, ttl))
    return expired


def _valid(w: Array, ttl: Array) -> Array:
    """Seconds until no write has come for `ttl`: (e^wT - 1) / w."""
    n = np.minimum(w * ttl, 600.0)
    valid: Array = np.where(n < 1e-9, ttl, np.expm1(n) / np.maximum(w, 1e-300))
    return valid


def _still_held(rate: Array, ttl: Array) -> Array:
    """The chance that a copy is held somewhere at a moment and read there before it ends."""
    n = rate * ttl
    held: Array = n / (1 + n) * -np.expm1(-n / 2)
    return held


def _late(change: Array, life: Array, bound_s: float, renewed: Array | float = 0.0) -> Array:
    """The mean of 1 - e^-v(a - bound), 0 below the bound, over the ages a of a copy.

    Ages reach up to `life` with density ∝ e^-wa, w the rate at which it is renewed before.
    """
    w, over = np.maximum(renewed, 1e-12), np.maximum(life - bound_s, 0)
    changed = -np.expm1(-w * over) + w / (change + w) * np.expm1(-(change + w) * over)
    late: Array = np.exp(-w * bound_s) * changed / -np.expm1(-w * life)
    return np.maximum(late, 0.0)
