"""Loads that take time, for numba: who begins one, who waits for one, and what lands when.

All take equally long, so they land in the order in which they began. A ring has those in progress;
the pool says where a request may meet one: in its isolate, at its object, before the Worker.
"""

# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from cachelib.model.engines.compiled.front import keep as keep_in_front
from cachelib.model.engines.compiled.front import purge, read_front, write_front
from cachelib.model.engines.compiled.kernel import (
    code_of,
    forget,
    look_in_l1,
    read_l2,
    write_l2,
)
from cachelib.model.engines.compiled.pool import (
    FRONT_PLACES,
    GOING,
    GOING_AT_FRONT,
    GOING_AT_OBJECT,
    NONE,
    UPPER_PLACES,
    find,
    find_or_add,
    remove,
)
from cachelib.model.engines.compiled.spots import spot_of
from cachelib.model.engines.compiled.state import (
    JOINS_FRONT,
    JOINS_OBJECT,
    LOADS,
    TO_COLO,
    VALUE_BYTES,
    Held,
)
from cachelib.model.engines.compiled.stores import clean_up, held_by, write_colo_cache
from cachelib.model.engines.compiled.telling import heed
from cachelib.model.engines.compiled.tiers import (
    age,
    change,
    follow,
    load,
    put_in_l1,
    supersede,
)
from cachelib.model.engines.compiler import compiled, hot, inner
from cachelib.model.tiers.outcomes import (
    DO_MEMORY,
    DO_STORAGE,
    FAILED,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    WAITED,
    WRITTEN,
)
from cachelib.model.traffic.trace import READ, WRITE


@hot
def slot_of(state, nth):
    return nth & (len(state.loads) - 1)


@inner
def met(state, place, key):
    """The number of the load that is in progress there, or NONE: its entry has it as `loaded`."""
    at = find(state, place, key)
    return np.int64(state.pool[at].loaded) if at != NONE else np.int64(NONE)


@inner
def meet_at(state, place, key, nth):
    state.pool[find_or_add(state, place, key)].loaded = nth


@inner
def meet_no_more(state, place, key, nth):
    at = find(state, place, key)
    if at != NONE and state.pool[at].loaded == nth:
        remove(state, at)


@inner
def met_in_isolate(rules, state, number, generation, key):
    """The load that this life of the isolate has begun, or waits for, or NONE."""
    nth = met(state, GOING + number, key) if rules.joins else np.int64(NONE)
    if nth != NONE and state.loads[slot_of(state, nth)].generation != generation:
        nth = np.int64(NONE)
    return nth


@inner
def overtake(rules, state, number, generation, key):
    """What this life of the isolate loads is outdated: its key was changed."""
    nth = met_in_isolate(rules, state, number, generation, key)
    if nth != NONE:
        state.loads[slot_of(state, nth)].keeps = 0
        meet_no_more(state, GOING + number, key, nth)


@inner
def begin(rules, state, kind, number, spot, door, key, now, held, life):
    """A load, or who waits for one with something to keep; its number."""
    nth = state.totals.begun
    state.totals.begun += 1
    new = state.loads[slot_of(state, nth)]
    new.kind, new.number, new.spot, new.door, new.key = kind, number, spot, door, key
    new.version, new.size, new.loaded, new.life = held.version, held.size, held.loaded, life
    new.due, new.keeps, new.unchanged, new.by_object = now + rules.load_s, 1, 0, 0
    new.next = new.last = new.generation = NONE
    if kind != JOINS_FRONT:
        new.generation = state.isolates[number].generation
        if rules.joins:
            meet_at(state, GOING + number, key, nth)
    return nth


@inner
def hang_behind(state, first, nth):
    """Who waits lands when the load does, after those who came before."""
    head, new = state.loads[slot_of(state, first)], state.loads[slot_of(state, nth)]
    new.due, new.version, new.loaded = head.due, head.version, head.loaded
    if head.last == NONE:
        head.next = nth
    else:
        state.loads[slot_of(state, head.last)].next = nth
    head.last = nth


@inner
def land(rules, state, places, until):
    """Let every load land that is due."""
    totals = state.totals
    while totals.landed < totals.begun:
        nth = totals.landed
        first = state.loads[slot_of(state, nth)]
        if first.kind == LOADS:
            if first.due > until:
                break
            meet_no_more(state, GOING_AT_OBJECT, first.key, nth)
            meet_no_more(state, GOING_AT_FRONT + places.upper[first.door], first.key, nth)
            while nth != NONE:
                land_one(rules, state, places, nth)
                nth = state.loads[slot_of(state, nth)].next
        totals.landed += 1


