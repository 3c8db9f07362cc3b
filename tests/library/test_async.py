"""The same decisions, awaited."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from rig import Clock, FlakyStore, Origin

from cachelib import (
    AsyncTieredCache,
    LoadTimeoutError,
    MemoryCache,
    MemoryStore,
    ReentrantLoadError,
    SqliteStore,
    Stored,
    TieredCache,
)

Make = Callable[..., AsyncTieredCache]


@pytest.fixture(autouse=True)
def awaited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the coroutine tests of this file."""
    function = request.function
    if inspect.iscoroutinefunction(function):
        request.node.obj = lambda **arguments: asyncio.run(function(**arguments))


@pytest.fixture
def amake(clock: Clock, store: FlakyStore) -> Make:
    def amake(l2: Any = store, **options: Any) -> AsyncTieredCache:
        return AsyncTieredCache(MemoryCache(), l2, clock=clock, **options)

    return amake


async def test_a_value_is_loaded_once_and_then_served_by_l1_and_l2(amake: Make) -> None:
    origin, cache = Origin(), amake()
    assert (await cache.fetch("k", origin))[:2] == ("k#1", "load")
    assert (await cache.fetch("k", origin))[:2] == ("k#1", "l1")
    assert (await amake().fetch("k", origin))[:2] == ("k#1", "l2")
    assert await cache.get_or_load("k", origin) == "k#1"


async def test_what_is_set_deleted_and_cleared_is_so_in_both_tiers(amake: Make) -> None:
    cache = amake(tag_refresh=1)
    assert await cache.set("a", 1)
    assert await cache.set_many({"b": 2, "c": 3}, tags=("t",))
    assert await cache.get_many("abcd") == {"a": 1, "b": 2, "c": 3}
    assert await amake().get("a") == 1
    assert await cache.delete("a")
    assert await cache.invalidate_tags("t")
    assert await amake(tag_refresh=1).get_many("abc") == {}
    assert await cache.delete_many("bc")
    assert await cache.clear()
    assert await cache.lookup("a") is None


async def test_tasks_that_miss_a_key_together_share_one_load(amake: Make) -> None:
    cache, calls, go = amake(), [], asyncio.Event()

    async def load(key: str) -> str:
        calls.append(key)
        await go.wait()
        return "v"

    tasks = [asyncio.create_task(cache.get_or_load("k", load)) for _ in range(1000)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*tasks) == ["v"] * 1000
    assert calls == ["k"]
    assert cache.stats.coalesced == 999


async def test_tasks_that_wait_share_the_error(amake: Make) -> None:
    async def load(key: str) -> str:
        await asyncio.sleep(0)
        raise OSError("origin")

    cache = amake()
    tasks = [cache.get_or_load("k", load) for _ in range(5)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(error) for error in results] == ["origin"] * 5
    assert cache.stats.loads == 1


async def test_when_the_caller_who_began_a_load_is_cancelled_it_goes_on_for_the_others(
    amake: Make,
) -> None:
    cache, started, go = amake(), [], asyncio.Event()

    async def load(key: str) -> str:
        started.append(key)
        await go.wait()
        return "v"

    first = asyncio.create_task(cache.get_or_load("k", load))
    second = asyncio.create_task(cache.get_or_load("k", load))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert await second == "v"
    assert len(started) == 1


async def test_a_cancelled_write_does_not_overtake_a_later_one(clock: Clock) -> None:
    go = threading.Event()

    class Slow(MemoryStore):
        blocking = True

        def set(self, key: str, stored: Stored) -> None:
            if not go.is_set():
                assert go.wait(20)
            super().set(key, stored)

    cache = AsyncTieredCache(MemoryCache(), Slow(), clock=clock)
    first = asyncio.create_task(cache.set("k", "cancelled"))
    await asyncio.sleep(0.01)
    first.cancel()
    second = asyncio.create_task(cache.set("k", "later"))
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(first, second, return_exceptions=True)
    assert first.cancelled()
    assert await cache.get("k") == "later"
    assert await cache.get("k", skip_l1=True) == "later"
    await cache.close()


async def test_a_loader_that_asks_for_its_own_key_gets_an_error(amake: Make) -> None:
    cache = amake()

    async def load(key: str) -> Any:
        return await asyncio.create_task(cache.get_or_load(key, load))

    with pytest.raises(ReentrantLoadError):
        await cache.get_or_load("k", load)


