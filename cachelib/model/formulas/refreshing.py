"""Values that are loaded anew in the background, by formula: from one renewal to the next."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.copies import Reads, refreshed_too
from cachelib.model.formulas.setting import Array
from cachelib.model.traffic.generator import MONTH_S


class Cycle(NamedTuple):
    """Between two renewals of a value in L2: seconds, loads in the background, writes of those."""

    seconds: Array
    refreshes: Array
    kept: Array


class Refreshed(Reads, Protocol):
    """What is asked for here of `Flows`, which needs this file."""

    r: Array
    wc: Array
    isolates: Array
    l2_ttl: Array
    forever: bool
    layered: bool

    @property
    def soft_ttl(self) -> Array: ...
    def valid(self, writes: Array, ttl: Array) -> Array: ...
    def l1_life(self) -> Array: ...


def cycle(flows: Refreshed) -> Cycle:
    """From one renewal of a refreshed value in L2 to the next. Own derivation.

    Where every data centre has a cache, each renews its own copy.

    It is fresh until no write came for the soft TTL; the next read then loads it anew, if that
    comes before the value has ended, and so does one more for every colo that still holds the old
    copy (within `cacheTtl`) and every L1 that does and is read. Where an unchanged value is not
    written, L2's copy stays overdue until the value changes, at rate v, or is written, and until
    then every read that L1 does not answer loads again.
    """
    design, soft = flows.design, flows.soft_ttl
    r, w = (flows.rc, flows.wc) if design.colo_cache else (flows.r, flows.w)
    read_first = r / (r + w)
    if not flows.forever:
        read_first = read_first * -np.expm1(-(r + w) * (flows.l2_ttl - soft))
    seconds = flows.valid(w, soft) + 1 / (r + w)
    refreshes, kept = read_first * (1 + _still_old(flows)), read_first
    if design.write_only_if_changed:
        change = 1 / flows.at["value_life_s"]
        same = read_first * np.exp(-soft * change)
        overdue = same / np.maximum(change + w, 1 / MONTH_S)
        reading = _by_cache(flows, flows.missed)
        seconds, refreshes = seconds + overdue, refreshes + overdue * reading
        kept = read_first - same + overdue * change
    return Cycle(seconds, np.minimum(refreshes, r * seconds), kept)


def _by_cache(flows: Refreshed, rate: Array) -> Array:
    """A rate by colo and key for each of the caches that are renewed by themselves."""
    return rate if flows.design.colo_cache else rate.sum(axis=1, keepdims=True)


def _still_old(flows: Refreshed) -> Array:
    """Copies of the old value that will be read: each is one load more."""
    design, old = flows.design, refreshed_too(flows)
    if design.l2 == "kv" and not flows.layered:
        held = lives.still_held(flows.missed, flows.at["kv_cache_ttl_s"])
        old = old + _by_cache(flows, held)
    if design.l1:
        held = lives.still_held(flows.rc / flows.isolates, flows.l1_life()) * flows.isolates
        old = old + _by_cache(flows, held)
    return old
