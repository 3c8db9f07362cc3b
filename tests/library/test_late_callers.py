"""Who comes while a value is being loaded or read gets it only if it lived when they came.

A life counts from the end of a load, but the load's flight goes on while L2 is written, for as long
as L2 takes. Each is tried with threads and with tasks.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest
from rig import Clock, FlakyStore, Origin, wait_until

from cachelib import ABSENT, AsyncTieredCache, MemoryCache, RejectedError, TieredCache


class Skin(NamedTuple):
    """A cache of either kind, and how to call it without waiting for the answer."""

    cache: Any
    ask: Callable[..., Future[Any]]  # a method's name and arguments
    joins: list[str]  # the keys of those who began to wait

    def join(self, *args: Any, **options: Any) -> Future[Any]:
        """Come while the key's flight is in the air."""
        before = len(self.joins)
        answer = self.ask(*args, **options)
        wait_until(lambda: len(self.joins) > before)
        return answer


class BusyStore(FlakyStore):
    """Its method `slow` takes until it is let go."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.slow = ""
        self.begun, self.go = threading.Event(), threading.Event()

    def _trip(self, name: str, *args: Any) -> Any:
        if name == self.slow:
            self.begun.set()
            assert self.go.wait(20)
        return super()._trip(name, *args)


class SlowAnswers(BusyStore):
    """What it was asked is known long before the answer is there."""

    def _trip(self, name: str, *args: Any) -> Any:
        answer = FlakyStore._trip(self, name, *args)
        if name == self.slow:
            self.slow = ""
            self.begun.set()
            assert self.go.wait(20)
        return answer


class LittleStore(FlakyStore):
    """Its values must be small."""

    def _trip(self, name: str, *args: Any) -> Any:
        if name in ("set", "set_many"):
            raise RejectedError("too large")
        return super()._trip(name, *args)


class SlowOrigin(Origin):
    """Takes until it is let go; for a key, or for many at once."""

    def __init__(self, cache: Any, value: Any) -> None:
        super().__init__(value)
        self.begun, self.go = threading.Event(), threading.Event()
        self.loader = self.load if isinstance(cache, TieredCache) else self.awaited

    def load(self, wanted: Any) -> Any:
        self.begun.set()
        assert self.go.wait(20)
        return self(wanted)

    async def awaited(self, wanted: Any) -> Any:
        return await asyncio.to_thread(self.load, wanted)


@pytest.fixture
def store() -> BusyStore:
    return BusyStore()


@pytest.fixture(params=["threads", "tasks"])
def skin(
    request: pytest.FixtureRequest, clock: Clock, store: BusyStore
) -> Iterator[Callable[..., Skin]]:
    pool, loop = ThreadPoolExecutor(8), asyncio.new_event_loop()
    runner = threading.Thread(target=loop.run_forever)
    runner.start()

    def in_thread(method: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
        return pool.submit(method, *args, **options)

    def in_task(method: Callable[..., Any], *args: Any, **options: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(method(*args, **options), loop)

    def skin(l2: Any = store, **options: Any) -> Skin:
        kind, run = (
            (TieredCache, in_thread) if request.param == "threads" else (AsyncTieredCache, in_task)
        )
        cache: Any = kind(MemoryCache(), l2, clock=clock, **options)
        joins, join = [], cache._join

        def noting(flight: Any, *args: Any) -> Any:
            joins.append(flight.key)
            return join(flight, *args)

        cache._join = noting
        return Skin(cache, lambda name, *a, **o: run(getattr(cache, name), *a, **o), joins)

    yield skin
    store.go.set()
    pool.shutdown()
    loop.call_soon_threadsafe(loop.stop)
    runner.join()
    loop.close()


@pytest.mark.parametrize(("come", "origin_calls"), [(4.9, 1), (5.0, 1), (5.1, 2)])
def test_who_comes_after_a_value_has_died_that_is_still_being_written_gets_another(
    skin: Callable[..., Skin], store: BusyStore, clock: Clock, come: float, origin_calls: int
) -> None:
    busy, origin = skin(l2_ttl=5), Origin()
    store.slow = "set"
    first = busy.ask("fetch", "k", origin)
    assert store.begun.wait(20)  # it is loaded, and lives until 5 s from now
    clock.advance(come)
    came = clock()
    second = busy.join("fetch", "k", origin)
    clock.advance(100)
    store.go.set()
    assert first.result(20).value == "k#1"
    answer = second.result(20)
    assert answer.value == f"k#{origin_calls}"
    assert came <= answer.expires_at
    assert origin.calls == origin_calls
    assert not busy.cache._flights


@pytest.mark.parametrize(("come", "value"), [(4.9, "old"), (5.0, "k#1"), (5.1, "k#1")])
def test_who_comes_after_a_value_has_died_that_is_still_being_read_gets_another(
    skin: Callable[..., Skin], store: BusyStore, clock: Clock, come: float, value: str
) -> None:
    busy, origin = skin(l2_ttl=5), Origin()
    skin().ask("set", "k", "old", l2_ttl=5).result(20)
    store.slow = "get"
    first = busy.ask("get_or_load", "k", origin)
    assert store.begun.wait(20)
    clock.advance(come)
    second = busy.join("get_or_load", "k", origin)
    store.go.set()
    assert first.result(20) == "old"
    assert second.result(20) == value


def test_who_comes_after_a_value_of_a_batch_has_died_gets_another(
    skin: Callable[..., Skin], store: BusyStore, clock: Clock
) -> None:
    busy, origin = skin(l2_ttl=5), Origin()
    store.slow = "set_many"
    many = busy.ask("get_or_load_many", ["k", "l"], lambda keys: dict.fromkeys(keys, "of many"))
    assert store.begun.wait(20)
    clock.advance(5.1)
    one = busy.join("get_or_load", "k", origin)
    store.go.set()
    assert many.result(20) == {"k": "of many", "l": "of many"}
    assert one.result(20) == "k#1"


@pytest.mark.parametrize("value", [ABSENT, "too large"])
@pytest.mark.parametrize("seconds", [0, 5])
def test_a_value_without_a_life_is_shared_by_those_who_came_before_it_was_there(
    skin: Callable[..., Skin], clock: Clock, value: Any, seconds: float
) -> None:
    busy = skin(LittleStore())
    origin = SlowOrigin(busy.cache, value)
    first = busy.ask("get_or_load", "k", origin.loader)
    assert origin.begun.wait(20)
    clock.advance(seconds)
    others = [busy.join("get_or_load", "k", origin.loader) for _ in range(3)]
    clock.advance(seconds)
    origin.go.set()
    assert [each.result(20) for each in (first, *others)] == [value] * 4
    assert origin.calls == 1


def test_a_refused_value_of_a_batch_is_shared_by_those_who_came_before_it_was_there(
    skin: Callable[..., Skin], clock: Clock
) -> None:
    busy = skin(LittleStore())
    origin = SlowOrigin(busy.cache, {"k": "too large", "l": "too large"})
    many = busy.ask("get_or_load_many", ["k", "l"], origin.loader)
    assert origin.begun.wait(20)
    clock.advance(1)
    one = busy.join("get_or_load", "k", Origin("its own"))
    clock.advance(1)
    origin.go.set()
    assert many.result(20) == origin.value
    assert one.result(20) == "too large"
    assert origin.calls == 1


def test_who_leaves_l1_out_gets_nothing_from_it_through_another(
    skin: Callable[..., Skin], store: BusyStore, clock: Clock
) -> None:
    busy, origin = skin(tag_refresh=1), Origin()
    busy.ask("set", "k", "in both").result(20)
    clock.advance(2)
    store.slow = "get_many"  # L2 is to be asked whether all was revoked
    first = busy.ask("fetch", "k", origin)
    assert store.begun.wait(20)
    second = busy.join("fetch", "k", origin, skip_l1=True)
    store.go.set()
    assert first.result(20).tier == "l1"
    assert second.result(20).tier == "l2"


@pytest.mark.parametrize(
    ("options", "seconds", "value"),
    [
        ({}, 0.9, "old"),  # as it would be served from L1, too
        ({}, 1.1, "new"),
        ({"skip_l1": True}, 0.1, "new"),
    ],
)
@pytest.mark.parametrize("many", [False, True], ids=["one", "batch"])
def test_what_another_process_has_changed_since_it_was_read_is_shared_as_long_as_l1_might(
    skin: Callable[..., Skin],
    clock: Clock,
    options: Any,
    seconds: float,
    value: str,
    many: bool,
) -> None:
    store = SlowAnswers()
    busy, elsewhere = skin(store, l1_ttl=1), TieredCache(None, store.inner, clock=clock)
    elsewhere.set("k", "old")
    store.slow = "get"
    if many:
        first = busy.ask("get_or_load_many", ["k"], lambda keys: {})
    else:
        first = busy.ask("get_or_load", "k", Origin())
    assert store.begun.wait(20)
    elsewhere.set("k", "new")
    clock.advance(seconds)
    others = [busy.join("get_or_load", "k", Origin(), **options) for _ in range(3)]
    store.go.set()
    assert first.result(20) == ({"k": "old"} if many else "old")
    assert [other.result(20) for other in others] == [value] * 3


@pytest.mark.parametrize("shared", [False, True], ids=["l1", "l1+l2"])
def test_who_comes_after_a_revocation_gets_nothing_from_a_load_before_it(
    skin: Callable[..., Skin], store: BusyStore, clock: Clock, shared: bool
) -> None:
    busy = skin(store, tag_refresh=60, tags=("red",)) if shared else skin(None, tags=("red",))
    origin = SlowOrigin(busy.cache, "old")
    first = busy.ask("get_or_load", "k", origin.loader)
    assert origin.begun.wait(20)
    clock.advance(1)
    busy.ask("invalidate_tags", "red").result(20)
    second = busy.join("get_or_load", "k", Origin("new"))
    origin.go.set()
    assert first.result(20) == "old"
    assert second.result(20) == "new"


def test_who_comes_after_word_of_a_change_looks_into_l2_again(
    skin: Callable[..., Skin], store: BusyStore
) -> None:
    busy, origin = skin(), Origin()
    store.slow = "set"
    first = busy.ask("fetch", "k", origin)
    assert store.begun.wait(20)
    busy.cache._forget("k")  # as `heed_changes` does, of what another process has changed
    second = busy.join("fetch", "k", origin)
    store.go.set()
    assert first.result(20).tier == "load"
    assert second.result(20).tier == "l2"
