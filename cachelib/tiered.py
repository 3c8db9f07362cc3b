"""The two skins: `TieredCache` for threads, `AsyncTieredCache` for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from math import inf
from threading import Event, Thread
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, Unpack

from cachelib.core import CacheCore, Found
from cachelib.memory import Entry
from cachelib.options import Answer, Expiry, Options, Policy
from cachelib.stores.protocol import StoreTimeout

P = ParamSpec("P")
T = TypeVar("T")
__all__ = ["Expiry", "TieredCache"]
IO_THREADS = BACKGROUND_THREADS = 16


def _run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose every wait blocks, so that it ends in one step."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise TypeError("a coroutine was given to TieredCache: use AsyncTieredCache")


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

    _io_pool: ThreadPoolExecutor | None = None
    _background: Executor | None = None
    _listener: Thread | None = None
    _poll = 0.0

    def get(self, key: str, default: Any = None, **options: Unpack[Options]) -> Any:
        """The cached value, from L1 or else L2; `ABSENT` if that is cached; else `default`."""
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.until and not options:
            return self._hot(key, entry)
        found = _run(self._look((key,), self._policy(options)))
        return found[key][0].value if found else default

    def get_or_load(
        self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]
    ) -> Any:
        """Read-through: the cached value, or what `loader(key)` returns, written to both tiers."""
        entry = self._peek(key)
        if entry is not None and entry.since <= self._clock() < entry.refresh_at and not options:
            return self._hot(key, entry)
        return _run(self._fetch(key, loader, self._policy(options)))[0].value

    def lookup(self, key: str, **options: Unpack[Options]) -> Answer | None:
        """As `get`, with where the value came from; None for a miss."""
        found = _run(self._look((key,), self._policy(options)))
        return _answer(found[key]) if found else None

    def fetch(self, key: str, loader: Callable[[str], Any], **options: Unpack[Options]) -> Answer:
        """As `get_or_load`, with where the value came from and whether it is stale."""
        return _answer(_run(self._fetch(key, loader, self._policy(options))))

    def set(self, key: str, value: Any, **options: Unpack[Options]) -> bool:
        """Write-through: when this returns, the value is in L2 and in this process's L1.

        False if L2 was away, with `on_l2_error="degrade"`: it will be told when it is back.
        """
        return _run(self._set({key: value}, self._policy(options)))

    def delete(self, key: str, **options: Unpack[Options]) -> bool:
        """Remove the key from both tiers; False as for `set`."""
        return _run(self._delete((key,), self._policy(options)))

    def get_many(self, keys: Iterable[str], **options: Unpack[Options]) -> dict[str, Any]:
        """What the tiers have of `keys`, with one round trip to L2."""
        found = _run(self._look(keys, self._policy(options)))
        return {key: entry.value for key, (entry, _, _) in found.items()}

    def set_many(self, values: Mapping[str, Any], **options: Unpack[Options]) -> bool:
        """`set` for many, with one round trip to L2."""
        return _run(self._set(values, self._policy(options)))

    def delete_many(self, keys: Iterable[str], **options: Unpack[Options]) -> bool:
        """`delete` for many, with one round trip to L2."""
        return _run(self._delete(keys, self._policy(options)))

    def invalidate_tags(self, *tags: str) -> bool:
        """What was written with any of `tags` is no more, here at once, elsewhere when noticed."""
        return _run(self._revoke(tags))

    def clear(self) -> bool:
        """What was written is no more, in all processes that share L2."""
        return _run(self._revoke(("",)))

    def heed_changes(self, timeout: float = 0.0) -> int:
        """Drop from L1 what other processes changed, waiting up to `timeout` s for the first."""
        return _run(self._heed(timeout))

    # Ports

    async def _io(self, method: Callable[..., Any], *args: Any) -> Any:
        return method(*args)

    def _gate(self) -> Event:
        return Event()

    async def _wait(self, gate: Event, timeout: float | None) -> bool:
        return gate.wait(timeout)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        executor = self._executor or self._background
        if executor is None:
            executor = self._background = ThreadPoolExecutor(BACKGROUND_THREADS, "cachelib")
        executor.submit(contextvars.copy_context().run, _run, work)
