"""The embedded L2: one SQLite file shared by the processes of one machine."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

from cachelib.stores.counters import step
from cachelib.stores.protocol import (
    TOMBSTONE_SECONDS,
    Closing,
    RejectedError,
    Stored,
    StoreUnavailableError,
)
from cachelib.stores.sqlite_damage import APPLICATION_ID, OLDER_IDS, advice
from cachelib.stores.sqlite_file import SqliteFile

MAX_BYTES = 900_000_000  # of a key and value; SQLite's own limit is 1,000,000,000
MAX_CHANGES = 8_000_000  # characters of changed keys that are remembered for other processes
PIECE = 100  # rows read or written by one statement
TIDY_EVERY = 64  # writes between sweeps
SWEEP = 4  # rows looked at for each one written

# `changes` is a log of who changed which keys, in the order of `version`. Its `until` counts
# characters, so that its length can be bounded; its newest row stays, so that no number is given
# twice. A tombstone is an entry that has expired since ever: minus the time at which it may go.
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, data BLOB NOT NULL, expires_at REAL,
    version INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    version INTEGER PRIMARY KEY, until INTEGER NOT NULL, writer INTEGER NOT NULL, keys TEXT NOT NULL
);
INSERT INTO changes SELECT 0, 0, 0, '[]' WHERE NOT EXISTS (SELECT * FROM changes);
CREATE TABLE IF NOT EXISTS leases (
    token INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, ends_at REAL NOT NULL
)
"""
LIVE = "(expires_at IS NULL OR expires_at > ?)"
NEWEST = "(SELECT max(version) FROM changes)"
VERSION = "SELECT max(version) FROM changes"
GET = "SELECT data, expires_at, version FROM entries WHERE key = ?"
DATA = "SELECT data FROM entries WHERE key = ?"
LOG = (
    "INSERT INTO changes SELECT max(version + 1, ?), until + ?, ?, ? FROM changes"
    " ORDER BY version DESC LIMIT 1"
)
# An index by age would cost every write half as much again; a scan for so many at once does not.
EVICT = (
    "DELETE FROM entries WHERE id IN (SELECT id FROM entries"  # noqa: S608
    f" WHERE version < {NEWEST} AND (expires_at IS NULL OR expires_at >= 0) ORDER BY version, id"
    " LIMIT 1 + (SELECT count(*) / 16 FROM entries))"
)
SHORTEN = (
    "DELETE FROM changes WHERE version IN (SELECT version FROM changes ORDER BY version LIMIT ?)"  # noqa: S608
    f" AND until < (SELECT until FROM changes WHERE version = {NEWEST}) - ?"
)

T = TypeVar("T")


