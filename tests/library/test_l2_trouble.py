"""An L2 that fails, is slow, and comes back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Origin

from cachelib import MemoryCache, MemoryStore, StoreUnavailableError, TieredCache


def test_by_default_the_caller_gets_the_error(make: Make, store: FlakyStore) -> None:
    cache = make(store)
    store.down = True
    for call in (
        lambda: cache.get("k"),
        lambda: cache.get_or_load("k", Origin()),
        lambda: cache.set("k", 1),
        lambda: cache.delete("k"),
        lambda: cache.get_many(["k", "l"]),
        lambda: cache.set_many({"k": 1, "l": 2}),
        lambda: cache.delete_many(["k", "l"]),
    ):
        with pytest.raises((ConnectionError, StoreUnavailableError)):
            call()
    assert cache.stats.l1_entries == 0


def test_degrading_no_caller_sees_an_error_and_a_write_is_flagged(
    make: Make, store: FlakyStore
) -> None:
    cache, origin = make(store, on_l2_error="degrade"), Origin()
    store.down = True
    assert cache.set("k", "v") is False
    assert cache.get("k") == "v"
    assert cache.get_or_load("other", origin) == "other#1"
    assert cache.get_or_load("other", origin) == "other#1"
    assert cache.get_many(["k", "missing"]) == {"k": "v"}
    assert cache.delete("k") is False
    assert cache.get("k") is None
    assert cache.set_many({"a": 1, "b": 2}) is False
    assert cache.stats.degraded_writes == 5


def test_after_repeated_failures_l2_is_left_alone_then_tried_once(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, breaker_failures=3, breaker_seconds=10)
    store.down = True
    for error in (ConnectionError, ConnectionError, ConnectionError, StoreUnavailableError):
        with pytest.raises(error):
            cache.get("k")
    assert len(store.trips) == 3
    clock.advance(10)
    for error in (ConnectionError, StoreUnavailableError):
        with pytest.raises(error):
            cache.get("k")
    assert len(store.trips) == 4
    store.down = False
    clock.advance(10)
    assert cache.get("k") is None
    store.down = True
    with pytest.raises(ConnectionError):
        cache.get("k")


def test_a_clock_going_back_does_not_keep_the_breaker_open(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, breaker_failures=1, breaker_seconds=10)
    store.down = True
    with pytest.raises(ConnectionError):
        cache.get("k")
    store.down = False
    clock.advance(-3600)
    assert cache.get("k") is None


def test_what_l2_missed_is_written_when_it_is_back(make: Make, store: FlakyStore) -> None:
    cache = make(store, on_l2_error="degrade")
    cache.set_many({"changed": "old", "deleted": "old", "same": "old"})
    store.down = True
    cache.set("changed", "new")
    cache.set("added", "new")
    cache.delete("deleted")
    store.down = False
    assert cache.get("anything") is None
    other = make(store)
    keys = ["changed", "added", "deleted", "same"]
    assert other.get_many(keys) == {"changed": "new", "added": "new", "same": "old"}
    assert cache.stats.repairs == 3


def test_a_key_written_while_l2_was_away_is_never_read_from_l2_as_it_was(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l1_ttl=5, on_l2_error="degrade")
    cache.set("k", "old")
    store.down = True
    cache.set("k", "new")
    clock.advance(5)
    assert cache.get("k") is None
    store.down = False
    assert cache.get("k") == "new"


def test_of_two_processes_that_wrote_meanwhile_the_newer_wins(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cut_off = make(store, on_l2_error="degrade")
    cut_off.set_many({"a": 0, "b": 0, "c": 0})
    store.down = True
    cut_off.set("a", "cut off, first")
    cut_off.delete("c")
    clock.advance(1)
    store.down = False
    other = make(store)
    other.set_many({"a": "second", "b": "first", "c": "second"})
    store.down = True
    clock.advance(1)
    cut_off.set("b", "cut off, second")
    store.down = False
    assert cut_off.get("anything") is None  # the first call that needs L2 makes it all good
    assert cut_off.get_many("abc") == {"a": "second", "b": "cut off, second", "c": "second"}
    assert make(store).get_many("abc") == cut_off.get_many("abc")


def test_a_missed_write_whose_life_is_over_does_not_revive_the_older_value(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, on_l2_error="degrade")
    cache.set("k", "old", l2_ttl=100)
    store.down = True
    cache.set("k", "new", l2_ttl=10)
    clock.advance(20)
    store.down = False
    assert cache.get("k") is None
    assert make(store).get("k") is None


def test_when_too_many_writes_are_missed_their_older_values_go(
    make: Make, store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachelib.stores.backlog.MAX_KEPT", 2)
    cache = make(store, on_l2_error="degrade")
    cache.set_many({"a": 0, "b": 0, "c": 0})
    store.down = True
    for key in "abc":
        cache.set(key, 1)
    store.down = False
    assert cache.get("other") is None
    assert cache.get_many("abc") == make(store).get_many("abc") == {"a": 1, "b": 1}


def test_a_repair_that_fails_is_tried_again(make: Make, store: FlakyStore) -> None:
    cache = make(store, on_l2_error="degrade")
    store.down = True
    cache.set("k", "v")
    assert cache.get("other") is None
    assert cache.stats.repairs == 0
    store.down = False
    assert cache.get("other") is None
    assert make(store).get("k") == "v"


class SlowStore(MemoryStore):
    """A store whose writes wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.landed = threading.Event()

    def set(self, key: str, stored: Any) -> None:
        if not self.landed.is_set():
            assert self.go.wait(20)
            super().set(key, stored)
            self.landed.set()
        else:
            super().set(key, stored)


def test_l2_past_its_time_limit_counts_as_away() -> None:
    store = SlowStore()
    cache = TieredCache(MemoryCache(), store, l2_timeout=0.02, on_l2_error="degrade")
    assert cache.set("k", "v") is False
    assert cache.stats.l2_errors == 1
    store.go.set()
    assert store.landed.wait(20)
    with pytest.raises(StoreUnavailableError, match=r"longer than 0\.02 s"):
        TieredCache(None, SlowStore(), l2_timeout=0.02).set("k", "v")


def test_a_write_that_lands_after_its_time_limit_does_not_outlive_a_newer_one(
    clock: Clock,
) -> None:
    store = SlowStore()
    cache = TieredCache(MemoryCache(), store, clock=clock, l2_timeout=0.02)
    with pytest.raises(StoreUnavailableError):
        cache.set("k", "late")
    clock.advance(1)
    store.landed.set()  # from here on, writes are quick ...
    cache.set("k", "newer")
    store.landed.clear()
    store.go.set()  # ... and now the first one arrives
    assert store.landed.wait(20)
    while not cache._l2._missed:
        pass
    assert cache.get("unrelated") is None
    assert cache.get("k") is None
    assert TieredCache(None, store, clock=clock).get("k") is None
