"""The rules of the reference engine, request by request, for numba."""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.ahead import BLOCK, NEAR_ENOUGH, fetch
from cachelib.model.engines.compiled.front import purge, read_front, write_front
from cachelib.model.engines.compiled.pool import NONE, find, link_newest, unlink
from cachelib.model.engines.compiled.spots import colo_of, spot_of
from cachelib.model.engines.compiled.state import VALUE_BYTES, Held
from cachelib.model.engines.compiled.stores import (
    clean_up,
    delete_from_colo_cache,
    delete_from_store,
    nothing,
    read_colo_cache,
    read_store,
    write_colo_cache,
    write_store,
)
from cachelib.model.engines.compiled.telling import heed, tell
from cachelib.model.engines.compiled.tiers import (
    age,
    change,
    follow,
    load,
    put_in_l1,
    renewed,
    supersede,
    take_from_l1,
)
from cachelib.model.engines.compiler import compiled, hot
from cachelib.model.tiers import outcomes as said
from cachelib.model.tiers.outcomes import (
    DO_MEMORY,
    DO_STORAGE,
    FAILED,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    WRITTEN,
)
from cachelib.model.traffic.trace import READ, WRITE

code_of = hot(said.code_of)


@hot
def read_l2(rules, state, places, spot, key, record, now):
    """The shared tiers, the nearest first: depth, way and wait, and the living value, if any."""
    depth, extra, held = NO_L2, 0.0, nothing()
    if rules.colo_cache:
        depth, held = rules.colo_depth, read_colo_cache(rules, state, spot, key, now)
    if rules.store and held.version == NONE:
        far, extra, held = read_store(rules, state, places, spot, key, record, now)
        depth = depth if far == NO_L2 else far
        if rules.colo_cache and held.version != NONE:
            write_colo_cache(rules, state, spot, key, now, held)
    return depth, extra, held


@hot
def loads_itself(rules, depth):
    """Whether it is a Durable Object that loads what was not found there, one that served."""
    return rules.object_loads and depth in (DO_MEMORY, DO_STORAGE)


@hot
def write_l2(rules, state, places, number, spot, key, record, now, value, by_object):
    extra = write_store(rules, state, places, spot, key, record, now, value, by_object)
    if rules.colo_cache:
        write_colo_cache(rules, state, spot, key, now, value)
    if rules.tells:
        tell(state, number, colo_of(rules, spot), key, now)
    return extra


@hot
def look_in_l1(rules, state, isolate, number, key, now):
    """The version that L1 has, or NONE; when it was loaded; whether it is due to be loaded anew,
    and has not expired; and when it does."""
    version, loaded, due, lives, expires = np.int64(NONE), now, False, True, now
    if rules.l1:
        at = find(state, number, key)
        entry = state.pool[at]
        if at != NONE and now < entry.until and entry.generation == isolate.generation:
            version, loaded, due = np.int64(entry.version), entry.loaded, entry.refresh <= now
            lives, expires = now < entry.expires, entry.expires
            if rules.sliding:
                entry.until = now + rules.l1_ttl
            if rules.bounded:
                unlink(state.pool, isolate, at)
                link_newest(state.pool, isolate, at)
    return version, loaded, due, lives, expires


@hot
def answer(rules, state, places, table, isolate, number, key, record, spot, row, now):
    """A read: tier, depth, way and wait; the version served, when it was loaded and when it ends;
    the version to keep, or NONE; and whether that need not be written to L2.
    """
    tier, depth, extra = L1, NO_L2, 0.0
    version, loaded, due, lives, expires = look_in_l1(rules, state, isolate, number, key, now)
    if version == NONE and (rules.store or rules.colo_cache):
        tier = L2
        depth, extra, held = read_l2(rules, state, places, spot, key, record, now)
        if held.version != NONE:
            version, loaded, due = held.version, held.loaded, held.refresh <= now
            expires = held.expires
            if rules.l1:
                put_in_l1(rules, state, isolate, number, key, now, held)
    fresh, unchanged = np.int64(NONE), False
    if version == NONE or due:
        fresh, wait = load(rules, state, table, record, row, now)
        if version != NONE:
            state.totals.refreshes += 1
            unchanged = rules.only_if_changed and lives and fresh == version
        else:
            tier, version = ORIGIN if fresh != NONE else FAILED, fresh
            extra += wait
            state.totals.do_loads += loads_itself(rules, depth)
    return tier, depth, extra, version, loaded, expires, fresh, unchanged


@hot
def forget(rules, state, places, isolate, number, key, record, spot, now):
    """A deletion, from L2 and from this isolate's L1; the way and wait."""
    extra = delete_from_store(rules, state, places, spot, key, record, now)
    if rules.colo_cache:
        delete_from_colo_cache(rules, state, spot, key, now)
    if rules.tells:
        tell(state, number, colo_of(rules, spot), key, now)
    if rules.l1:
        take_from_l1(rules, state, isolate, number, key)
    return extra


