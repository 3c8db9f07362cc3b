"""The stores of the reference engine, for numba: KV, Durable Objects, plain ones."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.copies import read_copy, tell_copies
from cachelib.model.engines.compiled.pool import (
    COLO_PLACES,
    COPY_PLACES,
    GOING_AT_OBJECT,
    KV_PLACES,
    NONE,
    REGION_PLACES,
    STORE_COPY_PLACE,
    find,
    find_or_add,
)
from cachelib.model.engines.compiled.rooms import (
    OF_STORE,
    fits,
    give_room,
    give_room_in_store,
    leave_room,
    leave_store,
    push_out,
    too_full,
    touch,
    touch_in_store,
)
from cachelib.model.engines.compiled.spots import colo_of, place_of
from cachelib.model.engines.compiled.state import (
    DO_STORE,
    KV_STORE,
    NO_BOUND,
    PLAIN_STORE,
    Held,
)
from cachelib.model.engines.compiler import compiled, hot, inner
from cachelib.model.engines.exact import LIMB_BITS, PER_BYTE_SECOND
from cachelib.model.tiers.outcomes import (
    DO_MEMORY,
    DO_STORAGE,
    KV_CENTRAL,
    KV_LOCAL,
    KV_REGIONAL,
    NO_L2,
)
from cachelib.model.traffic.generator import DAY_S

LOW = (1 << LIMB_BITS) - 1


@inner
def account(rules, state, record, now):
    """Bill what is about to leave the store."""
    if record.version != NONE:
        end = now
        if rules.erases and record.expires < end:
            end = record.expires
        units = np.int64(np.rint(record.size * (end - record.written) * PER_BYTE_SECOND))
        state.totals.stored_high += units >> LIMB_BITS
        state.totals.stored_low += units & LOW
        record.version = NONE


@inner
def keep(rules, state, record, now, value):
    account(rules, state, record, now)
    record.version, record.size, record.written = value.version, value.size, now
    record.loaded, record.expires, record.refresh = value.loaded, value.expires, value.refresh


@inner
def copy_from(rules, record, entry, now):
    """Let the entry say what the store holds of the key, or that it holds nothing."""
    entry.until = now + rules.cache_ttl
    entry.version = NONE
    if record.version != NONE and (not rules.told or now < record.expires):
        entry.version, entry.size, entry.loaded = record.version, record.size, record.loaded
        entry.expires, entry.refresh = record.expires, record.refresh
        if rules.told and record.expires < entry.until:
            entry.until = record.expires


@hot
def ends_soon(rules, copy, now):
    """Whether a read of a copy has KV fetch it anew."""
    if copy.version == NONE or now < copy.until - rules.early:
        return False
    return not rules.told or copy.until < copy.expires


@inner
def take_over(near, far):
    near.version, near.size, near.until = far.version, far.size, far.until
    near.loaded, near.expires, near.refresh = far.loaded, far.expires, far.refresh


@hot
def read_kv(rules, state, places, spot, key, record, now):
    """The depth, and the colo's copy."""
    here = find_or_add(state, KV_PLACES + spot, key)
    near = state.pool[here]
    if now < near.until:
        return KV_LOCAL, here
    depth = KV_REGIONAL
    region = REGION_PLACES + places.region[colo_of(rules, spot)]
    far = state.pool[find_or_add(state, region, key)]
    if not now < far.until:
        depth = KV_CENTRAL
        copy_from(rules, record, far, now)
    take_over(near, far)
    return depth, here


@inner
def refresh_kv(rules, state, places, spot, key, record, near, now):
    """Fetch a copy anew that has been read and ends soon."""
    if not ends_soon(rules, near, now):
        return
    state.totals.kv_refreshes += 1
    region = REGION_PLACES + places.region[colo_of(rules, spot)]
    far = state.pool[find_or_add(state, region, key)]
    if not now < far.until or ends_soon(rules, far, now):
        copy_from(rules, record, far, now)
    take_over(near, far)


@hot
def reach(rules, state, places, colo, target, service_s, now):
    """The way to the object and the wait for it, in ms; and whether it serves."""
    if target.home == NONE:
        target.home = places.host[colo]
    free_at = target.free_at if target.free_at > now else now
    wait = free_at - now
    served = not wait > rules.queue_s
    if served:
        if now - target.last > rules.object_idle:
            target.awake += 1
        target.last = now
        target.free_at = free_at + service_s
        state.totals.do_requests += 1
    else:
        state.totals.do_overloaded += 1
        wait = rules.queue_s
    return wait * 1e3 + places.to_host[colo, target.home], served


