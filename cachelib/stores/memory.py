"""An L2 in memory, for tests and simulation: shared by the caches of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from cachelib.locks import OwnedLock
from cachelib.stores.counters import step
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import TOMBSTONE_SECONDS, Stored

T = TypeVar("T")
SWEEP = 4  # entries looked at for each one written


class MemoryStore(Forkable):
    """A dict. Expired entries go when they are looked up, and a few at each write."""

    blocking = False  # an event loop may call it directly

    def __init__(self) -> None:
        self._entries: dict[str, Stored] = {}
        self._deleted: dict[str, int] = {}  # the number of that change, oldest first
        self._clock: Callable[[], float] = lambda: self._now
        self._now = 0.0  # when it was last read, while nobody has said how late it is
        self._last = 0  # number of a change
        self._unswept: list[str] = []
        self._lock = OwnedLock()
        mind_forks(self, Layer.STORE)

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork(self) -> None:
        self._lock = OwnedLock()

    def keep_time(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        self._now, stored = now, self._entries.get(key)
        if stored is None or stored.expires_at is None or now < stored.expires_at:
            return stored
        self._alone(lambda: self._expire(key, stored))
        return None

    def set(self, key: str, stored: Stored) -> int:
        return self._alone(lambda: self._write(key, stored))

    def delete(self, key: str) -> int:
        return self._alone(lambda: self._write(key, None))

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        return {key: stored for key in keys if (stored := self.get(key, now)) is not None}

    def set_many(self, items: Mapping[str, Stored]) -> int:
        for key, stored in items.items():
            self.set(key, stored)
        return self._last

    def delete_many(self, keys: Iterable[str]) -> int:
        for key in keys:
            self.delete(key)
        return self._last

    def incr(self, key: str, by: int, expires_at: float | None, since: int, now: float) -> Stored:
        def add() -> Stored:
            after = step(key, self.get(key, now), by, expires_at, since)
            return after._replace(version=self._write(key, after))

        return self._alone(add)

    # Versions

    def version(self, key: str) -> int:
        return self._alone(lambda: self._note(self._number()))

    def estimate(self) -> int:
        return max(self._last, self._number())

    def write_since(self, changes: Mapping[str, tuple[Stored | None, int]]) -> Sequence[str]:
        return [
            key
            for key, (stored, began) in changes.items()
            if not self._alone(partial(self._write_since, key, stored, began))
        ]

    def _write_since(self, key: str, stored: Stored | None, began: int) -> bool:
        if began < self._changed(key):
            return False
        if stored is None:
            self.delete(key)
        else:
            self.set(key, stored)
        self._put(key, stored, began)
        return True

    def _alone(self, work: Callable[[], T]) -> T:
        """What `work` returns, while no other thread changes anything."""
        within = self._lock.held()
        try:
            with self._lock:
                return work()
        finally:
            if not within:
                self._lock.let_go()

    def _write(self, key: str, stored: Stored | None) -> int:
        version = self._note(max(self._last + 1, self._number()))
        self._put(key, stored, version)
        self._sweep()
        return version

    def _expire(self, key: str, stored: Stored) -> None:
        if self._entries.get(key) is stored:
            del self._entries[key]

    def _changed(self, key: str) -> int:
        stored = self._entries.get(key)
        return self._deleted.get(key, 0) if stored is None else stored.version

    def _put(self, key: str, stored: Stored | None, version: int) -> None:
        self._deleted.pop(key, None)
        if stored is None:
            self._entries.pop(key, None)
            self._deleted[key] = version
        else:
            self._entries[key] = Stored(stored.data, stored.expires_at, version)

    def _number(self) -> int:
        return int(self._clock() * 1e6)

    def _note(self, version: int) -> int:
        self._last = max(self._last, version)
        return self._last

    def _sweep(self) -> None:
        oldest = self._number() - int(TOMBSTONE_SECONDS * 1e6)
        for key in list(islice(self._deleted, SWEEP)):
            if self._deleted[key] < oldest:
                del self._deleted[key]
        if not self._unswept:
            self._unswept = list(self._entries)
        for key in self._unswept[-SWEEP:]:
            self.get(key, self._clock())
        del self._unswept[-SWEEP:]

    def __len__(self) -> int:
        return len(self._entries)
