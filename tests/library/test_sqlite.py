"""One SQLite file, many processes, and what may happen to it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import Clock, rounds, wait_until

from cachelib import (
    MemoryCache,
    SqliteStore,
    Stored,
    StoreUnavailableError,
    TieredCache,
)
from cachelib.stores.sqlite_file import MAX_LOG

WRITER = """
import sys
from cachelib import SqliteStore, TieredCache
cache = TieredCache(None, SqliteStore(sys.argv[1]))
for n in range(int(sys.argv[2]), 10**9):
    cache.set(f"k{n}", n)
    print(n, flush=True)
"""

WORKER = """
import sys, threading
from cachelib import MemoryCache, SqliteStore, TieredCache
cache = TieredCache(MemoryCache(), SqliteStore(sys.argv[1]))
errors = []
def work(thread):
    try:
        for n in range(40):
            cache.set(f"{sys.argv[2]}/{thread}/{n}", n)
            cache.set("shared", n)
            assert cache.get(f"{sys.argv[2]}/{thread}/{n}", skip_l1=True) == n
            assert cache.get("shared", skip_l1=True) is not None
    except Exception as error:
        errors.append(repr(error))
threads = [threading.Thread(target=work, args=(t,)) for t in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("\\n".join(errors), end="")
"""


@pytest.mark.timeout(600)
def test_every_acknowledged_set_survives_a_killed_process_and_the_file_opens(
    tmp_path: Path,
) -> None:
    path, draw, done = tmp_path / "cache.db", random.Random(1), 0
    for _ in range(rounds(20, 100)):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(done)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(draw.random() * 0.01)
        writer.send_signal(signal.SIGKILL)
        left = writer.stdout.read().split("\n")
        acknowledged = max([acknowledged, *(int(line) for line in left[:-1] if line)])
        writer.wait()
        writer.stdout.close()
        with SqliteStore(path) as store:
            cache = TieredCache(None, store)
            keys = [f"k{n}" for n in range(done, acknowledged + 1)]
            assert list(cache.get_many(keys)) == keys
        done = acknowledged + 1
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@pytest.mark.timeout(240)
def test_eight_processes_of_eight_threads_lose_nothing_and_are_never_locked_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cache.db"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), str(n)], stdout=subprocess.PIPE, text=True
        )
        for n in range(8)
    ]
    outputs = [worker.communicate()[0] for worker in workers]
    assert outputs == [""] * 8
    with SqliteStore(path) as store:
        keys = [f"{p}/{t}/{n}" for p in range(8) for t in range(8) for n in range(40)]
        assert len(TieredCache(None, store).get_many(keys)) == 8 * 8 * 40


def test_a_forked_child_uses_a_cache_of_its_parent(tmp_path: Path) -> None:
    code = """
import os, sys, threading
from cachelib import MemoryCache, SqliteStore, TieredCache
cache = TieredCache(MemoryCache(), SqliteStore(sys.argv[1]), soft_timeout=5, hard_timeout=5)
cache.set("k", "parent")
hold = threading.Event()
slow = lambda: cache.get_or_load("slow", lambda key: hold.wait(20))
threading.Thread(target=slow, daemon=True).start()
while not cache.stats.loads: pass
child = os.fork()
if child == 0:
    assert cache.get("k") == "parent"
    assert cache.get_or_load("slow", lambda key: "child") == "child"
    cache.set("k", "child")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
hold.set()
assert cache.get("k", skip_l1=True) == "child"
cache.close()
"""
    done = subprocess.run(
        # newer Pythons warn of any fork with threads; that it works nevertheless is the point
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "cache.db")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, "")


def truncated(path: Path) -> None:
    with SqliteStore(path) as store:
        store.set_many({f"k{n}": Stored(bytes(5000), None) for n in range(50)})
    os.truncate(path, 20_000)


def another_programs(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE accounts (name TEXT)")
    db.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7" * 1000)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("spoil", [another_programs, no_database, a_folder])
def test_a_file_that_is_not_ours_is_refused_by_name_and_left_alone(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "cache.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnavailableError, match=r"cache\.db cannot be used as a cache"):
        SqliteStore(path)
    assert before is None or path.read_bytes() == before


def test_a_truncated_file_is_l2_trouble_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    truncated(path)
    try:
        store = SqliteStore(path)
    except StoreUnavailableError:
        return
    with store:
        cache = TieredCache(MemoryCache(), store, on_l2_error="degrade")
        assert cache.get_or_load("k49", lambda key: "origin") == "origin"
        assert cache.set("new", 1) in (True, False)
        assert cache.get("new") == 1


def test_a_full_disk_is_an_l2_error_and_the_value_is_nowhere(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "cache.db") as store:
        with store._writing() as db:
            db.execute("PRAGMA max_page_count = 20")
        raising = TieredCache(MemoryCache(), store)
        with pytest.raises(sqlite3.OperationalError, match="full"):
            raising.set("k", "x" * 200_000)
        assert raising.get("k") is None
        degrading = TieredCache(MemoryCache(), store, on_l2_error="degrade")
        assert degrading.set("k", "x" * 200_000) is False
        assert raising.set("small", 1) is True


def test_closed_while_in_use_later_calls_say_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "cache.db")
    cache, errors, calls = TieredCache(None, store), [], []

    def work() -> None:
        try:
            while True:
                cache.set("k", len(calls))
                calls.append(cache.get("k"))
        except StoreUnavailableError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(calls) > 50)
    store.close()
    for thread in threads:
        thread.join(20)
    assert errors == [f"{tmp_path}/cache.db is closed"] * 4


def test_the_oldest_entries_go_when_the_file_is_over_its_size(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "cache.db", max_bytes=500_000) as store:
        for n in range(2000):
            store.set(f"k{n}", Stored(bytes(1000), None))
        assert store.get("k1999", 0) is not None
        assert store.get("k0", 0) is None
    assert sum(file.stat().st_size for file in tmp_path.glob("cache.db")) < 700_000
    with pytest.raises(ValueError, match="65536"):
        SqliteStore(tmp_path / "small.db", max_bytes=1)


def test_an_entry_written_again_is_not_the_oldest_any_more(tmp_path: Path) -> None:
    value = Stored(bytes(1000), None)
    with SqliteStore(tmp_path / "cache.db", max_bytes=500_000) as store:
        for n in range(2000):
            store.set(f"k{n}", value)
            store.set_many({"always": value, "rarely": value} if n == 1900 else {"always": value})
        kept = store.get_many([f"k{n}" for n in range(2000)], 0)
        assert list(kept) == [f"k{n}" for n in range(2000 - len(kept), 2000)]
        assert store.get_many(["always", "rarely"], 0).keys() == {"always", "rarely"}


def test_a_value_larger_than_the_bound_stays_until_the_next_is_written(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "cache.db", max_bytes=65_536) as store:
        store.set("large", Stored(bytes(200_000), None))
        assert store.get("large", 0) is not None
        store.set_many({f"k{n}": Stored(b"v", None) for n in range(64)})
        assert store.get("large", 0) is None
        assert store.get("k0", 0) is not None


def test_the_log_of_changes_is_bounded(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "cache.db", max_bytes=65_536) as store:
        for n in range(1000):
            store.set("the same key each time", Stored(b"%d" % n, None))
        with store._writing() as db:
            length = db.execute("SELECT sum(length(keys)) FROM changes").fetchone()[0]
    assert length < 65_536 / 8 + 64 * 30


def test_the_write_ahead_log_shrinks_again_after_a_large_value(tmp_path: Path) -> None:
    log = tmp_path / "c.db-wal"
    with SqliteStore(tmp_path / "c.db") as store:
        store.set("large", Stored(bytes(2 * MAX_LOG), None))
        assert log.stat().st_size > 2 * MAX_LOG
        for n in range(3):
            store.set(f"small{n}", Stored(b"1", None))
        assert log.stat().st_size <= MAX_LOG


def test_expired_entries_are_swept_a_bit_at_a_time(tmp_path: Path, clock: Clock) -> None:
    with SqliteStore(tmp_path / "cache.db") as store:
        store.set_many({f"old{n}": Stored(b"v", clock() + 1) for n in range(5000)})
        clock.advance(2)
        left = []
        for n in range(700):
            store.get("now is known", clock())
            store.set(f"new{n}", Stored(b"v", None))
            if n % 100 == 99:
                with store._writing() as db:
                    left.append(db.execute("SELECT count(*) FROM entries").fetchone()[0])
    assert left == sorted(left, reverse=True)
    assert left[0] > 4000
    assert left[-1] < 3500


def test_a_value_larger_than_sqlite_can_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachelib.stores.sqlite.MAX_BYTES", 1000)
    with SqliteStore(tmp_path / "cache.db") as store:
        cache = TieredCache(MemoryCache(), store, on_l2_error="degrade")
        with pytest.raises(ValueError, match="too large: at most 1,000 bytes"):
            cache.set("k", "x" * 1000)
        assert cache.get("k") is None


def test_a_cache_without_an_l1_reads_nothing_deleted_expired_or_damaged(
    tmp_path: Path, clock: Clock
) -> None:
    with SqliteStore(tmp_path / "cache.db") as store:
        cache = TieredCache(None, store, clock=clock, l2_ttl=10, stale_if_error=100)
        cache.set_many({"lives": (1, {"é": None}), "dies": 2, "goes": 3, "breaks": 4})
        cache.set("dies", 2, l2_ttl=5)
        cache.delete("goes")
        store.set("breaks", Stored(b"not ours, but long enough for an envelope", None))
        clock.advance(5)
        for _ in range(2):
            assert cache.get("lives") == (1, {"é": None})
            assert [cache.get(key, "none") for key in ("dies", "goes", "breaks", "never")] == [
                "none"
            ] * 4
        stats = cache.stats
        assert (stats.l2_hits, stats.misses, stats.decode_errors) == (2, 8, 2)


def test_who_opens_a_connection_waits_for_a_process_that_has_the_whole_file(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "cache.db") as store:
        store.set("k", Stored(b"v", None))
        store._file._drop(store._file._idle.pop())
        other = sqlite3.connect(
            store.path, timeout=5, isolation_level=None, check_same_thread=False
        )
        other.execute("PRAGMA locking_mode = EXCLUSIVE")  # as of who mends a killed process's log
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.5, other.close).start()
        assert store.get("k", time.time()) == Stored(b"v", None)
        assert store.set("k", Stored(b"w", None))
