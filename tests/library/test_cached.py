"""The decorator."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rig import Clock, FlakyStore, Make

from cachelib import AsyncTieredCache, MemoryCache


def test_a_function_is_called_once_for_the_same_arguments_however_given(make: Make) -> None:
    cache, calls = make(None), []

    @cache.cached(l1_ttl=60)
    def area(width: int, height: int = 1, *, unit: str = "m") -> str:
        """The area."""
        calls.append((width, height, unit))
        return f"{width * height} {unit}²"

    assert area(2, 3) == area(2, height=3) == area(height=3, width=2, unit="m") == "6 m²"
    assert area(2, 4) == "8 m²"
    assert area(2, 3, unit="ft") == "6 ft²"
    assert calls == [(2, 3, "m"), (2, 4, "m"), (2, 3, "ft")]
    assert (area.__name__, area.__doc__) == ("area", "The area.")


def test_a_result_can_be_invalidated_and_has_the_life_it_was_given(
    make: Make, clock: Clock
) -> None:
    cache, calls = make(None), []

    @cache.cached(l1_ttl=60)
    def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    double(1), double(2)
    double.invalidate(1)
    double(1), double(2)
    assert calls == [1, 2, 1]
    clock.advance(60)
    double(2)
    assert calls == [1, 2, 1, 2]


def test_arguments_that_differ_in_type_have_different_results(make: Make) -> None:
    cache = make(None)

    @cache.cached()
    def kind(value: Any) -> str:
        return type(value).__name__

    assert [kind(1), kind("1"), kind(1.0), kind(True), kind(None)] == [
        "int", "str", "float", "bool", "NoneType",
    ]  # fmt: skip


def test_long_arguments_make_a_short_key(make: Make) -> None:
    cache = make(None)

    @cache.cached()
    def length(text: str) -> int:
        return len(text)

    assert length("x" * 10_000) == 10_000
    assert length("y" * 10_001) == 10_001
    assert len(length.key("x" * 10_000)) < 200


def test_arguments_that_cannot_be_part_of_a_key_need_a_key_function(make: Make) -> None:
    cache = make(None)

    @cache.cached()
    def name(thing: object) -> str:
        return str(thing)

    with pytest.raises(TypeError, match=r"name: .*give cached\(\) a key="):
        name(object())

    @cache.cached(key=lambda thing: f"thing {id(thing)}")
    def by_identity(thing: object) -> str:
        return str(thing)

    one = object()
    assert by_identity(one) == str(one)
    assert cache.get(f"thing {id(one)}") == str(one)


def test_a_coroutine_is_decorated_by_the_async_cache(clock: Clock, store: FlakyStore) -> None:
    cache, calls = AsyncTieredCache(MemoryCache(), store, clock=clock), []

    @cache.cached()
    async def double(n: int) -> int:
        calls.append(n)
        return 2 * n

    async def use() -> None:
        assert await double(2) == await double(n=2) == 4
        await double.invalidate(2)
        assert await double(2) == 4

    asyncio.run(use())
    assert calls == [2, 2]


def test_a_coroutine_is_refused_by_the_blocking_cache(make: Make) -> None:
    async def double(n: int) -> int:
        return 2 * n

    with pytest.raises(TypeError, match="AsyncTieredCache"):
        make(None).cached()(double)
