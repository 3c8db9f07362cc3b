"""Forks: of a daemon, of a server's workers, of multiprocessing, while threads write."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from rig import Server, rounds

from cachelib import SqliteStore, TieredCache


def run(code: str, *arguments: object, seconds: float = 60) -> str:
    """What a Python program prints; newer Pythons warn of any fork with threads."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


DAEMON = """
import os, sys, time
from cachelib import MemoryCache, SqliteStore, TieredCache
store = SqliteStore(sys.argv[1])
cache = TieredCache(MemoryCache(), store)
cache.set("parent", 1)
cache.get("parent", skip_l1=True)
grandparent = os.getpid()
if os.fork() == 0:  # as Celery and python-daemon do: twice, without the files of the parent
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(3, 64)
    cache.set("child", 0)
    while os.path.exists(f"/proc/{grandparent}"):
        time.sleep(0.01)
    for n in range(40):
        written = cache.set(f"child{n}", n)
        with open(sys.argv[2], "a") as log:
            print(n if written else f"{n} was refused", file=log)
        time.sleep(0.01)
    with open(sys.argv[2], "a") as log:
        print("done", file=log)
    os._exit(0)
os.wait()
if sys.argv[3] == "close":
    store.close()
elif sys.argv[3] == "kill":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ["exit", "close", "kill"])
def test_what_a_daemon_wrote_outlives_the_end_of_its_parent(tmp_path: Path, end: str) -> None:
    path, log = tmp_path / "cache.db", tmp_path / "log"
    parent = subprocess.Popen([sys.executable, "-W", "ignore", "-c", DAEMON, path, log, end])
    parent.wait(30)
    for n in count():  # others come and go meanwhile, and the last to close removes the log
        with SqliteStore(path) as store:
            assert TieredCache(None, store).set(f"other{n}", n)
        if log.exists() and "done" in log.read_text():
            break
    assert log.read_text().split("\n")[:-1] == [*map(str, range(40)), "done"]
    with SqliteStore(path) as store:
        cache = TieredCache(None, store)
        assert len(cache.get_many([f"child{n}" for n in range(40)])) == 40
        assert len(cache.get_many([f"other{k}" for k in range(n + 1)])) == n + 1


BUSY = """
import logging  # which complains on stderr if its first import is in the midst of a fork
import os, signal, sys, threading, time
from cachelib import MemoryCache, SqliteStore, TieredCache
if sys.argv[2] == "sqlite":
    store = SqliteStore(sys.argv[1])
else:
    from cachelib.stores.redis import RedisStore
    store = RedisStore(sys.argv[2], prefix=sys.argv[1])
cache = TieredCache(MemoryCache(50), store, hard_timeout=20)
stop = threading.Event()
errors = []
def work(n):
    i = 0
    try:
        while not stop.is_set():
            i += 1
            cache.set(f"{n}/{i % 70}", "x" * 2000)
            cache.get_or_load(f"{n}/{i % 90}", lambda key: key)
            cache.delete(f"{n}/{i % 110}")
    except BaseException as error:
        errors.append(error)
        raise
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
lost = 0
for round in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        cache.set(f"child{round}", round)
        ok = cache.get_or_load(f"loaded{round}", lambda key: round) == round
        os._exit(0 if ok and cache.get(f"child{round}", skip_l1=True) == round else 1)
    if os.waitpid(child, 0)[1] or cache.get(f"child{round}", skip_l1=True) != round:
        lost += 1
stop.set()
for thread in threads: thread.join()
print(lost, len(errors))
"""


@pytest.mark.timeout(3600)
def test_children_of_a_process_whose_threads_write_neither_hang_nor_lose_a_set(
    tmp_path: Path,
) -> None:
    assert run(BUSY, tmp_path / "cache.db", "sqlite", rounds(20, 1000), seconds=3600) == "0 0\n"


@pytest.mark.timeout(3600)
def test_the_same_over_redis(tmp_path: Path, server: Server) -> None:
    assert run(BUSY, f"{tmp_path}:", server.url, rounds(15, 1000), seconds=3600) == "0 0\n"


IMPORTING = """
import os, signal, sys, threading, time
from cachelib import MemoryStore, TieredCache
folder = sys.argv[1]
sys.path.insert(0, folder)
with open(f"{folder}/slow_to_import.py", "w") as file:
    file.write(f"import time; open({folder!r} + '/begun', 'w').close(); time.sleep(0.5); done = 1")
