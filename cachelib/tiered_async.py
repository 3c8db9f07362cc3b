"""`AsyncTieredCache`: the cache for asyncio.

Its methods are those of `TieredCache`, too: there, `self` is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import partial
from math import inf
from typing import (
    TYPE_CHECKING,
    Any,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    Unpack,
    overload,
)  # fmt: skip

from cachelib.cached import AsyncCached
from cachelib.core import CacheCore
from cachelib.flights import Found
from cachelib.loading import Loader
from cachelib.many import Batch
from cachelib.memory import Entry
from cachelib.options import ABSENT, Answer, Options
from cachelib.stores.away import Change
from cachelib.stores.protocol import RejectedError
from cachelib.stores.revocations import STAMP

# asyncio, inspect and executors take longer to import than all the rest: they wait for their use.
if TYPE_CHECKING:
    import asyncio

P = ParamSpec("P")
T = TypeVar("T")
LISTEN_SLICE = 0.25  # seconds after which a listener looks whether it is to end


class AsyncDecorator(Protocol):
    """Of a coroutine, or of a function that is to be awaited from now on."""

    @overload
    def __call__(self, function: Callable[P, Awaitable[T]], /) -> AsyncCached[P, T]: ...
    @overload
    def __call__(self, function: Callable[P, T], /) -> AsyncCached[P, T]: ...


class AsyncTieredCache(CacheCore):
    """`TieredCache` for one asyncio event loop: the same methods, awaited; loaders may be either.

    A store that blocks is called from a few threads that all calls share.
    """

    _blocks = False
    _patrol = None

    async def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._allowed(key, options) if options else self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.until:
            value = entry.value
            if value is ABSENT:
                return self._hot(key, entry)
            self._l1_hit()  # as `_hot` does: to call it would cost a tenth of this all
            try:  # noqa: SIM105
                self._renew(key)
            except KeyError:
                pass
            return value
        found = await self._look((key,), self.policy.override(options))
        return found[key][0].value if found else default

    @overload
    async def get_or_load(
        self, key: str, loader: Callable[[str], Awaitable[T]], **options: Unpack[Options]
    ) -> T: ...
    @overload
    async def get_or_load(
        self, key: str, loader: Callable[[str], T], **options: Unpack[Options]
    ) -> T: ...
    async def get_or_load(self, key: str, loader: Loader, **options: Unpack[Options]) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._allowed(key, options) if options else self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at:
            return self._hot(key, entry)
        return (await self._find(key, loader, options))[0].value

    async def lookup(self, key: str, **options: Unpack[Options]) -> Answer[Any] | None:
        """As `get`, with where the value came from; None for a miss."""
        found = await self._look((key,), self.policy.override(options))
        return answer(found[key]) if found else None

    @overload
    async def fetch(
        self, key: str, loader: Callable[[str], Awaitable[T]], **options: Unpack[Options]
    ) -> Answer[T]: ...
    @overload
    async def fetch(
        self, key: str, loader: Callable[[str], T], **options: Unpack[Options]
    ) -> Answer[T]: ...
    async def fetch(self, key: str, loader: Loader, **options: Unpack[Options]) -> Answer[Any]:
        """As `get_or_load`, with where the value came from and whether it is stale."""
        return answer(await self._find(key, loader, options))

    @overload
    async def reload(
        self, key: str, loader: Callable[[str], Awaitable[T]], **options: Unpack[Options]
    ) -> T: ...
    @overload
    async def reload(
        self, key: str, loader: Callable[[str], T], **options: Unpack[Options]
    ) -> T: ...
    async def reload(self, key: str, loader: Loader, **options: Unpack[Options]) -> Any:
        """What `loader(key)` returns now, written to both tiers, whatever they have."""
        return (await self._reload(key, loader, options))[0].value

    async def get_many(self, keys: Iterable[str], **options: Unpack[Options]) -> dict[str, Any]:
        """What the tiers have of `keys`, with one round trip to L2."""
        found = await self._look(keys, self.policy.override(options))
        return {key: entry.value for key, (entry, _, _) in found.items()}

    @overload
    async def get_or_load_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Awaitable[Mapping[str, T]]],
        **options: Unpack[Options],
    ) -> dict[str, T]: ...
    @overload
    async def get_or_load_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Mapping[str, T]],
        **options: Unpack[Options],
    ) -> dict[str, T]: ...
    async def get_or_load_many(
        self, keys: Iterable[str], loader: Any, **options: Unpack[Options]
    ) -> dict[str, Any]:
        """`get_or_load` for many: `loader(keys)` gets those that are missing, all at once.

        What it does not return is `ABSENT`, and left out. After a time limit the load goes on. With
        `lease`, each key has its own, at two more round trips to L2 a key.
        """
        return await self._detached(Batch(self, loader, options).run(keys))

    async def set(self, key: str, value: Any, **options: Unpack[Options]) -> bool:
        """Write-through: when this returns, the value is in L2 and in this process's L1.

        False if L2 was away, with `on_l2_error="degrade"`: it will be told when it is back.
        """
        return await AsyncTieredCache.set_many(self, {key: value}, **options)

    async def set_many(self, values: Mapping[str, Any], **options: Unpack[Options]) -> bool:
        """`set` for many, with one round trip to L2."""
        started, policy = self._moment(), self.policy.override(options)
        changes, key = {}, ""
        try:
            for key, value in values.items():
                self._begin(key)
                if value is ABSENT and not policy.negative_ttl:
                    raise ValueError(f"to set {key!r} to ABSENT, give a negative_ttl")
                changes[key] = self._change(key, value, policy, started)
            return await self._detached(self._commit("sets", changes, policy))
        except RejectedError as error:
            self._count("rejected", key, error)
            raise

    async def incr(self, key: str, by: int = 1, **options: Unpack[Options]) -> int:
        """Add `by` to a counter, in L2 and so for all processes; returns what it is then.

        It begins at 0 and lives for `l2_ttl` seconds from its first step on, or until `delete`;
        `get` finds an `int`, whatever the codec. Errors: RejectedError, a ValueError, for a key
        that holds anything else, and beyond 2**53; TypeError where L2 cannot count; whatever L2
        raises, even with on_l2_error="degrade" (it may have counted all the same).
        """
        self._begin(key)
        if type(by) is not int:
            raise TypeError(f"a counter takes integers, not {type(by).__name__}")
        policy = self.policy.override(options)
        if policy.tags:
            raise ValueError("a counter has no tags; clear() and delete() end it")
        return await self._detached(self._add(key, by, policy))

    async def delete(self, key: str, **options: Unpack[Options]) -> bool:
        """Remove the key from both tiers; False as for `set`."""
        return await AsyncTieredCache.delete_many(self, (key,), **options)

    async def delete_many(self, keys: Iterable[str], **options: Unpack[Options]) -> bool:
        """`delete` for many, with one round trip to L2."""
        gone: Change = Entry(ABSENT, self._moment(), -inf), None
        changes = {key: gone for key in keys if self._begin(key) is not None}
        work = self._commit("deletes", changes, self.policy.override(options))
        return await self._detached(work)

    async def clear(self) -> bool:
        """What was written is no more, in all processes that share L2."""
        return await AsyncTieredCache.invalidate_tags(self, "")

    async def invalidate_tags(self, *tags: str) -> bool:
        """What was written with any of `tags` is no more, here at once, elsewhere when noticed."""
        return await self._detached(self._invalidate(tags))

    async def heed_changes(self, timeout: float = 0.0) -> int:
        """Drop from L1 what others changed, waiting up to `timeout` s; how many keys they named."""
        if self._l2 is None:
            return 0
        keys = await self._ask(self._l2.changes, timeout)
        if keys is None:  # some may have been missed
            keys = [STAMP, *self._flights]
        for key in keys:
            if key.startswith(STAMP):
                await self._detached(self._discard(key.removeprefix(STAMP)))
            else:
                self._forget(key)
        return len(keys)

    async def _listen(self, timeout: float) -> None:
        while not self._closed:
            try:
                await AsyncTieredCache.heed_changes(self, min(timeout, LISTEN_SLICE))
            except Exception as error:  # what L2 would have told is made good when it is back
                self._count("l2_errors", "", error)
                await self._wait(self._gate(), min(timeout, LISTEN_SLICE))

    @overload
    def cached(self, function: Callable[P, Awaitable[T]], /) -> AsyncCached[P, T]: ...
    @overload
    def cached(self, function: Callable[P, T], /) -> AsyncCached[P, T]: ...
    @overload
    def cached(
        self,
        function: None = None,
        /,
        *,
        key: Callable[..., str] | None = None,
        **options: Unpack[Options],
    ) -> AsyncDecorator: ...
    def cached(
        self,
        function: Any = None,
        /,
        *,
        key: Callable[..., str] | None = None,
        **options: Unpack[Options],
    ) -> Any:
        """Decorate a function: its result is kept under its name and arguments, or `key(...)`."""
        if function is not None:
            return AsyncCached(self, function, key, options)
        return lambda function: AsyncCached(self, function, key, options)

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a task of its own, until `close`; nothing to do without L2.

        TypeError if the store cannot tell of changes.
        """
        if self._l2 is not None:
            self._l2.check_feed()
            self._spawn(self._listen(timeout))

    async def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._end()
        while self._tasks:
            await self._asyncio.wait(list(self._tasks))
        if self._pool is not None:
            self._pool.shutdown()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def after_fork(self) -> None:
        import asyncio

        super().after_fork()
        self._asyncio, self._gate = asyncio, asyncio.Event
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _begin(self, key: str) -> float:
        loop = self._asyncio.get_running_loop()
        if loop is not self._loop:
            self._move_to(loop)
        return super()._begin(key)

    def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        """From a loop that has ended: what it left behind, nobody will finish."""
        if self._loop is not None and self._loop.is_running():
            raise RuntimeError(
                "this AsyncTieredCache is in use by another event loop, which still runs:"
                " make one for each loop (they may share an L2), or use TieredCache"
            )
        self._loop = loop
        self._flights.clear()
        self._tasks.clear()

    def _owner(self) -> None:
        return None  # what others wait for is done by tasks, which end it however they end

    async def _ask(self, method: Callable[..., T], *args: Any) -> T:
        if self._direct:
            return method(*args)
        loop = self._asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads(), method, *args)

    async def _io(self, method: Callable[..., T], *args: Any) -> T:
        if self._direct:
            return method(*args)
        loop = self._asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads(), method, *args)
        try:
            return await self._asyncio.shield(work)
        except self._asyncio.CancelledError:
            await self._asyncio.wait([work])  # or it might overtake what another writes after us
            raise

    async def _detached(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which goes on if its caller is cancelled."""
        return await self._asyncio.shield(self._task(work))

    async def _yield(self) -> None:
        await self._asyncio.sleep(0)

    async def _wait(self, gate: asyncio.Event, timeout: float | None) -> bool:
        with suppress(TimeoutError):
            async with self._asyncio.timeout(timeout):
                return await gate.wait()
        return False

    def _opener(self, gate: asyncio.Event) -> Callable[[], object]:
        """To be called from any thread."""
        loop = self._asyncio.get_running_loop()
        return partial(loop.call_soon_threadsafe, gate.set)

    @staticmethod
    def _open(gate: asyncio.Event) -> None:
        gate.set()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        self._task(work)

    def _task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self._asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was counted, and is shared with those who wait


def answer(found: Found) -> Answer[Any]:
    """What was found, as a caller is told."""
    entry, tier, error = found
    expires_at = None if entry.expires_at == inf else entry.expires_at
    return Answer(entry.value, tier, entry.created_at, expires_at, error)
