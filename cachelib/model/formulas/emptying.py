"""What empties caches by a clock, by formula: own derivation.

A value would stay for L from its load on, and its key is asked for n times a second. Where L is
shorter than the P from one round to the next, a round comes upon it with chance L/P, and takes half
of it: L - L²/2P are left, and so of each round follow h²/2 loads more, where nL/(1 + nL) = h, as
renewal theory has it for a P of many L. Where L is longer, the first request after a round loads,
and nothing else does: (1 - e^-nP) loads in each P.

Copies in memory outlast a round, and so do KV's in its data centres: neither is in it, nor that
rounds of several schedules come at times of their own.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.setting import NEVER_S, Array, Setting
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL
from cachelib.model.traffic.generator import MONTH_S


class Emptied(Protocol):
    """What is asked for here of `Flows`, which needs this file."""

    design: Design
    at: Setting
    alone: bool
    forever: bool
    refreshing: bool
    rc: Array
    wc: Array
    r: Array
    w: Array

    l2_ttl: Array

    @property
    def soft_ttl(self) -> Array: ...
    @property
    def missed(self) -> Array: ...
    def valid(self, writes: Array, ttl: Array) -> Array: ...


def rounds(at: Setting) -> Array:
    """How often a key of each kind is emptied, 1/s; the kinds stand most popular first."""
    ends = np.cumsum(at.keys.number)
    rate = np.zeros_like(ends)
    for every_s, keys in at.emptied:
        part = np.clip((keys - ends) / at.keys.number + 1, 0, 1)
        rate = rate + part / every_s
    return rate


def whole_s(at: Setting, ttl: Array) -> Array:
    """Seconds after which nothing is left of a life: it ends, or a round comes."""
    return np.minimum(ttl, 1 / np.maximum(rounds(at), 1 / NEVER_S)) if at.emptied else ttl


def left_s(at: Setting, stays_s: Array, asked: Array) -> Array:
    """Seconds that are left of those for which a value would stay, on average."""
    return _left_s(rounds(at), stays_s, asked) if at.emptied else stays_s


def _left_s(rate: Array, stays_s: Array, asked: Array) -> Array:
    every_s = 1 / np.maximum(rate, 1 / NEVER_S)
    n = np.maximum(asked, 1e-300)
    seldom = stays_s - np.minimum(stays_s, every_s) ** 2 / (2 * every_s)
    often = every_s / np.maximum(-np.expm1(-n * every_s), 1e-300) - 1 / n
    return np.where(stays_s <= every_s, seldom, np.maximum(often, 0.0))


def _found(rate: Array, stays_s: Array, asked: Array) -> Array:
    """The chance that a round finds the value there."""
    every_s, there = 1 / np.maximum(rate, 1 / NEVER_S), asked * stays_s
    often = -np.expm1(-asked * every_s)
    return np.where(stays_s > every_s, often, there / (1 + there))


def _loads(at: Setting, loads: Array, reads: Array, asked: Array) -> Array:
    """Of so many `reads` those that load, where `loads` would; `asked`: what renews, with them."""
    stays_s = np.maximum(reads / np.maximum(loads, 1e-300) - 1, 0) / asked
    return np.asarray(reads / (1 + asked * left_s(at, stays_s, asked)))


def of_each(flows: Emptied, loads: Array) -> Array:
    """Loads a second by colo and key, where each data centre's cache is emptied."""
    if not flows.at.emptied:
        return loads
    whole = flows.refreshing or flows.design.expiry == "inherited"
    reads = flows.rc if (whole and not flows.alone) or flows.refreshing else flows.missed
    return np.minimum(_loads(flows.at, loads, reads, reads + flows.wc), flows.missed)


def of_all(flows: Emptied, loads: Array) -> Array:
    """The same where what all share is emptied."""
    if not flows.at.emptied or flows.design.l2 is None:
        return loads
    if flows.alone:
        return of_each(flows, loads)
    reads, together = flows.r, loads.sum(axis=1, keepdims=True)
    apart = flows.design.expiry != "inherited" or not flows.design.object_storage
    if apart and not flows.forever:
        reads = flows.missed.sum(axis=1, keepdims=True)
    more = _loads(flows.at, together, reads, reads + flows.w)
    emptied: Array = np.minimum(loads * more / np.maximum(together, 1e-300), flows.missed)
    return emptied


