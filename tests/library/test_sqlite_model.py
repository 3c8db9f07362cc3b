"""Two processes' stores on one SQLite file against a dictionary, over random operations."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from rig import STEPS, rounds

from cachelib import SqliteStore, Stored

keys = st.one_of(
    st.sampled_from(["a", "b", "a longer key"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3),
)
lives = st.one_of(st.none(), st.integers(1, 20))
data = st.binary(max_size=40)
sides = st.integers(0, 1)


class TwoStores(RuleBasedStateMachine):
    """Both read what either wrote last, and each is told of all that the other changed."""

    max_bytes: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "cache.db"
        self.stores = [SqliteStore(path, max_bytes=self.max_bytes) for _ in range(2)]
        for store in self.stores:
            store.changes(0)
        self.entries: dict[str, Stored] = {}
        self.untold: list[set[str]] = [set(), set()]
        self.now = 1000.0

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()

    def expires_at(self, life: int | None) -> float | None:
        return None if life is None else self.now + life

    @rule(side=sides, key=keys, data=data, life=lives)
    def set(self, side: int, key: str, data: bytes, life: int | None) -> None:
        self.entries[key] = Stored(data, self.expires_at(life))
        self.stores[side].set(key, self.entries[key])
        self.untold[1 - side].add(key)

    @rule(side=sides, items=st.dictionaries(keys, st.tuples(data, lives)), n=st.integers(0, 250))
    def set_many(self, side: int, items: dict[str, tuple[bytes, int | None]], n: int) -> None:
        entries = {key: Stored(data, self.expires_at(life)) for key, (data, life) in items.items()}
        entries |= {f"key {n}": Stored(bytes(300), None) for n in range(n)}
        self.stores[side].set_many(entries)
        self.entries |= entries
        self.untold[1 - side] |= entries.keys()

    @rule(side=sides, gone=st.sets(keys), n=st.integers(0, 250))
    def delete_many(self, side: int, gone: set[str], n: int) -> None:
        gone |= {f"key {n}" for n in range(n)}
        self.stores[side].delete_many(gone)
        for key in gone:
            self.entries.pop(key, None)
        self.untold[1 - side] |= gone

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        for store in self.stores:
            store.get("to tell it the time", self.now)

    @rule(side=sides, more=st.sets(keys))
    def read(self, side: int, more: set[str]) -> None:
        wanted = list(more | self.entries.keys())
        live = {
            key: self.entries[key]
            for key in wanted
            if key in self.entries and (self.entries[key].expires_at or self.now + 1) > self.now
        }
        found = self.stores[side].get_many(wanted, self.now)
        assert found.items() <= live.items()
        if self.max_bytes is None:
            assert found == live
        for key in more:
            assert self.stores[side].get(key, self.now) == found.get(key)

    @rule(side=sides)
    def look(self, side: int) -> None:
        told = self.stores[side].changes(0)
        if told is None:
            assert self.max_bytes is not None  # nothing is forgotten so soon
        else:
            assert len(told) == len(set(told))
            assert set(told) == self.untold[side]
        self.untold[side] = set()


class TwoBoundedStores(TwoStores):
    """Entries may be gone, and changes forgotten; what is there is right."""

    max_bytes = 65_536


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(STEPS, max_examples=rounds(15, 200))
TestTwoBoundedStores = TwoBoundedStores.TestCase
TestTwoBoundedStores.settings = settings(STEPS, max_examples=rounds(15, 200))