@hot
def work(rules, state, places, table, number, generation, key, door, row, now, op, size, life):
    """The Worker runs: tier, depth, way and wait; the version served and when it was loaded."""
    colo, isolate, record = places.runs[door], state.isolates[number], state.records[key]
    spot = spot_of(rules, colo, row)
    if rules.l1:
        if generation == NONE:
            age(rules, state, table, isolate, number, now)
        else:
            follow(state, isolate, generation)
    if rules.tells:
        heed(rules, state, isolate, number, colo, places.told_after[colo], now)
    tier, depth, extra = WRITTEN, NO_L2, 0.0
    version = fresh = np.int64(NONE)
    loaded, expires, unchanged = now, now, False
    if op == READ:
        tier, depth, extra, version, loaded, expires, fresh, unchanged = answer(
            rules, state, places, table, isolate, number, key, record, spot, row, now
        )
    else:
        supersede(state, record, now)
        if op == WRITE:
            fresh = change(rules, state, table, record, row, now)
        else:
            extra = forget(rules, state, places, isolate, number, key, record, spot, now)
        if rules.purges:
            purge(rules, state, places, key, now)
    if fresh != NONE:
        if rules.sized:
            size = size if size > VALUE_BYTES else VALUE_BYTES
        new = Held(fresh, size, now, now + life, now + rules.soft_ttl)
        if not unchanged:
            by_object = tier == ORIGIN and loads_itself(rules, depth)
            way = write_l2(rules, state, places, number, spot, key, record, now, new, by_object)
            if tier == WRITTEN:
                extra = way
        elif rules.store or rules.colo_cache:
            state.totals.l2_unchanged += 1
        if rules.l1:
            put_in_l1(rules, state, isolate, number, key, now, new)
        expires = new.expires
    if rules.front and version != NONE and op == READ:
        kept = Held(version, size, loaded, expires, expires)
        write_front(rules, state, places, door, key, now, kept)
    return tier, depth, extra, version, loaded


@compiled
def run(
    rules, state, places, table, row, rows, time, keys, colos, isolates, generations, ops, sizes,
    lives, outcomes,
):  # fmt: skip
    """Every request of a piece; see `Outcomes` for the columns of the result.

    `row` is the number of the first; or `rows` has that of each. `generations` are those of the
    isolates, where the first of two passes has found them; or it is empty.
    `lives` are the TTLs that requests ask for, 0 for the design's; or it is empty.
    """
    codes, extras, ages, lates = outcomes
    totals = state.totals
    for i in range(len(time)):
        if i % BLOCK == 0 and totals.used > NEAR_ENOUGH:
            block = slice(i, min(i + BLOCK, len(time)))
            totals.seen += fetch(rules, state, places, keys[block], colos[block], isolates[block])
        now = time[i]
        key, door, number = np.int64(keys[i]), np.int64(colos[i]), np.int64(isolates[i])
        while now >= totals.next_clean_up:
            clean_up(rules, state, totals.next_clean_up)
            totals.next_clean_up += rules.clean_up_every
        version, overdue = np.int64(NONE), False
        tier, depth, extra, loaded = L2, NO_L2, 0.0, now
        if rules.front and ops[i] == READ:
            depth, held, overdue = read_front(rules, state, places, door, key, now)
            version, loaded = held.version, held.loaded
        if version == NONE or overdue:
            life = rules.hard_ttl
            if len(lives) and lives[i] > 0:
                life = np.float64(lives[i])
            generation = np.int64(generations[i]) if len(generations) else np.int64(NONE)
            numbered = rows[i] if len(rows) else row + i
            loads = totals.origin_loads
            ran = work(
                rules, state, places, table, number, generation, key, door, numbered, now,
                ops[i], np.int64(sizes[i]), life,
            )  # fmt: skip
            if overdue:  # what has ended is served; nobody waits
                totals.front_refreshes += 1
                totals.refreshes += totals.origin_loads - loads
            else:
                tier, depth, extra, version, loaded = ran
        codes[i] = code_of(tier, depth)
        extras[i] = extra
        ages[i] = lates[i] = 0.0
        if version != NONE:
            ages[i] = now - loaded
            late = now - state.superseded[version]
            lates[i] = late if late > 0 else 0.0


@compiled
def clean_up_until(rules, state, last):
    """What is left to clean up when other shards have had the last requests."""
    while last >= state.totals.next_clean_up:
        clean_up(rules, state, state.totals.next_clean_up)
        state.totals.next_clean_up += rules.clean_up_every


@compiled
def live(rules, isolates, totals, table, time, numbers, generations):
    """The first of two passes: the generation that each request finds its isolate in."""
    for i in range(len(time)):
        number = np.int64(numbers[i])
        isolate = isolates[number]
        renewed(rules, totals, table, isolate, number, time[i])
        generations[i] = isolate.generation
