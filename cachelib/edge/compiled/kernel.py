"""The rules of the reference engine, request by request, for numba."""

# mypy: ignore-errors

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from cachelib.edge.compiled.pool import (
    COLO_PLACES,
    NONE,
    OPTIONS,
    REGION_PLACES,
    drop,
    empty,
    find,
    find_or_add,
    hot,
    inner,
    link_newest,
    unlink,
)
from cachelib.edge.outcomes import (
    CACHE_API,
    COUNTS,
    DO_MEMORY,
    DO_STORAGE,
    FAILED,
    KV_CENTRAL,
    KV_LOCAL,
    KV_REGIONAL,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    R2,
    WRITTEN,
)
from cachelib.edge.trace import READ, WRITE

KV_STORE, DO_STORE, R2_STORE, COLO_STORE = range(1, 5)
STORES = {None: 0, "kv": KV_STORE, "durable-object": DO_STORE, "r2": R2_STORE}
STORES["cache-api"] = COLO_STORE
LIST_PAGE = 1_000
NO_BOUND = 1 << 62
VALUE_BYTES = 16  # what the reference needs for a value
(
    ORIGIN_LOADS, ORIGIN_FAILURES, REFRESHES, L2_UNCHANGED,
    KV_READS, KV_MISSING_READS, KV_WRITES, KV_WRITES_REFUSED, KV_DELETES, KV_LISTS,
    DO_REQUESTS, DO_ROWS_READ, DO_ROWS_WRITTEN, DO_OVERLOADED,
    R2_CLASS_A, R2_CLASS_B, CACHE_API_GETS, CACHE_API_PUTS,
    LOST_IDLE, LOST_RANDOM, LOST_DEPLOY,
) = range(len(COUNTS))  # fmt: skip

RECORD = np.dtype(
    [
        ("version", "i4"), ("size", "i4"), ("current", "i4"), ("object", "i4"),
        ("loaded", "f8"), ("expires", "f8"), ("refresh", "f8"), ("written", "f8"),
        ("last_write", "f8"), ("awake", "i8"),
    ]
)  # fmt: skip
"""A key: what L2's store holds (`version` NONE for nothing), the origin's current version, the
Durable Object it belongs to, and which of that object's wakes last had it in memory."""

OBJECT = np.dtype([("home", "i8"), ("awake", "i8"), ("free_at", "f8"), ("last", "f8")])


class Rules(NamedTuple):
    """A design on a platform, as numbers; infinity for never and for no limit."""

    l1: bool
    store: int
    l1_ttl: float
    hard_ttl: float
    soft_ttl: float
    inherited: bool
    only_if_changed: bool
    told: bool
    clean_up_every: float
    max_entries: int
    max_bytes: int
    idle: float
    life: float
    deploy_every: float
    cache_ttl: float
    write_gap: float
    read_s: float
    write_s: float
    queue_s: float
    object_idle: float
    failure: float
    value_life: float
    failure_key: np.uint64
    life_key: np.uint64
    change_key: np.uint64


class State(NamedTuple):
    """All that lives on from request to request."""

    pool: npt.NDArray[np.void]
    buckets: npt.NDArray[np.int32]
    free: npt.NDArray[np.int64]
    isolates: npt.NDArray[np.void]
    records: npt.NDArray[np.void]
    objects: npt.NDArray[np.void]
    key_bytes: npt.NDArray[np.int32]
    superseded: npt.NDArray[np.float64]
    versions: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    """The first request's, the next clean-up's; and byte-seconds stored."""


class Held(NamedTuple):
    """A cached value; `version` NONE is nothing."""

    version: int
    size: int
    loaded: float
    expires: float
    refresh: float


class Places(NamedTuple):
    """The part of `Geography` that routing needs."""

    region: npt.NDArray[np.int64]
    host: npt.NDArray[np.int64]
    to_host: npt.NDArray[np.float64]


@hot
def mix(number):
    z = number + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@hot
def exponential(table, key, counter):
    return table[mix(key ^ np.uint64(counter)) >> np.uint64(48)]


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
    pool[at].refresh, pool[at].until = value.refresh, until
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


@inner
def account(rules, state, key, now):
    """Bill what is about to leave the store."""
    record = state.records[key]
    if record.version != NONE:
        end = now
        if rules.store == KV_STORE and rules.told:
            end = min(end, record.expires)
        state.times[2] += record.size * (end - record.written)
        record.version = NONE


@inner
def keep(rules, state, key, now, value):
    account(rules, state, key, now)
    record = state.records[key]
    record.version, record.size, record.written = value.version, value.size, now
    record.loaded, record.expires, record.refresh = now, value.expires, value.refresh


