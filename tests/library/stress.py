"""Processes and threads on one L2, killed, forked and interrupted; then what each noted is checked.

    python tests/library/stress.py sqlite|redis://... SECONDS PROCESSES THREADS

Rules 1 to 4 of docs/design.md. A value says who wrote it and when it was read from its origin, so
that the check needs nothing but the notes. All processes are on one machine and share its clock.
"""

from __future__ import annotations

import bisect
import faulthandler
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import accumulate
from math import inf
from pathlib import Path
from typing import Any

L1_TTL, L2_TTL, TAG_REFRESH = 0.4, 2.0, 0.3
SLACK = 0.06  # seconds between a clock's reading and what it is about, on a busy machine
KEYS = 10
AT_WORK = 10_000  # bytes of notes, after which a worker may be killed
Row = list[Any]


class Interrupt(BaseException):
    """Like KeyboardInterrupt."""


class Worker:
    """A process: its cache, its threads, its notes."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        from cachelib import MemoryCache, SqliteStore, TieredCache

        if url == "sqlite":
            store: Any = SqliteStore(folder / "cache.db")
        else:
            from cachelib.stores.redis import RedisStore

            store = RedisStore(url, prefix=f"{folder}:")
        self.cache = TieredCache(
            MemoryCache(), store, l1_ttl=L1_TTL, l2_ttl=L2_TTL, tag_refresh=TAG_REFRESH
        )
        self.folder, self.name = folder, name
        self.stopped = False  # an Event would be set in a handler that may hold its lock
        "localhost".encode("idna")  # or an interrupt might hit its import, which Python keeps
        self.loading: dict[str, dict[int, bool]] = defaultdict(dict)  # by key and thread
        self.open_notes()

    def open_notes(self) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self.notes = os.open(self.folder / f"notes.{self.name}", flags)

    def note(self, *row: Any) -> None:
        os.write(self.notes, (json.dumps([self.name, *row]) + "\n").encode())

    def load(self, key: str) -> Any:
        version = 0
        if key[0] == "d":  # its origin changes
            version = (self.folder / f"origin.{key}").stat().st_size
        mine = self.loading[key]
        try:
            mine[threading.get_ident()] = True
            main = threading.main_thread().ident  # an interrupted load may still be noted there
            if set(mine) - {main, threading.get_ident()} and key[0] == "l":  # for which no delete
                self.note("double", key)  # lets another load begin
            time.sleep(random.random() * 0.02)
        finally:
            mine.pop(threading.get_ident(), None)
        return {"key": key, "loaded": time.time(), "version": version}  # its life begins here

    def change(self, key: str) -> None:
        """The origin, and then the cache: no load from before may be read afterwards."""
        file = os.open(self.folder / f"origin.{key}", os.O_WRONLY | os.O_APPEND)
        os.write(file, b".")
        version = os.fstat(file).st_size
        os.close(file)
        self.cache.delete(key)
        self.note("changed", key, version, time.time())

    def step(self, draw: random.Random, thread: str) -> None:
        cache, key, kind = self.cache, str(draw.randrange(KEYS)), draw.random()
        if kind < 0.15:
            tags = (f"tag{int(key) % 3}",) if draw.random() < 0.5 else ()
            written = f"{'t' if tags else 'r'}{key}"
            number = f"{self.name}.{thread}.{time.time_ns()}"
            begun = time.time()
            self.note("set?", written, begun, number)
            done = cache.set(written, {"key": written, "number": number}, tags=tags)
            self.note("set", written, begun, number, time.time(), done)
        elif kind < 0.18:
            begun, number = time.time(), f"x{time.time_ns()}"
            self.note("set?", f"r{key}", begun, number)
            cache.delete(f"r{key}")
            self.note("set", f"r{key}", begun, number, time.time(), True)
        elif kind < 0.21:
            tag = f"tag{int(key) % 3}"
            begun = time.time()
            cache.invalidate_tags(tag)
            self.note("revoked", tag, begun, time.time())
        elif kind < 0.60:
            read, skip = f"{draw.choice('rt')}{key}", draw.random() < 0.5
            begun = time.time()
            value = cache.get(read, skip_l1=skip)
            ended = time.time()
            if value is not None:
                torn = value["key"] != read
                self.note("torn" if torn else "get", read, begun, ended, value["number"], skip)
        elif kind < 0.63:
            self.change(f"d{key}")
        else:
            read, skip = f"{draw.choice('ld')}{key}", draw.random() < 0.5
            begun = time.time()
            value, tier, *_ = cache.fetch(read, self.load, skip_l1=skip)
            self.note("load", read, begun, value["loaded"], value["version"], tier, skip)

    def work(self, thread: str) -> None:
        draw = random.Random(f"{self.name}/{thread}")
        while not self.stopped:
            try:
                self.step(draw, thread)
            except Exception as error:
                self.note("error", repr(error))
            time.sleep(draw.random() * 0.004)

    def forks(self, draw: random.Random) -> None:
        """A child writes, reads and ends; a child that hangs is killed by its alarm."""
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
            self.name += f"-{os.getpid()}"
            self.loading.clear()
            self.open_notes()
            for _ in range(10):
                self.step(draw, "child")
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        self.note("forked", status)

    def run(self, threads: int) -> None:
        """The main thread is interrupted, and forks."""

        def interrupt(*_: object) -> None:
            raise Interrupt

        def end(*_: object) -> None:
            self.stopped = True

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGALRM, interrupt)
        workers = [threading.Thread(target=self.work, args=(f"{n}",)) for n in range(threads)]
        for worker in workers:
            worker.start()
        draw = random.Random(self.name)
        while not self.stopped:
            failed: Exception | None = None
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, 0.02))
                    for _ in range(10):
                        self.step(draw, "main")
                except Exception as error:
                    failed = error
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupt:
                self.note("interrupted")
            if failed is not None:
                self.note("error", repr(failed))
            for mine in list(self.loading.values()):  # of what was interrupted
                mine.pop(threading.get_ident(), None)
            if draw.random() < 0.05:
                self.forks(draw)
        for worker in workers:
            worker.join()
        self.note("left", len(self.cache._flights), self.cache._lock.locked())
        os._exit(0)


def stress(url: str, folder: Path, seconds: float, processes: int, threads: int) -> dict[str, Any]:
    """Counts of what happened, and `violations`."""
    for key in range(KEYS):
        (folder / f"origin.d{key}").write_bytes(b"")
    names, running, kills = iter(range(10**6)), {}, 0

    def start() -> None:
        name = f"p{next(names)}"
        arguments = ["worker", url, str(folder), name, str(threads)]
        program = [sys.executable, "-W", "ignore", __file__, *arguments]
        running[name] = subprocess.Popen(program)

    def at_work(name: str) -> bool:
        notes = folder / f"notes.{name}"
        return notes.exists() and notes.stat().st_size > AT_WORK

    def wait(names: list[str]) -> None:
        give_up = time.time() + 120
        while not all(at_work(name) for name in names):
            assert time.time() < give_up, "a worker does nothing"
            time.sleep(0.05)

    try:
        for _ in range(processes):
            start()
        wait(list(running))
        draw, end = random.Random(1), time.time() + seconds
        while time.time() < end:
            time.sleep(draw.uniform(0.1, 0.6))
            name = draw.choice(list(running))
            if at_work(name):
                victim = running.pop(name)
                victim.kill()
                victim.wait()
                kills += 1
                start()
        wait(list(running))
    finally:
        hung = sum(not _ends(process) for process in list(running.values()))
    rows = list(_rows(folder))
    counts = Counter(row[1] for row in rows)
    violations = check(rows)
    if hung:
        violations["a process did not end"] = hung
    return {"kills": kills, **counts, "violations": dict(violations)}


def _ends(process: subprocess.Popen[bytes]) -> bool:
    """Asked again each second, as an interrupt may hit in the midst of the signal's handler."""
    for _ in range(60):
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
            return True
    process.send_signal(signal.SIGABRT)  # it tells where it hangs
    process.wait()
    return False


