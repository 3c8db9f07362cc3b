"""The L1: a bounded map in this process's memory, least recently used first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import inf
from typing import Any

from cachelib.locks import OwnedLock
from cachelib.options import ABSENT, Policy

PORTION = 1000  # entries dropped while others wait for the lock


class Entry:
    """A value as the cache knows it. Times are seconds of the cache's clock, `inf` for never."""

    __slots__ = (
        "created_at", "ends_at", "expires_at", "refresh_at", "since", "size", "soft_at", "tags",
        "until", "value", "version",
    )  # fmt: skip

    def __init__(self, value: Any, created_at: float, expires_at: float, size: int = 0) -> None:
        self.value = value
        self.created_at = created_at  # when the write or the load began
        self.expires_at = expires_at  # end of the value's life
        self.soft_at = inf  # from here on a reader who can load asks for a new one
        self.size = size  # bytes, of key and encoded value
        self.tags: tuple[str, ...] = ()
        self.version = 0.0  # in L2's order of all changes
        self.since = self.until = 0.0  # L1 serves its copy in this time, without asking L2 ...
        self.ends_at = 0.0  # ... and until then, if L2 says that its tags were not revoked
        self.refresh_at = inf  # the first of `soft_at` and `until`

    def settle(self, policy: Policy, now: float, trust: float = inf) -> None:
        """Take a life in L1: never longer than in L2, unless asked for by name.

        Revocations of its tags are to be asked for again after `trust` seconds.
        """
        self.refresh_at = self.soft_at
        if policy.skip_l1:
            return
        until = now + (policy.l1_ttl or inf)
        if self.expires_at < until and (policy.expiry == "inherited" or self.value is ABSENT):
            until = self.expires_at
        self.since, self.ends_at = now, until
        self.believe(now + trust)

    def believe(self, until: float) -> None:
        """Its tags need not be asked for before then."""
        self.until = min(until, self.ends_at)
        self.refresh_at = min(self.soft_at, self.until)


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
        self.lock = OwnedLock()  # to be held around what changes the map ...
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._tagged: dict[str, set[str]] = {}  # at least the keys of each tag
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
        try:
            for tag in entry.tags:  # first of all, so that no entry is ever without
                self._tagged.setdefault(tag, set()).add(key)
            entries[key] = entry
            self.bytes += entry.size
            if old is not None:
                self.bytes -= old.size
                self.renew(key)
                if old.tags != entry.tags:
                    self._untag(key, set(old.tags) - set(entry.tags))
            while len(entries) > self._most or self.bytes > self._most_bytes:
                oldest, pushed_out = entries.popitem(last=False)
                self.bytes -= pushed_out.size
                self.evictions += 1
                if pushed_out.tags:
                    self._untag(oldest, pushed_out.tags)
        except BaseException:  # an interrupt, which may have hit between an entry and its bytes
            self._recount()
            raise
        return True

    def pop(self, key: str) -> None:
        """Forget `key`, if it is there."""
        try:
            old = self._entries.pop(key, None)
            if old is not None:
                self.bytes -= old.size
                if old.tags:
                    self._untag(key, old.tags)
        except BaseException:
            self._recount()
            raise

    def tagged(self, tag: str) -> Iterator[tuple[str, Entry]]:
        """The entries that carry `tag` now; "" means all. For who holds the lock."""
        if not tag:  # whoever renews entries meanwhile does not change the order of the dict itself
            keys, entries = list(dict.keys(self._entries)), list(dict.values(self._entries))
            return zip(keys, entries, strict=True)  # a copy would take twenty times as long
        found = [(key, self.peek(key)) for key in self._tagged.get(tag, ())]
        return ((key, entry) for key, entry in found if entry is not None and tag in entry.tags)

    def discard(self, tag: str) -> Iterator[None]:
        """Forget every entry that carries `tag`, a portion at a time; takes the lock itself.

        Between portions, others may have their turn.
        """
        try:
            with self.lock:
                found = self.tagged(tag)
            while some := list(islice(found, PORTION)):
                with self.lock:
                    for key, entry in some:
                        if self.peek(key) is entry:  # not a newer one
                            self.pop(key)
                yield
        finally:
            self.lock.let_go()

    def _untag(self, key: str, tags: Any) -> None:
        for tag in tags:
            keys = self._tagged.get(tag, set())
            keys.discard(key)
            if not keys:
                self._tagged.pop(tag, None)

    def _recount(self) -> None:
        self.bytes = sum(entry.size for entry in dict.copy(self._entries).values())

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
