"""A cache file that broke, or went away, under those who use it: known, set aside, made anew.

It is only a cache: what is lost is loaded again. What may be another program's is left alone.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

APPLICATION_ID = 0x63616333  # "cac3"; SQLite keeps it in the file's header
OLDER_IDS = (0x63616332,)  # of files with other tables: they are only a cache, so they are emptied
MAGIC = b"SQLite format 3\0"
OUR_TABLE = b"CREATE TABLE leases"  # the schema lies at the far end of the first page
PAGE = 4096  # bytes
BROKEN = 11, 26  # SQLITE_CORRUPT and SQLITE_NOTADB
MOVED = 8, 10, 14  # SQLITE_READONLY, _IOERR, _CANTOPEN: what a file says that is being moved away
SIDES = "-wal", "-shm"

Identity = tuple[int, int]


def identity(path: str) -> Identity | None:
    """Which file is there now; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class DamagedError(sqlite3.DatabaseError):
    """It is the file that is broken, or was moved away: `file`, wherever it may be by now."""

    def __init__(self, error: sqlite3.Error, file: Identity | None, malformed: bool) -> None:
        super().__init__(str(error))
        self.file, self.malformed = file, malformed


def check_damage(error: sqlite3.Error, file: Identity | None) -> None:
    """DamagedError if what SQLite says of `file` may mean that."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    malformed = code in BROKEN or str(error).startswith("no such table")
    if malformed or code in MOVED:
        raise DamagedError(error, file, malformed) from error


def advice(error: sqlite3.Error) -> str:
    """What to do about a file that is broken and may be another program's."""
    if not (isinstance(error, DamagedError) and error.malformed):
        return ""
    return (
        ". Nothing in it says whose it is, so it was left alone: if it was this cache's, delete or"
        " rename it, and an empty one takes its place"
    )


def set_aside(path: str, damage: DamagedError, was_ours: bool, busy_seconds: float) -> bool:
    """Whether the file is out of the way: moved to `path`.damaged, unless another program's.

    One process at a time, or the second would move away what the first has made anew: SQLite's
    own lock, on an empty file beside it, ends with its process.
    """
    with _alone(f"{path}.mending", busy_seconds):
        if identity(path) != damage.file:
            return True  # another one was faster
        if not damage.malformed or not _is_ours(path, was_ours):
            return False
        for side in (*SIDES, ""):  # a log must not be replayed into the new file
            with suppress(FileNotFoundError):
                os.replace(path + side, f"{path}.damaged{side}")
    _tell(path)
    return True


@contextmanager
def _alone(path: str, busy_seconds: float) -> Iterator[None]:
    """One process at a time, by a file that is there no longer than that.

    Who waited for one that has been removed meanwhile has a lock of nothing, and takes another.
    """
    while True:
        with suppress(FileExistsError):  # to close one that is there would end this process's locks
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        asked = identity(path)
        with closing(sqlite3.connect(path, timeout=busy_seconds)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                if identity(path) == asked:
                    raise
            if asked is None or identity(path) != asked:
                continue
            try:
                yield
            finally:
                with suppress(OSError):  # where an open file cannot be removed it stays
                    os.unlink(path)
            return


def _is_ours(path: str, was_ours: bool) -> bool:
    """By what is left of the first page; if nothing is, by whether we have used it as ours."""
    with open(path, "rb") as file:
        page = file.read(PAGE)
    ids = [number.to_bytes(4, "big") for number in (APPLICATION_ID, *OLDER_IDS)]
    if page.startswith(MAGIC) and page[68:72] in ids:
        return True
    if OUR_TABLE in page or not page.strip(b"\0"):
        return True
    return was_ours and not page.startswith(MAGIC)


def _tell(path: str) -> None:
    from cachelib.logs import logger

    logger().warning(
        "%s was damaged: it is now %s.damaged (of %s), and an empty cache takes its place",
        path,
        path,
        time.strftime("%Y-%m-%d %H:%M:%S"),
    )
