"""The embedded L2: one SQLite file shared by the processes of one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from threading import Lock

from cachelib.stores.protocol import Stored

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, data BLOB NOT NULL, expires_at REAL
) WITHOUT ROWID
"""


class SqliteStore:
    """Write-ahead log, so that readers never wait for a writer."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self._lock = Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(SCHEMA)

    def get(self, key: str, now: float) -> Stored | None:
        with self._lock:
            row = self._db.execute(
                "SELECT data, expires_at FROM entries"
                " WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)",
                (key, now),
            ).fetchone()
        return None if row is None else Stored(*row)

    def set(self, key: str, stored: Stored) -> None:
        with self._lock:
            self._db.execute("REPLACE INTO entries VALUES (?, ?, ?)", (key, *stored))

    def delete(self, key: str) -> None:
        with self._lock:
            self._db.execute("DELETE FROM entries WHERE key = ?", (key,))

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        return {key: stored for key in keys if (stored := self.get(key, now)) is not None}

    def set_many(self, items: Mapping[str, Stored]) -> None:
        for key, stored in items.items():
            self.set(key, stored)

    def delete_many(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def close(self) -> None:
        self._db.close()
