"""Redis that goes away under load, and what only it can do."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rig import Server

from cachelib import MemoryCache, Stored, TieredCache
from cachelib.stores.redis import RedisStore


@pytest.mark.timeout(120)
def test_killed_and_restarted_under_load_no_caller_sees_an_error_or_a_value_past_its_bound(
    own_server: Server,
) -> None:
    stop = threading.Event()
    overdue: list[float] = []

    def work(n: int, cache: TieredCache) -> int:
        draw, calls = random.Random(n), 0
        while not stop.is_set():
            before = time.time()
            answer = cache.fetch(f"k{draw.randrange(20)}", lambda key: key)
            calls += 1
            if not before < answer.expires_at:
                overdue.append(before - answer.expires_at)
        return calls

    stores = [RedisStore(own_server.url, socket_timeout=1, retry=None) for _ in range(2)]
    caches = [
        TieredCache(
            MemoryCache(10),
            store,
            l1_ttl=0.1,
            l2_ttl=0.5,
            on_l2_error="degrade",
            breaker_failures=3,
            breaker_seconds=0.1,
        )
        for store in stores
    ]
    with ThreadPoolExecutor(6) as pool:
        callers = [pool.submit(work, n, caches[n % 2]) for n in range(6)]
        try:
            for _ in range(3):
                time.sleep(0.4)
                own_server.kill()
                time.sleep(0.4)
                own_server.start()
            time.sleep(0.6)
        finally:
            stop.set()
        calls = [caller.result(20) for caller in callers]  # no errors
    assert overdue == []
    stats = [cache.stats for cache in caches]
    assert sum(stat.gets for stat in stats) == sum(calls)
    assert all(stat.l2_errors > 0 and stat.l2_hits > 0 for stat in stats)
    assert all(stat.misses <= stat.loads + stat.coalesced for stat in stats)
    for cache in caches:
        cache.get("the breaker may still be open", skip_l1=True)
        assert not cache._l2._missed
    for store in stores:
        store.close()


def test_what_has_expired_is_forgotten_by_the_server_too(server: Server) -> None:
    with RedisStore(server.url, prefix="expiry:") as store:
        store.set("k", Stored(b"v", time.time() + 0.05))
        assert store._client.exists("expiry:{k}")
        time.sleep(0.1)
        assert not store._client.exists("expiry:{k}")


def test_prefixes_keep_caches_on_one_server_apart(server: Server) -> None:
    with RedisStore(server.url, prefix="a:") as a, RedisStore(server.url, prefix="b:") as b:
        a.set("k", Stored(b"v", None))
        assert b.get("k", time.time()) is None


def test_many_keys_are_one_round_trip(server: Server) -> None:
    with RedisStore(server.url, prefix="trips:") as store:
        before = store._client.info("commandstats")
        store.get_many([f"{n}" for n in range(100)], time.time())
        after = store._client.info("commandstats")
        calls = after["cmdstat_mget"]["calls"] - before.get("cmdstat_mget", {"calls": 0})["calls"]
        assert calls == 1


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", ""])
def test_a_url_that_is_not_redis_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not a Redis URL"):
        RedisStore(url)


def test_a_value_larger_than_redis_can_hold_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachelib.stores.redis_versions.MAX_BYTES", 100)
    with RedisStore(server.url) as store, pytest.raises(ValueError, match="too large for Redis"):
        store.set("k", Stored(bytes(100), None))