def still_refreshed(flows: Emptied) -> Array:
    """The share of the refreshes that rounds leave: what they take cannot come due.

    A value is renewed when it was fresh for V, or loaded anew when it was there for L: of all that
    renew it, those that load are no refreshes.
    """
    if not flows.at.emptied:
        return np.ones((1, 1, 1))
    r, w = (flows.rc, flows.wc) if flows.design.colo_cache else (flows.r, flows.w)
    n, fresh_s = r + w, flows.valid(w, flows.soft_ttl)
    nobody = np.exp(-np.minimum(n * (flows.l2_ttl - flows.soft_ttl), 60.0))
    stays_s = (fresh_s + 1 / n) / nobody - 1 / n
    stays_s = np.full_like(stays_s, NEVER_S) if flows.forever else stays_s

    def renewed(life_s: Array) -> Array:
        return np.asarray(1 / (life_s + 1 / n))

    left, all_ = (
        renewed(of(fresh_s)) - renewed(of(stays_s))
        for of in (lambda life_s: left_s(flows.at, life_s, n), np.asarray)
    )
    return np.clip(left / np.maximum(all_, 1e-300), 0.0, 1.0)


def of_front(rate: Array, awaited: Array, aside: Array, reads: Array) -> tuple[Array, Array]:
    """Looks past a copy in front of the Worker, that wait and that do not; `rate`: rounds, 1/s."""
    looks = awaited + aside
    stays_s = np.maximum(1 / looks - 1 / reads, 0)
    more = reads / (1 + reads * _left_s(rate, stays_s, reads))
    ended = np.maximum(more - rate * _found(rate, stays_s, reads), 0)
    ended = np.where(stays_s * rate > 1, 0.0, ended)  # a round comes first
    still = np.minimum(aside * ended / looks, more)
    return more - still, still


def counts(flows: Emptied) -> dict[str, Array]:
    """What rounds take in a month, by the names of `outcomes.COUNTS`."""
    design, store = flows.design, flows.design.store
    many = flows.at["purges_a_month"].ravel()
    if not flows.at.emptied:
        return {}
    found: dict[str, Array] = {}
    if design.front and design.front.in_front:
        found[design.front.in_front.purges] = many
    if store is None:
        return found
    if flows.alone:
        told = (rounds(flows.at) @ flows.at.keys.number) * MONTH_S * flows.rc.shape[1]
        return found | ({store.tells: np.atleast_1d(told)} if design.listen else {})
    gone = deleted(flows)
    lists = many * np.maximum(1, np.ceil(gone / np.maximum(many, 1e-300) / 1_000))
    if store.listing:
        found[store.meters[store.listing]] = lists
    if store.word == "kv":
        found["kv_deletes"] = gone
    if store.word == "durable-object":
        rows = design.object_storage + design.object_alarm
        found |= {"do_requests": gone, "do_rows_written": gone * rows}
    if store.deletes:
        found[store.deletes] = gone
    if design.listen:
        found[store.tells] = gone
    return found


def deleted(flows: Emptied) -> Array:
    """Keys a month that rounds find in what all share: as many as are there when one comes."""
    rate, asked, design = rounds(flows.at), flows.r + flows.w, flows.design
    ended_s = design.clean_up_every_s / 2 if design.policy == "clean-up" else 0.0
    found = _found(rate, _kept_s(flows) + ended_s, asked)
    gone: Array = ((found * rate) @ flows.at.keys.number).sum(axis=1) * MONTH_S
    return gone


def _kept_s(flows: Emptied) -> Array:
    """Seconds for which the store holds a value that nobody empties: some forget none."""
    design, asked = flows.design, flows.r + flows.w
    erases = design.l2 is not None and ALL[design.l2].erases
    if not flows.forever and (erases or design.object_alarm):
        return flows.valid(flows.w, flows.l2_ttl)
    return np.asarray((1 / lives.first_of_month(asked) - 1) / asked)


def held(flows: Emptied) -> Array:
    """The share of the time for which what all share holds a key."""
    asked = flows.r + flows.w
    share: Array = 1 - 1 / (1 + asked * left_s(flows.at, _kept_s(flows), asked))
    return share
