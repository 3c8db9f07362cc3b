"""Reading through, writing through, promotion, lives."""

from __future__ import annotations

from typing import Any

import pytest
from rig import Clock, FlakyStore, Make, Origin

from cachelib import ABSENT, MemoryCache, Options, RawCodec, RejectedError, TieredCache
from cachelib.options import RULES


def test_a_loaded_value_is_served_from_l1_then_by_another_process_from_l2(
    make: Make, store: FlakyStore
) -> None:
    origin, one, other = Origin(), make(store), make(store)
    assert one.fetch("k", origin) == ("k#1", "load", 1_000_000.0, None, None)
    assert one.fetch("k", origin).tier == "l1"
    assert other.fetch("k", origin).tier == "l2"
    assert other.fetch("k", origin).tier == "l1"
    assert origin.calls == 1


def test_a_set_that_returned_is_in_both_tiers(make: Make, store: FlakyStore) -> None:
    one, other = make(store), make(store)
    assert one.set("k", {"a": [1, None]}) is True
    assert one.lookup("k").tier == "l1"
    assert other.get("k") == {"a": [1, None]}


def test_a_set_that_l2_refuses_raises_and_leaves_nothing_in_l1(
    make: Make, store: FlakyStore
) -> None:
    cache = make(store)
    cache.set("k", "old")
    store.down = True
    with pytest.raises(ConnectionError):
        cache.set("k", "new")
    store.down = False
    assert cache.lookup("k")[:2] == ("old", "l2")


def test_a_deleted_key_is_gone_from_both_tiers(make: Make, store: FlakyStore) -> None:
    cache = make(store)
    cache.set("k", 1)
    assert cache.delete("k") is True
    assert cache.get("k", "gone") == "gone"
    assert make(store).get("k") is None


def test_l1_alone_and_l2_alone_are_caches_too(make: Make, store: FlakyStore, clock: Clock) -> None:
    origin = Origin()
    alone = make(None, l1_ttl=10)
    assert [alone.get_or_load("k", origin) for _ in range(2)] == ["k#1", "k#1"]
    clock.advance(10)
    assert alone.get_or_load("k", origin) == "k#2"
    far = TieredCache(None, store, clock=clock)
    assert [far.fetch("k", origin).tier for _ in range(2)] == ["load", "l2"]


@pytest.mark.parametrize(("l1_ttl", "l2_ttl"), [(None, None), (None, 60), (30, None), (30, 60)])
def test_each_tier_has_its_own_ttl_and_none_never_expires(
    make: Make, store: FlakyStore, clock: Clock, l1_ttl: float | None, l2_ttl: float | None
) -> None:
    cache = make(store, l1_ttl=l1_ttl, l2_ttl=l2_ttl)
    cache.set("k", 1)
    clock.advance(29.999)
    assert cache.lookup("k").tier == "l1"
    clock.advance(0.001)
    assert cache.lookup("k").tier == ("l1" if l1_ttl is None else "l2")
    clock.advance(29.999)
    assert cache.get("k") == 1
    clock.advance(0.001)
    assert cache.get("k") == (None if l2_ttl else 1)
    clock.advance(1e9)
    assert cache.get("k") == (None if l2_ttl else 1)


