"""The embedded L2: one SQLite file shared by the processes of one machine."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any

from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import Closing, RejectedError, Stored, StoreUnavailableError

MAX_BYTES = 900_000_000  # of a key and value; SQLite's own limit is 1,000,000,000
TOMBSTONE_SECONDS = 3600.0  # a process that polls less often than this has missed deletions
BATCH = 64  # rows written by one statement: faster than one by one, or than all
TIDY_EVERY = 64  # writes between sweeps
SWEEP = 4  # row numbers looked at for each one written

# A deleted key stays as a row without data for a while, so that others can learn of it.
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, data BLOB, expires_at REAL,
    writer INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS leases (
    key TEXT PRIMARY KEY, token INTEGER NOT NULL, ends_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('token', 0), ('swept', 0);
"""
APPLICATION_ID = 0x63616368  # "cach"; SQLite keeps it in the file's header
GET = (
    "SELECT data, expires_at FROM entries WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)"
)


class SqliteStore(Closing):
    """Write-ahead log: readers never wait for a writer, and a killed process loses nothing.

    `max_bytes` bounds the pages in use; the entries written longest ago go first. Expired rows
    are swept a few at each write. `path` is made if it does not exist.
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
        self._writer = int.from_bytes(os.urandom(7), "big")
        columns, row = "entries (key, data, expires_at, writer)", f"(?, ?, ?, {self._writer})"
        self._one = f"REPLACE INTO {columns} VALUES {row}"  # noqa: S608
        self._batch = self._one + f", {row}" * (BATCH - 1)
        self._closed = False
        self._now = 0.0  # by the cache's clock, when it last read: what expired before may go
        self._rows = self._bytes = 0  # written since the last sweep
        self._swept = 0  # how far that came
        self._seen: int | None = None
        self._abandoned: list[sqlite3.Connection] = []
        self.after_fork()
        try:
            with self._writing() as db:
                self._prepare(db)
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
        return None if row is None or row[0] is None else Stored(row[0], row[1])

    def set(self, key: str, stored: Stored) -> None:
        _check(key, stored)
        with self._writing() as db:
            db.execute(self._one, (key, *stored))
            self._tidy(db, 1, len(stored.data))

    def delete(self, key: str) -> None:
        self.delete_many((key,))

    def get_many(self, keys: Sequence[str], now: float) -> dict[str, Stored]:
        self._now, found = now, {}
        db = self._take()
        try:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = db.execute(
                    f"SELECT key, data, expires_at FROM entries WHERE key IN ({marks})"  # noqa: S608
                    " AND data IS NOT NULL AND (expires_at IS NULL OR expires_at > ?)",
                    (*some, now),
                )
                found.update({key: Stored(data, expires_at) for key, data, expires_at in rows})
        finally:
            self._give(db)
        return found

    def set_many(self, items: Mapping[str, Stored]) -> None:
        if not items:
            return
        data, expires_at = zip(*items.values(), strict=True)
        size = sum(map(len, data))
        if size > MAX_BYTES // 2:  # one of them may be too large
            for key, stored in items.items():
                _check(key, stored)
        with self._writing() as db, _transaction(db):
            self._put(db, list(items), data, expires_at)
            self._tidy(db, len(items), size)

    def delete_many(self, keys: Iterable[str]) -> None:
        gone, until = list(keys), self._now + TOMBSTONE_SECONDS
        with self._writing() as db, _transaction(db):
            self._put(db, gone, [None] * len(gone), [until] * len(gone))
            self._tidy(db, len(gone), 0)

    def _put(
        self,
        db: sqlite3.Connection,
        keys: Sequence[str],
        data: Sequence[bytes | None],
        expires_at: Sequence[float | None],
    ) -> None:
        """Write rows, each under a new seq."""
        values: list[Any] = [None] * (3 * len(keys))
        values[0::3], values[1::3], values[2::3] = keys, data, expires_at
        whole = len(keys) - len(keys) % BATCH
        for start in range(0, whole * 3, 3 * BATCH):
            db.execute(self._batch, values[start : start + 3 * BATCH])
        db.executemany(self._one, zip(keys[whole:], data[whole:], expires_at[whole:], strict=True))

    # Leases

    def acquire(self, key: str, seconds: float, now: float) -> int | None:
        with self._writing() as db, _transaction(db):
            held = db.execute("SELECT 1 FROM leases WHERE key = ? AND ends_at > ?", (key, now))
            if held.fetchone() is not None:
                return None
            token: int = db.execute(
                "UPDATE counters SET value = value + 1 WHERE name = 'token' RETURNING value"
            ).fetchone()[0]
            db.execute("REPLACE INTO leases VALUES (?, ?, ?)", (key, token, now + seconds))
            return token

    def set_fenced(self, key: str, stored: Stored, token: int) -> bool:
        _check(key, stored)
        with self._writing() as db, _transaction(db):
            if not self._end_lease(db, key, token):
                return False
            db.execute(self._one, (key, *stored))
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
        db = self._take()
        try:
            newest = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0]
            swept = db.execute("SELECT value FROM counters WHERE name = 'swept'").fetchone()[0]
            seen, self._seen = self._seen, newest
            if seen is None or seen < swept:
                return None
            rows = db.execute(
                "SELECT key FROM entries WHERE seq > ? AND seq <= ? AND writer <> ?",
                (seen, newest, self._writer),
            )
            return [key for (key,) in rows]
        finally:
            self._give(db)

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
        """A connection, for one thread of this process at a time; SQLite orders the processes."""
        with self._write_lock:
            db = self._take()
            try:
                yield db
            finally:
                self._give(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing by it
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise sqlite3.DatabaseError("it belongs to another program")
        give_up = time.monotonic() + self._busy_seconds
        while True:  # this statement does not wait for other processes by itself
            try:
                db.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        with _transaction(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in SCHEMA.split(";"):
                db.execute(statement)

    # Size

    def _tidy(self, db: sqlite3.Connection, rows: int, size: int) -> None:
        """Now and then, sweep what has expired; and what was written longest ago, if too much."""
        self._rows += rows
        self._bytes += size
        if self._rows < TIDY_EVERY and self._bytes * 16 < (self._max_bytes or math.inf):
            return
        with nullcontext() if db.in_transaction else _transaction(db):
            self._sweep(db, self._rows * SWEEP)
            while self._max_bytes is not None and _bytes_in_use(db) > self._max_bytes:
                oldest = "seq IN (SELECT seq FROM entries ORDER BY seq LIMIT ?)"
                if not _delete(db, oldest, (TIDY_EVERY,)):
                    break
        self._rows = self._bytes = 0

    def _sweep(self, db: sqlite3.Connection, rows: int) -> None:
        """Of the next `rows` written, delete the expired ones; after the last, begin again."""
        find = "SELECT coalesce(min(seq), 0) FROM entries WHERE seq > ?"
        first = db.execute(find, (self._swept,)).fetchone()[0]
        self._swept = first and first + rows - 1
        expired = "seq BETWEEN ? AND ? AND expires_at <= ?"
        gone = _delete(db, expired, (first, self._swept, self._now))
        db.execute("UPDATE counters SET value = ?1 WHERE name = 'swept' AND value < ?1", (gone,))
        db.execute("DELETE FROM leases WHERE ends_at <= ?", (self._now,))


def _delete(db: sqlite3.Connection, which: str, values: tuple[float, ...]) -> int:
    """Delete these, but never the newest, whose number must not be given again; the last gone."""
    gone = db.execute(
        f"DELETE FROM entries WHERE {which}"  # noqa: S608
        " AND seq < (SELECT max(seq) FROM entries) RETURNING seq",
        values,
    ).fetchall()
    return max((seq for (seq,) in gone), default=0)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _bytes_in_use(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _check(key: str, stored: Stored) -> None:
    if len(key) + len(stored.data) > MAX_BYTES:
        raise RejectedError(f"the value of {key[:80]!r} is too large: at most {MAX_BYTES:,} bytes")