def _rows(folder: Path) -> Iterator[Row]:
    for file in folder.glob("notes.*"):
        for line in file.read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue  # of a process killed in the midst of it


def check(rows: list[Row]) -> Counter[str]:
    """How often each rule was broken."""
    bad: Counter[str] = Counter()
    written: dict[str, dict[str, Row]] = defaultdict(dict)
    revoked, changed = defaultdict(list), defaultdict(list)
    for who, what, *row in rows:
        if what == "set?":
            written[row[0]].setdefault(row[2], [row[1], None, who])
        elif what == "set":
            written[row[0]][row[2]] = [row[1], row[3], who]
        elif what == "revoked":
            revoked[row[0]].append((row[1], row[2], who))
        elif what == "changed":
            changed[row[0]].append((row[2], row[1]))
        elif what in ("torn", "double", "error"):
            bad[f"{what}: {row[-1]}"] += 1
        elif what == "forked" and row[0]:
            bad[f"a child hung or failed: {row[0]}"] += 1
        elif what == "left" and any(row):
            bad["something was left in flight"] += 1
    ended = {
        key: sorted((end, begun, who) for begun, end, who in some.values() if end is not None)
        for key, some in written.items()
    }
    revocations = {
        tag: Earliest((at, done) for at, done, _ in some) for tag, some in revoked.items()
    }
    own = {
        (tag, who): Earliest((at, done) for at, done, by in some if by == who)
        for tag, some in revoked.items()
        for who in {by for _, _, by in some}
    }
    changes = {key: Earliest((n, at) for at, n in some) for key, some in changed.items()}
    for who, what, *row in rows:
        if what == "get":
            tag = f"tag{int(row[0][1:]) % 3}"
            of_tag = revocations.get(tag, NONE), own.get((tag, who), NONE)
            _check_get(bad, who, row, written[row[0]], ended.get(row[0], []), of_tag)
        elif what == "load":
            _check_load(bad, row, changes.get(row[0], NONE))
    return bad