@inner
def copy_from(rules, state, at, held, key, now):
    """Let the entry say what the store holds of the key, or that it holds nothing."""
    entry, record = state.pool[at], state.records[key]
    entry.until = now + rules.cache_ttl
    entry.version = NONE
    if held:
        entry.version, entry.size, entry.loaded = record.version, record.size, record.loaded
        entry.expires, entry.refresh = record.expires, record.refresh
        if rules.told and record.expires < entry.until:
            entry.until = record.expires


@hot
def read_kv(rules, state, places, colo, key, now):
    """The depth, and the colo's copy."""
    pool, buckets, free = state.pool, state.buckets, state.free
    here = find_or_add(pool, buckets, free, COLO_PLACES + colo, key)
    if now < pool[here].until:
        return KV_LOCAL, here
    depth = KV_REGIONAL
    there = find_or_add(pool, buckets, free, REGION_PLACES + places.region[colo], key)
    if not now < pool[there].until:
        depth = KV_CENTRAL
        record = state.records[key]
        held = record.version != NONE and (not rules.told or now < record.expires)
        copy_from(rules, state, there, held, key, now)
    a, b = pool[here], pool[there]
    a.version, a.size, a.until = b.version, b.size, b.until
    a.loaded, a.expires, a.refresh = b.loaded, b.expires, b.refresh
    return depth, here


@hot
def reach(rules, state, places, colo, key, service_s, now):
    """The way to the key's object and the wait for it, in ms; and whether it serves."""
    target = state.objects[state.records[key].object]
    if target.home == NONE:
        target.home = places.host[colo]
    wait = max(0.0, target.free_at - now)
    served = not wait > rules.queue_s
    if served:
        if now - target.last > rules.object_idle:
            target.awake += 1
        target.last = now
        target.free_at = max(target.free_at, now) + service_s
        state.counts[DO_REQUESTS] += 1
    else:
        state.counts[DO_OVERLOADED] += 1
        wait = rules.queue_s
    return wait * 1e3 + places.to_host[colo, target.home], served


@hot
def read_object(rules, state, places, colo, key, now):
    """The depth, the way and wait, and whether a living value was there."""
    extra, served = reach(rules, state, places, colo, key, rules.read_s, now)
    if not served:
        return NO_L2, extra, False
    record = state.records[key]
    awake = state.objects[record.object].awake
    if record.version != NONE and record.awake == awake:
        return DO_MEMORY, extra, now < record.expires
    state.counts[DO_ROWS_READ] += 1
    if record.version == NONE:
        return DO_STORAGE, extra, False
    record.awake = awake
    return DO_STORAGE, extra, now < record.expires


@hot
def held_by(entry):
    return Held(
        np.int64(entry.version), np.int64(entry.size), entry.loaded, entry.expires, entry.refresh
    )


@hot
def read_l2(rules, state, places, colo, key, now):
    """The depth, the way and wait for a Durable Object, and the living value, if any."""
    counts, record = state.counts, state.records[key]
    extra = 0.0
    if rules.store == KV_STORE:
        counts[KV_READS] += 1
        depth, at = read_kv(rules, state, places, colo, key, now)
        counts[KV_MISSING_READS] += state.pool[at].version == NONE
        found, held = now < state.pool[at].expires, held_by(state.pool[at])
    elif rules.store == COLO_STORE:
        counts[CACHE_API_GETS] += 1
        depth = CACHE_API
        at = find_or_add(state.pool, state.buckets, state.free, COLO_PLACES + colo, key)
        found, held = now < state.pool[at].until, held_by(state.pool[at])
    elif rules.store == DO_STORE:
        depth, extra, found = read_object(rules, state, places, colo, key, now)
        held = held_by(record)
    else:
        counts[R2_CLASS_B] += 1
        depth, found, held = R2, now < record.expires, held_by(record)
    if found:
        return depth, extra, held
    return depth, extra, Held(np.int64(NONE), np.int64(0), 0.0, 0.0, 0.0)


@inner
def write_l2(rules, state, places, colo, key, now, value):
    """Write through to L2; the way and wait, for a Durable Object."""
    counts, record = state.counts, state.records[key]
    same = record.version == value.version and now < record.expires
    if rules.only_if_changed and rules.store != COLO_STORE and same:
        counts[L2_UNCHANGED] += 1
        return 0.0
    if rules.store == KV_STORE:
        if now - record.last_write < rules.write_gap:
            counts[KV_WRITES_REFUSED] += 1
            return 0.0
        counts[KV_WRITES] += 1
        record.last_write = now
        keep(rules, state, key, now, value)
        at = find_or_add(state.pool, state.buckets, state.free, COLO_PLACES + colo, key)
        copy_from(rules, state, at, True, key, now)
    elif rules.store == DO_STORE:
        extra, served = reach(rules, state, places, colo, key, rules.write_s, now)
        if served:
            counts[DO_ROWS_WRITTEN] += 1
            keep(rules, state, key, now, value)
            record.awake = state.objects[record.object].awake
        return extra
    elif rules.store == R2_STORE:
        counts[R2_CLASS_A] += 1
        keep(rules, state, key, now, value)
    elif rules.store == COLO_STORE:
        counts[CACHE_API_PUTS] += 1
        at = find_or_add(state.pool, state.buckets, state.free, COLO_PLACES + colo, key)
        entry = state.pool[at]
        entry.version, entry.size, entry.loaded = value.version, value.size, now
        entry.expires, entry.refresh, entry.until = value.expires, value.refresh, value.expires
    return 0.0


