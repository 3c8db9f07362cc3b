"""One `TieredCache` for each isolate, all over one modelled store, request by request."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cachelib import MemoryCache, TieredCache
from cachelib.model.engines.exact import PER_BYTE_SECOND
from cachelib.model.engines.random import CACHES, key_of
from cachelib.model.engines.reference.front import Front
from cachelib.model.engines.reference.kv import KeyValue
from cachelib.model.engines.reference.lives import Isolate, Lives
from cachelib.model.engines.reference.others import (
    DurableObjects,
    Layered,
    Listening,
    OneForAll,
    OneInEachColo,
)
from cachelib.model.engines.reference.rounds import Rounds
from cachelib.model.engines.reference.waiting import Errands, Load, Patient
from cachelib.model.engines.reference.world import (
    NOTHING,
    Inline,
    ModelStore,
    Origin,
    OriginDownError,
    Value,
    ValueCodec,
    World,
)
from cachelib.model.engines.ways import told_after_s, uppers
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform, is_sized
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import (
    CODE_TYPE,
    FAILED,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    WAITED,
    WRITTEN,
    Outcomes,
    code_of,
)
from cachelib.model.tiers.tier import Tier
from cachelib.model.traffic.trace import READ, WRITE, Trace

OF_THEIR_OWN = {"kv": KeyValue, "durable-object": DurableObjects}
"""Stores with rules that no description says."""

SILENT = logging.Logger("cachelib.simulation", logging.CRITICAL + 1)  # its failures are drawn


class Reference:
    """Simulates a design by running the library's own cache."""

    def __init__(self, design: Design, platform: Platform, seed: int) -> None:
        self.design, self.platform = design, platform
        self.world = World()
        self.world.part_caches(platform.caches_per_colo, key_of(seed, CACHES))
        self.origin = Origin(self.world, platform, seed)
        self.stores = [self._store(tier) for tier in design.stores]
        self.errands, self.sized = Errands(self.world), is_sized(design, platform)
        self.objects = next((s for s in self.stores if isinstance(s, DurableObjects)), None)
        self.front = self._front(design.front)
        self.rounds = Rounds(self.world, self.errands, self.stores, self.front)
        self.ends: dict[int, float] = {}  # by version, of what may stand in front of a Worker
        self.isolates: dict[int, Isolate] = {}
        self.lives = Lives(platform, seed)
        ends = (platform.isolate_idle_s, platform.isolate_life_s, platform.deploy_every_s)
        self.mortal = design.l1 and min(ends) < math.inf
        self.next_clean_up = math.inf

    def run(
        self, piece: Trace, isolate: npt.NDArray[np.int32], row: int, places: Geography
    ) -> Outcomes:
        """The next requests; `row` is the number of the first."""
        self._place(places)
        self.rounds.know(piece, places)
        self.world.told_after_s = told_after_s(self.design, self.platform, places).tolist()
        if row == 0 and len(piece):
            self._begin(float(piece.time_s[0]))
        world, n = self.world, len(piece)
        code = [0] * n
        extra, age, late = ([0.0] * n for _ in range(3))
        least = ValueCodec.least if self.sized else 0
        lives = np.zeros(n, np.float32) if piece.ttl_s is None else piece.ttl_s
        runs = places.runs[piece.colo]
        columns = (piece.time_s, piece.key, piece.colo, runs, isolate, piece.op, piece.size, lives)
        keys, isolates, superseded = piece.keys, self.isolates, self.origin.superseded
        patient, listens = self.platform.load_s > 0, self.design.listen
        read, mortal, front, start = self._read, self.mortal, self.front, self.lives.start
        for i, (now, key, readers_colo, colo, number, op, size, life) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        ):
            if now >= self.next_clean_up or now >= self.rounds.due_s:
                self._by_the_clock(now)
            if patient:
                self.errands.land(now)
                world.joined = None
            world.asked_object = False
            world.now, world.row, world.colo, world.isolate = now, row + i, colo, number
            world.readers_colo, world.size = readers_colo, size if size > least else least
            world.tier, world.depth, world.extra_ms = L1, NO_L2, 0.0
            value, load = None, None
            if front and op == READ:
                value = front.get(keys[key])
                load = front.meet(keys[key]) if patient and value is None else None
                if value is not None and front.overdue:
                    self._revalidate(front, number, keys[key], life)
            if value is None and load is None:
                reached = isolates.get(number) or self._isolate(number)
                if mortal:
                    self._age(reached)
                if listens:
                    reached.cache.heed_changes()
                if op != READ:
                    self._change(reached.cache, keys[key], op, life)
                elif patient:
                    value, load = self._seek(reached, keys[key], life)
                elif (value := read(reached.cache, keys[key], life)) and front:
                    end = self._end(reached.cache, keys[key], value, life)
                    front.put(keys[key], value, end, start)
            served = now
            if load is not None:
                value, served = load.value, load.due
                self._await(load)
            code[i] = code_of(world.tier, world.depth)
            if world.extra_ms:
                extra[i] = world.extra_ms
            if value is not None:
                version, loaded_at = value
                if loaded_at < served:
                    age[i] = served - loaded_at
                if superseded[version] < now:
                    late[i] = now - superseded[version]
        seconds = (np.array(column, np.float32) for column in (extra, age, late))
        return Outcomes(np.array(code, CODE_TYPE), *seconds)

    def finish(self, end: float) -> tuple[dict[str, int], float]:
        """The counts, and byte-seconds stored until `end`."""
        while self.rounds.due_s <= end:
            self.rounds.empty()
        self.errands.land(math.inf)
        for store in self.stores:
            store.finish(end)
        return self.world.counts, self.world.stored / PER_BYTE_SECOND

    def _note_at_hand(self, cache: TieredCache, key: str) -> None:
        if self.design.write_only_if_changed:
            near = cache.l1.peek(key)
            self.world.at_hand = NOTHING
            if near and self.world.now < near.expires_at:
                self.world.at_hand = near.value[0]

    def _seek(self, reached: Isolate, key: str, life: float) -> tuple[Value | None, Load | None]:
        """A read where loads take time: the value, or the load that it waits for."""
        cache = reached.cache
        self._note_at_hand(cache, key)
        if not self.design.joins:  # nobody knows what others do: each as if it had its own cache
            cache = self._cache(reached.l2, cache.l1)

        def landed(value: Value) -> None:
            end = self._begins(value, life)
            if self.front:
                self.front.put_in_all(key, value, end, self.lives.start, load)

        value = cast(Patient, cache).seek(key, self._depart, landed, life)
        if value is None:
            load = cast(Patient, cache).going[key]
            return None, load
        if self.front:
            self.front.put(key, value, self._end(cache, key, value, life), self.lives.start)
        if self.design.expiry == "sliding" and self.world.tier == L1:
            self._renew(cache, key, value)
        return value, None

    def _depart(self, cache: Patient, key: str) -> Any:
        """Begin to load, or wait for who does already."""
        world = self.world
        load: Load | None = world.joined
        if load is None:
            load = self._set_out(key)
        cache.going[key] = load
        return load.landed()

    def _set_out(self, key: str) -> Load:
        world, value = self.world, None
        self._count_load()
        with suppress(OriginDownError):
            value = self.origin.load(key)
        load = Load(key, value, world.version, world.now + self.platform.load_s)
        self.errands.loads.append(load)
        if world.background:
            return load
        world.tier = ORIGIN
        if self.objects and world.asked_object:
            load.met_at(self.objects.loading)
        if self.front:
            load.colos = [world.readers_colo]
            load.met_at(self.front.meeting)
        return load

    def _await(self, load: Load) -> None:
        """Say how a read ends that waits for a load: its own, or another's."""
        world = self.world
        if world.tier != ORIGIN:
            world.tier = WAITED
            world.extra_ms += (load.due - world.now) * 1e3
        if load.value is None:
            if world.tier == WAITED:
                world.extra_ms -= self.platform.load_s * 1e3  # that, a failure takes
            world.tier = FAILED

    def _read(self, cache: TieredCache, key: str, life: float) -> Value | None:
        self._note_at_hand(cache, key)
        try:
            value: Value = (
                cache.get_or_load(key, self._load, l2_ttl=life)
                if life > 0
                else cache.get_or_load(key, self._load)
            )
        except OriginDownError:
            self.world.tier = FAILED
            return None
        if self.design.expiry == "sliding" and self.world.tier == L1:
            self._renew(cache, key, value)
        return value

    def _end(self, cache: TieredCache, key: str, value: Value, life: float) -> float:
        """When the value ends that was just served."""
        world = self.world
        if world.tier == ORIGIN:
            return self._begins(value, life)
        if world.tier == L2:
            return world.expires
        if not self.stores:  # an L1 alone knows no other end than its own
            return self.ends[value[0]]
        near = cache.l1.peek(key)
        return world.now if near is None else near.expires_at

    def _revalidate(self, front: Front, number: int, key: str, life: float) -> None:
        """Run the Worker for an answer that has ended and was served; nobody waits for it."""
        world = self.world
        if front.join(key):
            return
        served = world.tier, world.depth, world.extra_ms
        world.tier, world.depth, loads = L1, NO_L2, world.counts["origin_loads"]
        world.counts[front.counted.refreshes] += 1
        reached = self.isolates.get(number) or self._isolate(number)
        if self.mortal:
            self._age(reached)
        if self.platform.load_s:
            self._seek(reached, key, life)
        elif value := self._read(reached.cache, key, life):
            front.put(key, value, self._end(reached.cache, key, value, life), self.lives.start)
        world.counts["refreshes"] += world.counts["origin_loads"] - loads
        world.tier, world.depth, world.extra_ms = served

    def _begins(self, value: Value, life: float) -> float:
        """When a value ends that was just loaded or written."""
        end = self.world.now + (life if life > 0 else self.design.hard_ttl_s)
        if self.front:
            self.ends[value[0]] = end
        return end

    def _renew(self, cache: TieredCache, key: str, value: Value) -> None:
        """Set what was hit again, as large as it was, as applications do whose TTL slides."""
        near = cache.l1.peek(key)
        if near is not None:
            self.world.size = near.size - len(key)
            cache.set(key, value, skip_l2=True)

    def _change(self, cache: TieredCache, key: str, op: int, life: float) -> None:
        world = self.world
        options: dict[str, Any] = {"l2_ttl": life} if life > 0 else {}
        world.writing = True
        if op == WRITE:
            value = self.origin.write(key)
            self._begins(value, life)
            cache.set(key, value, **options)
        else:
            self.origin.supersede(key)
            cache.delete(key)
        if self.front and self.design.purge_on_write:
            self.front.purge(key)
        world.writing, world.tier, world.depth = False, WRITTEN, NO_L2

    def _load(self, key: str) -> Value:
        self._count_load()
        if not self.world.background:
            self.world.tier = ORIGIN
        return self.origin.load(key)

    def _count_load(self) -> None:
        counts = self.world.counts
        counts["refreshes"] += self.world.background
        counts["do_loads"] += self.objects is not None and self.objects.asked_for_it

    def _isolate(self, number: int) -> Isolate:
        made = self.isolates[number] = Isolate(number, self._l2(number))
        made.cache = self._cache(made.l2)
        return made

    def _age(self, isolate: Isolate) -> None:
        if reason := self.lives.renew(isolate, self.world.now):
            self.world.counts[f"isolates_lost_{reason}"] += 1
            isolate.cache = self._cache(isolate.l2)

    def _cache(
        self, l2: ModelStore | Listening | None, l1: MemoryCache | None = None
    ) -> TieredCache:
        design = self.design
        kind: Any = TieredCache
        if self.platform.load_s:
            kind = partial(Patient, errands=self.errands)
        options: dict[str, Any] = {}
        if design.refresh_after_s < math.inf:
            options = {
                "soft_ttl": design.refresh_after_s,
                "look_before_refresh": False,  # as the designs of the field that are modelled here
                "executor": Inline(self.world),
            }
        bounds: dict[str, int | None] = {"max_entries": design.l1_max_entries}
        if design.l1_max_bytes is not None:
            bounds["max_bytes"] = design.l1_max_bytes
        if l1 is None and design.l1:
            l1 = MemoryCache(**bounds)
        made: TieredCache = kind(
            l1 if design.l1 else None,
            l2,
            l1_ttl=design.l1_ttl_s,
            l2_ttl=None if design.hard_ttl_s == math.inf else design.hard_ttl_s,
            expiry="inherited" if design.expiry == "inherited" else "independent",
            clock=self.world.clock,
            codec=ValueCodec(self.world, padded=self.sized),
            logger=SILENT,
            **options,
        )
        return made

    def _store(self, tier: Tier) -> ModelStore:
        if not tier.plain:
            return OF_THEIR_OWN[tier.word](self.world, self.platform, self.design)
        kind = OneInEachColo if tier.scope == "colo" else OneForAll
        return kind(self.world, tier, self.design, self.platform)

    def _front(self, tier: Tier | None) -> Front | None:
        if tier is None or tier.in_front is None:
            return None
        stale_s = self.design.stale_while_revalidate_s or 0.0
        return Front(self.world, tier, tier.in_front, self.platform, stale_s)

    def _l2(self, number: int) -> ModelStore | Listening | None:
        """All shared tiers as the one that the library's cache knows, in that isolate."""
        if len(self.stores) > 1:
            return Layered(self.world, self.design, self.stores)
        if self.design.listen:
            return Listening(self.stores[0], self.design.stores[0], number)
        return self.stores[0] if self.stores else None

    def _place(self, places: Geography) -> None:
        if self.front:
            self.front.uppers = uppers(self.design, places).tolist()
        for store in self.stores:
            if isinstance(store, KeyValue):
                store.region = places.region.tolist()
            if isinstance(store, DurableObjects):
                store.host, store.to_host = places.host.tolist(), places.to_host.tolist()

    def _begin(self, start: float) -> None:
        self.lives.start = start
        if self.design.policy == "clean-up":
            self.next_clean_up = start + self.design.clean_up_every_s

    def _by_the_clock(self, until: float) -> None:
        """All that no request asks for, in the order of time."""
        while (due := min(self.next_clean_up, self.rounds.due_s)) <= until:
            if due == self.next_clean_up:
                self._clean_up()
            else:
                self.rounds.empty()

    def _clean_up(self) -> None:
        self.errands.land(self.next_clean_up)
        self.world.now = self.next_clean_up
        for store in self.stores:
            if isinstance(store, KeyValue):
                store.clean_up()
        self.next_clean_up += self.design.clean_up_every_s
