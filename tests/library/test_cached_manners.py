"""The decorator behaves as `functools.lru_cache` does."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import enum
import functools
import gc
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make

from cachelib import AsyncTieredCache, MemoryCache, MemoryStore, TieredCache

CACHE = TieredCache(MemoryCache())
LATER = AsyncTieredCache(MemoryCache())


@CACHE.cached
def doubled(n: int) -> int:
    """Twice as much."""
    return 2 * n


@LATER.cached()
async def doubled_later(n: int) -> int:
    return 2 * n


class Color(str, enum.Enum):  # noqa: UP042
    RED = "red"


class Repo:
    def __init__(self, name: str) -> None:
        self.name, self.calls = name, 0


def make_repo(cache: Any, **options: Any) -> type[Any]:
    class Mine(Repo):
        @cache.cached(**options)
        def load(self, n: int, times: int = 1) -> str:
            """Load it."""
            self.calls += 1
            return f"{self.name}{n}" * times

    return Mine


def test_methods_are_bound_and_instances_keep_apart(make: Make) -> None:
    mine = make_repo(make())
    a, b = mine("a"), mine("b")
    assert [a.load(1), a.load(1), a.load(n=1), b.load(1), b.load(1)] == ["a1"] * 3 + ["b1"] * 2
    assert (a.calls, b.calls) == (1, 1)
    a.load.invalidate(1)
    assert [a.load(1), b.load(1), a.calls, b.calls] == ["a1", "b1", 2, 1]
    assert a.load.refresh(1) == "a1"
    assert a.calls == 3
    assert a.load.cache_key(1) != b.load.cache_key(1)
    assert (a.load.__name__, a.load.__doc__) == ("load", "Load it.")
    assert str(inspect.signature(a.load)) == "(n: 'int', times: 'int' = 1) -> 'str'"
    assert a.load == a.load != b.load


def test_the_results_of_an_instance_are_not_found_by_one_that_takes_its_place(make: Make) -> None:
    mine = make_repo(make())
    for n in range(200):  # most of them at an address where one was before
        assert mine(f"{n}/").load(1) == f"{n}/1"
    gc.collect()
    assert len(mine.load._instances._names) <= 1


def test_an_instance_without_a_value_needs_a_key_function_where_processes_share(
    make: Make, store: FlakyStore
) -> None:
    with pytest.raises(
        TypeError, match=r"Mine has no text that other processes know; give cached\(\) a key="
    ):
        make_repo(make(store))("a").load(1)
    keyed = make_repo(make(store), key=lambda self, n: f"{self.name}:{n}")
    assert keyed("a").load(3) == keyed("a").load(3) == "a3"
    assert keyed("a").load.cache_key(3) == "a:3"


def test_class_and_static_methods_and_properties(make: Make) -> None:
    cache, calls = make(MemoryStore()), []

    class Base:
        @classmethod
        @cache.cached()
        def kind(cls, n: int) -> str:
            calls.append(n)
            return f"{cls.__name__}{n}"

        @staticmethod
        @cache.cached()
        def plus(n: int) -> int:
            calls.append(n)
            return n + 1

        @cache.cached()
        @staticmethod
        def minus(n: int) -> int:
            return n - 1

    class Derived(Base):
        pass

    assert [Base.kind(1), Base().kind(1), Derived.kind(1), Derived.kind(1)] == [
        "Base1", "Base1", "Derived1", "Derived1",
    ]  # fmt: skip
    assert [Base.plus(1), Base().plus(1), Base.minus(1)] == [2, 2, 0]
    assert calls == [1, 1, 1]


def test_a_dataclass_is_told_from_others_by_its_fields(make: Make, store: FlakyStore) -> None:
    cache = make(store)

    @dataclasses.dataclass
    class Shop:
        town: str

        @cache.cached()
        def open(self, day: str) -> str:
            return f"{self.town} {day}"

    assert Shop("Ulm").open("Mon") == Shop("Ulm").open("Mon") == "Ulm Mon"
    assert Shop("Bonn").open("Mon") == "Bonn Mon"
    assert cache.stats.loads == 2


def test_info_counts_this_functions_calls(make: Make, clock: Clock) -> None:
    cache = make(l1=MemoryCache(50), l1_ttl=60)

    @cache.cached()
    def one(n: int) -> int:
        return n

    @cache.cached(key=lambda n: f"two:{n}")
    def two(n: int) -> int:
        if n < 0:
            raise ValueError("negative")
        return n

    one(1), one(1), one(2), two(1)
    with pytest.raises(ValueError, match="negative"):
        two(-1)
    assert one.cache_info() == (1, 2, 50, 2)
    assert two.cache_info() == (0, 2, 50, 1)
    assert one.cache_info()._fields == functools.lru_cache(len).cache_info()._fields
    clock.advance(60)
    one(1)
    assert one.cache_info().misses == 3


def test_clearing_forgets_the_results_of_one_function(make: Make) -> None:
    cache, calls = make(), []

    @cache.cached(l1_ttl=60, tags=("red",))
    def one(n: int) -> int:
        calls.append(n)
        return n

    @cache.cached(key=lambda: "two")
    def two() -> None:
        calls.append(2)

    one(1), two()
    one.cache_clear()
    assert one.cache_info() == (0, 0, 10_000, 0)
    one(1), two()
    assert calls == [1, 2, 1]
    cache.invalidate_tags("red")
    one(1)
    assert calls == [1, 2, 1, 1]


def test_clearing_reaches_other_processes(store: FlakyStore, clock: Clock) -> None:
    calls: list[int] = []

    def in_one_process() -> Any:
        cache = TieredCache(None, store, clock=clock, tag_refresh=5)

        def one(n: int) -> int:
            calls.append(n)
            return n

        return cache.cached()(one)

    here, there = in_one_process(), in_one_process()
    here(1), there(1)
    assert calls == [1]
    clock.advance(1)
    here.cache_clear()
    clock.advance(5)
    there(1)
    assert calls == [1, 1]


def test_clearing_what_cannot_be_cleared_says_why(make: Make, store: FlakyStore) -> None:
    with pytest.raises(ValueError, match="tag_refresh="):
        make(store).cached()(lambda: 1).cache_clear()


def test_a_refresh_replaces_what_is_kept(make: Make, store: FlakyStore) -> None:
    cache, answers = make(store), iter(range(10))

    @cache.cached()
    def count() -> int:
        return next(answers)

    assert [count(), count(), count.refresh(), count()] == [0, 0, 1, 1]
    assert make(store).get(count.cache_key()) == 1


def test_a_refresh_does_not_take_what_began_to_load_before_it(make: Make) -> None:
    cache, value = make(), ["old"]
    reached, go = threading.Event(), threading.Event()

    @cache.cached()
    def read() -> str:
        now = value[0]
        if now == "old":
            reached.set()
            assert go.wait(20)
        return now

    early = threading.Thread(target=read)
    early.start()
    assert reached.wait(20)
    value[0] = "new"
    assert read.refresh() == "new"
    go.set()
    early.join()
    assert read() == "new"


def test_a_refresh_that_fails_leaves_what_is_kept(make: Make) -> None:
    cache, broken = make(), []

    @cache.cached()
    def read() -> str:
        if broken:
            raise OSError("away")
        return "fine"

    read()
    broken.append(1)
    with pytest.raises(OSError, match="away"):
        read.refresh()
    assert read() == "fine"


def test_keys_are_typed_all_the_way_down(make: Make) -> None:
    cache = make()

    @cache.cached()
    def show(*args: Any, **named: Any) -> str:
        return repr((args, named))

    twins: list[Any] = [
        1, "1", True, 1.0, Color.RED, "red", (1,), [1], (True,), (1.0,), {1: 0}, {"1": 0}, b"1",
        0.0, -0.0, 0, False, None, "None", frozenset({1}), {1}, ("a", 1), {"@": ["tuple", [1]]},
        int, "builtins.int", dataclasses.make_dataclass("Row", ["a"])(1),
        dataclasses.make_dataclass("Raw", ["a"])(1),
    ]  # fmt: skip
    for _ in range(2):
        for value in twins:
            assert show(value) == repr(((value,), {}))
            assert show(a=value) == repr(((), {"a": value}))
        assert show("a", 1) != show(a=1) != show(("a", 1))


def test_closures_do_not_share(make: Make) -> None:
    cache = make()

    def adding(n: Any) -> Any:
        @cache.cached()
        def add(x: int) -> Any:
            return x, n

        return add

    for n in (1, "1", 1.0, (1,), [1], [2], None, Repo, print, functools.partial(print)):
        assert adding(n)(5) == (5, n)
    functions = [cache.cached()(lambda n=n: n) for n in range(3)]
    assert [f() for f in functions] == [0, 1, 2]
    a, b = cache.cached()(lambda: "a"), cache.cached()(lambda: "b")
    assert (a(), b()) == ("a", "b")


def test_closures_over_equal_values_share_in_all_processes(store: FlakyStore, make: Make) -> None:
    def scaled(cache: TieredCache, factor: int) -> Callable[[int], int]:
        return cache.cached()(lambda n: n * factor)

    caches = [make(store), make(store)]
    keys = [scaled(cache, factor).cache_key(1) for cache in caches for factor in (1, 2)]  # type: ignore[attr-defined]
    assert keys[:2] == keys[2:]
    assert keys[0] != keys[1]


def test_a_name_defined_anew_is_another_function(make: Make) -> None:
    cache = make()
    for value in ("a", "b"):
        space: dict[str, Any] = {"__name__": "notebook"}
        exec(f"def f(): return {value!r}", space)  # noqa: S102
        assert cache.cached()(space["f"])() == value


def test_what_is_used_up_once_is_refused(make: Make) -> None:
    cache = make()

    def generator() -> Iterator[int]:
        yield 1

    async def agenerator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, agenerator):
        with pytest.raises(TypeError, match="generator: each result is used up once"):
            cache.cached()(function)
    with pytest.raises(TypeError, match="returned a map, which is used up once: return a list"):
        cache.cached()(lambda: map(str, [1]))()
    with pytest.raises(TypeError, match="has no name"):
        cache.cached()(functools.partial(print))


def test_it_pickles_and_copies_by_its_name() -> None:
    for function in (doubled, doubled_later):
        assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301
        assert copy.deepcopy(function) is function


def test_a_missing_argument_is_told_with_the_functions_name() -> None:
    with pytest.raises(TypeError, match=r"doubled: missing a required argument: 'n'"):
        doubled()  # type: ignore[call-arg]


def test_it_looks_like_the_function_to_who_inspects_it() -> None:
    assert not inspect.iscoroutinefunction(doubled)
    assert inspect.iscoroutinefunction(doubled_later)
    assert asyncio.iscoroutinefunction(doubled_later)
    assert inspect.iscoroutinefunction(LATER.cached()(len_of))
    assert str(inspect.signature(doubled)) == "(n: 'int') -> 'int'"
    assert doubled.__wrapped__(4) == 8  # type: ignore[attr-defined]
    assert "doubled" in repr(doubled)


def len_of(text: str) -> int:
    return len(text)


def test_methods_of_the_async_cache() -> None:
    async def use() -> None:
        cache = AsyncTieredCache(MemoryCache())

        class Mine(Repo):
            @cache.cached()
            async def load(self, n: int) -> str:
                self.calls += 1
                return f"{self.name}{n}"

            @cache.cached()
            async def rows(self) -> Any:
                return map(str, [1])

        a, b = Mine("a"), Mine("b")
        assert inspect.iscoroutinefunction(a.load)
        assert [await a.load(1), await a.load(1), await b.load(1)] == ["a1", "a1", "b1"]
        assert await a.load.invalidate(1)
        assert await a.load.refresh(1) == await a.load(1) == "a1"
        assert (a.calls, b.calls) == (2, 1)
        assert a.load.cache_info()[:2] == (2, 2)
        await a.load.cache_clear()
        assert await b.load(1) == "b1"
        assert b.calls == 2
        with pytest.raises(TypeError, match="used up once"):
            await a.rows()

    asyncio.run(use())


TYPED = """
from __future__ import annotations
from dataclasses import dataclass
from cachelib import Answer, AsyncTieredCache, MemoryCache, TieredCache

