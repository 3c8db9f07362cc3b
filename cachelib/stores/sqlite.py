"""The embedded L2: one SQLite file shared by the processes of one machine."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from threading import Lock
from typing import Any, TypeVar

from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import Closing, RejectedError, Stored, StoreUnavailableError

MAX_BYTES = 900_000_000  # of a key and value; SQLite's own limit is 1,000,000,000
MAX_CHANGES = 8_000_000  # characters of changed keys that are remembered for other processes
PIECE = 100  # rows read or written by one statement
TIDY_EVERY = 64  # writes between sweeps
SWEEP = 4  # rows looked at for each one written

# `changes` is a log of who changed which keys. Its `until` counts characters, so that its length
# can be bounded; its newest row stays, so that no number is given twice.
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, data BLOB NOT NULL, expires_at REAL,
    written INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    until INTEGER PRIMARY KEY, writer INTEGER NOT NULL, keys TEXT NOT NULL
);
INSERT INTO changes SELECT 0, 0, '[]' WHERE NOT EXISTS (SELECT * FROM changes);
CREATE TABLE IF NOT EXISTS leases (
    token INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, ends_at REAL NOT NULL
)
"""
APPLICATION_ID = 0x63616332  # "cac2"; SQLite keeps it in the file's header
LIVE = "(expires_at IS NULL OR expires_at > ?)"
NEWEST = "(SELECT max(until) FROM changes)"
GET = f"SELECT data, expires_at FROM entries WHERE key = ? AND {LIVE}"  # noqa: S608
LOG = f"INSERT INTO changes VALUES ({NEWEST} + ?, ?, ?)"  # noqa: S608
# An index by age would cost every write half as much again; a scan for so many at once does not.
EVICT = (
    "DELETE FROM entries WHERE id IN (SELECT id FROM entries"  # noqa: S608
    f" WHERE written < {NEWEST} ORDER BY written, id"
    " LIMIT 1 + (SELECT count(*) / 16 FROM entries))"
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
        self.path = os.fspath(path)
        self._max_bytes, self._busy_seconds = max_bytes, busy_seconds
        self._max_changes = min(MAX_CHANGES, (max_bytes or MAX_CHANGES * 8) // 8)
        self._writer = int.from_bytes(os.urandom(7), "big")
        self._closed = False
        self._now = 0.0  # by the cache's clock, when it last read: what expired before may go
        self._rows = self._bytes = 0  # written since the last sweep
        self._swept = 0  # how far that came
        self._seen: int | None = None  # of the log
        self._abandoned: list[sqlite3.Connection] = []
        self.after_fork()
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self.close()
            raise StoreUnavailableError(
                f"{self.path} cannot be used as a cache: {error}"
            ) from error
        renew_in_child(self)

    def after_fork(self) -> None:
        """A connection must not cross a fork, not even to be closed: keep it, and open others."""
        self._abandoned += getattr(self, "_idle", [])
        self._idle: list[sqlite3.Connection] = []
        self._write_lock = Lock()
        self._poller: sqlite3.Connection | None = None
        self._data_version: int | None = None

    # The protocol

    def get(self, key: str, now: float) -> Stored | None:
        self._now = now
        db = self._take()
        try:
            row = db.execute(GET, (key, now)).fetchone()
        finally:
            self._give(db)
        return None if row is None else Stored(*row)

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        self._now, found = now, {}
        db = self._take()
        try:
            for some in _pieces(keys):
                rows = db.execute(
                    f"SELECT key, data, expires_at FROM entries WHERE {_among(some)} AND {LIVE}",  # noqa: S608
                    (*some, now),
                )
                found.update({key: Stored(data, expires_at) for key, data, expires_at in rows})
        finally:
            self._give(db)
        return found

    def set(self, key: str, stored: Stored) -> None:
        with self._writing() as db:
            self._put(db, key, stored)

    def set_many(self, items: Mapping[str, Stored]) -> None:
        if not items:
            return
        data, expires_at = zip(*items.values(), strict=True)
        size = sum(map(len, data))
        if size > MAX_BYTES // 2:  # one of them may be too large
            for key, stored in items.items():
                _check(key, stored)
        # as bytearray: for bytes, sqlite3 first looks for adapters, a quarter of all the time
        rows: list[Any] = [None] * (4 * len(items))
        rows[0::4], rows[1::4], rows[2::4] = items, map(bytearray, data), expires_at
        with self._writing() as db:
            rows[3::4] = [self._log(db, json.dumps(list(items)))] * len(items)
            for some in _pieces(rows, 4 * PIECE):
                db.execute(_upsert(len(some) // 4), some)
            self._tidy(db, len(items), size)

    def delete(self, key: str) -> None:
        self.delete_many((key,))

    def delete_many(self, keys: Iterable[str]) -> None:
        if gone := list(keys):
            with self._writing() as db:
                self._log(db, json.dumps(gone))
                for some in _pieces(gone):
                    db.execute(f"DELETE FROM entries WHERE {_among(some)}", some)  # noqa: S608
                self._tidy(db, len(gone), 0)

    def _put(self, db: sqlite3.Connection, key: str, stored: Stored) -> None:
        _check(key, stored)
        written = self._log(db, f"[{json.dumps(key)}]")
        db.execute(_upsert(1), (key, bytearray(stored.data), stored.expires_at, written))
        self._tidy(db, 1, len(stored.data))

    def _log(self, db: sqlite3.Connection, keys: str) -> int | None:
        """Tell others of these keys, a JSON list; the number of this change."""
        return db.execute(LOG, (len(keys), self._writer, keys)).lastrowid

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        with self._writing() as db:
            held = db.execute("SELECT 1 FROM leases WHERE key = ? AND ends_at > ?", (key, now))
            if held.fetchone() is not None:
                return None
            lease = "REPLACE INTO leases (key, ends_at) VALUES (?, ?)"
            return db.execute(lease, (key, now + seconds)).lastrowid

    def set_fenced(self, key: str, stored: Stored, token: int) -> bool:
        with self._writing() as db:
            if not self._end_lease(db, key, token):
                return False
            self._put(db, key, stored)
            return True

    def release(self, key: str, token: int) -> None:
        with self._writing() as db:
            self._end_lease(db, key, token)

    def _end_lease(self, db: sqlite3.Connection, key: str, token: int) -> bool:
        ended = db.execute("DELETE FROM leases WHERE key = ? AND token = ?", (key, token))
        return ended.rowcount == 1

    # What other processes changed

    def changes(self, timeout: float) -> Sequence[str] | None:
        """SQLite cannot wait for another process: this looks again every 20 ms, at most."""
        give_up = time.monotonic() + timeout
        while self._data_version == (version := self._version()):
            if (left := give_up - time.monotonic()) <= 0:
                return ()
            time.sleep(min(left, 0.02))
        self._data_version = version
        return self._changed_keys()

    def _version(self) -> int:
        """A number that changes whenever another connection has changed the file."""
        if self._poller is None:
            self._poller = self._take()
        version: int = self._poller.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _changed_keys(self) -> Sequence[str] | None:
        """Those of the log from where we left it; None if that part of it is gone."""
        db = self._take()
        try:
            rows = db.execute(
                "SELECT until, writer, keys FROM changes"  # noqa: S608
                f" WHERE until >= coalesce(?, {NEWEST}) ORDER BY until",
                (self._seen,),
            ).fetchall()
        finally:
            self._give(db)
        seen, self._seen = self._seen, rows[-1][0] if rows else None
        if not rows or rows[0][0] != seen:
            return None
        theirs = [json.loads(keys) for _, writer, keys in rows[1:] if writer != self._writer]
        return list(dict.fromkeys(chain.from_iterable(theirs)))

    # Connections

    def close(self) -> None:
        """Operations in progress end; later ones raise StoreUnavailableError."""
        self._closed = True
        if self._poller is not None:
            self._idle.append(self._poller)
            self._poller = None
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreUnavailableError(f"{self.path} is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _give(self, db: sqlite3.Connection) -> None:
        if self._closed:
            db.close()
        else:
            self._idle.append(db)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, for one thread of this process at a time; SQLite orders the processes."""
        with self._write_lock:
            db = self._take()
            try:
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    yield db
            finally:
                self._give(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing by it
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _prepare(self) -> None:
        db = self._take()
        try:
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if tables and db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise sqlite3.DatabaseError("it belongs to another program")
            self._wait_for_log_mode(db)
        finally:
            self._give(db)
        with self._writing() as db:
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in SCHEMA.split(";"):
                db.execute(statement)

    def _wait_for_log_mode(self, db: sqlite3.Connection) -> None:
        give_up = time.monotonic() + self._busy_seconds
        while True:  # this statement does not wait for other processes by itself
            try:
                db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)

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
        self._swept = first and first + rows - 1
        expired = "DELETE FROM entries WHERE id BETWEEN ? AND ? AND expires_at <= ?"
        db.execute(expired, (first, self._swept, self._now))
        db.execute(f"DELETE FROM changes WHERE until < {NEWEST} - ?", (self._max_changes,))  # noqa: S608
        db.execute("DELETE FROM leases WHERE ends_at <= ?", (self._now,))


@cache
def _upsert(rows: int) -> str:
    """In place, as that moves nothing else."""
    return (
        "INSERT INTO entries (key, data, expires_at, written) VALUES"
        + ", ".join(["(?, ?, ?, ?)"] * rows)
        + " ON CONFLICT (key) DO UPDATE SET written = excluded.written,"
        " expires_at = excluded.expires_at, data = excluded.data"
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