class SqliteStore(Closing):
    """Write-ahead log: readers never wait for a writer, and a killed process loses nothing.

    `max_bytes` bounds the pages in use: past it, the sixteenth part of the entries written longest
    ago goes, while other writers wait (0.2 s in a file of 200 MB). Expired rows are swept a few at
    each write. `path` is made if it does not exist.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int | None = None,
        busy_seconds: float = 60.0,
    ) -> None:
        if max_bytes is not None and max_bytes < 65_536:
            raise ValueError(f"max_bytes must be at least 65536, or None; got {max_bytes}")
        self._file = SqliteFile(path, busy_seconds, _prepare)
        self.path = self._file.path
        self._writing, self._write_lock = self._file.writing, self._file.lock
        self._max_bytes = max_bytes
        self._max_changes = min(MAX_CHANGES, (max_bytes or MAX_CHANGES * 8) // 8)
        self._writer = int.from_bytes(os.urandom(7), "big")
        self._clock: Callable[[], float] | None = None
        self._now = 0.0  # when it was last read, while nobody has said how late it is
        self._last = 0  # number of a change
        self._rows = self._bytes = 0  # written since the last sweep
        self._swept = 0  # how far that came
        self._seen: int | None = None  # of the log
        try:
            self.version("")
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreUnavailableError(
                f"{self.path} cannot be used as a cache: {error}{advice(error)}"
            ) from error

    def keep_time(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def _time(self) -> float:
        return (self._clock or time.time)()

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        self._now = now
        row = self._file.read_row(GET, (key,))
        if row is None or ((end := row[1]) is not None and end <= now):
            return None
        return Stored(*row)

    def get_data(self, key: str) -> bytes | None:
        row = self._file.read_row(DATA, (key,))
        return None if row is None else row[0]

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        self._now, found = now, {}
        for some in _pieces(keys):
            rows = self._file.read(
                "SELECT key, data, expires_at, version FROM entries"  # noqa: S608
                f" WHERE {_among(some)} AND {LIVE}",
                (*some, now),
            )
            found.update({row[0]: Stored(*row[1:]) for row in rows})
        return found

    def set(self, key: str, stored: Stored) -> int:
        _check(key, stored)
        return self._file.write(lambda db: self._put(db, key, stored))

    def set_many(self, items: Mapping[str, Stored]) -> int:
        for key, stored in items.items():
            _check(key, stored)
        return self._file.write(lambda db: self._put_many(db, items)) if items else self._last

    def delete(self, key: str) -> int:
        return self.delete_many((key,))

    def delete_many(self, keys: Iterable[str]) -> int:
        gone = list(keys)
        return self._file.write(lambda db: self._bury(db, gone)) if gone else self._last

    def _put(self, db: sqlite3.Connection, key: str, stored: Stored) -> int:
        version = self._log(db, f"[{json.dumps(key)}]")
        db.execute(_upsert(1), (key, bytearray(stored.data), stored.expires_at, version))
        self._tidy(db, 1, len(stored.data))
        return version

    def _put_many(self, db: sqlite3.Connection, items: Mapping[str, Stored]) -> int:
        data, expires_at, _ = zip(*items.values(), strict=True)
        # as bytearray: for bytes, sqlite3 first looks for adapters, a quarter of all the time
        rows: list[Any] = [None] * (4 * len(items))
        rows[0::4], rows[1::4], rows[2::4] = items, map(bytearray, data), expires_at
        version = self._log(db, json.dumps(list(items)))
        rows[3::4] = [version] * len(items)
        for some in _pieces(rows, 4 * PIECE):
            db.execute(_upsert(len(some) // 4), some)
        self._tidy(db, len(items), sum(map(len, data)))
        return version

    def _bury(self, db: sqlite3.Connection, keys: Sequence[str]) -> int:
        version = self._log(db, json.dumps(keys))
        until = self._tombstone().expires_at
        rows = [value for key in keys for value in (key, b"", until, version)]
        for some in _pieces(rows, 4 * PIECE):
            db.execute(_upsert(len(some) // 4), some)
        self._tidy(db, len(keys), 0)
        return version

    def incr(self, key: str, by: int, expires_at: float | None, since: int, now: float) -> Stored:
        def add(db: sqlite3.Connection) -> Stored:  # in a transaction, which no other writer enters
            row = db.execute(f"{GET} AND {LIVE}", (key, now)).fetchone()
            after = step(key, None if row is None else Stored(*row), by, expires_at, since)
            return after._replace(version=self._put(db, key, after))

        return self._file.write(add)

    def _tombstone(self) -> Stored:
        return Stored(b"", -self._time() - TOMBSTONE_SECONDS)

    def _log(self, db: sqlite3.Connection, keys: str) -> int:
        """Tell others of these keys, a JSON list; the number of this change."""
        row = (int(self._time() * 1e6), len(keys), self._writer, keys)
        self._last = db.execute(LOG, row).lastrowid or 0
        return self._last

    # Versions

    def version(self, key: str) -> int:
        self._last = self._file.read(VERSION)[0][0]
        return self._last

    def estimate(self) -> int | None:
        return max(self._last, int(self._time() * 1e6))

    def write_since(self, changes: Mapping[str, tuple[Stored | None, int]]) -> Sequence[str]:
        return self._file.write(lambda db: self._put_since(db, changes))

    def _put_since(
        self, db: sqlite3.Connection, changes: Mapping[str, tuple[Stored | None, int]]
    ) -> Sequence[str]:
        refused, size, grave = [], 0, self._tombstone()
        for key, (stored, began) in changes.items():
            data, expires_at, _ = stored or grave
            row = (key, bytearray(data), expires_at, began)
            if not db.execute(_upsert(1, since=True), row).rowcount:
                refused.append(key)
            size += len(data)
        if done := [key for key in changes if key not in refused]:
            self._log(db, json.dumps(done))
        self._tidy(db, len(done), size)
        return refused

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        def acquire(db: sqlite3.Connection) -> int | None:
            held = db.execute("SELECT 1 FROM leases WHERE key = ? AND ends_at > ?", (key, now))
            if held.fetchone() is not None:
                return None
            lease = "REPLACE INTO leases (key, ends_at) VALUES (?, ?)"
            return db.execute(lease, (key, now + seconds)).lastrowid

        return self._file.write(acquire)

    def set_fenced(self, key: str, stored: Stored, token: int, since: int | None = None) -> bool:
        _check(key, stored)

        def set_fenced(db: sqlite3.Connection) -> bool:
            if not self._end_lease(db, key, token):
                return False
            if since is not None:
                return not self._put_since(db, {key: (stored, since)})
            return bool(self._put(db, key, stored))

        return self._file.write(set_fenced)

    def release(self, key: str, token: int) -> None:
        self._file.write(lambda db: self._end_lease(db, key, token))

    def _end_lease(self, db: sqlite3.Connection, key: str, token: int) -> bool:
        ended = db.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))
        return ended.rowcount == 1

    # What other processes changed

    def changes(self, timeout: float) -> Sequence[str] | None:
        """SQLite cannot wait for another process: this looks again every 20 ms, at most."""
        give_up = time.monotonic() + timeout
        while self._seen == self._file.read(VERSION)[0][0]:
            if (left := give_up - time.monotonic()) <= 0:
                return ()
            time.sleep(min(left, 0.02))
        return self._changed_keys()

    def _changed_keys(self) -> Sequence[str] | None:
        """Those of the log from where we left it; None if that part of it is gone."""
        rows = self._file.read(
            "SELECT version, writer, keys FROM changes"  # noqa: S608
            f" WHERE version >= coalesce(?, {NEWEST}) ORDER BY version",
            (self._seen,),
        )
        seen, self._seen = self._seen, rows[-1][0] if rows else None
        if not rows or rows[0][0] != seen:
            return None
        theirs = [json.loads(keys) for _, writer, keys in rows[1:] if writer != self._writer]
        return list(dict.fromkeys(chain.from_iterable(theirs)))

    # The file

    def close(self) -> None:
        """Operations in progress end; later ones raise StoreUnavailableError."""
        self._file.close()

    # Size

    def _tidy(self, db: sqlite3.Connection, rows: int, size: int) -> None:
        """Now and then, sweep what has expired; and what was written longest ago, if too much."""
        self._rows += rows
        self._bytes += size
        if self._rows < TIDY_EVERY and self._bytes * 16 < (self._max_bytes or math.inf):
            return
        self._sweep(db, self._rows * SWEEP)
        while self._max_bytes is not None and _bytes_in_use(db) > self._max_bytes:
            if not db.execute(EVICT).rowcount:
                break
        self._rows = self._bytes = 0

    def _sweep(self, db: sqlite3.Connection, rows: int) -> None:
        """Of the next `rows` entries, delete the expired ones; after the last, begin again."""
        find = "SELECT coalesce(min(id), 0) FROM entries WHERE id > ?"
        first = db.execute(find, (self._swept,)).fetchone()[0]
        now = self._now if self._clock is None else self._clock()
        self._swept = first and first + rows - 1
        expired = "DELETE FROM entries WHERE id BETWEEN ? AND ? AND abs(expires_at) <= ?"
        db.execute(expired, (first, self._swept, now))
        db.execute(SHORTEN, (rows, self._max_changes))
        db.execute("DELETE FROM leases WHERE ends_at <= ?", (now,))


def _prepare(db: sqlite3.Connection) -> None:
    """Make a new file ours. DatabaseError if it is another program's."""
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    known = (APPLICATION_ID, *OLDER_IDS)
    if tables and db.execute("PRAGMA application_id").fetchone()[0] not in known:
        raise sqlite3.DatabaseError("it belongs to another program")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA application_id").fetchone()[0] in OLDER_IDS:
        for table in ("entries", "changes", "leases"):
            db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.execute("COMMIT")


@cache
def _upsert(rows: int, since: bool = False) -> str:
    """In place, as that moves nothing else. With `since`, unless there has been a later change."""
    return (
        "INSERT INTO entries (key, data, expires_at, version) VALUES"
        + ", ".join(["(?, ?, ?, ?)"] * rows)
        + " ON CONFLICT (key) DO UPDATE SET version = excluded.version,"
        " expires_at = excluded.expires_at, data = excluded.data"
        + (" WHERE version <= excluded.version" if since else "")
    )


def _check(key: str, stored: Stored) -> None:
    if len(key) + len(stored.data) > MAX_BYTES:
        raise RejectedError(f"the value of {key[:80]!r} is too large: at most {MAX_BYTES:,} bytes")


def _among(keys: Sequence[str]) -> str:
    return f"key IN ({', '.join('?' * len(keys))})"


def _pieces(values: Sequence[T], size: int = PIECE) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def _bytes_in_use(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