def test_a_promoted_entry_keeps_at_most_the_remaining_life_of_l2(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    make(store, l2_ttl=60).set("k", "v")
    clock.advance(50)
    late = make(store, l1_ttl=30, l2_ttl=60)
    assert late.get("k") == "v"
    clock.advance(9.999)
    assert late.get("k") == "v"
    clock.advance(0.001)
    assert late.get("k") is None


def test_independent_expiry_gives_a_promoted_entry_a_full_l1_life(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    make(store, l2_ttl=60).set("k", "v")
    clock.advance(50)
    late = make(store, l1_ttl=30, l2_ttl=60, expiry="independent")
    assert late.get("k") == "v"
    clock.advance(29.999)
    assert late.get("k") == "v"
    assert late.get_or_load("k", Origin()) == "v"
    clock.advance(0.001)
    assert late.get("k") is None


@pytest.mark.parametrize("processes", [1, 3, 8])
@pytest.mark.parametrize("l1_ttl", [7, 45, None])
def test_with_inherited_expiry_loads_are_those_of_one_ttl_cache_whatever_the_l1s(
    make: Make, clock: Clock, store: FlakyStore, processes: int, l1_ttl: float | None
) -> None:
    caches = [
        make(store, MemoryCache(4), l1_ttl=l1_ttl, l2_ttl=60, codec=RawCodec())
        for _ in range(processes)
    ]
    filled: dict[str, float] = {}
    expected = 0
    for step in range(3000):
        key = f"k{step * step % 17}"
        clock.advance(step % 5 / 4)
        if clock() - filled.get(key, -60) >= 60:
            filled[key] = clock()
            expected += 1
        caches[step * 7 % processes].get_or_load(key, lambda key: b"")
    assert sum(cache.stats.loads for cache in caches) == expected


def test_a_cached_absence_has_its_own_ttl_and_differs_from_a_miss(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache, origin = make(store, l2_ttl=60, negative_ttl=5), Origin(ABSENT)
    assert cache.get_or_load("k", origin) is ABSENT
    assert cache.get("k", "miss") is ABSENT
    assert make(store).get("k", "miss") is ABSENT
    assert cache.stats.negative_hits == 1
    clock.advance(5)
    assert cache.get("k", "miss") == "miss"


def test_an_absence_is_not_kept_unless_asked(make: Make, store: FlakyStore) -> None:
    cache, origin = make(store), Origin(ABSENT)
    assert [cache.get_or_load("k", origin) for _ in range(2)] == [ABSENT, ABSENT]
    assert origin.calls == 2
    with pytest.raises(ValueError, match="negative_ttl"):
        cache.set("k", ABSENT)


def test_jitter_shortens_lives_by_at_most_its_fraction(clock: Clock) -> None:
    draws = iter([0.0, 0.5, 0.999])
    cache = TieredCache(
        MemoryCache(), None, clock=clock, random=lambda: next(draws), l2_ttl=100, jitter=0.2
    )
    lives = []
    for key in "abc":
        cache.set(key, 1)
        lives.append(cache.lookup(key).expires_at - clock())
    assert lives == pytest.approx([100, 90, 80.02])


def test_an_equal_value_with_life_enough_left_is_not_written_again(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l2_ttl=100, skip_unchanged=0.5)
    for advance, value in ((0, "v"), (50, "v"), (0.1, "v"), (0, "w")):
        clock.advance(advance)
        cache.set("k", value)
    assert store.trips.count("set") == 3
    assert cache.stats.unchanged == 1


def test_an_entry_whose_write_was_left_out_still_ends_with_l2s(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l2_ttl=100, skip_unchanged=0.5)
    cache.set("k", "v")
    clock.advance(40)
    cache.set("k", "v")
    clock.advance(60)
    assert cache.get("k") is None


def test_options_of_a_call_override_those_of_the_cache(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l2_ttl=100)
    cache.set("k", "v", l2_ttl=5)
    clock.advance(5)
    assert cache.get("k") is None
    cache.set("k", "v", skip_l1=True)
    assert cache.lookup("k").tier == "l2"
    cache.set("far", "v", skip_l2=True)
    assert make(store).get("far") is None
    assert cache.get("far", skip_l1=True) is None
    assert cache.get_or_load("k", Origin("new"), skip_l1=True, skip_l2=True) == "new"
    assert make(store).get("k") == "v"


def test_a_set_that_skips_l1_leaves_no_older_copy_there(make: Make, store: FlakyStore) -> None:
    cache = make(store)
    cache.set("k", "old")
    cache.set("k", "new", skip_l1=True)
    assert cache.get("k") == "new"


def test_many_keys_take_one_round_trip(make: Make, store: FlakyStore) -> None:
    cache, other = make(store), make(store)
    values = {f"k{n}": n for n in range(100)}
    assert cache.set_many(values) is True
    assert other.get_many(values) == values
    assert other.get_many([*values, "missing"]) == values
    assert cache.delete_many(values) is True
    assert make(store).get_many(values) == {}
    assert store.trips == ["set_many", "get_many", "get", "delete_many", "get_many"]


def test_l1_keeps_the_most_recently_used_entries(make: Make) -> None:
    cache = make(None, MemoryCache(max_entries=2))
    cache.set_many({"a": 1, "b": 2})
    cache.get("a")
    cache.set("c", 3)
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "c": 3}
    assert cache.stats.evictions == 1


def test_a_hit_of_l1_waits_for_no_lock(make: Make, store: FlakyStore) -> None:
    cache = make(store)
    cache.set("k", 1)
    with cache.l1.lock:
        assert cache.get("k") == cache.get_or_load("k", Origin()) == 1


def test_l1_keeps_at_most_so_many_bytes_of_keys_and_encoded_values(make: Make) -> None:
    cache = make(None, MemoryCache(max_entries=None, max_bytes=40), codec=RawCodec())
    for key in "abcde":
        cache.set(key, b"123456789")
    assert (cache.stats.l1_entries, cache.stats.l1_bytes) == (4, 40)
    cache.set("e", b"1")
    assert cache.stats.l1_bytes == 32
    cache.set("big", b"x" * 50)
    assert cache.get("big") is None


def test_the_clock_going_back_never_serves_an_entry_from_the_future(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    cache = make(store, l1_ttl=10, l2_ttl=60)
    cache.set("k", "v")
    clock.advance(-3600)
    assert cache.get("k") is None
    assert cache.get_or_load("k", Origin("again")) == "again"
    clock.advance(60)
    assert cache.get("k") is None


def test_clocks_of_processes_may_differ_a_little(
    make: Make, store: FlakyStore, clock: Clock
) -> None:
    make(store).set("k", "v")
    clock.advance(-2)
    assert make(store).get("k") == "v"


def test_an_undecodable_value_is_a_counted_miss(make: Make, store: FlakyStore) -> None:
    writer = make(store)
    writer.set("k", "v")
    stored = store.get("k", 0)
    for at in range(0, len(stored.data), 3):
        damaged = bytearray(stored.data)
        damaged[at] ^= 0x40
        store.set("k", stored._replace(data=bytes(damaged)))
        reader = make(store)
        assert reader.get("k", "miss") == "miss"
        assert reader.stats.decode_errors == 1
    store.set("k", stored._replace(data=b""))
    assert make(store).get_or_load("k", Origin("new")) == "new"


@pytest.mark.parametrize("key", ["", "cachelib:revoked:x"])
def test_a_key_is_a_string_that_is_neither_empty_nor_reserved(make: Make, key: str) -> None:
    with pytest.raises(ValueError, match="cannot be a key"):
        make(None).set(key, 1)


def test_a_key_that_is_not_a_string_is_refused(make: Make) -> None:
    with pytest.raises(TypeError, match="int"):
        make(None).get(1)  # type: ignore[arg-type]


def test_a_value_that_cannot_be_encoded_names_its_key_and_is_nowhere(
    make: Make, store: FlakyStore
) -> None:
    cache = make(store)
    with pytest.raises(TypeError, match=r"JsonCodec cannot encode the value of 'k'"):
        cache.set("k", object())
    with pytest.raises(TypeError, match="'k'"):
        cache.get_or_load("k", lambda key: {1, 2})
    assert cache.get("k") is None
    assert cache.get_or_load("k", lambda key: "fine") == "fine"


def test_a_value_too_large_for_l2_is_the_callers_error_even_when_degrading(make: Make) -> None:
    class Small(FlakyStore):
        def set(self, key: str, stored: Any) -> None:
            raise RejectedError("too large")

    cache = make(Small(), on_l2_error="degrade")
    with pytest.raises(RejectedError):
        cache.set("k", "x")
    assert cache.get("k") is None
    assert cache.stats.l2_errors == 0


@pytest.mark.parametrize("ttl", [-1, 0, float("nan"), "60", True])
@pytest.mark.parametrize("name", ["l1_ttl", "l2_ttl", "soft_ttl", "lease"])
def test_a_ttl_is_a_number_above_0_or_none(make: Make, name: str, ttl: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a number above 0"):
        make(None, **{name: ttl})
    with pytest.raises(ValueError, match=name):
        make(None).set("k", 1, **{name: ttl})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"jitter": 1.5}, "from 0 to 1"),
        ({"jitter": None}, "from 0 to 1"),
        ({"stale_if_error": -1}, "0 or more"),
        ({"negative_ttl": float("inf")}, "0 or more"),
        ({"expiry": "sliding"}, "'inherited' or 'independent'"),
        ({"on_l2_error": "ignore"}, "'raise' or 'degrade'"),
        ({"l2_timeout": 0, "l2": FlakyStore()}, "l2_timeout"),
    ],
)
def test_bad_options_are_refused_when_the_cache_is_made(
    make: Make, options: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        make(**options)


def test_a_hit_of_l1_refuses_bad_options_too(make: Make) -> None:
    cache = make(None)
    cache.set("k", 1)
    assert cache.get("k", l2_ttl=5) == cache.get_or_load("k", len, tags=["red"]) == 1
    with pytest.raises(ValueError, match="skip_l1 must be True or False; got 'yes'"):
        cache.get("k", skip_l1="yes")
    with pytest.raises(TypeError, match="'ttl'"):
        cache.get_or_load("k", len, ttl=5)  # type: ignore[call-arg]
    assert cache.get("k", skip_l1=True) is None


def test_every_option_has_a_rule() -> None:
    assert list(RULES) == list(Options.__annotations__)


def test_an_unknown_option_is_refused_with_those_there_are(make: Make) -> None:
    with pytest.raises(TypeError, match=r"'ttl'.* l1_ttl, l2_ttl"):
        make(None).set("k", 1, ttl=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("bounds", [{"max_entries": 0}, {"max_bytes": -1}])
def test_bounds_of_l1_are_at_least_1(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MemoryCache(**bounds)


def test_a_closed_cache_says_so(make: Make) -> None:
    with make(None) as cache:
        cache.set("k", 1)
    with pytest.raises(RuntimeError, match="closed"):
        cache.get("k")
