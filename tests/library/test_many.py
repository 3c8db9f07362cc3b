"""`get_or_load_many`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Server, wait_until

from cachelib import (
    AsyncTieredCache,
    LoadTimeoutError,
    MemoryCache,
    ReentrantLoadError,
    SqliteStore,
    TieredCache,
)
from cachelib.stores.redis import RedisStore


class Origin:
    """Loads many keys at once, and notes which."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.error: Exception | None = None

    def __call__(self, keys: list[str]) -> Mapping[str, str]:
        self.calls.append(keys)
        if self.error is not None:
            raise self.error
        return {key: f"of {key}" for key in keys if key != "nowhere"}


def test_what_is_missing_is_loaded_at_once_and_the_rest_is_found(
    make: Make, store: FlakyStore
) -> None:
    make(store).set("in l2", 2)
    cache, origin = make(store), Origin()
    cache.set("in l1", 1)
    store.trips.clear()
    values = cache.get_or_load_many(["a", "in l1", "b", "in l2", "a"], origin)
    assert values == {"a": "of a", "b": "of b", "in l1": 1, "in l2": 2}
    assert origin.calls == [["a", "b"]]
    assert store.trips.count("get_many") == 1
    stats = cache.stats
    assert (stats.l1_hits, stats.l2_hits, stats.misses, stats.loads) == (1, 1, 2, 1)
    assert cache.get_or_load_many(["a", "b"], origin) == {"a": "of a", "b": "of b"}
    assert make(store).get_many(["a", "b"]) == {"a": "of a", "b": "of b"}
    assert len(origin.calls) == 1


def test_what_the_origin_does_not_have_is_left_out_and_kept_as_absent(make: Make) -> None:
    cache, origin = make(negative_ttl=10), Origin()
    for _ in range(2):
        assert cache.get_or_load_many(["nowhere", "a"], origin) == {"a": "of a"}
    assert len(origin.calls) == 1


def test_overlapping_calls_load_each_key_once(make: Make) -> None:
    cache, go = make(), threading.Event()
    calls: list[list[str]] = []

    def load(keys: list[str]) -> dict[str, str]:
        calls.append(keys)
        assert go.wait(20)
        return {key: key for key in keys}

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(cache.get_or_load_many, ["a", "b", "c"], load)
        wait_until(lambda: len(calls) == 1)
        second = threads.submit(cache.get_or_load_many, ["d", "c", "b"], load)
        wait_until(lambda: len(calls) == 2)
        third = threads.submit(cache.get_or_load, "d", lambda key: "never")
        go.set()
        assert first.result(20) == {"a": "a", "b": "b", "c": "c"}
        assert second.result(20) == {"b": "b", "c": "c", "d": "d"}
        assert third.result(20) == "d"
    assert calls == [["a", "b", "c"], ["d"]]


def test_a_load_that_fails_fails_for_all_and_leaves_nothing_behind(
    make: Make, clock: Clock
) -> None:
    cache, origin = make(l1_ttl=10, stale_if_error=100), Origin()
    cache.get_or_load_many(["a", "b"], origin)
    clock.advance(11)
    origin.error = OSError("away")
    assert cache.get_or_load_many(["a", "b"], origin) == {"a": "of a", "b": "of b"}
    with pytest.raises(OSError, match="away"):
        cache.get_or_load_many(["a", "new"], origin)
    assert not cache._flights
    assert cache.stats.load_errors == 2


def test_a_load_does_not_overwrite_what_another_process_wrote_meanwhile(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "c.db") as one, SqliteStore(tmp_path / "c.db") as two:
        here, there = TieredCache(MemoryCache(), one), TieredCache(MemoryCache(), two)

        def load(keys: list[str]) -> dict[str, str]:
            there.set("b", "newer")
            return dict.fromkeys(keys, "older")

        here.get_or_load_many(["a", "b"], load)
        assert here.get_many(["a", "b"]) == {"a": "older", "b": "newer"}


def test_those_who_wait_for_a_batch_that_fails_share_its_error(make: Make) -> None:
    cache, go, calls = make(), threading.Event(), []

    def load(keys: list[str]) -> dict[str, str]:
        calls.append(keys)
        assert go.wait(20)
        raise OSError("away")

    with ThreadPoolExecutor(2) as threads:
        many = threads.submit(cache.get_or_load_many, ["a", "b"], load)
        wait_until(lambda: len(calls) == 1)
        one = threads.submit(cache.get_or_load, "b", lambda key: "its own")
        wait_until(lambda: cache._flights["b"].gate is not None)
        go.set()
        assert isinstance(many.exception(20), OSError)
        assert isinstance(one.exception(20), OSError)
    assert not cache._flights


