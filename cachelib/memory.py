"""The L1: a bounded map in this process's memory, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from math import inf
from threading import Lock
from typing import Any

from cachelib.options import ABSENT, Policy


class Entry:
    """A value as the cache knows it. Times are seconds of the cache's clock, `inf` for never."""

    __slots__ = (
        "created_at", "expires_at", "refresh_at", "since", "size", "tags", "until", "value",
    )  # fmt: skip

    def __init__(self, value: Any, created_at: float, expires_at: float, size: int = 0) -> None:
        self.value = value
        self.created_at = created_at  # when the write or the load began
        self.expires_at = expires_at  # end of the value's life
        self.refresh_at = inf  # from here on a reader who can load asks for a new one
        self.size = size  # bytes, of key and encoded value
        self.tags: tuple[str, ...] = ()
        self.since = self.until = 0.0  # L1 serves its copy in this time, without asking L2

    def settle(self, policy: Policy, now: float) -> None:
        """Take a life in L1: never longer than in L2, unless asked for by name."""
        if policy.skip_l1:
            return
        until = now + (policy.l1_ttl or inf)
        if self.expires_at < until and (policy.expiry == "inherited" or self.value is ABSENT):
            until = self.expires_at
        self.since, self.until = now, until
        if until < self.refresh_at:
            self.refresh_at = until


class MemoryCache:
    """At most `max_entries` entries and `max_bytes` bytes of keys and encoded values.

    An expired entry keeps its place until it is touched or pushed out; None means no bound.
    """

    def __init__(self, max_entries: int | None = 10_000, max_bytes: int | None = None) -> None:
        for name, bound in (("max_entries", max_entries), ("max_bytes", max_bytes)):
            if bound is not None and bound < 1:
                raise ValueError(f"{name} must be at least 1, or None for no bound; got {bound!r}")
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self._most = inf if max_entries is None else max_entries
        self._most_bytes = inf if max_bytes is None else max_bytes
        self.bytes = self.evictions = 0
        self.lock = Lock()  # to be held around what changes the map ...
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.peek: Callable[[str], Entry | None] = self._entries.get  # ... but not around these,
        self.renew: Callable[[str], None] = self._entries.move_to_end  # which are one atomic step

    def put(self, key: str, entry: Entry) -> bool:
        """Make `entry` the newest, pushing out the oldest while there are too many.

        False if it is larger than the whole L1: that pushes out nothing but the older value.
        """
        if entry.size > self._most_bytes:
            self.pop(key)
            return False
        entries, old = self._entries, self.peek(key)
        entries[key] = entry
        self.bytes += entry.size
        if old is not None:
            self.bytes -= old.size
            self.renew(key)
        while len(entries) > self._most or self.bytes > self._most_bytes:
            self.bytes -= entries.popitem(last=False)[1].size
            self.evictions += 1
        return True

    def pop(self, key: str) -> None:
        """Forget `key`, if it is there."""
        old = self._entries.pop(key, None)
        if old is not None:
            self.bytes -= old.size

    def discard(self, tag: str) -> None:
        """Forget every entry that carries `tag`; "" means all."""
        for key in [k for k, entry in self._entries.items() if not tag or tag in entry.tags]:
            self.pop(key)

    def entries(self) -> Iterable[Entry]:
        """All of them, for who holds the lock."""
        return self._entries.values()

    def __len__(self) -> int:
        return len(self._entries)


class NoMemory(MemoryCache):
    """The L1 of a cache that has none."""

    def put(self, key: str, entry: Entry) -> bool:
        """Keep nothing."""
        return True
