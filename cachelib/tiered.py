"""`TieredCache`: the cache for threads, made of the methods of the one for asyncio."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import partial, wraps
from threading import Lock, Thread
from typing import (
    Any,
    Concatenate,
    ParamSpec,
    TypeVar,
    Unpack,
    cast,
    overload,
)  # fmt: skip

from cachelib.cached import Cached
from cachelib.core import CacheCore
from cachelib.locks import Owner
from cachelib.many import Batch
from cachelib.memory import Entry
from cachelib.options import Answer, Options
from cachelib.ports import NOTHING
from cachelib.stores.protocol import Closing
from cachelib.stores.shared import NOT_AT_ONCE
from cachelib.tiered_async import AsyncTieredCache, answer

P = ParamSpec("P")
T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose every wait blocks, so that it ends in one step."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
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
    _patrol = 0.5
    _listener: Thread | None = None
    _poll = 1.0
    _asleep: Callable[[str], Entry | None] | None = None  # how to look into L1 when it listens

    def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._allowed(key, options) if options else self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.until:
            return self._hot(key, entry)
        if (read := self._at_once) is not None and not options and type(key) is str:
            value = read(key, self._clock())
            if value is not NOT_AT_ONCE:
                self._l2_hit()
                return value
        found = _run(self._look((key,), self.policy.override(options)))
        return found[key][0].value if found else default

    def get_or_load(self, key: str, loader: Callable[[str], T], **options: Unpack[Options]) -> T:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._allowed(key, options) if options else self._fast(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at:
            return cast(T, self._hot(key, entry))
        return cast(T, _run(self._find(key, loader, options))[0].value)

    def fetch(self, key: str, loader: Callable[[str], T], **options: Unpack[Options]) -> Answer[T]:
        """As `get_or_load`, with where the value came from and whether it is stale."""
        return answer(_run(self._find(key, loader, options)))

    def reload(self, key: str, loader: Callable[[str], T], **options: Unpack[Options]) -> T:
        """What `loader(key)` returns now, written to both tiers, whatever they have."""
        return cast(T, _run(self._reload(key, loader, options))[0].value)

    def get_or_load_many(
        self,
        keys: Iterable[str],
        loader: Callable[[list[str]], Mapping[str, T]],
        **options: Unpack[Options],
    ) -> dict[str, T]:
        """`get_or_load` for many: `loader(keys)` gets those that are missing, all at once.

        What it does not return is `ABSENT`, and left out. After a time limit the load goes on. With
        `lease`, each key has its own, at two more round trips to L2 a key.
        """
        return _run(Batch(self, loader, options).run(keys))

    lookup = _blocking(AsyncTieredCache.lookup)
    get_many = _blocking(AsyncTieredCache.get_many)
    set = _blocking(AsyncTieredCache.set)
    set_many = _blocking(AsyncTieredCache.set_many)
    incr = _blocking(AsyncTieredCache.incr)
    delete = _blocking(AsyncTieredCache.delete)
    delete_many = _blocking(AsyncTieredCache.delete_many)
    invalidate_tags = _blocking(AsyncTieredCache.invalidate_tags)
    clear = _blocking(AsyncTieredCache.clear)
    heed_changes = _blocking(AsyncTieredCache.heed_changes)

    @overload
    def cached(self, function: Callable[P, T], /) -> Cached[P, T]: ...
    @overload
    def cached(
        self,
        function: None = None,
        /,
        *,
        key: Callable[..., str] | None = None,
        **options: Unpack[Options],
    ) -> Callable[[Callable[P, T]], Cached[P, T]]: ...
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
            return Cached(self, function, key, options)
        return lambda function: Cached(self, function, key, options)

    def listen(self, timeout: float = 1.0) -> None:
        """Call `heed_changes` in a thread of its own, until `close`; nothing to do without L2.

        TypeError if the store cannot tell of changes.
        """
        if self._l2 is None:
            return
        self._l2.check_feed()
        self._poll = timeout
        if self._listener is None:
            work = AsyncTieredCache._listen(cast(Any, self), timeout)
            self._listener = Thread(target=_run, args=(work,), name="cachelib-listen", daemon=True)
            self._listener.start()

    def close(self) -> None:
        """End what runs in the background. The stores stay open: they are the caller's."""
        self._end()
        if self._listener is not None:
            self._listener.join()
        if self._pool is not None:
            self._pool.shutdown()

    def after_fork(self) -> None:
        super().after_fork()
        if self._listener is not None:  # it stayed behind; L1 may not be read before there is one,
            self._listener = None  # which must not open files that a daemon is about to close
            self._asleep, self._fast = self._fast, NOTHING

    def _begin(self, key: str) -> float:
        if self._asleep is not None:
            self._fast, self._asleep = self._asleep, None
            self.listen(self._poll)
        return super()._begin(key)

    _owner = staticmethod(Owner)

    @staticmethod
    def _gate() -> Any:
        gate = Lock()
        gate.acquire()
        return gate

    @staticmethod
    def _open(gate: Any) -> None:
        with suppress(RuntimeError):  # it is open
            gate.release()

    async def _ask(self, method: Callable[..., T], *args: Any) -> T:
        return method(*args)

    async def _io(self, method: Callable[..., T], *args: Any) -> T:
        return method(*args)

    async def _detached(self, work: Coroutine[Any, Any, T]) -> T:
        return await work

    async def _yield(self) -> None:
        pass  # other threads have their turn by themselves

    async def _wait(self, gate: Any, timeout: float | None) -> bool:
        if not gate.acquire(True, -1 if timeout is None else timeout):
            return False
        self._open(gate)  # for the next who waits
        return True

    def _opener(self, gate: Any) -> Callable[[], object]:
        return partial(self._open, gate)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        executor = self._executor or self._threads()
        executor.submit(contextvars.copy_context().run, _run, work)
