"""A store that is slow, or away: a time limit, and circuit breakers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import RejectedError, StoreTimeoutError, StoreUnavailableError

THREADS = 16


class TimedStore(Forkable):
    """A store whose every method has a time limit, and raises StoreTimeoutError past it."""

    def __init__(self, store: Any, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"l2_timeout must be above 0, or None; got {seconds!r}")
        self._store, self._seconds = store, seconds
        self.after_fork()
        mind_forks(self, Layer.TIER)

    def after_fork(self) -> None:
        from cachelib.background import Background  # slow to import, seldom needed

        self._threads = Background(THREADS, "cachelib-l2")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._run, getattr(self._store, name))

    def _run(self, method: Callable[..., Any], *args: Any) -> Any:
        pending = self._threads.submit(method, *args)
        try:
            return pending.result(self._seconds)
        except TimeoutError:
            if pending.done():  # it is the store's own
                raise
            pending.cancel()  # if it waits for a thread, it need not happen at all
            raise StoreTimeoutError(f"L2 took longer than {self._seconds} s", pending) from None


class LeftAloneError(StoreUnavailableError):
    """Not asked at all, for now."""


class Breaker:
    """After too many failures in a row, L2 is left alone for `pause` seconds; then one may try."""

    failures = 0
    _retry_at = -inf

    def __init__(
        self, clock: Callable[[], float], threshold: int, pause: float, degrade: bool
    ) -> None:
        if threshold < 1 or not pause > 0:
            raise ValueError("breaker_failures must be at least 1, breaker_seconds above 0")
        self._clock, self._threshold, self._pause = clock, threshold, pause
        self.degrade = degrade

    def check(self) -> None:
        """LeftAloneError unless L2 may be asked."""
        if self.failures < self._threshold:
            return
        now = self._clock()
        if self._retry_at - self._pause <= now < self._retry_at:
            raise LeftAloneError("L2 failed repeatedly and is left alone for a while")
        self._retry_at = now + self._pause

    def failed(self) -> None:
        """Once more."""
        self.failures += 1
        self._retry_at = self._clock() + self._pause

    def note(self, error: Exception, count: Callable[..., None], key: str) -> None:
        """Count a failure: not what is the caller's mistake, nor that L2 was left alone."""
        if isinstance(error, RejectedError):
            raise error
        if not isinstance(error, LeftAloneError):
            self.failed()
            count("l2_errors", key, error)
