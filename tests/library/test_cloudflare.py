"""Workers KV's limits, kept or waited for."""

from __future__ import annotations

from collections.abc import Iterator

import cloudflare
import pytest
from kv_server import KVServer
from rig import Clock

from cachelib import MemoryCache, Stored, TieredCache


@pytest.fixture
def kv(clock: Clock) -> Iterator[KVServer]:
    with KVServer(clock) as server:
        yield server


def test_a_life_under_a_minute_is_kept_exactly_though_kv_keeps_it_longer(
    kv: KVServer, clock: Clock
) -> None:
    cache = TieredCache(None, kv.store(), clock=clock, l2_ttl=10)
    cache.set("k", "v")
    clock.advance(9.9)
    assert cache.get("k") == "v"
    clock.advance(0.1)
    assert cache.get("k") is None
    assert kv.read("k") is not None
    assert kv.ttls == [60]


@pytest.mark.parametrize(("life", "ttl"), [(None, None), (60.5, 61), (3600, 3600)])
def test_a_longer_life_is_kvs_own(
    kv: KVServer, clock: Clock, life: float | None, ttl: float | None
) -> None:
    kv.store().set("k", Stored(b"v", None if life is None else clock() + life))
    assert kv.ttls == [ttl]


def test_writes_of_one_key_are_a_second_apart(kv: KVServer, clock: Clock) -> None:
    store = kv.store()
    for n in range(3):
        store.set("k", Stored(b"%d" % n, None))
        store.set(f"other{n}", Stored(b"", None))
    assert kv.sleeps == pytest.approx([1, 1])
    assert store.get("k", clock()) == Stored(b"2", None)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_is_refused_for_its_rate_or_fails_in_kv_is_tried_again_after_a_growing_pause(
    kv: KVServer, clock: Clock, status: int
) -> None:
    store = kv.store(retries=4)
    kv.faults = [(status, {})] * 4
    store.set("k", Stored(b"v", None))
    assert store.get("k", clock()) == Stored(b"v", None)
    assert len(kv.sleeps) == 4
    assert all(0.5 * 2**n / 2 <= pause <= 2**n / 2 for n, pause in enumerate(kv.sleeps))


def test_the_pause_that_kv_asks_for_is_kept(kv: KVServer, clock: Clock) -> None:
    kv.faults = [(429, {"retry-after": "7"})]
    assert kv.store().get("k", clock()) is None
    assert kv.sleeps == [7]


def test_after_the_last_try_it_is_an_l2_error(kv: KVServer, clock: Clock) -> None:
    kv.faults = [(503, {})] * 6
    store = kv.store(retries=2)
    with pytest.raises(cloudflare.InternalServerError):
        store.get("k", clock())
    cache = TieredCache(MemoryCache(), store, clock=clock, on_l2_error="degrade")
    assert cache.get_or_load("k", lambda key: "origin") == "origin"


def test_a_wrong_token_is_not_tried_again(kv: KVServer, clock: Clock) -> None:
    kv.faults = [(403, {})]
    with pytest.raises(cloudflare.PermissionDeniedError):
        kv.store().set("k", Stored(b"v", None))
    assert kv.sleeps == []


def test_many_are_read_by_the_hundred_and_written_in_one_request(
    kv: KVServer, clock: Clock
) -> None:
    store, items = kv.store(), {f"k{n}": Stored(b"v", None) for n in range(250)}
    store.set_many(items)
    assert store.get_many(list(items), clock()) == items
    paths = [request.rpartition("/ns/")[2] for request in kv.requests]
    assert paths == ["bulk", "bulk/get", "bulk/get", "bulk/get"]


def test_what_a_bulk_write_did_not_do_is_tried_again(kv: KVServer, clock: Clock) -> None:
    store = kv.store(retries=2)
    kv.unsuccessful = [["b", "c"], ["c"]]
    store.set_many({key: Stored(b"v", None) for key in "abc"})
    assert store.get_many("abc", clock()).keys() == set("abc")
    kv.unsuccessful = [["a"]] * 3
    with pytest.raises(OSError, match="did not write 1 keys, such as 'a'"):
        store.delete_many("abc")


@pytest.mark.parametrize("key", ["k" * 513, "é" * 257, ".", ".."])
def test_a_key_that_kv_cannot_hold_is_refused_before_it_is_sent(
    kv: KVServer, clock: Clock, key: str
) -> None:
    cache = TieredCache(MemoryCache(), kv.store(), clock=clock, on_l2_error="degrade")
    with pytest.raises(ValueError, match="at most 512 bytes"):
        cache.set(key, 1)
    with pytest.raises(ValueError, match="512"):
        cache.get_many([key, "fine"])
    assert kv.requests == []


def test_a_value_that_kv_cannot_hold_is_refused_before_it_is_sent(kv: KVServer) -> None:
    with pytest.raises(ValueError, match="25 MiB"):
        kv.store().set("k", Stored(bytes(20 * 1024 * 1024), None))
    assert kv.requests == []


def test_a_value_of_another_program_is_a_counted_miss_and_no_trouble_of_l2(
    kv: KVServer, clock: Clock
) -> None:
    kv.values["k"] = "not ours", None
    cache = TieredCache(MemoryCache(), kv.store(), clock=clock, on_l2_error="degrade")
    assert [cache.get("k", "miss") for _ in range(6)] == ["miss"] * 6
    assert (cache.stats.decode_errors, cache.stats.l2_errors) == (6, 0)