@inner
def land_one(rules, state, places, nth):
    """Keep what was loaded, in the tiers that this one brings it to."""
    one = state.loads[slot_of(state, nth)]
    key, number, now = np.int64(one.key), np.int64(one.number), one.due
    spot, door = np.int64(one.spot), np.int64(one.door)
    if one.kind != JOINS_FRONT:
        meet_no_more(state, GOING + number, key, nth)
    if one.version == NONE:
        return
    if one.kind == JOINS_FRONT:
        upper = state.pool[find(state, UPPER_PLACES + places.upper[door], key)]
        keep_in_front(state, FRONT_PLACES + door, key, held_by(upper), upper.until)
        return
    record = state.records[key]
    value = Held(
        np.int64(one.version), np.int64(one.size), one.loaded, now + one.life, now + rules.soft_ttl
    )
    if one.keeps:
        if one.kind == JOINS_OBJECT:
            if rules.colo_cache:
                write_colo_cache(rules, state, spot, key, now, value)
        elif not one.unchanged:
            by_object = one.by_object == 1
            write_l2(rules, state, places, number, spot, key, record, now, value, by_object)
        elif rules.store or rules.colo_cache:
            state.totals.l2_unchanged += 1
        isolate = state.isolates[number]
        if rules.l1 and isolate.generation == one.generation:
            put_in_l1(rules, state, isolate, number, key, now, value)
    if rules.front and one.kind == LOADS:
        write_front(
            rules, state, places, door, key, now,
            Held(value.version, value.size, value.loaded, value.expires, value.expires),
        )  # fmt: skip


@inner
def wait_in_front(rules, state, places, door, key, now):
    """How deep into what is in front a read waits, and for which load, or NONE."""
    first = met(state, GOING_AT_FRONT + places.upper[door], key)
    if first == NONE:
        return NO_L2, first
    state.totals.front_hits += 1  # no Worker runs for it
    return join_in_front(rules, state, first, door, key, now), first


@inner
def join_in_front(rules, state, first, door, key, now):
    """Let the door have what a load brings; how deep into what is in front it meets that."""
    nth = first
    while nth != NONE:
        one = state.loads[slot_of(state, nth)]
        if one.door == door:
            return rules.in_colo
        nth = one.next
    nobody = Held(np.int64(NONE), np.int64(0), now, now, now)
    nth = begin(rules, state, JOINS_FRONT, np.int64(0), door, door, key, now, nobody, 0.0)
    hang_behind(state, first, nth)
    return rules.behind


@inner
def seek(rules, state, places, table, number, key, door, row, now, size, life):
    """A read at its isolate: tier, depth, way and wait; the version served, when it was loaded and
    when it ends; and the load that it waits for, or NONE."""
    isolate, record = state.isolates[number], state.records[key]
    spot = spot_of(rules, places.runs[door], row)
    tier, depth, extra = L1, NO_L2, 0.0
    version, loaded, due, lives, expires = look_in_l1(rules, state, isolate, number, key, now)
    going = met_in_isolate(rules, state, number, isolate.generation, key)
    if version == NONE and going != NONE:
        return WAITED, depth, extra, version, loaded, expires, going
    if version == NONE and (rules.store or rules.colo_cache):
        tier = L2
        depth, extra, held = read_l2(rules, state, places, spot, key, record, now)
        if held.version != NONE:
            version, loaded, due = held.version, held.loaded, held.refresh <= now
            expires = held.expires
            if rules.l1:
                put_in_l1(rules, state, isolate, number, key, now, held)
    if version != NONE and not (due and going == NONE):
        return tier, depth, extra, version, loaded, expires, np.int64(NONE)
    served = depth in (DO_MEMORY, DO_STORAGE)  # else the object is overloaded
    asked_object = version == NONE and served
    if asked_object:
        first = met(state, GOING_AT_OBJECT, key)
        if first != NONE:
            nobody = Held(np.int64(NONE), np.int64(size), now, now, now)
            nth = begin(rules, state, JOINS_OBJECT, number, spot, door, key, now, nobody, life)
            hang_behind(state, first, nth)
            return WAITED, depth, extra, version, loaded, expires, first
    fresh, _ = load(rules, state, table, record, row, now)
    new = Held(fresh, np.int64(size), now, now, now)
    nth = begin(rules, state, LOADS, number, spot, door, key, now, new, life)
    if version != NONE:
        state.totals.refreshes += 1
        if rules.only_if_changed and lives and fresh == version:
            state.loads[slot_of(state, nth)].unchanged = 1
        return tier, depth, extra, version, loaded, expires, np.int64(NONE)
    if asked_object:
        meet_at(state, GOING_AT_OBJECT, key, nth)
        state.loads[slot_of(state, nth)].by_object = rules.object_loads
        state.totals.do_loads += rules.object_loads
    if rules.front:
        meet_at(state, GOING_AT_FRONT + places.upper[door], key, nth)
    return ORIGIN, depth, extra, version, loaded, expires, nth


