"""The two ends of a design, for numba: an isolate with its L1, and the origin."""

# mypy: ignore-errors

from __future__ import annotations

import math

import numpy as np

from cachelib.model.engines.compiled.drawing import exponential, mix
from cachelib.model.engines.compiled.pool import (
    NONE,
    drop,
    empty,
    find,
    find_or_add,
    link_newest,
    remove,
    unlink,
)
from cachelib.model.engines.compiler import hot, inner


@inner
def since_it_came(rules, number, since):
    """How long a time is past the first deploy's turn at an isolate, where they take turns."""
    since -= rules.deploy_takes * (number % rules.isolates + 1) / rules.isolates
    return since if since > 0 else 0.0


@hot
def renewed(rules, totals, table, isolate, number, now):
    """Note that the isolate is used; whether its memory was lost since it was used last."""
    lost = False
    if isolate.generation > 0:
        every, lost = rules.deploy_every, True
        since, last = now - totals.start, isolate.last - totals.start
        if rules.deploy_takes > 0:
            since = since_it_came(rules, number, since)
            last = since_it_came(rules, number, last)
        if now - isolate.last > rules.idle:
            totals.isolates_lost_idle += 1
        elif now >= isolate.dies_at:
            totals.isolates_lost_random += 1
        elif math.floor(since / every) > math.floor(last / every):
            totals.isolates_lost_deploy += 1
        else:
            lost = False
        if lost:
            isolate.dies_at = -np.inf
    if isolate.dies_at == -np.inf:
        counter = np.int64(number) << 32 | isolate.generation
        isolate.dies_at = now + rules.life * exponential(table, rules.life_key, counter)
        isolate.generation += 1
    isolate.last = now
    return lost


@hot
def age(rules, state, table, isolate, number, now):
    """Note that the isolate is used; first take its memory if it was lost since."""
    if renewed(rules, state.totals, table, isolate, number, now):
        empty(state, isolate)


@hot
def follow(state, isolate, generation):
    """Take the isolate's memory if it was lost since, as the first pass has found; see `shards`."""
    if isolate.generation != generation:
        empty(state, isolate)
        isolate.generation = generation


@inner
def take_from_l1(rules, state, isolate, number, key):
    """Drop what an isolate has of a key."""
    at = find(state, number, key)
    if at == NONE:
        return
    if rules.bounded:
        drop(state, isolate, at)
    else:
        remove(state, at)


@inner
def put_in_l1(rules, state, isolate, number, key, now, value):
    """The newest entry of the L1, which then drops its oldest while it holds too much.

    One that is larger than the whole L1 is not taken, and pushes out nothing but its older value.
    """
    pool = state.pool
    weight = value.size + state.key_bytes[key]
    if weight > rules.max_bytes:
        take_from_l1(rules, state, isolate, number, key)
        return
    at = find_or_add(state, number, key)
    entry = pool[at]
    if rules.bounded:
        if entry.until == -np.inf:
            isolate.entries += 1
            link_newest(pool, isolate, at)
        elif isolate.newest != at:
            unlink(pool, isolate, at)
            link_newest(pool, isolate, at)
    until = now + rules.l1_ttl
    if rules.inherited and value.expires < until:
        until = value.expires
    isolate.bytes += weight - entry.size
    entry.version, entry.size, entry.loaded = value.version, weight, value.loaded
    entry.expires, entry.refresh, entry.until = value.expires, value.refresh, until
    entry.generation = isolate.generation
    while isolate.entries > rules.max_entries or isolate.bytes > rules.max_bytes:
        drop(state, isolate, np.int64(isolate.oldest))


@inner
def change(rules, state, table, record, row, now):
    """A new version of the key's true value, with the time at which the next supersedes it.

    A request makes one at most, so its number says which is drawn, whatever other keys do.
    """
    version = state.totals.versions
    state.totals.versions += 1
    life = np.inf
    if rules.value_life < np.inf:
        life = rules.value_life * exponential(table, rules.change_key, row)
    state.superseded[version] = now + life
    record.current = version
    return version


@inner
def supersede(state, record, now):
    current = record.current
    if current != NONE and now < state.superseded[current]:
        state.superseded[current] = now


@inner
def load(rules, state, table, record, row, now):
    """The origin's version, NONE if it failed; and the wait for its turn."""
    totals = state.totals
    totals.origin_loads += 1
    wait_s = max(0.0, totals.origin_free_at - now)
    totals.origin_waits += wait_s > 0
    wait = min(wait_s, rules.origin_queue_s) * 1e3
    if wait_s > rules.origin_queue_s:
        totals.origin_failures += 1
        return np.int64(NONE), wait
    totals.origin_free_at = max(totals.origin_free_at, now) + rules.origin_each_s
    if rules.failure > 0:
        draw = mix(rules.failure_key ^ np.uint64(row)) >> np.uint64(11)
        if draw * 2.0**-53 < rules.failure:
            totals.origin_failures += 1
            return np.int64(NONE), wait
    current = np.int64(record.current)
    if current == NONE or now >= state.superseded[current]:
        current = change(rules, state, table, record, row, now)
    return current, wait
