"""The share of out-of-date answers, by formula."""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas import copies, emptying, lives
from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.setting import NEVER_S, Array

GAUSS = 3**-0.5 / 2  # how far from its middle two places of an interval stand for all of it


def late_share(flows: Flows, bound_s: float) -> Array:
    """The share of reads whose answer was superseded more than `bound_s` seconds ago.

    A value that changes at rate v is late at age a with chance 1 - e^-v(a - bound). Changes
    that nobody writes make the age of L2's copy count, which ends with its TTL or the next
    write; those that are written, at rate w, the age of L1's copy and of the colo's cache of
    KV; one that listens is late while a message is on its way. A refreshed value is served once
    more in every cycle before it is loaded anew.
    """
    change, w = 1 / flows.at["value_life_s"], flows.w
    if flows.front is not None:  # it hears of no write but by a purge
        w = w - flows.purged
        lives_s = emptying.whole_s(flows.at, flows.l2_ttl)
        late = lives.late(change + w, lives_s, bound_s, flows.purged)
        ended = flows.front.stale
        living = (flows.at.by_reader(flows.rc - flows.loaded) - ended) * late
        return flows.share(living + ended * _ended(flows, change + w, bound_s))
    if flows.design.expiry == "sliding":
        return flows.share(_sliding(flows, change, bound_s))
    if flows.design.l2 is None:
        own = flows.wi / flows.split
        late = lives.late(change + w - own, flows.l1_oldest, bound_s, flows.l1_ended)
        return flows.share(flows.answered_by_l1 * late)
    own = flows.wc if flows.design.colo_cache else w  # writes that the cache behind L1 hears of
    in_memory = _unheard(flows, own, bound_s)
    if flows.alone and not flows.refreshing:
        here = lives.late(change + w - own, flows.l2_held, bound_s, own)
        behind = copies.behind(flows, own, bound_s) * (flows.missed - flows.loaded)
        beside = (flows.missed - flows.loaded) * here
        return flows.share(beside + behind + flows.answered_by_l1 * _either(here, in_memory))
    r = flows.rc if flows.design.colo_cache else flows.r
    life = emptying.whole_s(flows.at, flows.soft_ttl) if flows.refreshing else flows.l2_held
    overdue, same = _overdue(flows, r, own, bound_s) if flows.refreshing else (0.0, 1.0)
    late = lives.late(change, life, bound_s, w)
    unheard = (flows.asked - flows.loaded) * copies.behind(flows, w, bound_s)
    if flows.design.colo_cache:
        elsewhere = lives.late(w - own, life, bound_s, own)
        in_memory = _either(in_memory, elsewhere)
        beside = flows.missed - (flows.asked if flows.layered else flows.loaded)
        unheard = unheard + beside * elsewhere
    if flows.design.l2 == "kv":
        near = (flows.asked - flows.loaded) * (1 - flows.kv_copies.central)
        unheard = unheard + near * lives.late(w, flows.kv_copies.oldest_s, bound_s)
        if not flows.layered:
            in_memory = _old_by_then(flows, own, bound_s)
    unheard = unheard + flows.answered_by_l1 * in_memory
    found = flows.rc - flows.loaded - overdue
    return flows.share(found * late + overdue * (1 - same) + unheard * (1 - late))


def _either(one: Array, other: Array) -> Array:
    """The chance of one of two that come by themselves."""
    return 1 - (1 - one) * (1 - other)


def _overdue(flows: Flows, r: Array, own: Array, bound_s: float) -> tuple[Array, Array]:
    """Reads a second of what has to be loaded anew, which they bring about; and the chance that it
    was not superseded so long ago. They come within the time S in which it is served still."""
    change, soft = 1 / flows.at["value_life_s"], flows.soft_ttl
    first = flows.rc / (1 + (r + own) * flows.valid(own, soft)) * emptying.still_refreshed(flows)
    same = np.exp(-change * np.maximum(soft - bound_s, 0))
    if flows.forever:
        return first, same * r / (r + change)
    stale, any_, both = flows.l2_ttl - soft, r + own, r + own + change
    within = -np.expm1(-any_ * stale)
    same = same * any_ / both * -np.expm1(-both * stale) / np.maximum(within, 1e-300)
    return first * within, same