@inner
def alter(rules, state, places, table, number, key, colo, row, now, op, size, life):
    """A write or a deletion at its isolate: way and wait."""
    isolate, record = state.isolates[number], state.records[key]
    spot = spot_of(rules, colo, row)
    overtake(rules, state, number, isolate.generation, key)
    supersede(state, record, now)
    if rules.purges:
        purge(rules, state, places, key, now)
    if op != WRITE:
        return forget(rules, state, places, isolate, number, key, record, spot, now)
    fresh = change(rules, state, table, record, row, now)
    new = Held(fresh, np.int64(size), now, now + life, now + rules.soft_ttl)
    extra = write_l2(rules, state, places, number, spot, key, record, now, new, False)
    if rules.l1:
        put_in_l1(rules, state, isolate, number, key, now, new)
    return extra


@inner
def heed_all(rules, state, number, colo, after, now):
    """Drop what others changed, and what is being loaded of it."""
    isolate = state.isolates[number]
    nth = isolate.heard
    heed(rules, state, isolate, number, colo, after, now)
    while nth < isolate.heard:
        message = state.messages[nth]
        if message.isolate != number and not (rules.tells == TO_COLO and message.colo != colo):
            overtake(rules, state, number, isolate.generation, np.int64(message.key))
        nth += 1


@inner
def clean_up_and_land(rules, state, places, until):
    """All that happens by itself until then, in the order of time."""
    totals = state.totals
    while until >= totals.next_clean_up:
        land(rules, state, places, totals.next_clean_up)
        clean_up(rules, state, totals.next_clean_up)
        totals.next_clean_up += rules.clean_up_every
    land(rules, state, places, until)


@compiled
def run_waiting(
    rules, state, places, table, row, rows, time, keys, colos, isolates, generations, ops, sizes,
    lives, outcomes,
):  # fmt: skip
    """`kernel.run` where loads take time."""
    codes, extras, ages, lates = outcomes
    totals = state.totals
    for i in range(len(time)):
        now = time[i]
        key, door, number = np.int64(keys[i]), np.int64(colos[i]), np.int64(isolates[i])
        colo = places.runs[door]
        clean_up_and_land(rules, state, places, now)
        version, waits_for, overdue = np.int64(NONE), np.int64(NONE), False
        tier, depth, extra, loaded = L2, NO_L2, 0.0, now
        if rules.front and ops[i] == READ:
            depth, held, overdue = read_front(rules, state, places, door, key, now)
            version, loaded = held.version, held.loaded
            if version == NONE:
                depth, waits_for = wait_in_front(rules, state, places, door, key, now)
                tier = WAITED if waits_for != NONE else L2
            elif overdue:
                going = met(state, GOING_AT_FRONT + places.upper[door], key)
                if going != NONE:
                    join_in_front(rules, state, going, door, key, now)
                    overdue = False
        if (version == NONE or overdue) and waits_for == NONE:
            life, size = rules.hard_ttl, np.int64(sizes[i])
            if len(lives) and lives[i] > 0:
                life = np.float64(lives[i])
            if rules.sized:
                size = size if size > VALUE_BYTES else VALUE_BYTES
            numbered = rows[i] if len(rows) else row + i
            isolate = state.isolates[number]
            if rules.l1:
                if len(generations):
                    follow(state, isolate, np.int64(generations[i]))
                else:
                    age(rules, state, table, isolate, number, now)
            if rules.tells:
                heed_all(rules, state, number, colo, places.told_after[colo], now)
            if ops[i] == READ:
                loads = totals.origin_loads
                ran = seek(
                    rules, state, places, table, number, key, door, numbered, now, size, life
                )
                if rules.front and ran[3] != NONE:
                    value = Held(ran[3], size, ran[4], ran[5], ran[5])
                    write_front(rules, state, places, door, key, now, value)
                if overdue:  # what has ended is served; nobody waits
                    totals.front_refreshes += 1
                    totals.refreshes += totals.origin_loads - loads
                else:
                    tier, depth, extra, version, loaded, _, waits_for = ran
            else:
                tier, depth = WRITTEN, NO_L2
                extra = alter(
                    rules, state, places, table, number, key, colo, numbered, now, ops[i], size,
                    life,
                )  # fmt: skip
        served = now
        if waits_for != NONE:
            one = state.loads[slot_of(state, waits_for)]
            version, loaded, served = np.int64(one.version), one.loaded, one.due
            if tier == WAITED:
                extra += (served - now) * 1e3
            if version == NONE:
                extra -= rules.load_s * 1e3 if tier == WAITED else 0.0  # that, a failure takes
                tier = FAILED
        codes[i] = code_of(tier, depth)
        extras[i] = extra
        ages[i] = lates[i] = 0.0
        if version != NONE:
            ages[i] = served - loaded
            late = now - state.superseded[version]
            lates[i] = late if late > 0 else 0.0


@compiled
def land_until(rules, state, places, until, tidy):
    """All that happens by itself until then, clean-ups only where they are due."""
    if tidy:
        clean_up_and_land(rules, state, places, until)
    else:
        land(rules, state, places, until)


@compiled
def finish_waiting(rules, state, places, last):
    """What is left to clean up until the last request, and to land after it."""
    clean_up_and_land(rules, state, places, last)
    land(rules, state, places, np.inf)
