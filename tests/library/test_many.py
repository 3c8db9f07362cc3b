"""`get_or_load_many`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rig import Clock, FlakyStore, Make, wait_until

from cachelib import AsyncTieredCache, MemoryCache, ReentrantLoadError, SqliteStore, TieredCache


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
