"""What the reference's stores and loader share: the clock, the current request, the counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from struct import Struct
from typing import Any, NamedTuple

from cachelib import Stored
from cachelib.model.engines.exact import stored_units
from cachelib.model.engines.random import CHANGES, FAILURES, exponential, key_of, mix, uniform
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import COUNTS, L1, NO_L2
from cachelib.stores.codecs import seal

NOTHING = -1
NOBODY = -1
"""The isolate of whoever has none."""
LIST_PAGE = 1_000
"""Keys that a call lists."""


class Change(NamedTuple):
    """A message that tells of a change: when it was sent, by whom, and of which key."""

    at: float
    isolate: int
    colo: int
    key: str


Value = tuple[int, float]
"""A version of a key's true value, and when it was loaded."""


class World:
    """The virtual clock and the request at hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.row = self.colo = self.isolate = self.size = self.version = 0
        self.readers_colo = 0  # where the request came in; the Worker may run elsewhere
        self.tier, self.depth, self.extra_ms = L1, NO_L2, 0.0
        self.writing = self.background = False
        self.at_hand = NOTHING
        self.asked_object = False  # one that serves
        self.joined: Any = None  # a load in progress, of whoever else came to a store
        self.expires = math.inf  # of what the stores found last
        self.counts = dict.fromkeys(COUNTS, 0)
        self.stored = 0  # in units of `exact`
        self.messages: list[Change] = []
        self.told_after_s: list[float] = []  # by colo
        self.caches, self.cache_key = 1, 0

    def clock(self) -> float:
        return self.now

    def part_caches(self, caches: int, key: int) -> None:
        """Let each data centre have so many; `key`: of what says which one a request meets."""
        self.caches, self.cache_key = caches, key

    @property
    def spot(self) -> int:
        """The one of all data centres' caches that the request at hand meets."""
        if self.caches == 1:
            return self.colo
        return self.colo * self.caches + mix(self.cache_key ^ self.row) % self.caches


class OriginDownError(Exception):
    """The origin failed."""


class Origin:
    """Keys whose true values change at random, or when somebody writes them."""

    def __init__(self, world: World, platform: Platform, seed: int) -> None:
        self.world, self.life_s = world, platform.value_life_s
        self.failure = platform.origin_failure
        self.each_s, self.queue_s = 1 / platform.origin_requests_per_s, platform.origin_queue_s
        self.free_at = -math.inf
        self.failures, self.changes = key_of(seed, FAILURES), key_of(seed, CHANGES)
        self.current: dict[str, int] = {}
        self.superseded: list[float] = []

    def load(self, key: str) -> Value:
        world = self.world
        world.counts["origin_loads"] += 1
        self._wait(key)
        if self.failure and uniform(self.failures, world.row) < self.failure:
            world.counts["origin_failures"] += 1
            raise OriginDownError(key)
        version = self.current.get(key, -1)
        if version < 0 or world.now >= self.superseded[version]:
            version = self._new_version(key)
        world.version = version
        return version, world.now

    def _wait(self, key: str) -> None:
        """For its turn, where the origin takes so many loads a second; in vain if that is long."""
        world = self.world
        wait_s = max(0.0, self.free_at - world.now)
        world.counts["origin_waits"] += wait_s > 0
        if not world.background:
            world.extra_ms += min(wait_s, self.queue_s) * 1e3
        if wait_s > self.queue_s:
            world.counts["origin_failures"] += 1
            raise OriginDownError(key)
        self.free_at = max(self.free_at, world.now) + self.each_s

    def write(self, key: str) -> Value:
        self.supersede(key)
        self.world.version = self._new_version(key)
        return self.world.version, self.world.now

    def supersede(self, key: str) -> None:
        """Somebody changed the value, here and now."""
        version = self.current.get(key, -1)
        if version >= 0:
            self.superseded[version] = min(self.superseded[version], self.world.now)

    def _new_version(self, key: str) -> int:
        version = len(self.superseded)
        life = self.life_s
        if life < math.inf:
            life *= exponential(self.changes, self.world.row)
        self.superseded.append(self.world.now + life)
        self.current[key] = version
        return version


