"""Durable Objects as documented, and tiers that their description says all of.

Source: developers.cloudflare.com/durable-objects, read 2026-11-26.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from functools import partial
from zlib import crc32

from cachelib import Stored
from cachelib.model.engines.reference.copies import Copies
from cachelib.model.engines.reference.room import Room
from cachelib.model.engines.reference.waiting import Load
from cachelib.model.engines.reference.world import (
    Change,
    ModelStore,
    World,
    alive,
    value_bytes,
)
from cachelib.model.platforms.platform import Platform, room_of
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import (
    DO_MEMORY,
    DO_STORAGE,
    L2,
    depths,
)
from cachelib.model.tiers.tier import Tier


class Object:
    """One Durable Object: where it is, when it is free, and which of its keys are in memory."""

    def __init__(self, home: int) -> None:
        self.home = home
        self.free_at = self.last = 0.0
        self.memory: set[str] = set()


class DurableObjects(ModelStore):
    """One object a key, or `objects` in all, created near its first caller; it never moves.

    Requests queue beyond its rate and fail when the queue is too long; memory is lost when idle.
    """

    def __init__(self, world: World, platform: Platform, design: Design) -> None:
        super().__init__(world, design, erased_at_expiry=design.object_alarm)
        self.alarm = design.object_alarm
        self.platform, self.shards = platform, design.objects
        self.stores, self.loads = design.object_storage, design.object_loads
        self.read_s = self.write_s = 1 / platform.do_requests_per_s
        if self.stores:
            self.write_s = 1 / platform.do_writes_per_s
        self.host: list[int] = []
        self.to_host: list[list[float]] = []
        self.objects: dict[object, Object] = {}
        self.loading: dict[str, Load] = {}  # by whoever asked first; others wait for him

    def read(self, key: str, now: float) -> Stored | None:
        self.world.tier = L2
        target = self._reach(key, self.read_s, waited=True)
        if target is None:
            return None
        self.world.depth, self.world.asked_object = DO_STORAGE, True
        record = self.records.get(key)
        if not self.stores and key not in target.memory:
            record = None
        if key in self.loading and not alive(record and record[0], now):
            self.world.depth, self.world.joined = DO_MEMORY, self.loading[key]
            return None
        if not self.stores:
            self.world.depth = DO_MEMORY
            return record[0] if record and alive(record[0], now) else None
        if record is None:
            self.world.counts["do_rows_read"] += 1
            return None
        if key in target.memory:
            self.world.depth = DO_MEMORY
        else:
            self.world.counts["do_rows_read"] += 1
            target.memory.add(key)
        return record[0] if alive(record[0], now) else None

    def write(self, key: str, stored: Stored) -> None:
        if self.world.joined:
            return  # whoever loads it writes it
        target = self._loaded(key) or self._reach(key, self.write_s, waited=self.world.writing)
        if target is not None:
            ends = self.alarm and stored.expires_at is not None
            self.world.counts["do_rows_written"] += self.stores + ends
            self.keep(key, stored)
            target.memory.add(key)

    def delete(self, key: str) -> None:
        target = self._reach(key, self.write_s, waited=self.world.writing)
        if target is not None:
            self.world.counts["do_rows_written"] += self.stores + self.alarm
            self.drop(key)
            target.memory.discard(key)

    @property
    def asked_for_it(self) -> bool:
        """Whether the object itself loads what the request at hand did not find there."""
        world = self.world
        return self.loads and world.asked_object and not (world.writing or world.background)

    def _loaded(self, key: str) -> Object | None:
        """The object, if it has loaded the value itself: nobody has to send it that."""
        if not self.asked_for_it:
            return None
        now = self.world.now
        self._ring(key, now)
        target = self.objects[self._name(key)]
        target.last = now
        target.free_at = max(target.free_at, now) + self.write_s
        return target

    def _name(self, key: str) -> object:
        return key if self.shards is None else crc32(key.encode()) % self.shards

    def _reach(self, key: str, service_s: float, *, waited: bool) -> Object | None:
        """The object, after a wait; None if it is overloaded. `waited`: the request waits too."""
        world, now = self.world, self.world.now
        self._ring(key, now)
        name = self._name(key)
        target = self.objects.get(name)
        if target is None:
            target = self.objects[name] = Object(self.host[world.colo])
        wait = max(0.0, target.free_at - now)
        if wait > self.platform.do_queue_s:
            world.counts["do_overloaded"] += 1
            wait, served = self.platform.do_queue_s, None
        else:
            served = self._serve(target, service_s)
        if waited:
            world.extra_ms = wait * 1e3 + self.to_host[world.colo][target.home]
        return served

    def has(self, key: str) -> bool:
        self._ring(key, self.world.now)
        return super().has(key)

    def finish(self, end: float) -> None:
        for key in tuple(self.records):
            self._ring(key, end)
        super().finish(end)

    def _ring(self, key: str, now: float) -> None:
        """Let the alarm delete the value, if it came until now."""
        record = self.records.get(key) if self.alarm else None
        ends = record[0].expires_at if record else None
        if record is None or ends is None or now < ends:
            return
        self.world.stored += self._held(record, ends)
        del self.records[key]
        target = self.objects[key]
        target.memory.discard(key)
        target.free_at = max(target.free_at, ends) + self.write_s
        for name in ("do_alarms", "do_requests", "do_rows_written"):
            self.world.counts[name] += 1

    def _serve(self, target: Object, service_s: float) -> Object:
        now = self.world.now
        if now - target.last > self.platform.do_idle_s:
            target.memory.clear()
        target.last = now
        target.free_at = max(target.free_at, now) + service_s
        self.world.counts["do_requests"] += 1
        return target


class OneForAll(ModelStore):
    """A tier whose rules follow from its description, with one copy for the world."""

    def __init__(self, world: World, tier: Tier, design: Design, platform: Platform) -> None:
        super().__init__(world, design, erased_at_expiry=tier.erases)
        most = room_of(tier, platform)
        beside = int(getattr(platform, tier.beside)) if tier.beside else 0
        self.new_room = partial(Room, most, beside) if most < math.inf else None
        self.room = self.new_room() if self.new_room else None
        self.tier, self.reads, self.writes = tier, tier.reads, tier.writes
        self.tells = tier.tells if design.listen else ""
        lag_s = platform.lag_s(tier) if design.replicas else 0.0
        self.copies = Copies(world, lag_s) if lag_s else None
        self.lists = tier.meters[tier.listing] if tier.listing else ""
        (self.depth,) = depths(tier)

    def read(self, key: str, now: float) -> Stored | None:
        self.world.tier, self.world.depth = L2, self.depth
        self.world.counts[self.reads] += 1
        if self.copies:
            copy = self.copies.get(self.where(key))
            return copy if alive(copy, now) else None
        record = self.records.get(key)
        if record is not None and alive(record[0], now):
            if self.room:
                self.room.asked(key)
            return record[0]
        if self.room and self.room.leave(key):
            self.drop(key)
        return None

    def write(self, key: str, stored: Stored) -> None:
        self.world.counts[self.writes] += 1
        self.keep(key, stored)
        for pushed_out in self.room.take(key, value_bytes(stored)) if self.room else ():
            self.drop(pushed_out)
        self.tell(key, stored)

    def delete(self, key: str) -> None:
        if self.tier.deletes:
            self.world.counts[self.tier.deletes] += 1
        self.drop(key)
        if self.room:
            self.room.leave(key)
        self.tell(key)

    def tell(self, key: str, stored: Stored | None = None) -> None:
        """Send a message of a change to those who listen, and to copies what there is now."""
        if self.copies:
            self.copies.tell(self.where(key), stored)
        if self.tells:
            world = self.world
            world.counts[self.tells] += 1
            world.messages.append(Change(world.now, world.isolate, world.colo, key))

    def where(self, key: str) -> Hashable:
        """What the tier knows it by."""
        return key


class OneInEachColo(OneForAll):
    """Such a tier with a copy in each colo, shared by its isolates and by nobody else."""

    def __init__(self, world: World, tier: Tier, design: Design, platform: Platform) -> None:
        super().__init__(world, tier, design, platform)
        self.held: dict[tuple[int, str], Stored] = {}
        self.rooms: dict[int, Room] = {}
        self.parted = tier.parted

    @property
    def place(self) -> int:
        """Which copy of it the request at hand meets."""
        return self.world.spot if self.parted else self.world.colo

    def _room(self) -> Room | None:
        if self.new_room is None:
            return None
        return self.rooms.setdefault(self.place, self.new_room())

    def read(self, key: str, now: float) -> Stored | None:
        self.world.tier, self.world.depth = L2, self.depth
        self.world.counts[self.reads] += 1
        if self.copies:
            copy = self.copies.get(self.where(key))
            return copy if alive(copy, now) else None
        stored, room = self.held.get((self.place, key)), self._room()
        if alive(stored, now):
            if room:
                room.asked(key)
            return stored
        if room and room.leave(key):
            del self.held[self.place, key]
        return None

    def write(self, key: str, stored: Stored) -> None:
        self.world.counts[self.writes] += 1
        self.held[self.place, key] = stored
        room = self._room()
        for pushed_out in room.take(key, value_bytes(stored)) if room else ():
            del self.held[self.place, pushed_out]
        self.tell(key, stored)

    def delete(self, key: str) -> None:
        self.held.pop((self.place, key), None)
        if room := self._room():
            room.leave(key)
        self.tell(key)

    def purge(self, keys: Sequence[str], colos: Sequence[int]) -> None:
        """Drop them in every colo: one call does it, which lists nothing."""
        world = self.world
        for world.colo in colos:
            for key in keys:
                self.delete(key)
                for nth in range(world.caches) if self.parted else ():
                    self.held.pop((world.colo * world.caches + nth, key), None)

    def where(self, key: str) -> Hashable:
        return self.place, key


class Listening:
    """A store as one isolate has it that listens: with what others changed, once it has heard."""

    blocking = False

    def __init__(self, store: ModelStore, tier: Tier, isolate: int) -> None:
        self.world, self.isolate = store.world, isolate
        self.of_colo = tier.scope == "colo"
        self.get, self.set, self.delete = store.get, store.set, store.delete
        self.get_many, self.set_many = store.get_many, store.set_many
        self.delete_many = store.delete_many
        self.heard = 0  # of all messages; with its memory an isolate loses what these are about

    def changes(self, timeout: float) -> list[str]:  # the clock stands still
        world = self.world
        sent, after = world.messages, world.told_after_s[world.colo]
        begin = self.heard
        while self.heard < len(sent) and sent[self.heard].at + after <= world.now:
            self.heard += 1
        return [
            change.key
            for change in sent[begin : self.heard]
            if change.isolate != self.isolate and not (self.of_colo and change.colo != world.colo)
        ]


class Layered(ModelStore):
    """Stores one before the other: what a farther one has is copied into those before it.

    The copy is the very value, and ends when it does.
    """

    def __init__(self, world: World, design: Design, stores: Sequence[ModelStore]) -> None:
        super().__init__(world, design, erased_at_expiry=False)
        self.stores = stores

    def read(self, key: str, now: float) -> Stored | None:
        for nth, store in enumerate(self.stores):
            if (stored := store.get(key, now)) is not None:
                for before in self.stores[:nth]:
                    before.write(key, stored)
                return stored
        return None

    def write(self, key: str, stored: Stored) -> None:
        for store in reversed(self.stores):
            store.write(key, stored)

    def delete(self, key: str) -> None:
        for store in reversed(self.stores):
            store.delete(key)