@hot
def ring(rules, state, record, now):
    """Let the alarm of a key's object delete its value, if it came until now."""
    if not rules.object_alarm or record.version == NONE or now < record.expires:
        return
    account(rules, state, record, now)
    target, totals = state.objects[record.object], state.totals
    free_at = target.free_at if target.free_at > record.expires else record.expires
    target.free_at = free_at + rules.write_s
    totals.do_alarms += 1
    totals.do_requests += 1
    totals.do_rows_written += 1


@compiled
def ring_all(rules, state, now):
    for key in range(len(state.records)):
        ring(rules, state, state.records[key], now)


@hot
def read_object(rules, state, places, colo, key, record, now):
    """The depth, the way and wait, and whether a living value was there."""
    target = state.objects[record.object]
    ring(rules, state, record, now)
    extra, served = reach(rules, state, places, colo, target, rules.read_s, now)
    if not served:
        return NO_L2, extra, False
    found = record.version != NONE and now < record.expires
    if not rules.object_storage:
        found = found and record.awake == target.awake
    if rules.load_s > 0 and not found and find(state, GOING_AT_OBJECT, key) != NONE:
        return DO_MEMORY, extra, False
    if not rules.object_storage:
        return DO_MEMORY, extra, found
    if record.version != NONE and record.awake == target.awake:
        return DO_MEMORY, extra, now < record.expires
    state.totals.do_rows_read += 1
    if record.version == NONE:
        return DO_STORAGE, extra, False
    record.awake = target.awake
    return DO_STORAGE, extra, now < record.expires


@hot
def held_by(entry):
    return Held(
        np.int64(entry.version), np.int64(entry.size), entry.loaded, entry.expires, entry.refresh
    )


@hot
def nothing():
    return Held(np.int64(NONE), np.int64(0), 0.0, 0.0, 0.0)


@hot
def read_colo_cache(rules, state, spot, key, now):
    """The living value, if any."""
    state.totals.colo_reads += 1
    here = place_of(rules, spot)
    if rules.colo_copied:
        return read_copy(rules, state, COPY_PLACES + here, key, now)
    at = find(state, COLO_PLACES + here, key)
    if at != NONE and now < state.pool[at].until:
        if rules.colo_room < NO_BOUND:
            touch(state, OF_STORE + 1 + here, at)
        return held_by(state.pool[at])
    if rules.colo_room < NO_BOUND:
        leave_room(state, OF_STORE + 1 + here, COLO_PLACES + here, key)
    return nothing()


@inner
def write_colo_cache(rules, state, spot, key, now, value):
    state.totals.colo_writes += 1
    here = place_of(rules, spot)
    if rules.colo_copied:
        tell_copies(state, COPY_PLACES + here, key, now, value)
        return
    bounded, room = rules.colo_room < NO_BOUND, OF_STORE + 1 + here
    if bounded and not fits(rules, value, rules.colo_room):
        leave_room(state, room, COLO_PLACES + here, key)
        return
    if bounded:
        at = give_room(state, room, COLO_PLACES + here, key, value)
    else:
        at = find_or_add(state, COLO_PLACES + here, key)
    entry = state.pool[at]
    entry.version, entry.size, entry.loaded = value.version, value.size, value.loaded
    entry.expires, entry.refresh, entry.until = value.expires, value.refresh, value.expires
    while bounded and too_full(rules, state, room, rules.colo_room):
        push_out(state, room)


@inner
def delete_from_colo_cache(rules, state, spot, key, now):
    here = place_of(rules, spot)
    if rules.colo_copied:
        tell_copies(state, COPY_PLACES + here, key, now, nothing())
        return
    if rules.colo_room < NO_BOUND:
        leave_room(state, OF_STORE + 1 + here, COLO_PLACES + here, key)
        return
    at = find(state, COLO_PLACES + here, key)
    if at != NONE:
        state.pool[at].until = -np.inf


