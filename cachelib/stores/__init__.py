"""L2 back ends behind one protocol: bytes and the time at which they expire."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Stored(NamedTuple):
    """An encoded value and when it expires, in seconds of the cache's clock; None for never."""

    data: bytes
    expires_at: float | None


class Store(Protocol):
    """What `TieredCache` asks of an L2."""

    def get(self, key: str, now: float) -> Stored | None: ...
    def set(self, key: str, stored: Stored) -> None: ...
    def delete(self, key: str) -> None: ...


class MemoryStore:
    """An L2 in memory, for tests and simulation: shared by the caches of one process."""

    def __init__(self) -> None:
        self._entries: dict[str, Stored] = {}

    def get(self, key: str, now: float) -> Stored | None:
        stored = self._entries.get(key)
        if stored is None or stored.expires_at is None or now < stored.expires_at:
            return stored
        self._entries.pop(key, None)
        return None

    def set(self, key: str, stored: Stored) -> None:
        self._entries[key] = stored

    def delete(self, key: str) -> None:
        self._entries.pop(key, None)
