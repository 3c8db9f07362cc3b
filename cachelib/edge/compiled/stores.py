"""The stores of the reference engine, for numba: KV, Durable Objects, R2, Cache API."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.edge.compiled.pool import COLO_PLACES, NONE, REGION_PLACES, find, find_or_add
from cachelib.edge.compiled.state import (
    CACHE_API_GETS,
    CACHE_API_PUTS,
    COLO_STORE,
    DO_OVERLOADED,
    DO_REQUESTS,
    DO_ROWS_READ,
    DO_ROWS_WRITTEN,
    DO_STORE,
    KV_DELETES,
    KV_LISTS,
    KV_MISSING_READS,
    KV_READS,
    KV_STORE,
    KV_WRITES,
    KV_WRITES_REFUSED,
    LIST_PAGE,
    R2_CLASS_A,
    R2_CLASS_B,
    R2_STORE,
    Held,
)
from cachelib.edge.compiler import hot, inner
from cachelib.edge.outcomes import (
    CACHE_API,
    DO_MEMORY,
    DO_STORAGE,
    KV_CENTRAL,
    KV_LOCAL,
    KV_REGIONAL,
    NO_L2,
    R2,
)


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