@inner
def delete_l2(rules, state, places, colo, key, now):
    counts = state.counts
    extra = 0.0
    if rules.store == KV_STORE:
        counts[KV_DELETES] += 1
        account(rules, state, key, now)
        at = find_or_add(state.pool, state.buckets, state.free, COLO_PLACES + colo, key)
        copy_from(rules, state, at, False, key, now)
    elif rules.store == DO_STORE:
        extra, served = reach(rules, state, places, colo, key, rules.write_s, now)
        if served:
            counts[DO_ROWS_WRITTEN] += 1
            account(rules, state, key, now)
    elif rules.store == R2_STORE:
        account(rules, state, key, now)
    elif rules.store == COLO_STORE:
        at = find(state.pool, state.buckets, COLO_PLACES + colo, key)
        if at != NONE:
            state.pool[at].until = -np.inf
    return extra


@inner
def clean_up(rules, state, now):
    held = 0
    for key in range(len(state.records)):
        held += state.records[key].version != NONE
    for key in range(len(state.records)):
        if state.records[key].version != NONE and not now < state.records[key].expires:
            state.counts[KV_DELETES] += 1
            account(rules, state, key, now)
    state.counts[KV_LISTS] += max(1, -(-held // LIST_PAGE))


@njit(cache=True, **OPTIONS)
def run(rules, state, places, table, row, time, keys, colos, isolates, ops, sizes, outcomes):
    """Every request of a piece; see `Outcomes` for the columns of the result."""
    codes, extras, ages, lates = outcomes
    for i in range(len(time)):
        now, key, colo, number = time[i], keys[i], colos[i], isolates[i]
        while now >= state.times[1]:
            clean_up(rules, state, state.times[1])
            state.times[1] += rules.clean_up_every
        isolate = state.isolates[number]
        if rules.l1:
            age(rules, state, table, isolate, number, now)
        size = np.int64(sizes[i])
        if rules.max_bytes < NO_BOUND:
            size = max(size, VALUE_BYTES)
        tier, depth, extra = L1, NO_L2, 0.0
        version, loaded = np.int64(NONE), now
        writes = False

        if ops[i] == READ:
            due = False
            if rules.l1:
                at = find(state.pool, state.buckets, number, key)
                if at != NONE and now < state.pool[at].until:
                    entry = state.pool[at]
                    version, loaded, due = entry.version, entry.loaded, entry.refresh <= now
                    if rules.max_entries < NO_BOUND or rules.max_bytes < NO_BOUND:
                        unlink(state.pool, isolate, at)
                        link_newest(state.pool, isolate, at)
            if version == NONE and rules.store:
                tier = L2
                depth, extra, held = read_l2(rules, state, places, colo, key, now)
                if held.version != NONE:
                    version, loaded, due = held.version, held.loaded, held.refresh <= now
                    if rules.l1:
                        put_in_l1(rules, state, isolate, number, key, now, held)
            if version == NONE or due:
                fresh = load(rules, state, table, key, row + i, now)
                writes = fresh != NONE
                if version != NONE:
                    state.counts[REFRESHES] += 1
                else:
                    tier, version = ORIGIN if writes else FAILED, fresh
            else:
                fresh = version
        else:
            supersede(state, key, now)
            tier = WRITTEN
            if ops[i] == WRITE:
                writes = True
                fresh = change(rules, state, table, key, now)
            else:
                fresh = np.int64(NONE)
                extra = delete_l2(rules, state, places, colo, key, now)
                if rules.l1:
                    at = find(state.pool, state.buckets, number, key)
                    if at != NONE:
                        drop(state.pool, state.buckets, state.free, isolate, at)

        if writes:
            new = Held(fresh, size, now, now + rules.hard_ttl, now + rules.soft_ttl)
            way = write_l2(rules, state, places, colo, key, now, new)
            if tier == WRITTEN:
                extra = way
            if rules.l1:
                put_in_l1(rules, state, isolate, number, key, now, new)
        codes[i] = tier << 3 | depth
        extras[i] = extra
        ages[i] = 0.0
        lates[i] = 0.0
        if tier != WRITTEN and tier != FAILED:
            ages[i] = now - loaded
            lates[i] = max(0.0, now - state.superseded[version])
