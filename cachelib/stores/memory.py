"""An L2 in memory, for tests and simulation: shared by the caches of one process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cachelib.stores.protocol import Stored


class MemoryStore:
    """A dict. An expired entry goes when it is looked up."""

    blocking = False  # an event loop may call it directly

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

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        return {key: stored for key in keys if (stored := self.get(key, now)) is not None}

    def set_many(self, items: Mapping[str, Stored]) -> None:
        self._entries.update(items)

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def __len__(self) -> int:
        return len(self._entries)
