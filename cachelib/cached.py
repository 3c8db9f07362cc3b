"""The decorator: a function whose results are kept. In manners it is `functools.lru_cache`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from functools import update_wrapper
from typing import (
    Any,
    Concatenate,
    Generic,
    NamedTuple,
    ParamSpec,
    Self,
    TypeVar,
    cast,
    overload,
)  # fmt: skip

from cachelib.naming import Instances, in_order, name_of, text_of
from cachelib.options import Count, Options
from cachelib.stores.shapes import JSON_SCALARS

P = ParamSpec("P")
Q = ParamSpec("Q")
S = TypeVar("S")
T = TypeVar("T")
MAX_KNOWN = 10_000  # keys of arguments that are remembered, as to write one takes long
CO_COROUTINE, CO_GENERATORS = 0x80, 0x20 | 0x200  # flags of code, see `inspect`
SIMPLE = JSON_SCALARS | {bytes}


class CacheInfo(NamedTuple):
    """As of `functools.lru_cache`. `maxsize` is L1's, which all functions of a cache share."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int


class Function(Generic[P]):
    """What decorated functions have in common, awaited or not."""

    _is_method = False

    def __init__(
        self, cache: Any, function: Callable[P, Any], key: Callable[..., str] | None,
        options: Options,
    ) -> None:  # fmt: skip
        from inspect import signature

        function = getattr(function, "__func__", function)  # of a static method
        if not hasattr(function, "__qualname__"):
            raise TypeError(f"{function!r} has no name of its own: decorate a function")
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & CO_GENERATORS:
            raise TypeError(f"{function.__qualname__} is a generator: each result is used up once")
        update_wrapper(cast(Any, self), function)
        self._cache, self._function, self._key = cache, function, key
        self.name = name_of(function, cache._functions)
        tags = (*cache.policy.override(options).tags, self.name)  # for cache_clear and cache_info
        self._options: Options = {**options, "tags": tags}
        self._parameters = signature(function)
        self._known: dict[tuple[Any, ...], str] = {}
        self._instances = Instances()
        self._reads_l1 = not cache.policy.override(self._options).skip_l1
        self._restart()
        # For `inspect`, and what is built on it, to see the function here.
        for name in ("__defaults__", "__kwdefaults__", "__globals__"):
            setattr(self, name, getattr(function, name, None))
        if code is not None:
            self.__code__ = code

    def __set_name__(self, owner: type, name: str) -> None:
        self._is_method = True

    def __reduce__(self) -> str:
        return self.__qualname__  # type: ignore[attr-defined,no-any-return]  # as of a function

    def __repr__(self) -> str:
        return f"<cached {self.name}>"

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """The key under which the result for these arguments is kept."""
        if self._key is not None:
            return self._key(*args, **kwargs)
        values = kwargs.values()
        asked = (*args, *kwargs.items(), *map(type, args), *map(type, values))  # as 1 == True
        try:
            return self._known[asked]
        except (KeyError, TypeError):
            pass
        key = f"{self.name}:{self._text(args, kwargs)}"
        if all(
            type(value) in SIMPLE and (value or type(value) is not float)
            for value in (*args, *values)
        ):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[asked] = key
        return key

    key = cache_key  # its older name

    def _text(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        try:
            bound = self._parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}") from None
        bound.apply_defaults()
        values = in_order(self._parameters.parameters, bound.arguments)
        try:
            return text_of(values)
        except (TypeError, RecursionError) as error:
            if self._is_method and self._cache.l2 is None:  # `self` then is itself, as everywhere
                return f"{self._instances.name(values[0])}{text_of(values[1:])}"
            raise TypeError(f"{self.name}: {error}; give cached() a key=") from error

    def cache_info(self) -> CacheInfo:
        """Hits and misses of this function, and how many of its results L1 has."""
        cache = self._cache
        with cache._lock:
            size = sum(self.name in entry.tags for entry in cache.l1.entries())
            return CacheInfo(self._hits.read(), self._misses.read(), cache.l1.max_entries, size)

    def _restart(self) -> None:
        self._hits, self._misses = Count(), Count()
        self._hit, self._miss = self._hits.step, self._misses.step


class Cached(Function[P], Generic[P, T]):
    """A decorated function. The results of equal arguments of equal types are one."""

    def __init__(
        self, cache: Any, function: Callable[P, T], key: Callable[..., str] | None, options: Options
    ) -> None:
        from inspect import iscoroutinefunction

        if iscoroutinefunction(function):
            raise TypeError(f"{function.__qualname__} is a coroutine: use AsyncTieredCache")
        super().__init__(cache, function, key, options)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        cache = self._cache
        if self._key is not None:
            key = self._key(*args, **kwargs)
        else:
            try:  # the commonest case right here: a call more would make a hit a fifth slower
                [only] = args
                key = self._known[(only, type(only), *kwargs)]  # with any kwargs: never there
            except (KeyError, TypeError, ValueError):
                key = self.cache_key(*args, **kwargs)
        entry = cache._fast(key) if self._reads_l1 else None
        if entry is not None and entry.since <= cache._clock() < entry.refresh_at:
            self._hit()
            return cache._hot(key, entry)  # type: ignore[no-any-return]
        tier = "load"
        try:
            answer = cache.fetch(key, self._loader(args, kwargs), **self._options)
            tier = answer.tier
        finally:
            (self._miss if tier in ("load", "stale") else self._hit)()
        return cast(T, answer.value)

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function now, whatever is kept, and keep the new result."""
        key, load = self.cache_key(*args, **kwargs), self._loader(args, kwargs)
        return cast(T, self._cache.reload(key, load, **self._options))

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result for these arguments."""
        return cast(bool, self._cache.delete(self.cache_key(*args, **kwargs)))

    def cache_clear(self) -> bool:
        """Forget all results of this function. With a shared L2, this needs tag_refresh=."""
        self._restart()
        return cast(bool, self._cache.invalidate_tags(self.name))

    def _loader(self, args: Any, kwargs: Any) -> Callable[[str], T]:
        def load(_: str) -> T:
            return cast(T, _checked(self.name, self._function(*args, **kwargs)))

        return load

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: Cached[Concatenate[S, Q], T], instance: S, owner: type | None = None
    ) -> BoundCached[Q, T]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundCached(self, instance)


