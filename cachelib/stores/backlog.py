"""What L2 missed while it was away, and how that is made good: in portions, in the background.

Meanwhile L2 may be used, but for the keys that it has an outdated value of. Of what others have
written since, and what L2 missed, the newer wins: in L2's order of all changes, if it keeps one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from threading import Lock, Thread
from typing import Any, NamedTuple

from cachelib.logs import logger
from cachelib.stores.codecs import written_at
from cachelib.stores.protocol import RejectedError, Stored
from cachelib.stores.revocations import STAMP
from cachelib.stores.trouble import Breaker

PORTION = 100  # keys repaired at once
MAX_BYTES = 32 * 1024 * 1024  # of values kept; of keys missed later, L2's older value goes
MAX_KEPT = 10_000  # the same, counted
MAX_KEYS = 200_000  # of more, the first are forgotten: L2 keeps their older value until it expires


class Missed(NamedTuple):
    """A change that L2 does not know of: what it is to have, or None for nothing."""

    stored: Stored | None
    version: float | None  # where it belongs in the order of changes; None: nobody knows


class Backlog:
    """`forget` drops a key from L1, where it may have become newer than L2."""

    def __init__(
        self,
        store: Any,
        versioned: bool,
        clock: Callable[[], float],
        breaker: Breaker,
        count: Callable[[str, str], None],
        forget: Callable[[str], None],
    ) -> None:
        self._store, self._versioned, self._clock = store, versioned, clock
        self._breaker, self._count, self._forget = breaker, count, forget
        self.missed: dict[str, Missed] = {}
        self._bytes = 0
        self.after_fork()

    def after_fork(self) -> None:
        self._repairing = Lock()
        self._thread: Thread | None = None

    def add(self, key: str, missed: Missed) -> None:
        """Keep it, or its key alone if there are too many."""
        self._take(key)
        size = len(missed.stored.data) if missed.stored is not None else 0
        full = len(self.missed) >= MAX_KEPT or self._bytes + size > MAX_BYTES
        if full and not key.startswith(STAMP):
            missed = Missed(None, missed.version)
            size = 0
        self.missed[key] = missed
        self._bytes += size
        if len(self.missed) > MAX_KEYS:
            first = next(iter(self.missed))
            self._take(first)
            logger().error("L2 missed more than %d keys: %r may be outdated there", MAX_KEYS, first)

    def _take(self, key: str) -> Missed | None:
        missed = self.missed.pop(key, None)
        if missed is not None and missed.stored is not None:
            self._bytes -= len(missed.stored.data)
        return missed

    def supersede(self, keys: Collection[str]) -> dict[str, Missed]:
        """Forget what was missed of `keys`, which are about to be written anew."""
        if not any(key in self.missed for key in keys):
            return {}
        with self._repairing:
            found = {key: self._take(key) for key in keys}
        return {key: missed for key, missed in found.items() if missed is not None}

    def restore(self, superseded: Mapping[str, Missed]) -> None:
        """They were not written anew."""
        for key, missed in superseded.items():
            self.add(key, missed)

    def catch_up(self, keys: Collection[str] = ()) -> Collection[str]:
        """Begin to bring L2 what it missed; which of `keys` L2 has an outdated value of.

        Whoever is about to use `keys` waits for them, and need not be told to forget them.
        """
        due = [key for key in keys if key in self.missed]
        few = len(self.missed) <= PORTION
        try:
            if due or few:
                self._breaker.check()
                if self._repairing.acquire(blocking=bool(due)):
                    try:
                        self._repair(list(self.missed) if few else due, keys)
                    finally:
                        self._repairing.release()
            if self.missed:
                self._breaker.check()
                self._start()
        except Exception as error:
            self._breaker.note(error, self._count, next(iter(self.missed), ""))
            if not self._breaker.degrade and due:
                raise
        return [key for key in due if key in self.missed]

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="cachelib-repair", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while self.missed:
                self._breaker.check()
                with self._repairing:
                    self._repair(list(self.missed)[:PORTION], ())
        except Exception as error:
            self._breaker.note(error, self._count, next(iter(self.missed), ""))

    def _repair(self, keys: Iterable[str], known: Collection[str]) -> None:
        some = {key: missed for key in keys if (missed := self.missed.get(key)) is not None}
        if not some:
            return
        try:
            refused = self._write(some)
        except (RejectedError, UnicodeEncodeError) as error:
            if len(some) > 1:  # which of them?
                for key in some:
                    self._repair((key,), known)
                return
            logger().warning("L2 will never take %r: %s", *some, error)
            refused = list(some)
        self._breaker.failures = 0
        for key, missed in some.items():
            if key not in known and (key in refused or missed.stored is None):
                self._forget(key)
            if self.missed.get(key) is missed:
                self._take(key)
                self._count("repairs", key)

    def _write(self, some: Mapping[str, Missed]) -> Collection[str]:
        """The keys that others have changed later."""
        if self._versioned:
            since = {
                key: (missed.stored, int(missed.version))
                for key, missed in some.items()
                if missed.version is not None
            }
            refused = self._store.write_since(since) if since else ()
            if gone := [key for key in some if key not in since]:
                self._store.delete_many(gone)
            return [*refused, *gone]
        there = self._store.get_many(list(some), self._clock())
        newer = {
            key: missed.stored
            for key, missed in some.items()
            if missed.version is not None and written_at(there.get(key)) <= missed.version
        }
        if writes := {key: stored for key, stored in newer.items() if stored is not None}:
            self._store.set_many(writes)
        if deletes := [key for key in newer if key not in writes]:
            self._store.delete_many(deletes)
        return [key for key in some if key not in newer]