async def test_past_the_soft_ttl_the_old_value_is_served_and_refreshed(
    amake: Make, clock: Clock
) -> None:
    async with amake(l2_ttl=100, soft_ttl=30) as cache:
        await cache.set("k", "old")
        clock.advance(30)
        assert await cache.get_or_load("k", Origin("new")) == "old"
        for _ in range(3):
            await asyncio.sleep(0)
        assert await cache.get("k") == "new"


async def test_time_limits_of_the_loader(amake: Make, clock: Clock) -> None:
    cache, go = amake(l2_ttl=60, stale_if_error=60, soft_timeout=0.01, hard_timeout=0.02), None
    go = asyncio.Event()

    async def load(key: str) -> str:
        await go.wait()
        return "late"

    with pytest.raises(LoadTimeoutError):
        await cache.get_or_load("k", load)
    await cache.set("last", "last")
    clock.advance(60)
    answer = await cache.fetch("last", load)
    assert (answer.value, answer.stale) == ("last", True)
    go.set()
    await cache.close()
    assert TieredCache(None, cache.l2, clock=clock).get("k") == "late"


async def test_a_store_that_blocks_is_called_from_a_few_threads(tmp_path: Any) -> None:
    threads = set()

    class Watched(SqliteStore):
        def get(self, *args: Any) -> Any:
            threads.add(threading.current_thread())
            return super().get(*args)

    with Watched(tmp_path / "cache.db") as store:
        async with AsyncTieredCache(None, store) as cache:
            await asyncio.gather(*(cache.get_or_load(f"{n}", Origin()) for n in range(300)))
            assert await cache.get("7") == "7#1"
    assert threading.current_thread() not in threads
    assert len(threads) <= 16


async def test_a_listening_cache_hears_what_others_change(tmp_path: Any) -> None:
    with SqliteStore(tmp_path / "c.db") as mine, SqliteStore(tmp_path / "c.db") as theirs:
        async with AsyncTieredCache(MemoryCache(), mine) as cache:
            await cache.heed_changes()
            cache.listen(0.05)
            await cache.set("k", "old")
            TieredCache(None, theirs).set("k", "new")
            async with asyncio.timeout(20):
                while await cache.get("k") != "new":
                    await asyncio.sleep(0.005)


async def test_degrading_no_caller_sees_an_error(amake: Make, store: FlakyStore) -> None:
    cache = amake(on_l2_error="degrade")
    store.down = True
    assert await cache.set("k", "v") is False
    assert await cache.get_or_load("other", Origin("loaded")) == "loaded"
    store.down = False
    await cache.get("anything")
    assert await amake().get_many(["k", "other"]) == {"k": "v", "other": "loaded"}


def test_a_coroutine_given_to_the_blocking_cache_is_an_error(clock: Clock) -> None:
    async def load(key: str) -> str:
        await asyncio.sleep(0)
        return "v"

    cache = TieredCache(MemoryCache(), clock=clock)
    with pytest.raises(TypeError, match="AsyncTieredCache"):
        asyncio.run(_blocking(cache, load))
    assert cache.get_or_load("k", Origin("fine")) == "fine"


async def _blocking(cache: TieredCache, load: Callable[[str], Coroutine[Any, Any, str]]) -> Any:
    return cache.get_or_load("k", load)


async def test_clearing_much_lets_other_tasks_have_their_turn_and_spares_what_they_set() -> None:
    cache, turns = AsyncTieredCache(MemoryCache(None)), 0
    await cache.set_many({f"{n}": n for n in range(10_000)})

    async def others() -> None:
        nonlocal turns
        while len(cache.l1) > turns:
            await cache.set(f"{turns}", "set meanwhile")
            turns += 1

    clearing = asyncio.create_task(cache.clear())
    await others()
    assert await clearing
    assert turns >= 3
    assert await cache.get(f"{turns - 1}") == "set meanwhile"
    assert len(cache.l1) <= turns


async def test_a_clear_whose_caller_is_cancelled_is_done_all_the_same() -> None:
    cache = AsyncTieredCache(MemoryCache(None))
    await cache.set_many({f"{n}": n for n in range(10_000)})
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(cache.clear(), 0)
    clearing = asyncio.create_task(cache.clear())
    await asyncio.sleep(0)
    clearing.cancel()
    await cache.close()
    assert len(cache.l1) == 0
