"""TieredCache: L1 in this process, L2 shared; reads go through, writes go through."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, Protocol

from cachelib.memory import Entry, MemoryCache
from cachelib.stores import Store, Stored

Expiry = Literal["inherited", "independent"]


class Codec(Protocol):
    """How a value crosses to L2."""

    def encode(self, value: Any) -> bytes: ...
    def decode(self, data: bytes) -> Any: ...


class JsonCodec:
    """JSON text in UTF-8."""

    def encode(self, value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def decode(self, data: bytes) -> Any:
        return json.loads(data)


class RawCodec:
    """Values that are bytes already."""

    def encode(self, value: Any) -> bytes:
        return bytes(value)

    def decode(self, data: bytes) -> Any:
        return data


@dataclass(slots=True)
class Stats:
    """Look-ups by the tier that answered them, and what was done to the tiers."""

    l1_hits: int = 0
    l2_hits: int = 0
    misses: int = 0
    loads: int = 0
    load_errors: int = 0
    sets: int = 0
    deletes: int = 0
    decode_errors: int = 0


class TieredCache:
    """An L1 over a shared L2.

    An entry promoted from L2 keeps at most L2's remaining life (`expiry="inherited"`), so no
    value is served past the L2 TTL. `expiry="independent"` gives it a full L1 TTL instead, as
    many caches do; ages then reach the sum of both TTLs.

    TTLs are seconds; None never expires.
    """

    def __init__(
        self,
        l1: MemoryCache | None = None,
        l2: Store | None = None,
        *,
        l1_ttl: float | None = None,
        l2_ttl: float | None = None,
        expiry: Expiry = "inherited",
        clock: Callable[[], float] = time.time,
        codec: Codec | None = None,
    ) -> None:
        self.l1, self.l2 = l1, l2
        self.l1_ttl, self.l2_ttl, self.expiry = l1_ttl, l2_ttl, expiry
        self.clock = clock
        self.codec = codec or JsonCodec()
        self._stats = Stats()
        self._lock = Lock()
        self._loading: dict[str, Future[Any]] = {}

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            return replace(self._stats)

    def get(self, key: str, default: Any = None) -> Any:
        """The cached value, from L1 or else L2 (which promotes it), or `default`."""
        entry = self._look_up(key)
        return default if entry is None else entry.value

    def get_or_load(self, key: str, loader: Callable[[str], Any]) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers.

        One load per key at a time: callers who come meanwhile share its result or its error.
        """
        entry = self._look_up(key)
        return self._load_once(key, loader) if entry is None else entry.value

    def set(self, key: str, value: Any) -> None:
        """Write-through: when this returns, the value is in L2 and in this process's L1."""
        self._count("sets")
        self._write(key, value)

    def delete(self, key: str) -> None:
        """Remove the key from L2, then from this process's L1."""
        self._count("deletes")
        if self.l2 is not None:
            self.l2.delete(key)
        if self.l1 is not None:
            self.l1.delete(key)

    def _look_up(self, key: str) -> Entry | None:
        now = self.clock()
        if self.l1 is not None and (entry := self.l1.get(key, now)) is not None:
            self._count("l1_hits")
            return entry
        if self.l2 is not None and (stored := self.l2.get(key, now)) is not None:
            try:
                value = self.codec.decode(stored.data)
            except ValueError:
                self._count("decode_errors")
            else:
                self._count("l2_hits")
                return self._promote(key, Entry(value, stored.expires_at), now)
        self._count("misses")
        return None

    def _promote(self, key: str, entry: Entry, now: float) -> Entry:
        limit = entry.expires_at if self.expiry == "inherited" else None
        if self.l1 is not None:
            self.l1.set(key, Entry(entry.value, _sooner(_after(now, self.l1_ttl), limit)))
        return entry

    def _load_once(self, key: str, loader: Callable[[str], Any]) -> Any:
        with self._lock:
            running = self._loading.get(key)
            if running is None:
                mine = self._loading[key] = Future()
        if running is not None:
            return running.result()
        try:
            value = loader(key)
            self._write(key, value)
        except BaseException as error:
            self._count("load_errors")
            mine.set_exception(error)
            raise
        else:
            self._count("loads")
            mine.set_result(value)
            return value
        finally:
            del self._loading[key]

    def _write(self, key: str, value: Any) -> None:
        now = self.clock()
        if self.l2 is not None:
            stored = Stored(self.codec.encode(value), _after(now, self.l2_ttl))
            self.l2.set(key, stored)
            self._promote(key, Entry(value, stored.expires_at), now)
        elif self.l1 is not None:
            self.l1.set(key, Entry(value, _after(now, self.l1_ttl)))

    def _count(self, name: str) -> None:
        with self._lock:
            setattr(self._stats, name, getattr(self._stats, name) + 1)


def _after(now: float, ttl: float | None) -> float | None:
    return None if ttl is None else now + ttl


def _sooner(a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)
