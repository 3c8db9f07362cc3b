"""The two ends of a design, for numba: an isolate with its L1, and the origin."""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from cachelib.edge.compiled.drawing import exponential, mix
from cachelib.edge.compiled.pool import NONE, drop, empty, find_or_add, link_newest, unlink
from cachelib.edge.compiled.state import (
    LOST_DEPLOY,
    LOST_IDLE,
    LOST_RANDOM,
    ORIGIN_FAILURES,
    ORIGIN_LOADS,
)
from cachelib.edge.compiler import hot, inner


@hot
def age(rules, state, table, isolate, number, now):
    """Note that the isolate is used; first take its memory if it was lost since."""
    if isolate.generation > 0:
        reason = NONE
        if now - isolate.last > rules.idle:
            reason = LOST_IDLE
        elif now >= isolate.dies_at:
            reason = LOST_RANDOM
        else:
            start, every = state.times[0], rules.deploy_every
            if math.floor((now - start) / every) > math.floor((isolate.last - start) / every):
                reason = LOST_DEPLOY
        if reason != NONE:
            state.counts[reason] += 1
            empty(state.pool, state.buckets, state.free, isolate)
            isolate.dies_at = -np.inf
    if isolate.dies_at == -np.inf:
        counter = np.int64(number) << 32 | isolate.generation
        isolate.dies_at = now + rules.life * exponential(table, rules.life_key, counter)
        isolate.generation += 1
    isolate.last = now


@inner
def put_in_l1(rules, state, isolate, number, key, now, value):
    """The newest entry of the L1, which then drops its oldest while it holds too much."""
    pool, buckets, free = state.pool, state.buckets, state.free
    at = find_or_add(pool, buckets, free, number, key)
    if pool[at].until == -np.inf:
        isolate.entries += 1
        link_newest(pool, isolate, at)
    elif isolate.newest != at:
        unlink(pool, isolate, at)
        link_newest(pool, isolate, at)
    until = now + rules.l1_ttl
    if rules.inherited and value.expires < until:
        until = value.expires
    weight = value.size + state.key_bytes[key]
    isolate.bytes += weight - pool[at].size
    pool[at].version, pool[at].size, pool[at].loaded = value.version, weight, value.loaded
    pool[at].expires, pool[at].refresh, pool[at].until = value.expires, value.refresh, until
    while isolate.entries > rules.max_entries or isolate.bytes > rules.max_bytes:
        drop(pool, buckets, free, isolate, isolate.oldest)


@inner
def change(rules, state, table, key, now):
    """A new version of the key's true value, with the time at which the next supersedes it."""
    version = state.versions[0]
    state.versions[0] += 1
    life = np.inf
    if rules.value_life < np.inf:
        life = rules.value_life * exponential(table, rules.change_key, version)
    state.superseded[version] = now + life
    state.records[key].current = version
    return version


@inner
def supersede(state, key, now):
    current = state.records[key].current
    if current != NONE:
        state.superseded[current] = min(state.superseded[current], now)


@inner
def load(rules, state, table, key, row, now):
    """The origin's version; NONE if it failed."""
    state.counts[ORIGIN_LOADS] += 1
    if rules.failure > 0:
        draw = mix(rules.failure_key ^ np.uint64(row)) >> np.uint64(11)
        if draw * 2.0**-53 < rules.failure:
            state.counts[ORIGIN_FAILURES] += 1
            return np.int64(NONE)
    current = np.int64(state.records[key].current)
    if current == NONE or now >= state.superseded[current]:
        current = change(rules, state, table, key, now)
    return current
