"""One load per key per process, and among processes when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Origin, Server, SlowOrigin, wait_until

from cachelib import MemoryCache, ReentrantLoadError, SqliteStore, TieredCache
from cachelib.stores.redis import RedisStore


def waiting(cache: TieredCache, key: str) -> Callable[[], bool]:
    return lambda: getattr(cache._flights.get(key), "gate", None) is not None


@pytest.mark.parametrize("l2", [None, FlakyStore()], ids=["l1", "l1+l2"])
def test_threads_that_miss_a_key_together_share_one_load(make: Make, l2: Any) -> None:
    cache, calls, go = make(l2), [], threading.Event()

    def load(key: str) -> str:
        calls.append(key)
        assert go.wait(20)
        return "v"

    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(cache.get_or_load, "k", load) for _ in range(8)]
        wait_until(waiting(cache, "k"))
        go.set()
        assert [result.result() for result in results] == ["v"] * 8
    assert calls == ["k"]
    stats = cache.stats
    assert stats.loads == 1
    assert stats.gets == 8


def test_threads_that_wait_share_the_error_and_it_is_not_kept(make: Make) -> None:
    cache, calls = make(None), []
    together = threading.Barrier(4)

    def load(key: str) -> str:
        calls.append(key)
        wait_until(waiting(cache, "k"))
        time.sleep(0.05)
        raise OSError("origin")

    def call() -> BaseException | None:
        together.wait()
        try:
            return cache.get_or_load("k", load)
        except OSError as error:
            return error

    with ThreadPoolExecutor(4) as pool:
        errors = [result.result() for result in [pool.submit(call) for _ in range(4)]]
    assert {str(error) for error in errors} == {"origin"}
    assert len(calls) == cache.stats.load_errors
    assert cache.stats.coalesced + cache.stats.loads == 4
    assert cache.get_or_load("k", lambda key: "fine") == "fine"


def test_a_get_does_not_wait_for_a_load(make: Make, store: FlakyStore) -> None:
    cache, origin = make(store), SlowOrigin("v")
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get_or_load, "k", origin)
        wait_until(lambda: cache.stats.loads == 1)
        assert cache.get("k", "miss") == "miss"
        origin.go.set()
        assert loading.result() == "v"


def test_a_set_during_a_load_is_not_overwritten_by_it(make: Make, store: FlakyStore) -> None:
    cache, origin = make(store), SlowOrigin("loaded before")
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get_or_load, "k", origin)
        wait_until(lambda: cache.stats.loads == 1)
        cache.set("k", "set meanwhile")
        origin.go.set()
        assert loading.result() == "loaded before"
    assert cache.get("k") == "set meanwhile"
    assert cache.get("k", skip_l1=True) == "set meanwhile"


def test_a_delete_during_a_load_is_not_undone_by_it(make: Make, store: FlakyStore) -> None:
    cache, origin = make(store), SlowOrigin("old")
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get_or_load, "k", origin)
        wait_until(lambda: cache.stats.loads == 1)
        cache.delete("k")
        origin.go.set()
        loading.result()
    assert cache.get("k") is None


def test_writers_of_one_key_leave_the_same_value_in_both_tiers(make: Make) -> None:
    store = FlakyStore()
    cache = make(store)

    def write(value: int) -> None:
        for n in range(200):
            cache.set("k", (value, n))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert cache.get("k") == tuple(cache.get("k", skip_l1=True))


def test_a_loader_that_asks_for_its_own_key_gets_an_error_not_a_deadlock(make: Make) -> None:
    cache = make(None)

    def load(key: str) -> Any:
        return cache.get_or_load("other", lambda _: cache.get_or_load(key, load))

    with pytest.raises(ReentrantLoadError, match="'k'"):
        cache.get_or_load("k", load)
    assert cache.get_or_load("k", lambda key: "fine") == "fine"


def test_a_loader_may_get_and_set_its_own_key(make: Make, store: FlakyStore) -> None:
    cache = make(store)
    assert cache.get_or_load("k", lambda key: cache.get(key, "nothing yet")) == "nothing yet"
    assert cache.get_or_load("l", lambda key: cache.set(key, "mine")) is True
    assert cache.get("l") == "mine"


def test_loaders_of_two_threads_that_wait_for_each_other_get_an_error(make: Make) -> None:
    cache, both = make(None), threading.Barrier(2)

    def load(key: str) -> str:
        both.wait()
        return cache.get_or_load("b" if key == "a" else "a", lambda _: "never").upper()

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(cache.get_or_load, key, load) for key in "ab"]
        errors = [result.exception(20) for result in results]
    assert any(isinstance(error, ReentrantLoadError) for error in errors)


@pytest.fixture(params=["sqlite", "redis"])
def lease_store(
    request: pytest.FixtureRequest, tmp_path: Path, server: Server
) -> Callable[[], Any]:
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "cache.db")
    return lambda: RedisStore(server.url, prefix=f"{tmp_path}:")


def test_with_a_lease_many_processes_share_one_load(lease_store: Callable[[], Any]) -> None:
    # Each cache has its own store and L1, as a process would.
    caches = [TieredCache(MemoryCache(), lease_store(), lease=20) for _ in range(6)]
    calls = []

    def load(key: str) -> str:
        calls.append(key)
        time.sleep(0.1)
        return "v"

    with ThreadPoolExecutor(6) as pool:
        values = pool.map(lambda cache: cache.get_or_load("k", load), caches)
        assert list(values) == ["v"] * 6
    assert calls == ["k"]
    for cache in caches:
        cache.l2.close()


def test_the_holder_of_a_lease_that_died_is_waited_for_at_most_the_lease(
    lease_store: Callable[[], Any],
) -> None:
    with lease_store() as dead, lease_store() as living:
        assert dead.acquire("k", 0.2, time.time()) is not None
        cache = TieredCache(MemoryCache(), living, lease=0.2)
        assert cache.get_or_load("k", Origin("v")) == "v"


def test_a_load_whose_lease_has_passed_on_is_not_written(lease_store: Callable[[], Any]) -> None:
    with lease_store() as slow, lease_store() as quick:
        cache = TieredCache(MemoryCache(), slow, lease=0.05)

        def load(key: str) -> str:
            time.sleep(0.1)
            assert TieredCache(None, quick, lease=5).get_or_load(key, Origin("newer")) == "newer"
            return "late"

        assert cache.get_or_load("k", load) == "late"
        assert cache.stats.fenced == 1
        assert cache.get("k") == "newer"


def test_a_lease_of_a_store_without_any_is_refused(make: Make, store: FlakyStore) -> None:
    with pytest.raises(TypeError, match="lease="):
        make(store, lease=5).get_or_load("k", Origin())


def test_without_l2_a_lease_is_not_waited_for(clock: Clock, make: Make) -> None:
    assert make(None, lease=5).get_or_load("k", Origin("v")) == "v"


def test_a_lease_that_cannot_be_given_back_does_not_fail_the_load(tmp_path: Path) -> None:
    class Forgetful(SqliteStore):
        def release(self, key: str, token: int) -> None:
            raise ConnectionError("gone")

    with Forgetful(tmp_path / "cache.db") as store:
        cache = TieredCache(MemoryCache(), store, lease=5)
        assert cache.get_or_load("k", Origin("v")) == "v"
        assert cache.get("k") == "v"
