"""The two skins: `TieredCache` for threads, `AsyncTieredCache` for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import update_wrapper
from math import inf
from threading import Event, Thread
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack, cast

from cachelib.core import CacheCore, Found
from cachelib.options import Answer, Expiry, Options

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
        result: T = end.value
        return result
    work.close()
    raise TypeError("a loader that awaits was given to TieredCache: use AsyncTieredCache")


def _answer(found: Found) -> Answer:
    entry, tier, error = found
    expires_at = None if entry.expires_at == inf else entry.expires_at
    return Answer(entry.value, tier, entry.created_at, expires_at, error)


class TieredCache(CacheCore):
    """An L1 in this process over an L2 shared with others, for threads.

    A `set` that returned True is in both. An entry promoted from L2 keeps at most L2's remaining
    life (`expiry="inherited"`), so no value is served past the L2 TTL; `"independent"` gives it a
    full L1 TTL instead, as many caches do, and ages then reach the sum of both.
    """

    _blocks = True
    _background: Executor | None = None
    _listener: Thread | None = None

    def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.until and not options:
            return self._hot(key, entry)
        found = _run(self._look((key,), self.policy.override(options)))
        return found[key][0].value if found else default

    def get_or_load(
        self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]
    ) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at and not options:
            return self._hot(key, entry)
        policy = self.policy.override(options) if options else self.policy
        return _run(self._fetch(key, loader, policy))[0].value

    def lookup(self, key: str, **options: Unpack[Options]) -> Answer | None:
        """As `get`, with where the value came from; None for a miss."""
        found = _run(self._look((key,), self.policy.override(options)))
        return _answer(found[key]) if found else None

    def fetch(self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]) -> Answer:
        """As `get_or_load`, with where the value came from and whether it is stale."""
        return _answer(_run(self._fetch(key, loader, self.policy.override(options))))

    def set(self, key: str, value: Any, **options: Unpack[Options]) -> bool:
        """Write-through: when this returns, the value is in L2 and in this process's L1.

        False if L2 was away, with `on_l2_error="degrade"`: it will be told when it is back.
        """
        return _run(self._set({key: value}, self.policy.override(options)))

    def delete(self, key: str, **options: Unpack[Options]) -> bool:
        """Remove the key from both tiers; False as for `set`."""
        return _run(self._delete((key,), self.policy.override(options)))

    def get_many(self, keys: Iterable[str], **options: Unpack[Options]) -> dict[str, Any]:
        """What the tiers have of `keys`, with one round trip to L2."""
        found = _run(self._look(keys, self.policy.override(options)))
        return {key: entry.value for key, (entry, _, _) in found.items()}

    def set_many(self, values: Mapping[str, Any], **options: Unpack[Options]) -> bool:
        """`set` for many, with one round trip to L2."""
        return _run(self._set(values, self.policy.override(options)))

    def delete_many(self, keys: Iterable[str], **options: Unpack[Options]) -> bool:
        """`delete` for many, with one round trip to L2."""
        return _run(self._delete(keys, self.policy.override(options)))

    def invalidate_tags(self, *tags: str) -> bool:
        """What was written with any of `tags` is no more, here at once, elsewhere when noticed."""
        return _run(self._revoke(tags))

    def clear(self) -> bool:
        """What was written is no more, in all processes that share L2."""
        return _run(self._revoke(("",)))

    def heed_changes(self, timeout: float = 0.0) -> int:
        """Drop from L1 what other processes changed, waiting up to `timeout` s for the first."""
        return _run(self._heed(timeout))

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a thread of its own, until `close`."""
        if self._listener is None:
            self._listening = timeout
            self._listener = Thread(target=self._listen, name="cachelib-listen", daemon=True)
            self._listener.start()

    def _listen(self) -> None:
        while not self._closed:
            try:
                self.heed_changes(self._listening)
            except Exception:  # L2 is away: what it would have told is made good when it is back
                self._count("l2_errors", "")
                self._stopped.wait(self._listening)

    def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._closed = True
        self._peek = _closed
        self._stopped.set()
        if self._listener is not None:
            self._listener.join()
        if self._background is not None:
            self._background.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def cached(
        self, *, key: Callable[P, str] | None = None, **options: Unpack[Options]
    ) -> Callable[[Callable[P, T]], Cached[P, T]]:
        """Decorate a function: its result is kept under its name and arguments, or `key(...)`."""

        def decorate(function: Callable[P, T]) -> Cached[P, T]:
            if inspect.iscoroutinefunction(function):
                raise TypeError(f"{function.__qualname__} is a coroutine: use AsyncTieredCache")
            return Cached(self, function, key, options)

        return decorate

    # Ports

    def after_fork(self) -> None:
        super().after_fork()
        self._stopped = Event()
        self._background = None
        if self._listener is not None:
            self._listener = None
            self.listen(self._listening)

    async def _io(self, method: Callable[..., Any], *args: Any) -> Any:
        return method(*args)

    def _gate(self) -> Event:
        return Event()

    async def _wait(self, gate: Event, timeout: float | None) -> bool:
        return gate.wait(timeout)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        executor = self._executor or self._background
        if executor is None:
            executor = self._background = ThreadPoolExecutor(THREADS, "cachelib")
        executor.submit(contextvars.copy_context().run, _run, work)