def _ended(flows: Flows, change: Array, bound_s: float) -> Array:
    """The chance that an answer in front is late that had ended when it was served.

    It is the data centre's first within S: of age T + x, where x has density ∝ e^-rx up to S. With
    D, by how much the bound exceeds T, none is late whose x is below D.
    """
    rc, ttl, stale_s = flows.rr, flows.l2_ttl, flows.stale_s
    least = np.minimum(np.maximum(bound_s - ttl, 0), stale_s)
    both = rc + change
    kept = np.exp(-rc * least) - np.exp(-rc * stale_s)
    same = np.exp(-change * np.maximum(ttl - bound_s, 0) + change * least)
    same = same * rc / both * (np.exp(-both * least) - np.exp(-both * stale_s))
    late: Array = (kept - same) / np.maximum(-np.expm1(-rc * stale_s), 1e-300)
    return np.maximum(late, 0.0)


def _old_by_then(flows: Flows, writes: Array, bound_s: float) -> Array:
    """The same where what L1 read may have been old then: a copy of KV's, of any age up to its end,
    of which two stand for all (Gauss), or new, if the central store was asked."""
    new, oldest = flows.kv_copies.central, flows.kv_copies.oldest_s
    late = new * _unheard(flows, writes, bound_s)
    for age in (oldest * (0.5 - GAUSS), oldest * (0.5 + GAUSS)):
        by_then = -np.expm1(-writes * np.maximum(age - bound_s, 0))
        since = _unheard(flows, writes, np.maximum(bound_s - age, 0))
        late = late + (1 - new) / 2 * _either(by_then, since)
    return late


def _unheard(flows: Flows, writes: Array, bound_s: float | Array) -> Array:
    """The chance that what L1 serves was overwritten in its store more than so long ago.

    `writes`: those that count. One that listens is told after d, so a copy of age a has not heard
    of the last min(a, d); but it reads the old value again if it asks for it before the store's
    copies have heard, too.
    """
    untold = copies.unheard(flows, writes, bound_s)
    if not flows.design.listen:
        return untold
    whole, ended = flows.l1_whole, flows.l1_ended
    after = np.minimum(flows.told_after_s, whole)
    younger = np.expm1(-ended * after) / np.expm1(-ended * whole)
    young = lives.late(flows.told, after, bound_s, ended)
    old = -np.expm1(-flows.told * np.maximum(after - bound_s, 0))
    sooner = np.maximum(copies.lag_s(flows, flows.design.store) - flows.told_after_s, 0)
    too_soon = -np.expm1(-flows.asked_of_isolate * sooner)
    unheard: Array = too_soon * untold + (1 - too_soon) * (younger * young + (1 - younger) * old)
    return unheard


def _sliding(flows: Flows, change: Array, bound_s: float) -> Array:
    """Late answers a second where every hit renews L1's TTL. Own derivation.

    A copy in L1 has its age from gaps g shorter than the TTL, of which the next comes with the
    chance h of a hit: g / (1 - h) on average. L2's is as old as its TTL lets it be.
    """
    hit = flows.answered_by_l1 / flows.rc
    n = np.clip(flows.asked_of_isolate * flows.l1_ttl, 1e-6, 600.0)
    gap = flows.l1_ttl * (1 / n - 1 / np.expm1(n))
    near = lives.late(change + flows.w, np.full_like(gap, NEVER_S), bound_s, (1 - hit) / gap)
    if flows.design.l2 is None:
        return flows.answered_by_l1 * near
    far = lives.late(change, flows.l2_held, bound_s, flows.w)
    late: Array = flows.answered_by_l1 * (1 - (1 - near) * (1 - far))
    return late + (flows.missed - flows.loaded) * far