cache = TieredCache(None, MemoryStore())
thread = threading.Thread(target=__import__, args=("slow_to_import",))
thread.start()
while not os.path.exists(f"{folder}/begun"): time.sleep(0.001)
child = os.fork()
if child == 0:
    signal.alarm(20)
    import slow_to_import
    os._exit(0 if slow_to_import.done else 1)
print(os.waitpid(child, 0)[1])
thread.join()
"""


def test_a_fork_waits_for_what_another_thread_is_importing(tmp_path: Path) -> None:
    assert run(IMPORTING, tmp_path) == "0\n"


PREFORK = """
import os, sys, time
from cachelib import MemoryCache, SqliteStore, TieredCache
if sys.argv[2] == "sqlite":
    make = lambda: SqliteStore(sys.argv[1])
else:
    from cachelib.stores.redis import RedisStore
    make = lambda: RedisStore(sys.argv[2], prefix=sys.argv[1], announce=True)
cache, other = TieredCache(MemoryCache(), make()), TieredCache(None, make())
cache.listen(0.05)
def heard(value):
    for _ in range(1000):
        if cache.get("k") == value: return True
        time.sleep(0.01)
other.set("k", "before")
assert heard("before")
ready, go = os.pipe(), os.pipe()
workers = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        ok = cache.get("k") == "before"
        time.sleep(0.3)
        cache.get("k")
        os.write(ready[1], b".")
        os.read(go[0], 1)
        os._exit(0 if ok and heard("after") else 1)
    workers.append(child)
for _ in workers: os.read(ready[0], 1)
time.sleep(0.3)
other.set("k", "after")
os.write(go[1], b"...")
print(heard("after"), *(os.waitpid(child, 0)[1] for child in workers))
"""


def test_workers_of_a_preloaded_server_and_their_parent_all_hear_of_changes(
    tmp_path: Path, server: Server
) -> None:
    assert run(PREFORK, tmp_path / "cache.db", "sqlite") == "True 0 0 0\n"
    assert run(PREFORK, f"{tmp_path}:", server.url) == "True 0 0 0\n"


POOL = """
import multiprocessing, sys
from cachelib import MemoryCache, SqliteStore, TieredCache

def work(path, n):
    with SqliteStore(path) as store:
        cache = TieredCache(MemoryCache(), store)
        cache.set(f"k{n}", n)
        return cache.get_or_load("shared", lambda key: "loaded")

if __name__ == "__main__":
    path, method = sys.argv[1:]
    with SqliteStore(path) as store:
        cache = TieredCache(MemoryCache(), store)
        cache.set("before", 1)
        with multiprocessing.get_context(method).Pool(2) as pool:
            results = pool.starmap(work, [(path, n) for n in range(8)])
        print(set(results), sorted(cache.get_many([f"k{n}" for n in range(8)]).values()))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_start_method_of_multiprocessing_works(tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"  # a file, which a spawned process can import; and a small one
    program.write_text(POOL)
    command = [sys.executable, "-W", "ignore", program, tmp_path / "cache.db", method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("{'loaded'} [0, 1, 2, 3, 4, 5, 6, 7]\n", "")


IN_USE = """
import os, sys, threading
from cachelib import SqliteStore, Stored
store = SqliteStore(sys.argv[1])
inside, go = threading.Event(), threading.Event()
def slow():
    with store._writing() as db:
        inside.set()
        go.wait(30)
        db.execute("UPDATE leases SET ends_at = 0")
thread = threading.Thread(target=slow)
thread.start()
inside.wait(30)
threading.Timer(0.2, go.set).start()
child = os.fork()
if child == 0:
    os._exit(0 if go.is_set() and store.set("child", Stored(b"v", None)) else 1)
thread.join()
print(os.waitpid(child, 0)[1], store.get("child", 0).data)
"""


def test_a_fork_waits_for_connections_in_use(tmp_path: Path) -> None:
    assert run(IN_USE, tmp_path / "cache.db") == "0 b'v'\n"
