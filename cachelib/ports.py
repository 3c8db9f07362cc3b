"""What a cache is made of, and in what its two skins differ.

Whatever may have to wait is a coroutine. `TieredCache` runs it to its end in one step, because
its waiting blocks; `AsyncTieredCache` awaits it. They differ in a few ports: `_ask` and `_io` run a
method of L2 (a caller who is cancelled waits for the latter, as it may write), `_gate` makes
something to wait for, `_wait` and `_open` wait for it and end that, `_spawn` works in the
background, `_owner` is what may tear down an operation that others wait for; what is `_detached`
goes on if its caller is cancelled, and lets others have their turn at each `_yield`.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from math import inf
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

from cachelib.failed_loads import FailedLoads
from cachelib.flights import Flights
from cachelib.locks import Owner
from cachelib.memory import Entry, MemoryCache, NoMemory
from cachelib.options import Counters, Hook, Options, Policy, Stats
from cachelib.stores.codecs import Codec, JsonCodec
from cachelib.stores.protocol import Store
from cachelib.stores.shared import SharedTier
from cachelib.stores.trouble import THREADS, Breaker

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from logging import Logger

    from cachelib.background import Background

NOTHING: Callable[[str], Entry | None] = NoMemory().peek

T = TypeVar("T")


def uniform() -> float:
    """A number from 0 to 1, for `jitter`."""
    from random import random  # slow to import, seldom needed

    return random()  # noqa: S311


class Ports(Flights):
    """What both skins have, and what each must be able to do."""

    _blocks: bool  # a caller may be made to wait right where it calls

    def __init__(
        self,
        l1: MemoryCache | None = None,
        l2: Store | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = uniform,
        codec: Codec | None = None,
        on_l2_error: Literal["raise", "degrade"] = "raise",
        l2_timeout: float | None = None,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
        tag_refresh: float | None = None,
        on_event: Hook | None = None,
        logger: Logger | None = None,
        executor: Executor | None = None,
        **options: Unpack[Options],
    ) -> None:
        if on_l2_error not in ("raise", "degrade"):
            raise ValueError(f"on_l2_error must be 'raise' or 'degrade', not {on_l2_error!r}")
        super().__init__(l1, clock, Counters(on_event, logger))
        self.l2, self.policy, self._random = l2, Policy(options), random
        self._codec, self._executor, self._closed = codec or JsonCodec(), executor, False
        self._errors = FailedLoads()
        self._functions: dict[str, Any] = {}  # names of decorated functions, and their code
        self._l1_hit, self._l2_hit = self._counters.step["l1_hits"], self._counters.step["l2_hits"]
        self._peek, self._renew = self.l1.peek, self.l1.renew
        self._fast = self._peek if on_event is None else NOTHING  # the hook is told elsewhere
        self._direct = self._blocks or not getattr(l2, "blocking", True)
        self._moment, self._trust, self._l2 = clock, inf, None
        self._at_once: Callable[[str, float], Any] | None = None  # reads L2 where there is no L1
        if l2 is not None:
            degrade = on_l2_error == "degrade"

            def breaker() -> Breaker:
                return Breaker(clock, breaker_failures, breaker_seconds, degrade)

            self._l2 = tier = SharedTier(
                l2, self._codec, clock, self._count, self._forget, breaker, l2_timeout, tag_refresh
            )
            self._stamps, self._revoked = tier.tags.stamps, tier.tags.revoked
            if tag_refresh is not None and not tier.versioned:
                self._moment = tier.tags.moment
            self._trust = tier.tags.refresh
            if l1 is None and on_event is None and not self.policy.skip_l2:
                self._at_once = tier.read_at_once

    def after_fork(self) -> None:
        super().after_fork()
        self._pool: Background | None = None

    def _threads(self) -> Background:
        from cachelib.background import Background  # slow to import, seldom needed

        self._pool = self._pool or Background(THREADS, "cachelib")
        return self._pool

    def _end(self) -> None:
        self._closed = True
        self._fast, self._at_once = NOTHING, None  # so that hits, too, learn that it is closed

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            stats = self._counters.snapshot()
        return stats._replace(
            evictions=self.l1.evictions, l1_entries=len(self.l1), l1_bytes=self.l1.bytes
        )

    @abstractmethod
    async def _ask(self, method: Callable[..., T], *args: Any) -> T: ...
    @abstractmethod
    async def _io(self, method: Callable[..., T], *args: Any) -> T: ...
    @abstractmethod
    async def _detached(self, work: Coroutine[Any, Any, T]) -> T: ...
    @abstractmethod
    async def _yield(self) -> None: ...
    @abstractmethod
    def _opener(self, gate: Any) -> Callable[[], object]: ...
    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...
    @abstractmethod
    def _owner(self) -> Owner | None: ...

    def _begin(self, key: str) -> float:
        """The time; an error for what cannot be a key."""
        if self._closed:
            raise RuntimeError("this cache is closed")
        if not isinstance(key, str):
            raise TypeError(f"a key is a string, not {type(key).__name__}")
        if not key:
            raise ValueError("'' cannot be a key")
        return self._clock()
