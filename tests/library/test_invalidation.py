"""What one process changes, the others' L1s learn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from rig import Clock, FlakyStore, Make, Origin, Server

from cachelib import MemoryCache, SqliteStore, Stored, TieredCache
from cachelib.stores.redis import RedisStore

Open = Callable[[], TieredCache]


@pytest.fixture(params=["sqlite", "redis", "cluster"])
def process(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: Server,
    clusters: Callable[[str], Server],
) -> Iterator[Open]:
    """Makes caches that share an L2, each with a store of its own, as processes do."""
    stores: list[Any] = []

    def process() -> TieredCache:
        if request.param == "sqlite":
            stores.append(SqliteStore(tmp_path / "cache.db"))
        else:
            url = server.url if request.param == "redis" else clusters(server.program).url
            stores.append(RedisStore(url, prefix=f"{tmp_path}:", announce=True))
        cache = TieredCache(MemoryCache(), stores[-1], l2_ttl=600, tag_refresh=600)
        cache.heed_changes(5)  # from here on it is told of changes
        return cache

    yield process
    for store in stores:
        store.close()


def heed(cache: TieredCache, keys: int) -> None:
    deadline = time.monotonic() + 20
    while keys > 0:
        assert time.monotonic() < deadline
        keys -= cache.heed_changes(1)


def test_keys_that_another_process_wrote_or_deleted_leave_l1(process: Open) -> None:
    one, other = process(), process()
    keys = [a, b, c] = ['a/long, "quoted" key', "b\n\u00e9\U0001f30d\x00", "c"]
    one.set_many(dict.fromkeys(keys, 1))
    heed(other, 3)
    assert other.get_many(keys) == {a: 1, b: 1, c: 1}
    one.set(a, 2)
    one.delete(b)
    assert other.get_many(keys) == {a: 1, b: 1, c: 1}
    heed(other, 2)
    assert other.get_many(keys) == {a: 2, c: 1}
    assert other.lookup(c).tier == "l1"
    assert other.stats.invalidations >= 2


def test_a_process_does_not_drop_what_it_wrote_itself(process: Open) -> None:
    one, other = process(), process()
    one.set("mine", 1)
    other.set("theirs", 1)
    heed(one, 1)
    assert one.lookup("mine").tier == "l1"


def test_a_change_heard_of_during_a_load_keeps_its_result_out_of_the_cache(process: Open) -> None:
    one, other = process(), process()

    def load(key: str) -> str:
        other.set(key, "newer")
        heed(one, 1)
        return "older"

    assert one.get_or_load("k", load) == "older"
    assert one.get("k") == "newer"


def test_a_listening_cache_hears_by_itself(process: Open) -> None:
    one, other = process(), process()
    one.set("k", 1)
    with other:
        other.listen(0.05)
        assert other.get("k") == 1
        one.set("k", 2)
        deadline = time.monotonic() + 20
        while other.get("k") != 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_revoked_tags_reach_other_processes(process: Open) -> None:
    one, other = process(), process()
    one.set("k", 1, tags=("red",))
    one.set("l", 1, tags=("blue",))
    heed(other, 2)
    other.get_many("kl")
    one.invalidate_tags("red")
    heed(other, 1)
    assert other.get_many("kl") == {"l": 1}
    one.clear()
    heed(other, 1)
    assert other.get_many("kl") == {}


def test_messages_missed_while_redis_was_away_are_made_good(own_server: Server) -> None:
    own = own_server
    with RedisStore(own.url, announce=True) as mine, RedisStore(own.url) as theirs:
        cache = TieredCache(MemoryCache(), mine)
        cache.heed_changes(5)
        cache.set("k", "old")
        own.kill()
        with pytest.raises(redis.ConnectionError):
            cache.heed_changes(1)
        own.start()
        TieredCache(None, theirs).set("k", "new")
        deadline = time.monotonic() + 20
        while cache.get("k") != "new":
            assert time.monotonic() < deadline
            cache.heed_changes(0.1)


def test_changes_forgotten_before_a_process_looked_drop_all_of_its_l1(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    with SqliteStore(path) as mine, SqliteStore(path, max_bytes=65_536) as theirs:
        cache = TieredCache(MemoryCache(), mine)
        cache.heed_changes()
        cache.set("k", "old")
        assert cache.heed_changes() == 0
        theirs.delete("k")
        for n in range(200):  # more than a file of this size remembers
            theirs.delete(f"{n}" * 50)
        assert cache.stats.l1_entries == 1
        cache.heed_changes()
        assert cache.stats.l1_entries == 0
        assert theirs.changes(0) is None  # its first look
        mine.set_many({f"{n}": Stored(b"v", None) for n in range(200)})
        assert theirs.changes(0) == [f"{n}" for n in range(200)]


def test_a_store_without_a_change_feed_says_so(make: Make, store: FlakyStore) -> None:
    with pytest.raises(TypeError, match="cannot tell"):
        make(store).heed_changes()


def test_entries_with_a_revoked_tag_are_gone_from_both_tiers(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, tag_refresh=1)
    cache.set_many({"a": 1, "b": 2}, tags=("red", "round"))
    cache.set("c", 3, tags=("blue",))
    clock.advance(1)
    cache.invalidate_tags("red")
    assert cache.get_many("abc") == make(store, tag_refresh=1).get_many("abc") == {"c": 3}
    cache.set("a", "new", tags=("red",))
    assert cache.get("a") == make(store, tag_refresh=1).get("a") == "new"


def test_without_a_feed_other_processes_learn_of_a_revoked_tag_when_they_next_ask_l2(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    other = make(store, l1_ttl=5, tag_refresh=10)
    make(store, tag_refresh=10).set("k", 1, tags=("red",))
    assert other.get("k") == 1
    clock.advance(1)
    make(store, tag_refresh=10).invalidate_tags("red")
    clock.advance(4)
    assert other.get("k") == 1
    clock.advance(5)
    assert other.get("k") is None


def test_clear_revokes_everything_for_everyone(make: Make, store: FlakyStore, clock: Clock) -> None:
    cache = make(store, tag_refresh=0.5)
    cache.set_many({"a": 1, "b": 2})
    cache.clear()
    assert cache.get_many("ab") == make(store, tag_refresh=0.5).get_many("ab") == {}
    cache.set("a", "new")
    assert make(store, tag_refresh=0.5).get("a") == "new"
    alone = make(None)
    alone.set("a", 1)
    alone.clear()
    assert alone.get("a") is None


def test_an_equal_value_set_after_its_tag_was_revoked_is_written_again(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l2_ttl=600, tag_refresh=60, skip_unchanged=0.5, tags=("red",))
    cache.set("k", "v")
    clock.advance(1)
    make(store, tag_refresh=60).invalidate_tags("red")
    clock.advance(1)
    cache.set("k", "v")
    assert cache.get("k") == make(store, tag_refresh=60).get("k") == "v"
    assert cache.stats.unchanged == 0


def test_a_load_that_began_before_its_tag_was_revoked_is_not_kept(
    make: Make, store: FlakyStore
) -> None:
    cache = make(store, tag_refresh=1, tags=("red",))

    def load(key: str) -> str:
        cache.invalidate_tags("red")
        return "before"

    assert cache.get_or_load("k", load) == "before"
    assert cache.get_or_load("k", Origin("after")) == "after"


def test_tags_on_a_shared_l2_need_to_be_asked_for(make: Make, store: FlakyStore) -> None:
    with pytest.raises(ValueError, match="tag_refresh="):
        make(store).clear()
    with pytest.raises(ValueError, match=r"several strings, such as \('red',\); got 'red'"):
        make(store, tags="red")
    with pytest.raises(ValueError, match="several strings"):
        make(store, tags=("red", 5))
