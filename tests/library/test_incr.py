"""Counters through the cache: `incr`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Server

from cachelib import (
    AsyncTieredCache,
    Compressed,
    JsonCodec,
    MemoryCache,
    MemoryStore,
    MessagePackCodec,
    RawCodec,
    RejectedError,
    SqliteStore,
    TieredCache,
)
from cachelib.stores.redis import RedisStore


@pytest.fixture(params=["memory", "sqlite", "redis"])
def process(
    request: pytest.FixtureRequest, tmp_path: Path, server: Server
) -> Iterator[Callable[..., TieredCache]]:
    """A cache with an L1 and a store of its own, as another process would have, on one L2."""
    memory = MemoryStore()
    with ExitStack() as stores:

        def process(**options: Any) -> TieredCache:
            store: Any = memory
            if request.param == "sqlite":
                store = stores.enter_context(SqliteStore(tmp_path / "cache.db"))
            elif request.param == "redis":
                store = RedisStore(server.url, prefix=f"{tmp_path}:", announce=True)
                stores.enter_context(store)
            return TieredCache(MemoryCache(), store, **options)

        yield process


def test_processes_count_together_and_each_sees_its_own_step(
    process: Callable[..., TieredCache],
) -> None:
    one, two = process(), process()
    assert one.incr("hits") == 1
    assert two.incr("hits", 5) == 6
    assert one.incr("hits", -2) == 4
    assert one.get("hits") == 4
    assert one.lookup("hits").tier == "l1"
    assert two.get("hits", skip_l1=True) == 4
    assert two.get_many(["hits"], skip_l1=True) == {"hits": 4}
    assert process().get_or_load("hits", lambda key: "never") == 4
    assert one.delete("hits")
    assert two.incr("hits") == 1
    assert one.stats.sets == 2


@pytest.mark.parametrize(
    "codec", [JsonCodec(), MessagePackCodec(), RawCodec(), Compressed(JsonCodec(), over=0)]
)
def test_a_counter_is_an_int_from_either_tier_whatever_the_codec(
    process: Callable[..., TieredCache], codec: Any
) -> None:
    cache = process(codec=codec)
    assert cache.incr("n", 48) == 48
    found = [cache.get("n"), cache.get("n", skip_l1=True)]
    assert found == [48, 48]
    assert [type(number) for number in found] == [int, int]
    without_l1 = TieredCache(None, cache.l2, codec=codec)
    assert without_l1.get("n") == 48
    assert without_l1.stats.decode_errors == 0


def test_cleared_counters_begin_anew_in_all_processes(process: Callable[..., TieredCache]) -> None:
    one, two = process(tag_refresh=1e-6), process(tag_refresh=1e-6)
    assert one.incr("n", 5) == 5
    assert two.clear()
    assert one.get("n") is None
    assert one.incr("n") == 1
    assert two.incr("n") == 2


def test_a_load_that_began_before_a_step_does_not_overwrite_it(
    process: Callable[..., TieredCache],
) -> None:
    one, two = process(), process()

    def load(key: str) -> int:
        assert two.incr(key, 7) == 7
        return 0

    assert one.get_or_load("n", load) == 0
    assert one.get("n") == 7
    assert two.get("n", skip_l1=True) == 7


def test_other_processes_that_listen_forget_their_copy(
    process: Callable[..., TieredCache], request: pytest.FixtureRequest
) -> None:
    one, two = process(), process()
    if isinstance(one.l2, MemoryStore):
        pytest.skip("it is of one process")
    two.heed_changes(5)
    one.incr("n")
    two.heed_changes(5)
    assert two.get("n") == 1
    one.incr("n")
    assert two.heed_changes(5) == 1
    assert two.get("n") == 2


def test_what_was_set_is_no_counter_until_it_is_deleted(
    process: Callable[..., TieredCache],
) -> None:
    cache = process()
    cache.set("k", 5)
    with pytest.raises(RejectedError, match="'k' is no counter"):
        cache.incr("k")
    assert cache.stats.rejected == 1
    assert cache.get("k") == 5
    cache.delete("k")
    assert cache.incr("k") == 1
    cache.set("k", "of another kind")
    assert cache.get("k", skip_l1=True) == "of another kind"


def test_its_life_is_that_of_its_first_step(make: Make, clock: Clock) -> None:
    cache = make(MemoryStore(), l1_ttl=5, l2_ttl=60)
    assert cache.incr("n") == 1
    clock.advance(59)
    assert cache.incr("n") == 2
    assert cache.get("n") == 2
    clock.advance(1)
    assert cache.get("n") is None
    assert cache.incr("n") == 1


@pytest.mark.parametrize("by", [1.0, "1", True, None])
def test_only_integers_are_added(make: Make, by: Any) -> None:
    with pytest.raises(TypeError, match="integers"):
        make(MemoryStore()).incr("n", by)


def test_where_nothing_counts_it_says_so(make: Make, store: FlakyStore) -> None:
    for cache in (make(None), make(MemoryStore(), skip_l2=True)):
        with pytest.raises(TypeError, match="a MemoryStore"):
            cache.incr("n")
    with pytest.raises(TypeError, match="FlakyStore cannot count"):
        make(store).incr("n")
    with pytest.raises(ValueError, match="no tags"):
        make(MemoryStore(), tag_refresh=1).incr("n", tags=("red",))
    with pytest.raises(ValueError, match="cannot be a key"):
        make(MemoryStore()).incr("cachelib:revoked:x")


def test_nobody_goes_on_with_a_number_when_l2_is_away(make: Make) -> None:
    class Away(MemoryStore):
        def incr(self, *_: Any) -> Any:
            raise ConnectionError("away")

    cache = make(Away(), on_l2_error="degrade")
    with pytest.raises(ConnectionError, match="away"):
        cache.incr("n")
    assert cache.stats.l2_errors == 1
    assert cache.get("n") is None
    assert not cache._flights


def test_tasks_count_too() -> None:
    async def use() -> None:
        async with AsyncTieredCache(MemoryCache(), MemoryStore()) as cache:
            steps = await asyncio.gather(*(cache.incr("n") for _ in range(100)))
            assert sorted(steps) == list(range(1, 101))
            assert await cache.get("n") == 100

    asyncio.run(use())


COUNT = """
import sys
from cachelib import SqliteStore, TieredCache
cache = TieredCache(None, SqliteStore(sys.argv[1]))
for _ in range(200):
    cache.incr("n")
"""


def test_no_step_of_several_processes_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    with SqliteStore(path) as store:
        command = [sys.executable, "-c", COUNT, str(path)]
        running = [subprocess.Popen(command) for _ in range(3)]
        assert [process.wait(60) for process in running] == [0, 0, 0]
        assert TieredCache(None, store).get("n") == 600
