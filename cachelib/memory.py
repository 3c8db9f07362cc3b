"""The L1: a bounded map in this process's memory, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any


@dataclass(slots=True)
class Entry:
    """A value as the cache knows it. Times are seconds of the cache's clock, `inf` for never."""

    value: Any
    created_at: float  # when the write or the load began
    expires_at: float  # end of the value's life
    refresh_at: float  # from here on a reader who can load asks for a new one
    tags: tuple[str, ...] = ()
    size: int = 0  # bytes, of key and encoded value
    since: float = 0.0  # L1 serves its copy from here ...
    until: float = 0.0  # ... and before here, without asking L2


class MemoryCache:
    """At most `max_entries` entries and `max_bytes` bytes of keys and encoded values.

    An expired entry keeps its place until it is touched or pushed out; None means no bound.
    """

    def __init__(self, max_entries: int | None = 10_000, max_bytes: int | None = None) -> None:
        for name, bound in (("max_entries", max_entries), ("max_bytes", max_bytes)):
            if bound is not None and bound < 1:
                raise ValueError(f"{name} must be at least 1, or None for no bound; got {bound!r}")
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self.bytes = self.evictions = 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = Lock()
        # A single dict operation on str keys is atomic: a hit needs no lock.
        self.peek: Callable[[str], Entry | None] = self._entries.get
        self.renew: Callable[[str], None] = self._entries.move_to_end

    def put(self, key: str, entry: Entry) -> None:
        """Make `entry` the newest, pushing out the oldest while there are too many."""
        with self._lock:
            entries = self._entries
            old = entries.get(key)
            entries[key] = entry
            if old is not None:
                entries.move_to_end(key)
                self.bytes -= old.size
            self.bytes += entry.size
            while self._over():
                self.bytes -= entries.popitem(last=False)[1].size
                self.evictions += 1

    def _over(self) -> bool:
        return (self.max_entries is not None and len(self._entries) > self.max_entries) or (
            self.max_bytes is not None and self.bytes > self.max_bytes
        )

    def pop(self, key: str) -> None:
        """Forget `key`, if it is there."""
        with self._lock:
            if (old := self._entries.pop(key, None)) is not None:
                self.bytes -= old.size

    def discard_tagged(self, tags: frozenset[str]) -> None:
        """Forget every entry that carries one of `tags`."""
        with self._lock:
            tagged = [key for key, entry in self._entries.items() if not tags.isdisjoint(entry.tags)]
            for key in tagged:
                self.bytes -= self._entries.pop(key).size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0

    def after_fork(self) -> None:
        """A thread that held the lock is not here to release it."""
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)