def test_an_error_that_is_kept_is_of_its_key_alone(make: Make, clock: Clock) -> None:
    cache, origin = make(error_ttl=10), Origin()
    origin.error = OSError("away")
    with pytest.raises(OSError, match="away"):
        cache.get_or_load_many(["a"], origin)
    origin.error = None
    clock.advance(9)
    with pytest.raises(OSError, match="away"):
        cache.get_or_load_many(["a", "b"], origin)
    assert cache.get_or_load_many(["b"], origin) == {"b": "of b"}
    clock.advance(1)
    assert cache.get_or_load_many(["a", "b"], origin) == {"a": "of a", "b": "of b"}
    assert origin.calls == [["a"], ["b"], ["a"]]


class TestTimeLimits:
    """The load goes on, in the background, and its values are kept when they come."""

    @pytest.fixture
    def cache(self, clock: Clock) -> TieredCache:
        return TieredCache(MemoryCache(), clock=clock, l1_ttl=10, stale_if_error=100)

    def test_without_a_last_value_who_waited_long_enough_is_told(self, cache: TieredCache) -> None:
        go = threading.Event()

        def load(keys: list[str]) -> dict[str, str]:
            assert go.wait(20)
            return dict.fromkeys(keys, "late")

        with pytest.raises(LoadTimeoutError, match=r"0\.05 s"):
            cache.get_or_load_many(["a", "b"], load, hard_timeout=0.05)
        assert set(cache._flights) == {"a", "b"}
        go.set()
        wait_until(lambda: not cache._flights)
        assert cache.get_many(["a", "b"]) == {"a": "late", "b": "late"}

    def test_last_values_stand_in_and_the_limit_is_of_the_whole_call(
        self, cache: TieredCache, clock: Clock
    ) -> None:
        go, keys = threading.Event(), [f"{n}" for n in range(50)]

        def load(keys: list[str]) -> dict[str, str]:
            assert go.wait(20)
            return dict.fromkeys(keys, "new")

        cache.set_many(dict.fromkeys(keys, "old"))
        clock.advance(11)
        waits: list[float | None] = []
        ended = cache._ended

        def noting(flight: object, timeout: float | None) -> object:
            waits.append(timeout)
            return ended(flight, timeout)

        cache._ended = noting  # type: ignore[method-assign]
        values = cache.get_or_load_many(keys, load, soft_timeout=0.05)
        assert values == dict.fromkeys(keys, "old")
        assert sum(waits) < 0.1
        go.set()
        wait_until(lambda: not cache._flights)
        assert cache.get_many(keys) == dict.fromkeys(keys, "new")
        assert cache.stats.stale_hits == 50

    def test_a_quick_load_is_not_waited_for_longer_than_it_takes(self, cache: TieredCache) -> None:
        assert cache.get_or_load_many(["a", "b"], Origin(), hard_timeout=20) == {
            "a": "of a",
            "b": "of b",
        }
        origin = Origin()
        origin.error = OSError("away")
        with pytest.raises(OSError, match="away"):
            cache.get_or_load_many(["c"], origin, hard_timeout=20)

    def test_of_another_callers_load_too(self, cache: TieredCache) -> None:
        go, begun = threading.Event(), threading.Event()

        def slow(key: str) -> str:
            begun.set()
            assert go.wait(20)
            return "slow"

        with ThreadPoolExecutor(1) as threads:
            one = threads.submit(cache.get_or_load, "a", slow)
            assert begun.wait(20)
            with pytest.raises(LoadTimeoutError):
                cache.get_or_load_many(["a", "b"], Origin(), hard_timeout=0.05)
            go.set()
            assert one.result(20) == "slow"

    def test_tasks_are_told_too(self) -> None:
        async def use() -> None:
            cache, go = AsyncTieredCache(MemoryCache()), asyncio.Event()

            async def load(keys: list[str]) -> dict[str, str]:
                await go.wait()
                return dict.fromkeys(keys, "late")

            with pytest.raises(LoadTimeoutError):
                await cache.get_or_load_many(["a", "b"], load, hard_timeout=0.05)
            go.set()
            assert await cache.get_or_load("a", lambda key: "its own") == "late"
            await cache.close()

        asyncio.run(use())


