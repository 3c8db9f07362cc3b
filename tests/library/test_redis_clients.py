"""Ways to reach Redis, and not to burden it."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.crc import key_slot
from redis.sentinel import Sentinel
from rig import Cluster, Server, wait_until

from cachelib import AsyncTieredCache, MemoryCache, Stored, StoreUnavailableError, TieredCache
from cachelib.stores.redis import RedisStore


@pytest.fixture
def raw(server: Server) -> Iterator[Any]:
    with redis.Redis(port=server.port) as client:
        yield client


@pytest.fixture
def cluster(server: Server, clusters: Callable[[str], Cluster]) -> Cluster:
    return clusters(server.program)


@pytest.fixture
def sentinel(server: Server, tmp_path: Path) -> Iterator[int]:
    """The port of a sentinel that watches the server as the service `quotes`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\n"
        f"sentinel monitor quotes 127.0.0.1 {server.port} 1\n"
    )
    command = [server.program, str(config), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers)
        yield port
    finally:
        process.kill()
        process.wait()


def test_a_client_of_ones_own_is_used_and_stays_open(server: Server, raw: Any) -> None:
    pool = redis.ConnectionPool(port=server.port, max_connections=2)
    client = redis.Redis(connection_pool=pool)
    with RedisStore(client=client, prefix="own:") as store:
        TieredCache(MemoryCache(), store, lease=5).get_or_load("k", lambda key: 1)
        assert raw.exists("own:{k}")
    assert client.ping()
    pool.disconnect()


class Interrupt(BaseException):
    """Like KeyboardInterrupt."""


def test_a_pipeline_interrupted_as_it_ends_leaves_another_threads_connection_alone(
    server: Server,
) -> None:
    with RedisStore(server.url, prefix="interrupted:") as store:
        pool, taken = store._client.connection_pool, []
        release = pool.release

        def interrupted(connection: Any) -> None:
            release(connection)
            if not taken:
                taken.append(pool.get_connection())  # as another thread does, this very instant
                raise Interrupt

        pool.release = interrupted
        values = {"a": Stored(b"1", None), "b": Stored(b"2", None)}
        with pytest.raises(Interrupt):
            store.set_many(values)
        [another] = taken
        another.send_command("PING")
        assert pool.get_connection() is not another
        assert another.read_response() == b"PONG"
        assert store.get_many(["a", "b"], 0.0).keys() == values.keys()


@pytest.mark.parametrize("many", [False, True], ids=["alone", "pipeline"])
@pytest.mark.parametrize("clustered", [False, True], ids=["server", "cluster"])
def test_who_comes_after_an_interrupted_command_gets_no_reply_to_it(
    server: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, clustered: bool, many: bool
) -> None:
    with RedisStore(cluster.url if clustered else server.url, prefix="cut:") as store:
        for key, data in (("a", b"of a"), ("b", b"of b")):
            store.set(key, Stored(data, None))
        read = redis.connection.Connection.read_response

        def interrupted(*args: Any, **options: Any) -> Any:
            monkeypatch.setattr(redis.connection.Connection, "read_response", read)
            raise Interrupt

        monkeypatch.setattr(redis.connection.Connection, "read_response", interrupted)
        ask = partial(store.delete_many, ["c", "d"]) if many else partial(store.get, "a", 0.0)
        with pytest.raises(Interrupt):
            ask()
        found = store.get("b", 0.0)
        assert found is not None
        assert found.data == b"of b"


def test_sentinels_say_where_the_server_is(server: Server, sentinel: int) -> None:
    url = f"redis+sentinel://127.0.0.1:{sentinel},127.0.0.1:1/quotes/0"
    with RedisStore(url, prefix="sentinel:") as store:
        TieredCache(None, store).set("k", 1)
    client = Sentinel([("127.0.0.1", sentinel)]).master_for("quotes")  # type: ignore[no-untyped-call]
    store = RedisStore(client=client, prefix="sentinel:")
    assert TieredCache(None, store).get("k") == 1
    client.close()


