"""The two skins: `TieredCache` for threads, `AsyncTieredCache` for asyncio."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import update_wrapper, wraps
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Unpack, cast

from cachelib.core import CacheCore, Loader
from cachelib.options import Expiry, Options
from cachelib.stores.protocol import Closing

# asyncio, inspect and executors take longer to import than all the rest: they wait for their use.
if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor, ThreadPoolExecutor

__all__ = ["AsyncTieredCache", "Expiry", "TieredCache"]
P = ParamSpec("P")
T = TypeVar("T")
THREADS = 16
MAX_PLAIN_KEY = 200  # characters; a longer key of arguments is shortened to a digest


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose every wait blocks, so that it ends in one step."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    work.close()
    raise TypeError("a loader that awaits was given to TieredCache: use AsyncTieredCache")


def _blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Any, P], T]:
    @wraps(method)
    def blocking(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        return _run(method(self, *args, **kwargs))

    return cast(Callable[Concatenate[Any, P], T], blocking)


class TieredCache(CacheCore, Closing):
    """An L1 in this process over an L2 shared with others, for threads.

    A `set` that returned True is in both. An entry promoted from L2 keeps at most L2's remaining
    life (`expiry="inherited"`), so no value is served past the L2 TTL; `"independent"` gives it a
    full L1 TTL instead, as many caches do, and ages then reach the sum of both.
    """

    _blocks = True
    _listener: Thread | None = None
    _poll = 1.0

    def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.until and not options:
            return self._hot(key, entry)
        return _run(self._get(key, default, **options))

    def get_or_load(self, key: str, loader: Loader, **options: Unpack[Options]) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at and not options:
            return self._hot(key, entry)
        policy = self.policy.override(options) if options else self.policy
        return _run(self._find(key, loader, policy))[0].value

    lookup = _blocking(CacheCore._lookup)
    fetch = _blocking(CacheCore._fetch)
    get_many = _blocking(CacheCore._get_many)
    set = _blocking(CacheCore._set)
    set_many = _blocking(CacheCore._set_many)
    delete = _blocking(CacheCore._delete)
    delete_many = _blocking(CacheCore._delete_many)
    invalidate_tags = _blocking(CacheCore._invalidate_tags)
    clear = _blocking(CacheCore._clear)
    heed_changes = _blocking(CacheCore._heed_changes)

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a thread of its own, until `close`."""
        self._poll = timeout
        if self._listener is None:
            work = self._listen(timeout)
            self._listener = Thread(target=_run, args=(work,), name="cachelib-listen", daemon=True)
            self._listener.start()

    def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._end()
        if self._listener is not None:
            self._listener.join()
        if self._background is not None:
            self._background.shutdown()

    def cached(
        self, *, key: Callable[P, str] | None = None, **options: Unpack[Options]
    ) -> Callable[[Callable[P, T]], Cached[P, T]]:
        """Decorate a function: its result is kept under its name and arguments, or `key(...)`."""

        def decorate(function: Callable[P, T]) -> Cached[P, T]:
            if function.__code__.co_flags & 0x80:  # as inspect.iscoroutinefunction does
                raise TypeError(f"{function.__qualname__} is a coroutine: use AsyncTieredCache")
            return Cached(self, function, key, options)

        return decorate

    def after_fork(self) -> None:
        super().after_fork()
        self._background: ThreadPoolExecutor | None = None
        if self._listener is not None:
            self._listener = None
            self.listen(self._poll)

    async def _io(self, method: Callable[..., T], *args: Any) -> T:
        return method(*args)

    def _gate(self) -> Event:
        return Event()

    async def _wait(self, gate: Event, timeout: float | None) -> bool:
        return gate.wait(timeout)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        executor: Executor | None = self._executor or self._background
        if executor is None:
            executor = self._background = _threads("cachelib-background")
        executor.submit(contextvars.copy_context().run, _run, work)


class AsyncTieredCache(CacheCore):
    """`TieredCache` for one asyncio event loop: the same methods, awaited; loaders may be either.

    A store that blocks is called from a few threads that all calls share.
    """

    _blocks = False
    _listener: asyncio.Task[None] | None = None

    get = CacheCore._get
    get_or_load = CacheCore._get_or_load
    lookup = CacheCore._lookup
    fetch = CacheCore._fetch
    get_many = CacheCore._get_many
    set = CacheCore._set
    set_many = CacheCore._set_many
    delete = CacheCore._delete
    delete_many = CacheCore._delete_many
    invalidate_tags = CacheCore._invalidate_tags
    clear = CacheCore._clear
    heed_changes = CacheCore._heed_changes

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a task of its own, until `close`."""
        if self._listener is None:
            self._spawn(self._listen(timeout))

    async def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._end()
        while self._tasks:
            await self._tasks.pop()
        if self._pool is not None:
            self._pool.shutdown()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def cached(
        self, *, key: Callable[P, str] | None = None, **options: Unpack[Options]
    ) -> Callable[[Callable[P, Awaitable[T]]], Cached[P, Awaitable[T]]]:
        """Decorate a coroutine: its result is kept under its name and arguments, or `key(...)`."""
        return lambda function: Cached(self, function, key, options)

    def after_fork(self) -> None:
        super().after_fork()
        self._pool: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def _io(self, method: Callable[..., T], *args: Any) -> T:
        if self._direct:
            return method(*args)
        import asyncio

        self._pool = self._pool or _threads("cachelib-io")
        work = asyncio.get_running_loop().run_in_executor(self._pool, method, *args)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])  # or it might overtake what another writes after us
            raise

    def _gate(self) -> asyncio.Event:
        from asyncio import Event

        return Event()

    async def _wait(self, gate: asyncio.Event, timeout: float | None) -> bool:
        import asyncio

        try:
            async with asyncio.timeout(timeout):
                return await gate.wait()
        except TimeoutError:
            return False

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        from asyncio import get_running_loop

        task = get_running_loop().create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Coroutine[Any, Any, Any]) -> None:
        with suppress(Exception):  # it was counted, and shared with those who wait
            await work


class Cached(Generic[P, T]):
    """A decorated function; of a coroutine, `invalidate` too is to be awaited."""

    def __init__(
        self,
        cache: TieredCache | AsyncTieredCache,
        function: Callable[P, T],
        key: Callable[P, str] | None,
        options: Options,
    ) -> None:
        from inspect import signature

        update_wrapper(self, function)
        self._cache, self._function, self._options = cache, function, options
        self._signature = signature(function)
        self.key = key or self._key

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        key = self.key(*args, **kwargs)
        load = self._cache.get_or_load(
            key, lambda _: self._function(*args, **kwargs), **self._options
        )
        return cast(T, load)

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Forget the result for these arguments."""
        return self._cache.delete(self.key(*args, **kwargs))

    def _key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        try:
            text = json.dumps(list(bound.arguments.values()), sort_keys=True, ensure_ascii=False)
        except TypeError as error:
            raise TypeError(f"{name}: {error}; give cached() a key=") from error
        if len(text) > MAX_PLAIN_KEY:
            from hashlib import blake2b

            text = blake2b(text.encode(), digest_size=16).hexdigest()
        return f"{name}:{text}"


def _threads(name: str) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(THREADS, name)
