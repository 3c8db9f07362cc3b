"""`TieredCache` against a model of ten lines, over random operations, clock jumps and faults."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from rig import STEPS, Clock, FlakyStore, Inline, rounds

from cachelib import MemoryCache, TieredCache

L1_TTL, L2_TTL = 20, 50
keys, values = st.sampled_from("abcde"), st.integers(0, 9)


class Model:
    """What a cache may answer: the last value written, while its life lasts."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[Any, float]] = {}

    def get(self, key: str, now: float) -> Any:
        value, until = self.entries.get(key, (None, now))
        return value if now < until else None

    def set(self, key: str, value: Any, now: float) -> None:
        self.entries[key] = value, now + L2_TTL


class OneProcess(RuleBasedStateMachine):
    """Nothing but a write changes what is read; a hit is right, and a miss has a reason."""

    on_l2_error = "raise"

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.store, self.model = Clock(), FlakyStore(), Model()
        self.cache = TieredCache(
            MemoryCache(max_entries=3),
            self.store,
            clock=self.clock,
            executor=Inline(),
            l1_ttl=L1_TTL,
            l2_ttl=L2_TTL,
            on_l2_error=self.on_l2_error,
            breaker_failures=2,
            breaker_seconds=5,
        )
        self.lookups = 0

    def away(self) -> bool:
        """Or left alone, by readers or by writers."""
        l2 = self.cache._l2
        return bool(self.store.down or l2._breaker.failures or l2._writes.failures)

    def attempt(self, call: Any) -> Any:
        """The answer; or None if L2 is away and says so."""
        try:
            return call()
        except Exception:
            assert self.on_l2_error == "raise"
            assert self.away()
            return None

    @rule(key=keys)
    def get(self, key: str) -> None:
        self.lookups += 1
        expected = self.model.get(key, self.clock())
        found = self.attempt(lambda: self.cache.get(key))
        away = self.away()
        assert found == expected or (found is None and away)

    @rule(key=keys, value=values)
    def get_or_load(self, key: str, value: int) -> None:
        self.lookups += 1
        expected = self.model.get(key, self.clock())
        loads = []
        found = self.attempt(
            lambda: self.cache.get_or_load(key, lambda k: loads.append(k) or value)
        )
        away = self.away()
        if loads:
            assert expected is None or away
            self.write(key, value, found == value)
        elif found is not None or not away:
            assert found == expected

    @rule(key=keys, value=values)
    def set(self, key: str, value: int) -> None:
        done = self.attempt(lambda: self.cache.set(key, value) is not None)
        self.write(key, value, done is not None)

    @rule(key=keys)
    def delete(self, key: str) -> None:
        if self.attempt(lambda: self.cache.delete(key) is not None) is not None:
            self.model.entries.pop(key, None)

    @rule(some=st.dictionaries(keys, values, max_size=4))
    def set_many(self, some: dict[str, int]) -> None:
        done = self.attempt(lambda: self.cache.set_many(some) is not None)
        for key, value in some.items():
            self.write(key, value, done is not None)

    @rule(some=st.lists(keys, max_size=4))
    def get_many(self, some: list[str]) -> None:
        self.lookups += len(set(some))
        expected = {k: v for k in some if (v := self.model.get(k, self.clock())) is not None}
        found = self.attempt(lambda: self.cache.get_many(some))
        away = self.away()
        assert found == expected or (away and (found is None or found.items() <= expected.items()))

    def write(self, key: str, value: int, done: bool) -> None:
        if done:
            self.model.set(key, value, self.clock())

    @rule(seconds=st.sampled_from([0, 0.5, 4.5, 5, L1_TTL - 0.5, L1_TTL, L2_TTL]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def the_clock_goes_back(self) -> None:
        self.clock.advance(-3600)
        self.model.entries.clear()
        self.store.inner = type(self.store.inner)()  # what has times to come is not believed,
        self.cache._l2._missed.clear()  # nor brought to it later

    @rule()
    def l2_goes_away_or_comes_back(self) -> None:
        self.store.down = not self.store.down

    @invariant()
    def every_lookup_is_counted(self) -> None:
        assert self.cache.stats.gets == self.lookups


class OneProcessDegrading(OneProcess):
    on_l2_error = "degrade"


TestRaising = OneProcess.TestCase
TestRaising.settings = settings(STEPS, max_examples=rounds(60, 1000))
TestDegrading = OneProcessDegrading.TestCase
TestDegrading.settings = settings(STEPS, max_examples=rounds(60, 1000))


def test_a_load_right_after_a_repair_of_its_key_is_kept() -> None:
    machine = OneProcessDegrading()
    machine.l2_goes_away_or_comes_back()
    machine.delete("a")
    machine.l2_goes_away_or_comes_back()
    machine.get_or_load("a", 1)
    machine.get("a")
    assert machine.cache.stats.l1_hits == 1