class AsyncCached(Function[P], Generic[P, T]):
    """A decorated coroutine, or a function made one; what it can do is to be awaited, too."""

    def __init__(
        self, cache: Any, function: Callable[P, Any], key: Callable[..., str] | None,
        options: Options,
    ) -> None:  # fmt: skip
        super().__init__(cache, function, key, options)
        if hasattr(self, "__code__"):
            self.__code__ = self.__code__.replace(co_flags=self.__code__.co_flags | CO_COROUTINE)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        cache = self._cache
        if self._key is not None:
            key = self._key(*args, **kwargs)
        else:
            try:  # the commonest case right here: a call more would make a hit a fifth slower
                [only] = args
                key = self._known[(only, type(only), *kwargs)]  # with any kwargs: never there
            except (KeyError, TypeError, ValueError):
                key = self.cache_key(*args, **kwargs)
        entry = cache._fast(key) if self._reads_l1 else None
        if entry is not None and entry.since <= cache._clock() < entry.refresh_at:
            self._hit()
            return cache._hot(key, entry)  # type: ignore[no-any-return]
        tier = "load"
        try:
            answer = await cache.fetch(key, self._loader(args, kwargs), **self._options)
            tier = answer.tier
        finally:
            (self._miss if tier in ("load", "stale") else self._hit)()
        return cast(T, answer.value)

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function now, whatever is kept, and keep the new result."""
        key, load = self.cache_key(*args, **kwargs), self._loader(args, kwargs)
        return cast(T, await self._cache.reload(key, load, **self._options))

    async def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Forget the result for these arguments."""
        return cast(bool, await self._cache.delete(self.cache_key(*args, **kwargs)))

    async def cache_clear(self) -> bool:
        """Forget all results of this function. With a shared L2, this needs tag_refresh=."""
        self._restart()
        return cast(bool, await self._cache.invalidate_tags(self.name))

    def _loader(self, args: Any, kwargs: Any) -> Callable[[str], Coroutine[Any, Any, T]]:
        async def load(_: str) -> T:
            value = self._function(*args, **kwargs)
            value = await value if isinstance(value, Awaitable) else value
            return cast(T, _checked(self.name, value))

        return load

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: AsyncCached[Concatenate[S, Q], T], instance: S, owner: type | None = None
    ) -> BoundAsyncCached[Q, T]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundAsyncCached(self, instance)


def _checked(name: str, value: object) -> object:
    if isinstance(value, Iterator | AsyncIterator):
        kind = type(value).__name__
        raise TypeError(f"{name} returned a {kind}, which is used up once: return a list")
    return value


class Bound(Generic[P]):
    """A decorated function with its `self`."""

    def __init__(self, function: Any, instance: object) -> None:
        self.__func__, self.__self__ = function, instance
        self.__doc__ = function.__doc__

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__func__, name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Bound)
            and other.__func__ is self.__func__
            and other.__self__ is self.__self__
        )

    def __hash__(self) -> int:
        return hash((self.__func__, id(self.__self__)))

    @property
    def __signature__(self) -> Any:
        parameters = self.__func__._parameters
        return parameters.replace(parameters=list(parameters.parameters.values())[1:])

    def cache_key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        return cast(str, self.__func__.cache_key(self.__self__, *args, **kwargs))

    def cache_info(self) -> CacheInfo:
        return cast(CacheInfo, self.__func__.cache_info())


class BoundCached(Bound[P], Generic[P, T]):
    """A method that was decorated, of an instance."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, self.__func__(self.__self__, *args, **kwargs))

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, self.__func__.refresh(self.__self__, *args, **kwargs))

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        return cast(bool, self.__func__.invalidate(self.__self__, *args, **kwargs))

    def cache_clear(self) -> bool:
        return cast(bool, self.__func__.cache_clear())


class BoundAsyncCached(Bound[P], Generic[P, T]):
    """The same, to be awaited."""

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, await self.__func__(self.__self__, *args, **kwargs))

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return cast(T, await self.__func__.refresh(self.__self__, *args, **kwargs))

    async def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        return cast(bool, await self.__func__.invalidate(self.__self__, *args, **kwargs))

    async def cache_clear(self) -> bool:
        return cast(bool, await self.__func__.cache_clear())