class ValueCodec:
    """A value as 16 bytes and, where L1 is bounded by bytes, as many more as it is large."""

    _form = Struct("<qd")
    least = _form.size

    def __init__(self, world: World, *, padded: bool) -> None:
        self.world, self.padded = world, padded

    def encode(self, value: Value) -> bytes:
        data = self._form.pack(*value)
        return data.ljust(self.world.size, b"\0") if self.padded else data

    def decode(self, data: bytes) -> Value:
        value: Value = self._form.unpack_from(data)
        self.world.at_hand = value[0]
        return value


ENVELOPE = len(seal(b"", 0.0, 0.0, 0.0, (), 0))
"""What the library writes before a value, of any size."""


def value_bytes(stored: Stored) -> int:
    """How large the value is of what the library has written, where it is padded."""
    return len(stored.data) - ENVELOPE


class Inline(Executor):
    """Background work at once, on the same clock."""

    def __init__(self, world: World) -> None:
        self.world = world

    def submit(self, work: Any, /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.world.background = True
        try:
            done.set_result(work(*args, **options))
        except Exception as error:
            done.set_exception(error)
        finally:
            self.world.background = False
        return done


class ModelStore:
    """The bulk half of the store protocol, and the bill for what is stored."""

    blocking = False
    lists = ""
    """What counts a call that lists keys, if it is charged."""

    def __init__(self, world: World, design: Design, *, erased_at_expiry: bool) -> None:
        self.world, self.only_if_changed = world, design.write_only_if_changed
        self.erased_at_expiry = erased_at_expiry
        self.records: dict[str, tuple[Stored, int, int, float]] = {}
        """By key: the value, its version, its bytes, when it was written."""

    def get(self, key: str, now: float) -> Stored | None:
        found = self.read(key, now)
        if found is not None:
            self.world.expires = math.inf if found.expires_at is None else found.expires_at
        return found

    def read(self, key: str, now: float) -> Stored | None:
        raise NotImplementedError

    def set(self, key: str, stored: Stored) -> None:
        if not self.unchanged():
            self.write(key, stored)

    def write(self, key: str, stored: Stored) -> None:
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        return {key: stored for key in keys if (stored := self.get(key, now)) is not None}

    def set_many(self, items: Mapping[str, Stored]) -> None:
        for key, stored in items.items():
            self.set(key, stored)

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def purge(self, keys: Sequence[str], colos: Sequence[int]) -> None:
        """Delete what there is of these keys, as whoever lists them finds it."""
        there = [key for key in keys if self.has(key)]
        if self.lists:
            self.world.counts[self.lists] += max(1, -(-len(there) // LIST_PAGE))
        for key in there:
            self.delete(key)

    def has(self, key: str) -> bool:
        """Whether a list of what is held has the key."""
        record = self.records.get(key)
        if record is None:
            return False
        return not self.erased_at_expiry or alive(record[0], self.world.now)

    def unchanged(self) -> bool:
        """Nothing is to be written: a refresh loaded the version that its reader had at hand."""
        world = self.world
        same = self.only_if_changed and world.background and world.version == world.at_hand
        world.counts["l2_unchanged"] += same
        return same

    def keep(self, key: str, stored: Stored) -> None:
        self.drop(key)
        world = self.world
        self.records[key] = stored, world.version, world.size, world.now

    def drop(self, key: str) -> None:
        record = self.records.pop(key, None)
        if record is not None:
            self.world.stored += self._held(record, self.world.now)

    def finish(self, end: float) -> None:
        """Add what is held at the end; may be called again later."""
        self.world.stored += sum(self._held(r, end) for r in self.records.values())

    def _held(self, record: tuple[Stored, int, int, float], now: float) -> int:
        stored, _, size, since = record
        expires = stored.expires_at
        if self.erased_at_expiry and expires is not None and expires < now:
            now = expires
        return stored_units(size * max(now - since, 0.0))  # what landed after the end


def alive(stored: Stored | None, now: float) -> bool:
    return stored is not None and (stored.expires_at is None or now < stored.expires_at)