@hot
def read_store(rules, state, places, spot, key, record, now):
    """The depth, the way and wait for a Durable Object, and the living value, if any."""
    totals, extra = state.totals, 0.0
    if rules.store == KV_STORE:
        totals.kv_reads += 1
        depth, at = read_kv(rules, state, places, spot, key, record, now)
        entry = state.pool[at]
        totals.kv_missing_reads += entry.version == NONE
        found, held = now < entry.expires, held_by(entry)
        if rules.early > 0:
            refresh_kv(rules, state, places, spot, key, record, entry, now)
    elif rules.store == DO_STORE:
        colo = colo_of(rules, spot)
        depth, extra, found = read_object(rules, state, places, colo, key, record, now)
        held = held_by(record)
    else:
        totals.reads += 1
        if rules.store_copied:
            return rules.depth, extra, read_copy(rules, state, STORE_COPY_PLACE, key, now)
        depth, found, held = rules.depth, now < record.expires, held_by(record)
        if rules.store_room < NO_BOUND and record.version != NONE:
            if found:
                touch_in_store(state, key)
            else:
                account(rules, state, record, now)
                leave_store(state, key)
    return depth, extra, held if found else nothing()


@hot
def spent(rules, totals, now):
    """Whether what a day allows has been written to KV; if not, one more is."""
    today = now // DAY_S
    if today != totals.kv_day:
        totals.kv_day, totals.kv_written_today = today, 0
    if totals.kv_written_today >= rules.writes_a_day:
        return True
    totals.kv_written_today += 1
    return False


@inner
def write_store(rules, state, places, spot, key, record, now, value, by_object):
    """Write through to what all share; the way and wait, for a Durable Object.

    `by_object`: it has loaded the value itself, so that nobody has to send it that.
    """
    totals = state.totals
    if rules.store == KV_STORE:
        if now - record.last_write < rules.write_gap:
            totals.kv_writes_refused += 1
            return 0.0
        record.last_write = now
        if spent(rules, totals, now):
            totals.kv_writes_refused += 1
            return 0.0
        totals.kv_writes += 1
        keep(rules, state, record, now, value)
        here = state.pool[find_or_add(state, KV_PLACES + spot, key)]
        copy_from(rules, record, here, now)
    elif rules.store == DO_STORE:
        target = state.objects[record.object]
        ring(rules, state, record, now)
        extra, served = 0.0, True
        if by_object:
            target.last = now
            target.free_at = (target.free_at if target.free_at > now else now) + rules.write_s
        else:
            colo = colo_of(rules, spot)
            extra, served = reach(rules, state, places, colo, target, rules.write_s, now)
        if served:
            totals.do_rows_written += rules.object_storage
            totals.do_rows_written += rules.object_alarm and value.expires < np.inf
            keep(rules, state, record, now, value)
            record.awake = target.awake
        return extra
    elif rules.store == PLAIN_STORE:
        totals.writes += 1
        write_plain(rules, state, key, record, now, value)
        if rules.store_copied:
            tell_copies(state, STORE_COPY_PLACE, key, now, value)
    return 0.0


@inner
def write_plain(rules, state, key, record, now, value):
    """Keep it, and push out what there is no room for beside it."""
    if rules.store_room < NO_BOUND and not fits(rules, value, rules.store_room):
        account(rules, state, record, now)
        leave_store(state, key)
        return
    keep(rules, state, record, now, value)
    if rules.store_room < NO_BOUND:
        give_room_in_store(state, key, value)
        while too_full(rules, state, OF_STORE, rules.store_room):
            account(rules, state, state.records[push_out(state, OF_STORE)], now)


@inner
def delete_from_store(rules, state, places, spot, key, record, now):
    totals, extra = state.totals, 0.0
    if rules.store == KV_STORE:
        totals.kv_deletes += 1
        account(rules, state, record, now)
        here = state.pool[find_or_add(state, KV_PLACES + spot, key)]
        copy_from(rules, record, here, now)
    elif rules.store == DO_STORE:
        target = state.objects[record.object]
        ring(rules, state, record, now)
        colo = colo_of(rules, spot)
        extra, served = reach(rules, state, places, colo, target, rules.write_s, now)
        if served:
            totals.do_rows_written += rules.object_storage
            totals.do_rows_written += rules.object_alarm
            account(rules, state, record, now)
    elif rules.store == PLAIN_STORE:
        totals.writes += rules.deletes
        account(rules, state, record, now)
        if rules.store_copied:
            tell_copies(state, STORE_COPY_PLACE, key, now, nothing())
        if rules.store_room < NO_BOUND:
            leave_store(state, key)
    return extra


@inner
def clean_up(rules, state, now):
    """Delete what has expired, and note how many keys there were: pages of the list are counted
    when those of all shards are known."""
    held = 0
    for key in range(len(state.records)):
        record = state.records[key]
        if record.version != NONE:
            held += 1
            if not now < record.expires:
                state.totals.kv_deletes += 1
                account(rules, state, record, now)
    state.listed[state.totals.clean_ups] = held
    state.totals.clean_ups += 1