cache, later = TieredCache(MemoryCache()), AsyncTieredCache(MemoryCache())

@dataclass
class User:
    id: int

def load(key: str) -> User:
    return User(1)

async def load_later(key: str) -> User:
    return User(1)

@cache.cached(l2_ttl=60)
def user(id: int, *, upper: bool = False) -> User:
    return User(id)

@cache.cached
def bare(id: int) -> User:
    return User(id)

@later.cached()
async def user_later(id: int) -> User:
    return User(id)

@later.cached()
def plain_later(id: int) -> User:
    return User(id)

class Repo:
    @cache.cached(key=lambda self, id: str(id))
    def get(self, id: int) -> User:
        return User(id)

    @later.cached()
    async def get_later(self, id: int) -> User:
        return User(id)

a: User = cache.get_or_load("k", load)
b: Answer[User] = cache.fetch("k", load)
c: User = user(1, upper=True)
d: User = Repo().get(1)
e: bool = Repo().get.invalidate(1)
f: User = bare.refresh(1)

async def main() -> None:
    a: User = await later.get_or_load("k", load)
    b: User = await later.get_or_load("k", load_later)
    c: User = await user_later(1)
    d: User = await plain_later(1)
    e: User = await Repo().get_later(1)
    f: bool = await user_later.invalidate(1)
    g: Answer[User] = await later.fetch("k", load_later)

user("1")  # wrong
user.invalidate("1")  # wrong
Repo().get("1")  # wrong
g: int = cache.get_or_load("k", load)  # wrong
cache.get("k", ttl=1)  # wrong
"""


def test_types_are_preserved(tmp_path: Any) -> None:
    file = tmp_path / "typed.py"
    file.write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    wrong = [n for n, line in enumerate(TYPED.splitlines(), 1) if "# wrong" in line]
    told = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert told == set(wrong), done.stdout
