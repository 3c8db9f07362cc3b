"""How an L2 that may be away is called: time limit, circuit breaker, and a list of what it missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import inf
from threading import Lock
from typing import Any, NamedTuple

from cachelib.codecs import written_at
from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import Rejected, Store, Stored, StoreTimeout, StoreUnavailable

MAX_KEPT = 10_000  # missed writes whose values are kept; of later ones, L2's older value is deleted
THREADS = 16


class Change(NamedTuple):
    """A write, or (stored is None) a deletion, and when it began."""

    stored: Stored | None
    created_at: float


class Guard:
    """Everything here blocks: an event loop calls it from a thread."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        count: Callable[[str, str], None],
        forget: Callable[[str], None],
        *,
        degrade: bool,
        timeout: float | None,
        failures: int,
        pause: float,
    ) -> None:
        if failures < 1 or not pause > 0 or not (timeout is None or timeout > 0):
            raise ValueError(
                "breaker_failures must be at least 1, breaker_seconds and l2_timeout above 0"
            )
        self._store, self._clock, self._count, self._forget = store, clock, count, forget
        self._degrade, self._timeout = degrade, timeout
        self._threshold, self._pause = failures, pause
        self._failures, self._retry_at = 0, -inf
        self._missed: dict[str, Change] = {}
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        self._repairing = Lock()
        self._threads: ThreadPoolExecutor | None = None

    def call(self, method: Callable[..., Any], *args: Any) -> Any:
        """What `method`, of the store, returns. Raises what it raises, or StoreUnavailable."""
        if self._failures or self._missed:
            self._make_ready()
        return self._attempt(method, *args)

    def write(self, changes: Mapping[str, Change]) -> bool:
        """Bring the store up to date; False if that must wait, and we may go on without."""
        try:
            if self._failures or self._missed:
                self._make_ready()
            self._apply(changes)
        except Rejected:
            raise
        except Exception as error:
            if isinstance(error, StoreTimeout):
                error.pending.add_done_callback(lambda _: self._landed_late(changes))
            if not self._degrade:
                raise
            for key, change in changes.items():
                full = len(self._missed) >= MAX_KEPT
                self._missed[key] = change._replace(stored=None) if full else change
                self._count("degraded_writes", key)
            return False
        return True

    def _apply(self, changes: Mapping[str, Change]) -> None:
        if len(changes) == 1:
            [(key, (stored, _))] = changes.items()
            if stored is None:
                self._attempt(self._store.delete, key)
            else:
                self._attempt(self._store.set, key, stored)
            return
        writes = {key: stored for key, (stored, _) in changes.items() if stored is not None}
        if writes:
            self._attempt(self._store.set_many, writes)
        if deletes := [key for key in changes if key not in writes]:
            self._attempt(self._store.delete_many, deletes)

    def _attempt(self, method: Callable[..., Any], *args: Any) -> Any:
        try:
            result = method(*args) if self._timeout is None else self._timed(method, *args)
        except Rejected:
            raise
        except Exception:
            self._failures += 1
            self._retry_at = self._clock() + self._pause
            self._count("l2_errors", args[0] if isinstance(args[0], str) else "")
            raise
        self._failures = 0
        return result

    def _timed(self, method: Callable[..., Any], *args: Any) -> Any:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "cachelib-l2")
        pending = self._threads.submit(method, *args)
        try:
            return pending.result(self._timeout)
        except TimeoutError:
            raise StoreTimeout(f"L2 took longer than {self._timeout} s", pending) from None

    def _make_ready(self) -> None:
        """After too many failures in a row, wait; then one may try; then repair, then go on."""
        if self._failures >= self._threshold:
            now = self._clock()
            if self._retry_at - self._pause <= now < self._retry_at:
                raise StoreUnavailable("L2 failed repeatedly and is left alone for a while")
            self._retry_at = now + self._pause
        if not self._missed:
            return
        if not self._repairing.acquire(blocking=not self._degrade):
            raise StoreUnavailable("L2 is being brought up to date")
        try:
            if missed := dict(self._missed):
                self._repair(missed)
        finally:
            self._repairing.release()

    def _repair(self, missed: dict[str, Change]) -> None:
        """Of what L2 has and what it missed, the newer wins."""
        there = self._attempt(self._store.get_many, list(missed), self._clock())
        newer = {
            key: change
            for key, change in missed.items()
            if written_at(there.get(key)) <= change.created_at
        }
        self._apply(newer)
        for key, change in missed.items():
            if key not in newer or change.stored is None:
                self._forget(key)
            if self._missed.get(key) is change:
                del self._missed[key]
                self._count("repairs", key)

    def _landed_late(self, changes: Mapping[str, Change]) -> None:
        """A write that we gave up on has happened after all: it must not outlive newer ones."""
        for key, change in changes.items():
            self._missed.setdefault(key, change._replace(stored=None))