class TestLeases:
    @pytest.fixture(params=["sqlite", "redis"])
    def open_store(
        self, request: pytest.FixtureRequest, tmp_path: Path, server: Server
    ) -> Iterator[Callable[[], Any]]:
        with ExitStack() as stores:

            def open_store() -> Any:
                if request.param == "sqlite":
                    return stores.enter_context(SqliteStore(tmp_path / "cache.db"))
                return stores.enter_context(RedisStore(server.url, prefix=f"{tmp_path}:"))

            yield open_store

    def test_overlapping_batches_of_many_processes_load_each_key_once(
        self, open_store: Callable[[], Any]
    ) -> None:
        caches = [TieredCache(MemoryCache(), open_store(), lease=20) for _ in range(4)]
        calls: list[str] = []
        keys = [f"k{n}" for n in range(8)]

        def load(missing: list[str]) -> dict[str, str]:
            calls.extend(missing)
            time.sleep(0.1)
            return {key: f"of {key}" for key in missing}

        def call(n: int) -> dict[str, str]:
            mine = keys[n:] + keys[:n]
            return caches[n].get_or_load_many(mine[:6], load)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(call, range(4)))
        assert all(len(answer) == 6 for answer in answers)
        assert all(value == f"of {key}" for answer in answers for key, value in answer.items())
        assert sorted(calls) == keys
        for cache in caches:
            assert cache.get_many(keys) == {key: f"of {key}" for key in keys}

    def test_a_load_whose_lease_has_passed_on_is_not_written(
        self, open_store: Callable[[], Any]
    ) -> None:
        cache, other = (TieredCache(MemoryCache(), open_store()) for _ in range(2))

        def load(keys: list[str]) -> dict[str, str]:
            time.sleep(0.1)
            assert other.get_or_load("a", lambda key: "newer", lease=5) == "newer"
            return dict.fromkeys(keys, "late")

        late = {"a": "late", "b": "late"}
        assert cache.get_or_load_many(["a", "b"], load, lease=0.05) == late
        assert cache.get("a") == "newer"
        assert cache.stats.fenced >= 1

    def test_leases_are_given_back_when_the_load_fails(self, open_store: Callable[[], Any]) -> None:
        cache, other = (TieredCache(MemoryCache(), open_store(), lease=20) for _ in range(2))
        origin = Origin()
        origin.error = OSError("away")
        with pytest.raises(OSError, match="away"):
            cache.get_or_load_many(["a", "b"], origin)
        assert other.get_or_load_many(["a", "b"], Origin()) == {"a": "of a", "b": "of b"}

    def test_a_store_without_leases_refuses_them(self, make: Make, store: FlakyStore) -> None:
        with pytest.raises(TypeError, match="lease="):
            make(store, lease=5).get_or_load_many(["a"], Origin())


def test_a_loader_within_a_loader_that_waits_for_the_outer_key_is_told(make: Make) -> None:
    cache = make()

    def inner(keys: list[str]) -> dict[str, Any]:
        return {key: cache.get_or_load("a", lambda _: "never") for key in keys}

    with pytest.raises(ReentrantLoadError):
        cache.get_or_load("a", lambda key: cache.get_or_load_many(["b"], inner))
    assert not cache._flights


def test_a_loader_that_asks_for_its_own_keys_is_told(make: Make) -> None:
    cache = make()

    def load(keys: list[str]) -> dict[str, int]:
        return {key: cache.get_or_load("b", lambda _: 1) for key in keys}

    with pytest.raises(ReentrantLoadError):
        cache.get_or_load_many(["a", "b"], load)
    assert not cache._flights


def test_tasks_share_loads_too() -> None:
    async def use() -> None:
        cache, calls = AsyncTieredCache(MemoryCache()), []

        async def load(keys: list[str]) -> dict[str, str]:
            calls.append(keys)
            await asyncio.sleep(0.05)
            return {key: key for key in keys}

        answers = await asyncio.gather(
            cache.get_or_load_many(["a", "b"], load), cache.get_or_load_many(["b", "c"], load)
        )
        assert answers == [{"a": "a", "b": "b"}, {"b": "b", "c": "c"}]
        assert calls == [["a", "b"], ["c"]]
        await cache.close()

    asyncio.run(use())


def test_a_loader_that_returns_no_mapping_is_told_so() -> None:
    cache = TieredCache()
    loaders: list[Any] = [lambda keys: [len(key) for key in keys], lambda keys: (k for k in keys)]
    for loader, name in zip(loaders, ("list", "generator"), strict=True):
        with pytest.raises(TypeError, match=f"must return a mapping of keys to values, not {name}"):
            cache.get_or_load_many(["a"], loader)
    assert cache.get_or_load_many(["a"], lambda keys: dict.fromkeys(keys, 1)) == {"a": 1}
