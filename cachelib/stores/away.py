"""A store that may be away, or slow: what is done then, and made good later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from cachelib.memory import Entry
from cachelib.stores.backlog import Backlog, Missed
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import (
    RejectedError,
    Store,
    Stored,
    StoreTimeoutError,
    Timekeeper,
    VersionedStore,
)
from cachelib.stores.revocations import STAMP, Revocations
from cachelib.stores.trouble import Breaker, TimedStore

Change = tuple[Entry, Stored | None]  # what L1 and L2 are to have; None for L2: delete it


class LeaseError(TypeError):
    """A lease was asked of a store that has none."""


class AwayTier(Forkable):
    """A `Store` with a time limit, circuit breakers, and a list of what it missed.

    Reads and writes have a breaker each: a store that takes no writes can still be read.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        count: Callable[..., None],
        forget: Callable[[str], None],
        breaker: Callable[[], Breaker],
        timeout: float | None,
        tag_refresh: float | None,
    ) -> None:
        self._store: Any = store if timeout is None else TimedStore(store, timeout)
        self._untimed, self._clock, self._count = store, clock, count
        self._breaker, self._writes = breaker(), breaker()
        self.versioned = isinstance(store, VersionedStore)
        if isinstance(store, Timekeeper):
            store.keep_time(clock)
        self._backlog = Backlog(self._store, self.versioned, clock, self._writes, count, forget)
        self._missed = self._backlog.missed
        self.tags = Revocations(self._store, clock, tag_refresh, self.versioned)
        mind_forks(self, Layer.TIER)

    def after_fork(self) -> None:
        self._backlog.after_fork()

    def _estimate(self) -> float | None:
        known = cast(VersionedStore, self._untimed).estimate()
        return None if known is None else self.tags.latest(known)

    def _failed(self, error: Exception, keys: Iterable[str], breaker: Breaker) -> None:
        """Note L2's trouble, and raise `error` unless we may go on without L2."""
        if isinstance(error, UnicodeEncodeError):
            raise RejectedError(f"not text, so it cannot be a key of L2: {error}") from error
        if isinstance(error, RejectedError | LeaseError | RecursionError):
            raise error
        breaker.note(error, self._count, next(iter(keys), ""))
        if not breaker.degrade:
            raise error

    def _miss(self, error: Exception, changes: Mapping[str, Change], began: float | None) -> None:
        """Keep what L2 did not take, to be made good, unless `error` is to be raised."""
        if isinstance(error, StoreTimeoutError):
            error.pending.add_done_callback(lambda call: self._landed_late(changes, call))
        self._failed(error, changes, self._writes)
        now = self._estimate() if self.versioned else None
        for key, (entry, stored) in changes.items():
            if self.versioned:
                entry.version = began or now or 0.0
                version = began or now
            else:
                version = entry.created_at
            # without a place in the order, it cannot be told from what others write meanwhile
            known = Missed(stored if version is not None else None, version)
            self._backlog.add(key, known)
            self._count("degraded_writes", key)

    def _landed_late(self, changes: Mapping[str, Change], call: Any) -> None:
        """A write that we gave up on has happened after all: it must not outlive newer ones."""
        if call.cancelled() or call.exception() is not None:
            return
        for key, (entry, _) in changes.items():
            if key not in self._missed and not key.startswith(STAMP):
                self._backlog.add(key, Missed(None, None if self.versioned else entry.created_at))
