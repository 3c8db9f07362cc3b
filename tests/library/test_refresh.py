"""Soft lives, stale values, time limits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Origin, SlowOrigin

from cachelib import LoadTimeoutError, MemoryCache, TieredCache


class Later:
    """Background work that waits until it is told to run."""

    def __init__(self) -> None:
        self.work: list[Callable[[], Any]] = []

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        self.work.append(lambda: work(*args))

    def run(self) -> None:
        while self.work:
            with suppress(OSError):
                self.work.pop(0)()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def deferring(clock: Clock, store: FlakyStore, later: Later) -> Make:
    def deferring(**options: Any) -> TieredCache:
        return TieredCache(MemoryCache(), store, clock=clock, executor=later, **options)

    return deferring


@pytest.mark.parametrize("when", [{"soft_ttl": 30}, {"refresh_after": 0.3}])
def test_past_the_soft_ttl_the_old_value_is_served_and_refreshed_once_in_the_background(
    deferring: Make, clock: Clock, later: Later, when: dict[str, Any]
) -> None:
    cache, origin = deferring(l2_ttl=100, **when), Origin()
    assert cache.get_or_load("k", origin) == "k#1"
    clock.advance(29.9)
    assert cache.get_or_load("k", origin) == "k#1"
    assert later.work == []
    clock.advance(0.1)
    assert [cache.get_or_load("k", origin) for _ in range(3)] == ["k#1"] * 3
    assert len(later.work) == 1
    later.run()
    assert cache.get_or_load("k", origin) == "k#2"
    assert (cache.stats.refreshes, cache.stats.loads, cache.stats.l1_hits) == (1, 2, 5)


def test_what_another_process_has_refreshed_is_taken_from_l2_and_not_loaded_again(
    deferring: Make, clock: Clock, later: Later
) -> None:
    mine, theirs = (deferring(soft_ttl=10, l2_ttl=100) for _ in range(2))
    origin = Origin()
    theirs.set("k", "old")
    assert mine.get("k") == "old"
    clock.advance(11)
    theirs.set("k", "new")
    assert mine.get_or_load("k", origin) == "old"
    later.run()
    assert (mine.get("k"), mine.stats.loads) == ("new", 0)
    clock.advance(11)
    assert mine.get_or_load("k", origin) == "new"
    later.run()
    assert (mine.get("k"), mine.stats.loads) == ("k#1", 1)  # nobody else has


def test_a_refresh_need_not_look_into_l2(deferring: Make, clock: Clock, later: Later) -> None:
    mine, theirs = (deferring(soft_ttl=10, l2_ttl=100, look_before_refresh=False) for _ in range(2))
    mine.set("k", "old")
    clock.advance(11)
    theirs.set("k", "new")
    mine.get_or_load("k", Origin())
    later.run()
    assert mine.get("k") == "k#1"


def test_past_the_hard_ttl_the_caller_waits_for_the_load(deferring: Make, clock: Clock) -> None:
    cache, origin = deferring(l2_ttl=100, soft_ttl=30), Origin()
    cache.get_or_load("k", origin)
    clock.advance(100)
    assert cache.get_or_load("k", origin) == "k#2"


def test_a_value_found_in_l2_past_its_soft_ttl_is_refreshed_too(
    deferring: Make, clock: Clock, later: Later
) -> None:
    deferring(l2_ttl=100, soft_ttl=30).set("k", "old")
    clock.advance(50)
    cache = deferring(l2_ttl=100, soft_ttl=30)
    assert cache.get_or_load("k", lambda key: "new") == "old"
    later.run()
    assert cache.get("k") == "new"


def test_a_refresh_that_fails_leaves_the_old_value_and_is_not_repeated_at_once(
    deferring: Make, clock: Clock, later: Later
) -> None:
    cache = deferring(l2_ttl=100, soft_ttl=30, error_ttl=10)
    cache.set("k", "old")
    clock.advance(30)
    failing = Origin(OSError("origin"))
    for _ in range(3):
        assert cache.get_or_load("k", failing) == "old"
        later.run()
    assert failing.calls == 1
    clock.advance(10)
    cache.get_or_load("k", failing)
    later.run()
    assert failing.calls == 2


def test_a_set_during_a_refresh_is_not_overwritten_by_it(
    deferring: Make, clock: Clock, later: Later
) -> None:
    cache = deferring(l2_ttl=100, soft_ttl=30)
    cache.set("k", "old")
    clock.advance(30)

    def load(key: str) -> str:
        cache.set("k", "set meanwhile")
        return "loaded before"

    cache.get_or_load("k", load)
    later.run()
    assert cache.get("k") == "set meanwhile"
    assert cache.get("k", skip_l1=True) == "set meanwhile"


def test_when_the_load_fails_the_last_value_is_served_and_seen_to_be_stale(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache, error = make(store, l2_ttl=60, stale_if_error=30), OSError("origin")
    cache.set("k", "last")
    clock.advance(89.9)
    answer = cache.fetch("k", Origin(error))
    assert (answer.value, answer.stale, answer.error) == ("last", True, error)
    assert cache.get("k") is None
    assert make(store, stale_if_error=30).fetch("k", Origin(error)).stale
    assert cache.stats.stale_hits == 1
    clock.advance(0.1)
    with pytest.raises(OSError, match="origin"):
        cache.fetch("k", Origin(error))


def test_a_last_value_in_l1_alone_serves_too(make: Make, clock: Clock) -> None:
    cache = make(None, l1_ttl=60, stale_if_error=30)
    cache.set("k", "last")
    clock.advance(60)
    assert cache.fetch("k", Origin(OSError())).stale
    clock.advance(30)
    with pytest.raises(OSError, match="origin"):
        cache.fetch("k", Origin(OSError("origin")))


def test_failed_loads_are_tried_again_only_after_the_error_ttl(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache, origin = make(store, l2_ttl=60, stale_if_error=1000, error_ttl=10), Origin(OSError())
    cache.set("k", "last")
    clock.advance(60)
    assert [cache.get_or_load("k", origin) for _ in range(5)] == ["last"] * 5
    assert origin.calls == 1
    clock.advance(10)
    origin.value = "back"
    assert cache.get_or_load("k", origin) == "back"
    assert not cache.fetch("k", origin).stale


def test_an_error_is_cached_only_when_asked(make: Make, clock: Clock) -> None:
    plain, asked = make(None), make(None, error_ttl=10)
    for cache, calls in ((plain, 3), (asked, 1)):
        origin = Origin(OSError("origin"))
        for _ in range(3):
            with pytest.raises(OSError, match="origin"):
                cache.get_or_load("k", origin)
        assert origin.calls == calls
    clock.advance(10)
    assert asked.get_or_load("k", Origin("fine")) == "fine"


def threaded(clock: Clock, store: FlakyStore, **options: Any) -> TieredCache:
    return TieredCache(MemoryCache(), store, clock=clock, **options)


def test_a_loader_past_the_hard_timeout_raises_and_its_value_is_kept_when_it_comes(
    clock: Clock, store: FlakyStore
) -> None:
    origin = SlowOrigin("late")
    with threaded(clock, store, hard_timeout=0.02) as cache:
        with pytest.raises(LoadTimeoutError, match=r"'k' took longer than 0\.02 s"):
            cache.get_or_load("k", origin)
        origin.go.set()
        assert cache.get_or_load("k", origin, hard_timeout=20) == "late"
    assert threaded(clock, store).get("k") == "late"
    assert cache.stats.loads == 1


def test_a_loader_past_the_soft_timeout_is_not_waited_for_if_there_is_a_last_value(
    clock: Clock, store: FlakyStore
) -> None:
    origin = SlowOrigin("new")
    with threaded(clock, store, l2_ttl=60, stale_if_error=60, soft_timeout=0.02) as cache:
        cache.set("k", "last")
        clock.advance(60)
        answer = cache.fetch("k", origin)
        assert (answer.value, answer.stale, answer.error) == ("last", True, None)
        origin.go.set()
    assert threaded(clock, store).get("k") == "new"


def test_a_loader_in_time_is_waited_for(clock: Clock, store: FlakyStore) -> None:
    with threaded(clock, store, soft_timeout=20, hard_timeout=20) as cache:
        assert cache.fetch("k", Origin("v"))[:2] == ("v", "load")
        with pytest.raises(OSError, match="origin"):
            cache.fetch("other", Origin(OSError("origin")))
