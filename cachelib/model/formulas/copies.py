"""Copies of a store that answer reads, by formula: what they have not heard of is loaded again.

Own derivation. For d after a value was loaded and written, its copies have none: whoever misses it
meanwhile loads it, too, as where loads take d. Overwritten values are served for d longer; and so
does the memory that read one from a copy, until its own copy ends.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.setting import Array, Setting
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.tier import Tier


class Reads(Protocol):
    """What is asked for here of `Flows`, which needs this file."""

    design: Design
    at: Setting
    rc: Array
    w: Array
    wi: Array

    @property
    def split(self) -> Array: ...
    @property
    def missed(self) -> Array: ...
    @property
    def l1_oldest(self) -> Array: ...
    @property
    def l1_ended(self) -> Array: ...


def lag_s(flows: Reads, tier: Tier | None) -> Array:
    """Seconds after which the copies of a tier have heard of a change; 0 where none answer."""
    if not flows.design.replicas or tier is None or not tier.lag:
        return np.zeros((1, 1, 1))
    return flows.at[tier.lag] / 1e3


def loading_too(flows: Reads, tier: Tier, within_s: Array) -> Array:
    """Others that miss a key of one copy of a tier within so long after one has loaded it."""
    rates = flows.rc / (flows.split if flows.design.l1 else 1)
    isolates = flows.split if flows.design.l1 else np.ones((1, 1, 1))

    def of_copy(rate: Array) -> Array:
        return rate if tier.scope == "colo" else rate.sum(axis=1, keepdims=True)

    asked = of_copy(rates * isolates)
    if not flows.design.l1:
        return asked * within_s
    first = -np.expm1(-rates * within_s)
    others: Array = of_copy((isolates - rates * isolates / asked) * first)
    return others


def again(flows: Reads, rate: Array, tier: Tier | None) -> Array:
    """Reads a second that find nothing in a tier, with those for which it was too soon."""
    lag = lag_s(flows, tier)
    if tier is None or not lag.any():
        return rate
    all_ = rate if tier.scope == "colo" else rate.sum(axis=1, keepdims=True)
    more: Array = rate * (1 + loading_too(flows, tier, lag)) / (1 + all_ * lag)
    return np.minimum(more, flows.missed)


def refreshed_too(flows: Reads) -> Array:
    """Refreshes that follow one, for its old value was still there."""
    store = flows.design.store
    lag = lag_s(flows, store)
    return loading_too(flows, store, lag) if store and lag.any() else lag


def behind(flows: Reads, writes: Array, bound_s: float | Array) -> Array:
    """The chance that what a copy of the store serves was overwritten more than so long ago."""
    over = np.maximum(lag_s(flows, flows.design.store) - bound_s, 0)
    late: Array = -np.expm1(-writes * over)
    return late


def unheard(flows: Reads, writes: Array, bound_s: float | Array) -> Array:
    """The same of what L1 serves after it was read from there, or written by itself."""
    lag = lag_s(flows, flows.design.store)
    soonest, own = np.maximum(bound_s - lag, 0), flows.wi / flows.split
    kept = 1 - lives.late(writes - own, flows.l1_oldest, soonest, flows.l1_ended)
    late: Array = 1 - kept * (1 - behind(flows, writes, bound_s))
    return late
