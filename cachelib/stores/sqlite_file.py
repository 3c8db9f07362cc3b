"""The connections to one SQLite file: pooled, and closed before a fork.

None is left in a transaction, wherever an interrupt hits: it would lock all processes out. None is
used after its file has been removed, replaced or found malformed: others would not see its writes.

SQLite opens a log and its index by name, when a connection first reads. Had the file been replaced
since it was opened, that would be the new file's log, and locks do not keep two files of one
process apart: so one thread at a time opens files, to the end, or moves them (`_by_name`).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

from cachelib.locks import OwnedLock
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import Closing, RejectedError, StoreUnavailableError
from cachelib.stores.sqlite_damage import (
    DamagedError,
    Identity,
    check_damage,
    identity,
    set_aside,
)

PATIENCE = 0.1  # seconds that SQLite itself waits for another process: a fork waits as long
FORK_PATIENCE = 2.0  # seconds that a fork waits for connections in use; then it takes the risk
LOOK_EVERY = 0.01  # seconds between looks whether the file is still there: it may cost 0.1 ms
ATTEMPTS = 4  # at one statement, when files are set aside meanwhile
MAX_LOG = 32 * 1024 * 1024  # bytes that the write-ahead log keeps after a large value has passed

HARMLESS = sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError

T = TypeVar("T")
Rows = list[tuple[Any, ...]]


_by_name = Lock()  # held inside a store's `_opening` only, so nobody has it during a fork
_graves: list[sqlite3.Connection] = []  # of a parent's, not even to be closed in a child


class Connection(sqlite3.Connection):
    """One that weak references can follow, and that knows where it belongs."""

    taken = broken = False
    home: list[Connection]
    file: Identity | None = None  # which it has open
    reader: sqlite3.Cursor  # to make one for each query would take a tenth of its time


class SqliteFile(Forkable, Closing):
    """Runs statements. Each takes a connection that is idle, or opens another.

    `prepare` makes of a file that was not met before what the statements need.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        busy_seconds: float,
        prepare: Callable[[sqlite3.Connection], object],
    ) -> None:
        self.path, self._busy_seconds, self._closed = os.fspath(path), busy_seconds, False
        self._open: WeakSet[Connection] = WeakSet()
        self._left: list[Connection] = []  # in use during a fork
        self.lock = OwnedLock()  # of the thread that writes
        self._prepare = prepare
        self._prepared: Identity | None = None  # the file that it was done to
        self._look_at = 0.0
        self._renew()
        mind_forks(self, Layer.STORE)

    def _renew(self) -> None:
        self._idle: list[Connection] = []
        self._opening = Lock()
        self._forking = Lock()  # held during a fork: then nobody may take a connection
        self.lock._at_fork_reinit()  # type: ignore[attr-defined]

    # Statements

    def read(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """The rows of a query."""
        return self._mending(lambda: self._read(sql, values))

    def _read(self, sql: str, values: Sequence[Any]) -> Rows:
        give_up = None
        while True:
            db = self._take()
            try:
                rows: Rows = db.execute(sql, values).fetchall()
                return rows
            except sqlite3.Error as error:
                now = time.monotonic()
                give_up = give_up or now + self._busy_seconds
                if "locked" not in str(error) or now > give_up:
                    db.broken = _breaks(error)
                    check_damage(error, db.file)
                    raise
            except UnicodeEncodeError as error:
                raise RejectedError(f"not text, so it cannot be a key: {error}") from error
            finally:
                self._give(db)

    def read_row(self, sql: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The row of a query that has at most one: the commonest read, as short as can be."""
        try:
            db = self._idle.pop()
        except IndexError:
            return next(iter(self.read(sql, values)), None)
        db.taken = True
        if self._closed or self._forking.locked() or self._is_gone(db):
            self._give(db)
            return next(iter(self.read(sql, values)), None)
        try:
            row: tuple[Any, ...] | None = db.reader.execute(sql, values).fetchone()
        except BaseException as error:  # be it an interrupt: no query may stay open
            db.reader = db.cursor()
            self._give(db)
            if isinstance(error, UnicodeEncodeError):
                raise RejectedError(f"not text, so it cannot be a key: {error}") from error
            if not isinstance(error, sqlite3.Error):
                raise
            return next(iter(self.read(sql, values)), None)
        if db.home is self._idle and not self._closed:  # as `_give`, without a call
            db.taken = False
            self._idle.append(db)
        else:
            self._give(db)
        return row

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, in a transaction.

        One thread of this process at a time; SQLite orders the processes.
        """
        return self._mending(lambda: self._write(work))

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db, give_up = None, time.monotonic() + self._busy_seconds
        try:  # what follows has no clean-up of its own: an interrupt could hit just before it
            with self.lock:
                db = self._take()
                while not self._begin(db, give_up):
                    self._give(db)
                    db = self._take()
                result = work(db)
                db.execute("COMMIT")
        except sqlite3.Error as error:
            if db is not None:
                db.broken = _breaks(error)
                check_damage(error, db.file)
            raise
        except UnicodeEncodeError as error:
            raise RejectedError(f"not text, so it cannot be a key: {error}") from error
        finally:
            if db is not None:
                if db.in_transaction:
                    db.rollback()
                self._give(db)
            self.lock.let_go()
        return result

    def _begin(self, db: Connection, give_up: float) -> bool:
        """False if another process has the file, for now."""
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            return False
        return True

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, to look into the file; `write` is for all that may be interrupted."""
        with self.lock:
            db = self._take()
            try:
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    yield db
            finally:
                self._give(db)

    def _mending(self, work: Callable[[], T]) -> T:
        for _ in range(ATTEMPTS - 1):
            try:
                return work()
            except DamagedError as error:
                if not self._mend(error):
                    raise
        return work()

    # Connections

    def _take(self) -> Connection:
        while True:
            try:
                db = self._idle.pop()
            except IndexError:
                db = self._connect()
            if self._closed:
                self._drop(db)
                raise StoreUnavailableError(f"{self.path} is closed")
            db.taken = True
            if self._forking.locked():
                self._give(db)  # for whoever forks to close
                with self._forking:
                    pass
            elif self._is_gone(db):
                self._give(db)
            else:
                return db

    def _is_gone(self, db: Connection) -> bool:
        """Whether its file has been removed or replaced."""
        if db.file == self._prepared:  # no newer one was met
            if time.monotonic() < self._look_at:
                return False
            if db.file == identity(self.path):
                self._look_at = time.monotonic() + LOOK_EVERY
                return False
        db.broken = True
        return True

    def _give(self, db: Connection) -> None:
        if not db.taken:
            return
        db.taken = False
        if self._closed or db.broken:  # its file may be gone: the next one looks anew
            self._drop(db)
        elif db.home is self._idle:  # not a parent's
            self._idle.append(db)

    def _drop(self, db: Connection) -> None:
        self._open.discard(db)
        db.close()

    def _connect(self) -> Connection:
        """Another one. It, too, waits for other processes: one may be mending the log of a killed
        one; but between two attempts a fork may go on."""
        give_up = time.monotonic() + self._busy_seconds
        while True:
            try:
                return self._connect_once()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)  # not every statement waits by itself

    def _connect_once(self) -> Connection:
        if self._closed:
            raise StoreUnavailableError(f"{self.path} is closed")
        with self._opening, _by_name:
            before = identity(self.path)
            db = sqlite3.connect(
                self.path,
                timeout=PATIENCE,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
            )
            try:
                db.file = identity(self.path)
                if before not in (None, db.file):
                    raise sqlite3.OperationalError("locked: another process replaces the file")
                self._look_into(db)
            except BaseException as error:
                db.close()
                if isinstance(error, sqlite3.Error):
                    check_damage(error, db.file)
                raise
            db.home, db.reader = self._idle, db.cursor()
            self._open.add(db)
            return db

    def _look_into(self, db: Connection) -> None:
        """Make it ours if it is new, and read: from then on it has all its files open."""
        db.execute("PRAGMA synchronous = NORMAL")  # a killed process loses nothing by it
        db.execute(f"PRAGMA journal_size_limit = {MAX_LOG}")
        if db.file != self._prepared or db.file is None:
            self._prepare(db)
            self._prepared = db.file
        else:
            db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()

    def _mend(self, damage: DamagedError) -> bool:
        """Whether to try again, as the file is out of the way."""
        ours = damage.file is not None and damage.file == self._prepared
        with self._opening, _by_name:
            try:
                return set_aside(self.path, damage, ours, self._busy_seconds)
            except sqlite3.Error:  # a folder that cannot be written, say: the damage is the news
                return False

    def close(self) -> None:
        """Operations in progress end; later ones raise StoreUnavailableError."""
        self._closed = True
        while self._idle:
            self._drop(self._idle.pop())

    # Forks

    def before_fork(self) -> None:
        """Close every connection; those in use, when they are given back."""
        self._forking.acquire()
        self._opening.acquire()
        give_up = time.monotonic() + FORK_PATIENCE
        while (self._idle or len(self._open)) and time.monotonic() < give_up:
            try:
                self._drop(self._idle.pop())
            except IndexError:
                time.sleep(0.001)
        self._left = list(self._open)  # lost by an interrupt, or this thread is inside it

    def after_fork_in_parent(self) -> None:
        self._left.clear()
        self._opening.release()
        self._forking.release()

    def after_fork(self) -> None:
        _graves.extend(self._left)
        self._left.clear()
        self._open.clear()
        self._renew()


def _breaks(error: sqlite3.Error) -> bool:
    """A connection may be of no use any more: its file may be gone, or closed by a daemon."""
    passing = "locked" in str(error) or "full" in str(error)
    return not passing and not isinstance(error, HARMLESS)
