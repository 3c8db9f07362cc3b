"""A cache file that is overwritten, cut off, removed or replaced while it is in use, or before."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachelib import MemoryCache, SqliteStore, Stored, StoreUnavailableError, TieredCache
from cachelib.stores.sqlite_damage import _alone

Spoil = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _always_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cachelib.stores.sqlite_file.LOOK_EVERY", 0)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(path.stat().st_size - 8192))


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 - 100)


def cut_to_a_page(path: Path) -> None:
    os.truncate(path, 4096)


def without_a_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 200)


def zeros_first(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(8192))


def tables_gone_wrong(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(3000))


def empty(path: Path) -> None:
    os.truncate(path, 0)


def all_noise(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"noise" * (path.stat().st_size // 5 + 1))


SPOILT = [
    overwritten,
    cut_in_half,
    cut_to_a_page,
    without_a_header,
    zeros_first,
    tables_gone_wrong,
    empty,
]


def fill(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    store.set_many({f"k{n}": Stored(b"x" * 3000, None) for n in range(300)})
    with store._writing():
        pass
    checkpoint = sqlite3.connect(path)
    checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint.close()
    return store


def works(store: SqliteStore) -> None:
    """Whatever it still has is what was written; and it takes all that is written from now on."""
    for n in range(300):
        found = store.get(f"k{n}", 0)
        assert found is None or found.data == b"x" * 3000
    for n in range(300):
        store.set(f"k{n}", Stored(b"new", None))
    assert all(store.get(f"k{n}", 0) == Stored(b"new", None) for n in range(300))
    with store._writing() as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_malformed_cache_is_made_anew_when_it_is_opened_and_the_log_says_so(
    tmp_path: Path, spoil: Spoil, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cache.db"
    fill(path).close()
    spoil(path)
    with SqliteStore(path) as store:
        works(store)
    if spoil is not empty:
        assert "cache.db was damaged" in caplog.text
        assert (tmp_path / "cache.db.damaged").exists()
    assert not (tmp_path / "cache.db.mending").exists()


@pytest.mark.parametrize("spoil", [*SPOILT, all_noise])
def test_a_cache_that_is_spoilt_while_in_use_is_made_anew(tmp_path: Path, spoil: Spoil) -> None:
    path = tmp_path / "cache.db"
    with fill(path) as store:
        store.get("k0", 0)
        spoil(path)
        store._file._drop(store._file._idle.pop())  # it has pages in memory
        works(store)
        with SqliteStore(path) as other:
            assert other.get("k7", 0) == Stored(b"new", None)


@pytest.mark.parametrize("_round", range(15))  # a race: one try in some hundred used to fail
def test_many_who_find_it_malformed_at_once_set_it_aside_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, _round: int
) -> None:
    path = tmp_path / "cache.db"
    fill(path).close()
    stores = [SqliteStore(path) for _ in range(6)]
    for store in stores:
        store._file.close()
    overwritten(path)
    for store in stores:
        store._file._closed = False
    start, errors = threading.Barrier(6), []

    def write(number: int) -> None:
        start.wait()
        try:
            for n in range(100):
                stores[number].set(f"{number}/{n}", Stored(b"v", None))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    keys = [f"{number}/{n}" for number in range(6) for n in range(100)]
    found = stores[0].get_many(keys, time.time())
    for store in stores:
        store.close()
    assert caplog.text.count("was damaged") == 1
    assert sorted(set(keys) - set(found)) == []


def removed(path: Path) -> None:
    for file in path.parent.glob("cache.db*"):
        file.unlink()


def moved_away(path: Path) -> None:
    path.rename(path.parent / "elsewhere.db")


@pytest.mark.parametrize("remove", [removed, moved_away])
def test_after_the_file_has_been_removed_processes_share_again(
    tmp_path: Path, remove: Spoil
) -> None:
    path = tmp_path / "cache.db"
    with SqliteStore(path) as mine:
        cache = TieredCache(MemoryCache(), mine)
        cache.set("k", "old")
        remove(path)
        with SqliteStore(path) as theirs:
            other = TieredCache(MemoryCache(), theirs)
            assert other.set("k", "new")
            assert cache.set("k2", 1)
            assert other.get("k2") == 1
            assert cache.get("k", skip_l1=True) == "new"


def test_another_programs_database_put_in_its_place_is_left_alone(
    tmp_path: Path,
) -> None:
    path, theirs = tmp_path / "cache.db", tmp_path / "theirs.db"
    with sqlite3.connect(theirs) as db:
        db.execute("CREATE TABLE accounts (name TEXT)")
    db.close()
    with SqliteStore(path) as store:
        store.set("k", Stored(b"v", None))
        before = theirs.read_bytes()
        removed(path)  # or SQLite would read our log into their file
        os.replace(theirs, path)
        with pytest.raises(sqlite3.DatabaseError, match="another program"):
            store.set("k", Stored(b"w", None))
    assert path.read_bytes() == before
    with pytest.raises(StoreUnavailableError, match="another program"):
        SqliteStore(path)


def test_another_programs_damaged_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE accounts (name TEXT)")
        db.executemany("INSERT INTO accounts VALUES (?)", [("x" * 500,)] * 100)
    db.close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailableError, match="malformed"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_of_a_broken_file_that_may_be_anybodys_it_is_said_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"SQLite format 3\0" + b"noise" * 2000)
    with pytest.raises(StoreUnavailableError, match=r"cache\.db.*delete or rename it"):
        SqliteStore(path)
    assert [each.name for each in tmp_path.iterdir()] == ["cache.db"]


def test_who_waited_for_a_lock_that_was_removed_meanwhile_takes_another(tmp_path: Path) -> None:
    """The lock's file goes away when its holder is done; who waited then is not alone by it."""
    path = str(tmp_path / "lock")
    inside: list[str] = []

    def work(name: str) -> None:
        with _alone(path, 20):
            inside.append(name)
            assert os.path.exists(path)
            time.sleep(0.02)
            assert inside[-1] == name
            inside.append("out")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [f"{n}" for n in range(30)]))
    assert inside[1::2] == ["out"] * 30
    assert not os.path.exists(path)
