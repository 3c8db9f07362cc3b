"""Loads that take time, by formula: how many more there are, and how many reads wait.

Own derivation for Poisson requests. Those who miss a value until a load of it has landed, Z after
it began, load it too, unless something lets them wait: an isolate for its own load, a Durable
Object or what is in front of the Worker for anybody's. So where nothing does, a load adds λZ
others; where isolates do, each other isolate adds its first, 1 - e^-λZ. A load makes the reads wait
that come within Z to where they may. From one load to the next it takes Z longer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.front import Front
from cachelib.model.formulas.setting import Array
from cachelib.model.tiers.durable_object import DURABLE_OBJECT


class Met(NamedTuple):
    """By how much loads grow, and the reads that wait for one, as shares of the loads that there
    are where they take no time; shape (draws,)."""

    added: Array
    waiting: Array


def met(flows: Flows, load_s: Array) -> Met | None:
    """What it changes that loads take `load_s`, shape (draws,); None where no formula says it.

    That KV remembers in a data centre for `cacheTtl` that there was nothing, is not in it.
    """
    design, z = flows.design, np.asarray(load_s, np.float64).reshape(-1, 1, 1)
    if flows.refreshing or design.stale_while_revalidate_s or design.expiry != "inherited":
        return None
    if not design.tiers:
        return Met(*np.zeros((2, len(z))))
    if flows.front is not None:
        return _met_in_front(flows, flows.front, z)
    own = flows.split if design.l1 and design.l2 is None else np.ones((1, 1, 1))  # copies a place
    isolates = flows.split / own if design.l1 else np.ones((1, 1, 1))
    at_one = flows.rc / (flows.split if design.l1 else 1)  # of the reads, at an isolate
    for_all = not (flows.alone or design.l2 is None)

    def of_place(rate: Array) -> Array:
        return rate.sum(axis=1, keepdims=True) if for_all else rate

    asked = of_place(at_one * isolates)
    loads = np.maximum(of_place(flows.loaded) / own, 1e-300)
    added, waiting = asked * z, np.zeros_like(asked)
    if design.store is DURABLE_OBJECT:
        added, waiting = waiting, asked * z
    elif design.joins:
        first = -np.expm1(-at_one * z)
        added = of_place((isolates - at_one * isolates / asked) * first)  # less who loads first
        waiting = of_place(at_one**2 * isolates) / asked * z
    return _in_all(loads, added, waiting, z, own * flows.count)


def _in_all(loads: Array, added: Array, waiting: Array, z: Array, count: Array) -> Met:
    """Of all keys, of which each load adds so many and makes so many wait."""
    begun = (1 + added) / (1 / loads + z)
    before = (loads * count).sum(axis=(1, 2))
    after, waits = ((rate * count).sum(axis=(1, 2)) for rate in (begun, begun * waiting))
    return Met(after / before - 1, waits / before)


def _met_in_front(flows: Flows, front: Front, z: Array) -> Met:
    """The same where reads wait before the Worker, each for a load of its own upper tier's.

    Of one store behind several, each that misses meanwhile loads it, too.
    """
    reads = front.of_upper
    first = -np.expm1(-reads * z)
    if front.apart:
        return _in_all(front.looks, np.zeros_like(reads), reads * z, z, flows.count)
    share = reads / reads.sum(axis=1, keepdims=True)
    loads = np.maximum(flows.loaded.sum(axis=1, keepdims=True), 1e-300)
    others = (share * (first.sum(axis=1, keepdims=True) - first)).sum(axis=1, keepdims=True)
    waiting = (share * reads).sum(axis=1, keepdims=True) * z
    return _in_all(loads, others, waiting, z, flows.count)
