"""An exception at every point where one can come leaves nothing locked, open or waited for.

As of Ctrl-C, Celery's soft time limit, a timer's signal; and RecursionError at every depth.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from rig import rounds, wait_until

import cachelib
from cachelib import MemoryCache, MemoryStore, SqliteStore, TieredCache
from cachelib.locks import Owner

# An interrupted coroutine may never have been started, which Python tells whoever collects it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OURS = str(Path(cachelib.__file__).parent)
Call = Callable[[TieredCache], object]


class Interrupt(BaseException):
    """Like KeyboardInterrupt."""


def interrupt(call: Callable[[], object], at: int) -> bool:
    """Raise at the `at`-th line of the library that `call` runs; False if there are fewer."""
    left = at

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event in ("line", "call"):
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise Interrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Interrupt:
        pass
    finally:
        sys.settrace(before)
    return left <= 0


def store_is_locked(cache: TieredCache) -> bool:
    return isinstance(cache.l2, SqliteStore) and cache.l2._write_lock.locked()


def stuck(cache: TieredCache, key: str) -> str:
    """What would keep others waiting; "" if nothing."""
    if cache._lock.locked():
        return "the lock of L1"
    if store_is_locked(cache):
        return "the lock of the store"
    if isinstance(store := cache.l2, SqliteStore):
        db = sqlite3.connect(store.path, timeout=0, isolation_level=None)
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return "the file, for all processes"
        finally:
            db.close()
    if cache._flights:
        return f"the keys {list(cache._flights)}"
    if cache.l1.bytes != sum(entry.size for entry in cache.l1._entries.values()):
        return "the bytes of L1 are miscounted"
    answers: list[Any] = []
    others = threading.Thread(
        target=lambda: answers.append((cache.get_or_load(key, str), cache.set(key, "v"))),
        daemon=True,
    )
    others.start()
    others.join(5)
    return "" if answers else "the next caller"


def texts(keys: list[str]) -> dict[str, str]:
    return dict.fromkeys(keys, "v")


CALLS: dict[str, Call] = {
    "get": lambda cache: cache.get("k"),
    "get_many": lambda cache: cache.get_many(["k", "l"]),
    "load": lambda cache: cache.get_or_load("new", str),
    "load_over_l2": lambda cache: cache.get_or_load("k", str),
    "set": lambda cache: cache.set("k", "v"),
    "set_tagged": lambda cache: cache.set("k", "v", tags=("red", "round")),
    "set_many": lambda cache: cache.set_many({"k": 1, "l": 2}),
    "incr": lambda cache: cache.incr("n"),
    "delete": lambda cache: cache.delete("k"),
    "invalidate": lambda cache: cache.invalidate_tags("red"),
    "timed": lambda cache: cache.get_or_load("new", str, hard_timeout=20),
    "load_many": lambda cache: cache.get_or_load_many(["k", "new", "newer"], texts),
    "timed_many": lambda cache: cache.get_or_load_many(["k", "new"], texts, hard_timeout=20),
}


@pytest.fixture(params=["memory", "sqlite"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], TieredCache]:
    store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "cache.db")
    TieredCache(None, store, tag_refresh=60).set_many({"k": "v", "l": "w"}, tags=("red",))

    def fresh() -> TieredCache:
        return TieredCache(MemoryCache(2, max_bytes=1000), store, tag_refresh=60, lease=None)

    return fresh


@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_at_any_line_leaves_nothing_behind(
    fresh: Callable[[], TieredCache], name: str
) -> None:
    at, found = 1, []
    while True:
        cache = fresh()
        if not interrupt(lambda cache=cache: CALLS[name](cache), at):
            break
        if "timed" in name:  # a thread may be at work still
            wait_until(lambda cache=cache: not cache._flights and not store_is_locked(cache))
        if what := stuck(cache, "k"):
            found.append((at, what))
        at += 1
    assert found == []
    assert at > 20


class InterruptedOnceBegun(ThreadPoolExecutor):
    """A thread has begun the work when the interrupt comes to whoever gave it away."""

    def __init__(self, begun: threading.Event) -> None:
        super().__init__(1)
        self._begun = begun

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        super().submit(*args, **kwargs)
        assert self._begun.wait(20)
        raise Interrupt


def test_an_interrupt_after_a_thread_has_begun_the_load_leaves_it_to_that_thread() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def loader(key: str) -> str:
        begun.set()
        assert go_on.wait(20)
        return "loaded"

    with InterruptedOnceBegun(begun) as executor:
        cache = TieredCache(MemoryCache(), executor=executor)
        with pytest.raises(Interrupt):
            cache.get_or_load("k", loader, hard_timeout=20)
        go_on.set()
        wait_until(lambda: not cache._flights)
    assert cache.get("k") == "loaded"
    assert stuck(cache, "k") == ""


@pytest.mark.parametrize("name", CALLS)
def test_a_recursion_limit_at_any_depth_leaves_nothing_behind(
    fresh: Callable[[], TieredCache], name: str
) -> None:
    def deep(calls: int, call: Callable[[], object]) -> object:
        return call() if calls == 0 else deep(calls - 1, call)

    limited = 0
    here = len(_stack())
    limit = sys.getrecursionlimit()
    for room in range(4, 100):
        cache = fresh()
        try:
            deep(limit - here - room, lambda cache=cache: CALLS[name](cache))
        except (RecursionError, TypeError):  # the codec's cannot encode
            limited += 1
        assert stuck(cache, "k") == ""
    assert limited > 0


def _stack() -> list[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


@pytest.mark.parametrize("name", ["load", "set", "invalidate"])
def test_a_signal_at_any_moment_leaves_nothing_behind(
    fresh: Callable[[], TieredCache], name: str
) -> None:
    def handler(*_: object) -> None:
        raise Interrupt

    draw, found, hits = random.Random(name), [], 0
    before = signal.signal(signal.SIGALRM, handler)
    try:
        started = time.perf_counter()
        for _ in range(20):
            CALLS[name](fresh())
        span = (time.perf_counter() - started) / 20 * 1.2
        for n in range(rounds(120, 5000)):
            cache = fresh()
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-6, span))
                CALLS[name](cache)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupt:
                hits += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if what := stuck(cache, "k"):
                found.append((n, what))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert found == []
    assert hits > 0


def test_an_owner_is_there_while_its_frame_runs_and_gone_when_that_has_ended() -> None:
    """Asked from another thread; a traceback that holds the frame keeps no promise."""
    begun, may_end = threading.Event(), threading.Event()
    owners: list[Owner] = []
    kept: list[BaseException] = []

    def promise() -> None:
        owners.append(Owner())
        begun.set()
        may_end.wait(30)
        raise KeyboardInterrupt

    def work() -> None:
        try:
            promise()
        except KeyboardInterrupt as error:
            kept.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    assert not owners[0].gone()
    may_end.set()
    thread.join(30)
    assert kept
    assert [owner.gone() for owner in owners * 2] == [True, True]