class Earliest:
    """Of pairs, the least second number of all whose first is greater than some bound."""

    def __init__(self, pairs: Iterable[tuple[float, float]] = ()) -> None:
        ordered = sorted(pairs)
        self.firsts = [first for first, _ in ordered]
        self.least = [*accumulate((second for _, second in reversed(ordered)), min)][::-1]

    def after(self, bound: float) -> float:
        """Infinity if there is none."""
        start = bisect.bisect_right(self.firsts, bound)
        return self.least[start] if start < len(self.least) else inf


NONE = Earliest()


def _check_get(
    bad: Counter[str],
    who: str,
    row: Row,
    written: dict[str, Row],
    ended: list[tuple[float, float, str]],
    revoked: tuple[Earliest, Earliest],
) -> None:
    key, begun, _, number, skipped = row
    if number not in written:
        bad["a value from nowhere"] += 1
        return
    _, end, _writer = written[number]
    if end is None:
        return  # killed or interrupted while it wrote: it may be written at any time
    if begun - end > L2_TTL + SLACK:
        bad["a value past its life"] += 1
    before = bisect.bisect_left(ended, (begun, 0.0, ""))
    after = bisect.bisect_left(ended, (end, 0.0, ""))  # what begun after it has ended after it
    newer = [one for one in ended[after:before] if one[1] > end]
    if newer and skipped:
        bad["L2 holds a value older than an acknowledged write"] += 1
    elif any(one[2] == who for one in newer):
        bad["a process does not see its own write"] += 1
    elif newer and begun - newer[0][0] > L1_TTL + SLACK:
        bad["L1 serves an overwritten value past its time"] += 1
    if key[0] == "t":
        by_any, by_itself = revoked
        if begun > min(by_any.after(end) + TAG_REFRESH + SLACK, by_itself.after(end)):
            bad["a revoked value"] += 1


def _check_load(bad: Counter[str], row: Row, changed: Earliest) -> None:
    _, begun, loaded, version, tier, skipped = row
    if begun - loaded > L2_TTL + SLACK:
        bad["a loaded value past its life"] += 1
    late = begun - changed.after(version)  # what another thread reads from L2 is shared as L1 is
    if tier in ("l1", "l2") and late > (0 if skipped else L1_TTL + SLACK):
        bad[f"a load from before a delete is served by {tier}"] += 1


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        faulthandler.enable()
        Worker(sys.argv[2], Path(sys.argv[3]), sys.argv[4]).run(int(sys.argv[5]))
    with tempfile.TemporaryDirectory() as folder:
        seconds, processes, threads = float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
        result = stress(sys.argv[1], Path(folder), seconds, processes, threads)
    print(json.dumps(result, indent=1))
