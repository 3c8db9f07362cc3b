"""The shared tier: a store that may be away, slow, damaged, or changed by other processes.

Everything here blocks: an event loop calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf, nextafter
from threading import Lock
from typing import Any, NamedTuple, cast

from cachelib.memory import Entry
from cachelib.options import ABSENT, Policy
from cachelib.stores.codecs import NEGATIVE, Codec, seal, unseal, written_at
from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import (
    ChangeFeed,
    LeaseStore,
    RejectedError,
    Store,
    Stored,
    StoreTimeoutError,
    StoreUnavailableError,
)

CLOCK_SKEW = 5.0  # an entry from further in the future than this (seconds) is not believed
MAX_KEPT = 10_000  # missed writes whose values are kept; of later ones, L2's older value goes
MAX_STAMPS = 10_000
NO_LEASE = 0  # L2 is away, and we load without; real tokens are greater
THREADS = 16
STAMP = "cachelib:revoked:"  # the key that says when a tag was revoked; with no name, of clear()


AWAY = Entry(None, -inf, -inf, -inf, (), 0)  # what L2 has while nobody knows what it has


class Change(NamedTuple):
    """A write, or (stored is None) a deletion; when it began; and what L1 will have of it."""

    stored: Stored | None
    created_at: float
    entry: Entry | None = None


class LeftAloneError(StoreUnavailableError):
    """Not asked at all, for now."""


class LeaseError(TypeError):
    """A lease was asked of a store that has none."""


class TimedStore:
    """A store whose every method has a time limit, and raises StoreTimeoutError past it."""

    def __init__(self, store: Any, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        from concurrent.futures import ThreadPoolExecutor  # slow to import, seldom needed

        self._threads = ThreadPoolExecutor(THREADS, "cachelib-l2")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._run, getattr(self._store, name))

    def _run(self, method: Callable[..., Any], *args: Any) -> Any:
        pending = self._threads.submit(method, *args)
        try:
            return pending.result(self._seconds)
        except TimeoutError:
            raise StoreTimeoutError(f"L2 took longer than {self._seconds} s", pending) from None


class SharedTier:
    """A `Store`, with a time limit, a circuit breaker, and a list of what it missed."""

    def __init__(
        self,
        store: Store,
        codec: Codec,
        clock: Callable[[], float],
        count: Callable[[str, str], None],
        forget: Callable[[str], None],
        *,
        degrade: bool,
        timeout: float | None,
        failures: int,
        pause: float,
        tag_refresh: float | None,
    ) -> None:
        if failures < 1 or not pause > 0 or not (timeout is None or timeout > 0):
            raise ValueError(
                "breaker_failures must be at least 1, breaker_seconds and l2_timeout above 0"
            )
        self._store: Store = store if timeout is None else cast(Store, TimedStore(store, timeout))
        self._untimed, self._codec, self._clock = store, codec, clock
        self._count, self._forget, self._degrade = count, forget, degrade
        self._threshold, self._pause = failures, pause
        self._failures, self._retry_at = 0, -inf
        self._missed: dict[str, Change] = {}
        self._tag_refresh = tag_refresh
        self.stamps: dict[str, tuple[float, float]] = {}  # tag: (revoked at, looked up at)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        self._repairing = Lock()

    # Entries

    def read(self, keys: Sequence[str], policy: Policy, now: float) -> dict[str, Entry] | None:
        """What L2 has, even if its life is over; None if it is away and we may go on without."""
        if len(keys) == 1:
            entry = self.read_one(keys[0], policy, now)
            return None if entry is AWAY else {} if entry is None else {keys[0]: entry}
        try:
            if self._failures or self._missed:
                self._make_ready(keys)
            there = self._store.get_many(keys, now)
            opened = {key: self._open(key, stored, policy, now) for key, stored in there.items()}
            entries = {key: entry for key, entry in opened.items() if entry is not None}
            if self._tag_refresh is not None and entries:
                self._drop_revoked(entries, self._tag_refresh, now)
        except Exception as error:
            self._failed(error, keys[0])
            return None
        self._failures = 0
        return entries

    def read_one(self, key: str, policy: Policy, now: float) -> Entry | None:
        """As `read`; AWAY if L2 is."""
        try:
            if self._failures or self._missed:
                self._make_ready((key,))
            stored = self._store.get(key, now)
            entry = None if stored is None else self._open(key, stored, policy, now)
            if self._tag_refresh is not None and entry is not None:
                entries = {key: entry}
                self._drop_revoked(entries, self._tag_refresh, now)
                entry = entries.get(key)
        except Exception as error:
            self._failed(error, key)
            return AWAY
        self._failures = 0
        return entry

    def write(self, changes: dict[str, Change], policy: Policy) -> bool:
        """Bring L2 up to date; False if that must wait, and we may go on without."""
        try:
            if self._failures or self._missed:
                self._make_ready()
            if policy.skip_unchanged is not None:
                changes = self._changed(changes, policy.skip_unchanged)
            self._apply(changes)
        except Exception as error:
            self._miss(error, changes)
            return False
        self._failures = 0
        return True

    def write_one(self, key: str, change: tuple[Stored, float, Entry], policy: Policy) -> bool:
        """As `write`, quicker."""
        if self._failures or self._missed or policy.skip_unchanged is not None:
            return self.write({key: Change(*change)}, policy)
        try:
            self._store.set(key, change[0])
        except Exception as error:
            self._miss(error, {key: Change(*change)})
            return False
        return True

    def _miss(self, error: Exception, changes: Mapping[str, Change]) -> None:
        """Keep what L2 did not take, to be made good, unless `error` is to be raised."""
        if isinstance(error, StoreTimeoutError):
            error.pending.add_done_callback(lambda _: self._landed_late(changes))
        self._failed(error, next(iter(changes), ""))
        for key, change in changes.items():
            full = len(self._missed) >= MAX_KEPT
            self._missed[key] = change._replace(stored=None) if full else change
            self._count("degraded_writes", key)

    def _open(self, key: str, stored: Stored, policy: Policy, now: float) -> Entry | None:
        """The entry in L2's bytes; None if they are damaged, or not to be believed."""
        try:
            flags, created_at, refresh_at, expires_at, tags, payload = unseal(stored.data)
            value = ABSENT if flags & NEGATIVE else self._codec.decode(payload)
        except Exception:
            self._count("decode_errors", key)
            return None
        if created_at > now + CLOCK_SKEW:
            return None
        end = stored.expires_at
        if end is not None and end < expires_at:
            expires_at = end
        entry = Entry(value, created_at, expires_at, refresh_at, tags, len(key) + len(payload))
        if now < expires_at:
            entry.settle(policy, now)
        return entry

    def _changed(self, changes: dict[str, Change], fraction: float) -> dict[str, Change]:
        """Without the writes that would leave L2's value as it is, with life enough left."""
        now = self._clock()
        there = self._store.get_many(list(changes), now)
        same = {key for key in there if _same(there[key], changes[key], fraction, now)}
        for key in same:
            self._count("unchanged", key)
        return {key: change for key, change in changes.items() if key not in same}

    # A store that may be away

    def _failed(self, error: Exception, key: str) -> None:
        """Note L2's trouble, and raise `error` unless we may go on without L2."""
        if isinstance(error, RejectedError | LeaseError):
            raise error
        if not isinstance(error, LeftAloneError):
            self._failures += 1
            self._retry_at = self._clock() + self._pause
            self._count("l2_errors", key)
        if not self._degrade:
            raise error

    def _apply(self, changes: Mapping[str, Change]) -> None:
        if len(changes) == 1:
            [(key, (stored, _, _))] = changes.items()
            if stored is None:
                self._store.delete(key)
            else:
                self._store.set(key, stored)
            return
        writes = {key: c.stored for key, c in changes.items() if c.stored is not None}
        if writes:
            self._store.set_many(writes)
        if deletes := [key for key in changes if key not in writes]:
            self._store.delete_many(deletes)

    def _make_ready(self, read_next: Sequence[str] = ()) -> None:
        """After too many failures in a row, wait; then one may try; then repair, then go on.

        What is `read_next` is read after the repair, so its reader need not be told of it.
        """
        if self._failures >= self._threshold:
            now = self._clock()
            if self._retry_at - self._pause <= now < self._retry_at:
                raise LeftAloneError("L2 failed repeatedly and is left alone for a while")
            self._retry_at = now + self._pause
        if not self._missed:
            return
        if not self._repairing.acquire(blocking=not self._degrade):
            raise LeftAloneError("L2 is being brought up to date")
        try:
            self._repair(dict(self._missed), read_next)
        finally:
            self._repairing.release()

    def _repair(self, missed: dict[str, Change], read_next: Sequence[str]) -> None:
        """Of what L2 has and what it missed, the newer wins."""
        there = self._store.get_many(list(missed), self._clock())
        newer = {k: c for k, c in missed.items() if written_at(there.get(k)) <= c.created_at}
        self._apply(newer)
        for key, change in missed.items():
            if key not in read_next and (key not in newer or change.stored is None):
                self._forget(key)
            if self._missed.get(key) is change:
                del self._missed[key]
                self._count("repairs", key)

    def _landed_late(self, changes: Mapping[str, Change]) -> None:
        """A write that we gave up on has happened after all: it must not outlive newer ones."""
        for key, change in changes.items():
            self._missed.setdefault(key, change._replace(stored=None))

    # Leases

    def acquire(
        self, key: str, policy: Policy, seconds: float, now: float
    ) -> tuple[int | None, Entry | None]:
        """A fencing token if the lease is ours; and what L2 has, if that makes a load needless."""
        try:
            token = self._leases().acquire(key, seconds, now)
        except Exception as error:
            self._failed(error, key)
            return NO_LEASE, None
        entry = self.read_one(key, policy, now)
        if entry is None or now >= (entry.expires_at if token is None else entry.refresh_at):
            return token, None
        return token, entry

    def write_fenced(self, key: str, change: Change, policy: Policy, token: int) -> bool:
        """Write; False if the lease has passed on since."""
        if token == NO_LEASE or change.stored is None:
            return self.write({key: change}, policy) or True
        try:
            kept = self._leases().set_fenced(key, change.stored, token)
        except Exception as error:
            self._failed(error, key)
            return self.write({key: change}, policy) or True
        if not kept:
            self._count("fenced", key)
        return kept

    def release(self, key: str, token: int) -> None:
        """Let the next one load. If L2 is away, the lease ends by itself."""
        if token != NO_LEASE:
            with suppress(Exception):
                self._leases().release(key, token)

    def _leases(self) -> LeaseStore:
        if not isinstance(self._untimed, LeaseStore):
            raise LeaseError(f"the option lease= needs a store with leases, not {self._untimed!r}")
        if self._failures or self._missed:
            self._make_ready()
        return cast(LeaseStore, self._store)

    # Tags, and what other processes do

    def moment(self) -> float:
        """The time, but later than every revocation known: those do not mean what begins now."""
        now = self._clock()
        if self.stamps:
            now = max(now, *(nextafter(at, inf) for at, _ in list(self.stamps.values())))
        return now

    def revoked(self, entry: Entry) -> bool:
        """As far as we know."""
        never = (-inf, -inf)
        return any(entry.created_at <= self.stamps.get(t, never)[0] for t in ("", *entry.tags))

    def revoke(self, tags: Iterable[str]) -> bool:
        """What was written before now under any of `tags` is no more; "" means everything."""
        if self._tag_refresh is None:
            raise ValueError("tags and clear() on a shared L2 need a cache made with tag_refresh=")
        now = self._clock()
        stamp = Change(Stored(seal(b"", now, inf, inf), None), now)
        for tag in tags:
            self.stamps[tag] = now, now
        return self.write({STAMP + tag: stamp for tag in tags}, Policy({}))

    def _drop_revoked(self, entries: dict[str, Entry], keep: float, now: float) -> None:
        """L2 is asked about a tag at most every `keep` seconds."""
        tags = {"", *(tag for entry in entries.values() for tag in entry.tags)}
        never = (-inf, -inf)
        due = [tag for tag in tags if not 0 <= now - self.stamps.get(tag, never)[1] < keep]
        if due:
            there = self._store.get_many([STAMP + tag for tag in due], now)
            for tag in due:
                at = max(written_at(there.get(STAMP + tag)), self.stamps.get(tag, never)[0])
                self.stamps[tag] = at, now
            while len(self.stamps) > MAX_STAMPS:
                self.stamps.pop(next(iter(self.stamps)), None)
        for key in [key for key, entry in entries.items() if self.revoked(entry)]:
            del entries[key]

    def changes(self, timeout: float) -> Sequence[str] | None:
        """Keys that others changed, waiting up to `timeout` s; None if some may be missed."""
        if not isinstance(self._untimed, ChangeFeed):
            raise TypeError(f"{self._untimed!r} cannot tell what other processes changed")
        if self._failures or self._missed:
            self._make_ready()
        return self._untimed.changes(timeout)


def _same(stored: Stored, change: Change, fraction: float, now: float) -> bool:
    """L2 has the same value and tags, and `fraction` of the new life left: then note its life."""
    if change.stored is None or change.entry is None:
        return False
    try:
        old, new = unseal(stored.data), unseal(change.stored.data)
    except ValueError:
        return False
    flags, created_at, refresh_at, expires_at, tags, payload = old
    enough = expires_at == new[3] or fraction * (new[3] - now) <= expires_at - now
    if not enough or (flags, tags, payload) != (new[0], new[4], new[5]):
        return False
    entry = change.entry
    entry.created_at, entry.expires_at = created_at, expires_at
    entry.until = min(entry.until, expires_at)
    entry.refresh_at = min(entry.until, refresh_at)
    return True
