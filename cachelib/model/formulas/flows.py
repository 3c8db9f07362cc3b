"""How requests flow through a design, by formula.

A key is read r and written w times a second; T is a time to live. Formulas and sources are those
of `closed_forms`; what is derived here says so where it stands.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cachelib.model.formulas import emptying, lives, memory, schedules
from cachelib.model.formulas.allowance import within_the_day
from cachelib.model.formulas.copies import again
from cachelib.model.formulas.front import Front, Readers, Traffic, allowed, front
from cachelib.model.formulas.kv_copies import Copies, copies
from cachelib.model.formulas.refreshing import Cycle, cycle
from cachelib.model.formulas.room import Left, is_short, left
from cachelib.model.formulas.scaling import isolates
from cachelib.model.formulas.setting import NEVER_S, Array, Setting
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.tier import Tier
from cachelib.model.traffic.generator import MONTH_S


class Flows:
    """The flows of requests; arrays have shape (draws, colos, keys), colos where a Worker runs."""

    def __init__(self, design: Design, at: Setting) -> None:
        self.design, self.at = design, at
        self.count = at.keys.number
        self.weights = (at.weights / at.weights.sum()).reshape(1, -1, 1)
        total = at["requests_per_month"] / MONTH_S
        writes = 1 / (1 + at["reads_per_write"])
        self.r = total * (1 - writes) * at.keys.share
        self.w = total * writes * (at.keys.share if at.keys.written is None else at.keys.written)
        self.rc: Array = self.r * self.weights
        self.wc: Array = self.w * self.weights
        self.rr = at.by_reader(self.rc)
        self.wi: Array = schedules.by_chance(at, self.w) * self.weights
        self.total = ((self.rc + self.wi) @ self.count)[:, :, None]
        self.isolates = isolates(at, self.total)
        self.l1_ttl = self._own(design.l1_ttl_s, "l1_ttl_s")
        self.l2_ttl = self._own(design.l2_ttl_s, "l2_ttl_s")
        self.forever = design.policy == "refresh"
        self.refreshing = self.forever or design.policy == "soft-hard"
        self.alone = design.colo_cache is not None and len(design.stores) == 1
        self.layered = design.colo_cache is not None and not self.alone

    def _own(self, ttl: float | None, name: str) -> Array:
        return self.at[name] if ttl is None else np.full((1, 1, 1), float(ttl))

    def share(self, rate: Array) -> Array:
        """A rate by colo and key as a share of all reads."""
        part: Array = self._of_all(rate) / self._reads
        return part

    def per_month(self, rate: Array) -> Array:
        """A rate by (colo and) key as a number a month; sums over all."""
        number: Array = self._of_all(rate) * MONTH_S
        return number

    def _of_all(self, rate: Array) -> Array:
        """A rate by (colo and) key as one of all; shape (draws,)."""
        of_all: Array = (rate @ self.count).sum(axis=1)
        return of_all

    @cached_property
    def _reads(self) -> Array:
        return self._of_all(self.rc)

    @cached_property
    def missed(self) -> Array:
        """Reads a second that L1 does not answer."""
        if self.front is not None:
            return self.front.runs * (1 - self.found_behind)
        return self.rc * memory.missed(self) if self.design.l1 else self.rc

    @property
    def asked_of_isolate(self) -> Array:
        """Requests a second for a key at one isolate."""
        return (self.rc + self.wi) / self.split

    @property
    def split(self) -> Array:
        """Isolates of a data centre among which a key's requests are spread."""
        return np.ones((1, 1, 1)) if self.at.hashed else self.isolates

    def l1_life(self) -> Array:
        """Seconds that a copy may live in L1, losses of its isolate at random included.

        Those, and messages of changes, at rate μ, make of a life T: (1 - e^-μT)/μ.
        """
        ended = self.lost + self._dropped
        left: Array = -np.expm1(-ended * self.l1_whole) / ended
        return left

    @property
    def l1_whole(self) -> Array:
        """The same where nothing ends it before: inherited expiry leaves what L2's copy has."""
        return lives.inherited(self.l1_ttl, self.l2_ttl) if self._inherits else self.l1_ttl

    @property
    def l1_oldest(self) -> Array:
        """How old copies in L1 become where nothing ends them before, as far as ages go."""
        return lives.oldest(self.l1_ttl, self.l2_ttl) if self._inherits else self.l1_ttl

    @property
    def _inherits(self) -> bool:
        behind = self.design.l2 is not None and not self.forever
        return behind and self.design.expiry == "inherited"

    @property
    def l1_ended(self) -> Array:
        """How often a copy ends before, 1/s: it is lost, dropped when told, or written anew."""
        return self.lost + self._dropped + self.wi / self.split

    @property
    def lost(self) -> Array:
        """Losses of an isolate a second, at random and by deploys."""
        lost: Array = 1 / self.at["isolate_life_s"] + 1 / self.at["deploy_every_s"]
        return lost

    @property
    def _dropped(self) -> Array:
        """The same with those of rounds that empty what is behind."""
        return self.told + emptying.rounds(self.at) if self.design.listen else self.told

    @property
    def told(self) -> Array:
        """Messages a second that an isolate hears of a key: of what others wrote, within reach."""
        if not self.design.listen:
            return np.zeros((1, 1, 1))
        others: Array = (self.wc if self.alone else self.w) - self.wi / self.split
        return others

    @property
    def told_after_s(self) -> Array:
        """Seconds from a change in the store until an isolate has heard, shape (…, colos, 1)."""
        takes = self.design.store.telling if self.design.store else ()
        return self.at.adds_up_to(takes) / 1e3

    @cached_property
    def front(self) -> Front | None:
        """What passes what is in front of the Worker, if that is there."""
        if self.design.front is None or (of := self.design.front.in_front) is None:
            return None
        heard = self.w if self.design.stores else np.zeros_like(self.w)
        lost = 1 / self.at["deploy_every_s"] if of.versioned else np.full((1, 1, 1), 1 / NEVER_S)
        trips = self.at.trips
        upper = trips._asdict()[of.upper] if of.upper else np.zeros_like(trips.reader)
        readers = Readers(upper, trips.reader, bool(self.design.stores))
        asked = Traffic(self.r, self.rr, heard, lost, self.purged, emptying.rounds(self.at))
        return front(asked, readers, self.l2_ttl, self.stale_s)

    @property
    def purged(self) -> Array:
        """Purges of a key a second: writes, as far as all keys' are allowed."""
        of = self.design.front.in_front if self.design.front else None
        if not self.design.purge_on_write or of is None:
            return np.zeros_like(self.w)
        written = (self.w @ self.count).reshape(-1, 1, 1)
        return self.w * allowed(written, self.at[of.every])

    @property
    def stale_s(self) -> Array:
        """Seconds for which what is in front serves what has ended."""
        return np.full((1, 1, 1), self.design.stale_while_revalidate_s or 0.0)

    @cached_property
    def found_behind(self) -> Array:
        """The chance that memory has what is asked for from in front of the Worker.

        Its own copies have ended with those there; it has what others have asked for since.
        """
        if self.front is None or not self.design.l1:
            return np.zeros((1, 1, 1))
        asked = self.front.of_others / self.split
        return memory.among(self, asked * self.l1_life())

    @property
    def unawaited_misses(self) -> Array:
        """Those of `unawaited_runs` that memory does not answer."""
        return self.unawaited_runs * (1 - self.found_behind)

    @property
    def unawaited_runs(self) -> Array:
        """Reads a second that run the Worker and do not wait for it."""
        return np.zeros_like(self.rc) if self.front is None else self.front.aside

    @cached_property
    def unawaited(self) -> Array:
        """Those of them that load."""
        if self.design.l2 is None or self.front is None:
            return self.unawaited_misses
        loads = self.loaded * -np.expm1(-self.r * self.stale_s) * self.front.has
        return np.minimum(loads, self.unawaited_misses)

    @cached_property
    def answered_by_l1(self) -> Array:
        if self.front is not None:
            return self.front.awaited * self.found_behind
        return self.rc - self.missed

    @cached_property
    def loaded(self) -> Array:
        """Reads a second that wait for the origin, by colo and key."""
        loads, alone = emptying.of_all(self, self._loaded), self.missed
        loads = again(self, loads, self.design.store)
        if self.in_l2 is not None:
            loads = self._asked - (self._asked - loads) * self.in_l2.share
        if self.design.l2 != "kv" or self.refreshing:
            return loads
        if self.layered:
            alone = alone * lives.expired(alone, self.wc, self.l2_ttl)
        written = self._of_all(loads) + self._of_all(self.wc)
        return within_the_day(loads, alone, written, self.at["kv_writes_a_day"])

    @cached_property
    def _loaded(self) -> Array:
        """The same where every write to the store is taken."""
        if self.design.l2 is None:
            return self.missed
        if not self.design.object_storage:
            asked = self.missed.sum(axis=1, keepdims=True) + self.w
            return self.missed / (1 + lives.arrivals(asked, self.l2_ttl, self.at["do_idle_s"]))
        if self.forever:
            asked = self.rc + self.wc if self.alone else self.r + self.w
            return self.rc * lives.first_of_month(asked)
        if self.alone and self.refreshing:
            return self._too_late()
        if self.alone:
            reads = self.rc if self._inherits and self.front is None else self.missed
            return reads * lives.expired(reads, self.wc, self.l2_ttl)
        arriving, writes = self.r, self.w
        if self.design.expiry != "inherited":
            arriving = self.missed.sum(axis=1, keepdims=True)
        fresh = self.soft_ttl if self.refreshing else self.l2_ttl
        loads = arriving / (1 + (arriving + writes) * self.valid(writes, fresh))
        loads = loads * np.exp(-(arriving + writes) * (self.l2_ttl - fresh))  # nobody refreshed it
        return np.asarray(loads * self.missed / self.missed.sum(axis=1, keepdims=True))

    @cached_property
    def in_l2(self) -> Left | None:
        """What is found in the last tier, where that has no room for all."""
        tier = self.design.stores[-1] if self.design.stores else None
        if tier is None or not is_short(self.at, tier):
            return None
        if self.alone:
            return self._left(tier, self.missed + self.wc, self.wc)
        return self._left(tier, self._asked.sum(axis=1, keepdims=True) + self.w, self.w)

    def _left(self, tier: Tier, asked: Array, writes: Array) -> Left:
        stays = np.full_like(writes, schedules.STAYS_S)
        stays = stays if self.forever else self.valid(writes, self.l2_ttl)
        return left(self.at, tier, asked, emptying.left_s(self.at, stays, asked))

    def valid(self, writes: Array, ttl: Array) -> Array:
        """Seconds until no write has come for `ttl`; a schedule's are sure to come somewhere."""
        here = writes is self.wc
        return lives.valid(writes, ttl) if here else schedules.valid(self.at, writes, ttl)

    @property
    def l2_held(self) -> Array:
        """Seconds for which a value can be found in L2, or in a cache before it."""
        if self.in_l2 is None or self.refreshing:
            return emptying.whole_s(self.at, self.l2_ttl)
        near = self.in_near.seconds if self.layered and self.in_near else 0.0
        return np.minimum(self.l2_ttl, self.in_l2.seconds + near)

    @cached_property
    def in_near(self) -> Left | None:
        """The same of a data centre's cache."""
        near = self.design.colo_cache
        if near is None or not is_short(self.at, near):
            return None
        return self._left(near, self.missed + self.wc, self.wc)

    @cached_property
    def asked(self) -> Array:
        """Reads a second that reach the store which all share, by colo and key."""
        if not self.layered:
            return self.missed
        return np.minimum(np.maximum(self._asked, self.loaded), self.missed)

    @cached_property
    def kv_copies(self) -> Copies:
        """Where KV finds what it is asked for, if it is the store."""
        return copies(self.at, self.asked, None if self.forever else self.l2_ttl)

    @cached_property
    def _asked(self) -> Array:
        """The same where that has room for all. Own derivation.

        A data centre's cache before it has copies that end with the store's value. From one load
        to the next, V + 1/x for x requests a second, the colo c looks past its cache when its
        request is the load, and else at its first one within T. Writes keep the store's value
        longer; then copies of age a ∝ e^-wa are renewed by the colo's own writes and looks.
        """
        if not self.layered:
            return self.missed
        if self.forever:
            asked = self.rc * lives.first_of_month(self.rc + self.wc)
        elif self.refreshing:
            asked = self._too_late()
        else:
            asked = self._asked_past_colo()
        asked = np.maximum(emptying.of_each(self, asked), emptying.of_all(self, self._loaded))
        asked = again(self, asked, self.design.colo_cache)
        asked = np.minimum(asked, self.missed)
        if self.in_near is not None:
            asked = self.missed - (self.missed - asked) * self.in_near.share
        return asked

    def _too_late(self) -> Array:
        """Reads a second of what no read of the colo came to refresh before it expired."""
        soft = self.soft_ttl
        unasked = np.exp(-(self.rc + self.wc) * (self.l2_ttl - soft))
        late: Array = self.rc * lives.expired(self.rc, self.wc, soft) * unasked
        return late

    @property
    def soft_ttl(self) -> Array:
        """Seconds for which a value is fresh: what ends before is never due."""
        soft = self.design.soft_ttl_s
        return self.l2_ttl if soft is None else np.minimum(self.l2_ttl, soft)

    def _asked_past_colo(self) -> Array:
        reads = self.rc if self.design.expiry == "inherited" else self.missed
        here, ttl = reads + self.wc, self.l2_ttl
        everywhere = here.sum(axis=1, keepdims=True)
        valid = self.valid(self.w, ttl)
        first = reads / everywhere
        first = first + (1 - here / everywhere) * -np.expm1(-here * ttl) * reads / here
        copy = lives.valid(self.wc, ttl - lives.mean_age(self.w, ttl))
        later = np.maximum(valid - ttl, 0) * reads / (1 + here * copy)
        asked: Array = (first + later) / (valid + 1 / everywhere)
        return asked

    @cached_property
    def _cycle(self) -> Cycle:
        return cycle(self)

    @property
    def refreshes(self) -> Array:
        """Loads in the background a second, shape (draws, 1 or colos, keys)."""
        if not self.refreshing:
            return np.zeros_like(self.r)
        by_age = self._cycle.refreshes / self._cycle.seconds
        by_age = by_age * (emptying.still_refreshed(self) if self.design.l2 else 1.0)
        if self.design.l2 is None:  # memory loads anew what lives long enough there
            return np.where(self.soft_ttl < self.l1_ttl, by_age, 0.0)
        return by_age + self._refreshed_behind

    @property
    def kept(self) -> Array:
        """Those of them that are written to L2."""
        if not self.refreshing:
            return np.zeros_like(self.r)
        return self._kept_here + self._refreshed_behind

    @property
    def _kept_here(self) -> Array:
        kept = self._cycle.kept / self._cycle.seconds
        return kept * emptying.still_refreshed(self)

    @property
    def _refreshed_behind(self) -> Array:
        """Those of what a data centre's cache had no more, and the store behind had too long."""
        if not self.layered or self.forever:
            return np.zeros((1, 1, 1))
        near = self._kept_here.sum(axis=1, keepdims=True)
        renewing = self.asked.sum(axis=1, keepdims=True) + near + self.w
        soft = self.soft_ttl
        there = -np.expm1(-renewing * (self.l2_ttl - soft))
        behind: Array = self.asked * there / (1 + renewing * self.valid(self.w, soft))
        return behind

    @property
    def warm(self) -> Array:
        """The chance that a Durable Object, one a key, still has its memory when asked."""
        if not self.design.object_storage:
            return np.ones_like(self.w)
        rate = self.asked.sum(axis=1, keepdims=True) + self.w
        warm: Array = -np.expm1(-rate * self.at["do_idle_s"])
        return warm