def test_urls_of_valkey_and_of_clusters_are_understood(server: Server, cluster: Cluster) -> None:
    for url in (f"valkey://127.0.0.1:{server.port}/0", cluster.url):
        with RedisStore(url, prefix="urls:") as store:
            cache = TieredCache(None, store)
            cache.set("k", 1)
            assert cache.get("k") == 1
    client = redis.RedisCluster.from_url(f"redis://127.0.0.1:{cluster.port}")
    assert TieredCache(None, RedisStore(client=client, prefix="urls:")).get("k") == 1
    client.close()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"client": redis.ConnectionPool()}, TypeError, "connection_pool="),
        ({"client": redis.asyncio.Redis()}, TypeError, "a blocking client"),
        ({"client": Sentinel([])}, TypeError, "master_for"),  # type: ignore[no-untyped-call]
        ({"client": "redis://localhost"}, TypeError, "not str"),
        ({"client": redis.Redis(decode_responses=True)}, ValueError, "decode_responses"),
        ({"url": "redis://localhost?decode_responses=true"}, ValueError, "decode_responses"),
        ({"url": redis.Redis()}, TypeError, "client="),
        ({"url": "redis://localhost", "client": redis.Redis()}, TypeError, "not both"),
        ({"client": redis.Redis(), "socket_timeout": 1}, TypeError, "not both"),
        ({"url": "redis+sentinel://localhost"}, ValueError, "/SERVICE"),
        ({"url": "http://localhost"}, ValueError, "not a Redis URL"),
        ({"prefix": "{}"}, ValueError, "prefix"),
    ],
)
def test_what_cannot_be_used_is_refused_and_says_what_can(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        RedisStore(**arguments)


ODD_KEYS = ["}x", "a}b", "{", "}", "{}", "{}x", "x{y}z", "{-}}x", "-}}x:key", "}x:lease", "}}"]


def test_a_key_and_its_lease_are_in_one_place_whatever_the_key(cluster: Cluster) -> None:
    with RedisStore(cluster.url, prefix="odd:") as store:
        names = {key: store._name(key) for key in ODD_KEYS}
        leases = {key: store._lease(key) for key in ODD_KEYS}
        assert len({*names.values(), *leases.values()}) == 2 * len(ODD_KEYS)
        for key in ODD_KEYS:
            assert key_slot(names[key].encode()) == key_slot(leases[key].encode())
        cache = TieredCache(MemoryCache(), store, lease=5)
        for key in ODD_KEYS:
            assert cache.get_or_load(key, lambda key: f"of {key}") == f"of {key}"
        assert cache.get_many(ODD_KEYS, skip_l1=True) == {key: f"of {key}" for key in ODD_KEYS}


def test_many_keys_are_sent_in_portions(server: Server, raw: Any) -> None:
    raw.config_resetstat()
    with RedisStore(server.url, prefix="bulk:", announce=True) as store:
        keys = [f"k{n}" for n in range(2345)]
        store.set_many({key: Stored(b"x" * 50, None) for key in keys})
        assert store.get_many(keys, 0.0).keys() == set(keys)
        store.delete_many(keys)
        assert store.get_many(keys, 0.0) == {}
    calls = raw.info("commandstats")
    assert calls["cmdstat_mget"]["calls"] == 10


def test_a_key_with_another_programs_type_is_a_counted_miss(server: Server, raw: Any) -> None:
    raw.rpush("foreign:{list}", "x")
    with RedisStore(server.url, prefix="foreign:") as store:
        cache = TieredCache(MemoryCache(), store, breaker_failures=2)
        cache.set("k", 1)
        for _ in range(5):
            assert cache.get("list", "default") == "default"
        assert cache.get("k", skip_l1=True) == 1
        assert (cache.stats.decode_errors, cache.stats.l2_errors) == (5, 0)


def commands(raw: Any) -> int:
    return int(raw.info("stats")["total_commands_processed"])


def test_who_waits_for_a_lease_is_told_and_does_not_ask_again_and_again(
    server: Server, raw: Any
) -> None:
    stores = [RedisStore(server.url, prefix="wait:") for _ in range(6)]
    caches = [TieredCache(MemoryCache(), store, lease=10) for store in stores]
    loading, go, loads = threading.Event(), threading.Event(), []

    def load(key: str) -> int:
        loads.append(key)
        loading.set()
        assert go.wait(20)
        return 7

    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(caches[0].get_or_load, "k", load)
        assert loading.wait(20)
        before = commands(raw)
        others = [threads.submit(cache.get_or_load, "k", load) for cache in caches[1:]]
        wait_until(lambda: raw.pubsub_numsub("wait:leases")[0][1] == 5)
        time.sleep(1.5)
        go.set()
        assert [result.result(5) for result in (first, *others)] == [7] * 6
        assert commands(raw) - before < 200
    assert loads == ["k"]
    for store in stores:
        store.close()


def test_tasks_that_wait_for_a_lease_are_told(server: Server) -> None:
    import asyncio

    async def use() -> None:
        here, there = (RedisStore(server.url, prefix="tasks:") for _ in "ab")
        async with AsyncTieredCache(MemoryCache(), here, lease=10) as cache:
            token = there.acquire("k", 10, time.time())
            assert token is not None
            waiting = asyncio.create_task(cache.get_or_load("k", lambda key: 1))
            while not there._client.pubsub_numsub("tasks:leases")[0][1]:
                await asyncio.sleep(0.01)
            other = TieredCache(None, there)
            there.release("k", token)
            other.set("k", 2)
            assert await asyncio.wait_for(waiting, 5) in (1, 2)
        here.close()
        there.close()

    asyncio.run(use())


def test_who_waits_for_a_lease_of_a_server_that_dies_learns_of_it(own_server: Server) -> None:
    own = own_server
    with RedisStore(own.url, retry=None) as store, RedisStore(own.url, retry=None) as other:
        assert other.acquire("k", 0.3, time.time()) is not None
        cache = TieredCache(MemoryCache(), store, lease=0.3)
        threading.Timer(0.1, own.kill).start()
        with pytest.raises((redis.ConnectionError, StoreUnavailableError)):
            cache.get_or_load("k", lambda key: 1)