class AsyncTieredCache(CacheCore):
    """`TieredCache` for one asyncio event loop: the same methods, awaited; loaders may be either.

    A store that blocks is called from a few threads that all calls share.
    """

    _blocks = False
    _threads: ThreadPoolExecutor | None = None
    _listener: asyncio.Task[None] | None = None

    async def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.until and not options:
            return self._hot(key, entry)
        found = await self._look((key,), self.policy.override(options))
        return found[key][0].value if found else default

    async def get_or_load(
        self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]
    ) -> Any:
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at and not options:
            return self._hot(key, entry)
        return (await self._fetch(key, loader, self.policy.override(options)))[0].value

    async def lookup(self, key: str, **options: Unpack[Options]) -> Answer | None:
        found = await self._look((key,), self.policy.override(options))
        return _answer(found[key]) if found else None

    async def fetch(
        self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]
    ) -> Answer:
        return _answer(await self._fetch(key, loader, self.policy.override(options)))

    async def set(self, key: str, value: Any, **options: Unpack[Options]) -> bool:
        return await self._set({key: value}, self.policy.override(options))

    async def delete(self, key: str, **options: Unpack[Options]) -> bool:
        return await self._delete((key,), self.policy.override(options))

    async def get_many(self, keys: Iterable[str], **options: Unpack[Options]) -> dict[str, Any]:
        found = await self._look(keys, self.policy.override(options))
        return {key: entry.value for key, (entry, _, _) in found.items()}

    async def set_many(self, values: Mapping[str, Any], **options: Unpack[Options]) -> bool:
        return await self._set(values, self.policy.override(options))

    async def delete_many(self, keys: Iterable[str], **options: Unpack[Options]) -> bool:
        return await self._delete(keys, self.policy.override(options))

    async def invalidate_tags(self, *tags: str) -> bool:
        return await self._revoke(tags)

    async def clear(self) -> bool:
        return await self._revoke(("",))

    async def heed_changes(self, timeout: float = 0.0) -> int:
        return await self._heed(timeout)

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a task of its own, until `close`."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(timeout))

    async def _listen(self, timeout: float) -> None:
        while not self._closed:
            try:
                await self._heed(timeout)
            except Exception:  # L2 is away: what it would have told is made good when it is back
                self._count("l2_errors", "")
                await asyncio.sleep(timeout)

    async def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._closed = True
        self._peek = _closed
        tasks = [*self._tasks, *([self._listener] if self._listener else [])]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def cached(
        self, *, key: Callable[P, str] | None = None, **options: Unpack[Options]
    ) -> Callable[[Callable[P, Awaitable[T]]], Cached[P, Awaitable[T]]]:
        """Decorate a coroutine: its result is kept under its name and arguments, or `key(...)`."""

        def decorate(function: Callable[P, Awaitable[T]]) -> Cached[P, Awaitable[T]]:
            return Cached(self, function, key, options)

        return decorate

    # Ports

    def after_fork(self) -> None:
        super().after_fork()
        self._threads = self._listener = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def _io(self, method: Callable[..., Any], *args: Any) -> Any:
        if self._direct:
            return method(*args)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "cachelib-io")
        return await asyncio.get_running_loop().run_in_executor(self._threads, method, *args)

    def _gate(self) -> asyncio.Event:
        return asyncio.Event()

    async def _wait(self, gate: asyncio.Event, timeout: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout):
                return await gate.wait()
        except TimeoutError:
            return False

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was counted, and shared with those who waited


class Cached(Generic[P, T]):
    """A decorated function; of a coroutine, `invalidate` too is to be awaited."""

    def __init__(
        self,
        cache: TieredCache | AsyncTieredCache,
        function: Callable[P, T],
        key: Callable[P, str] | None,
        options: Options,
    ) -> None:
        update_wrapper(self, function)
        self._cache, self._function, self._options = cache, function, options
        self._signature = inspect.signature(function)
        self.key = key or self._key

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        def load(_: str) -> Any:
            return self._function(*args, **kwargs)

        key = self.key(*args, **kwargs)
        return cast(T, self._cache.get_or_load(key, load, **self._options))

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
            text = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return f"{name}:{text}"


def _closed(key: str) -> None:
    """The L1 of a closed cache."""
