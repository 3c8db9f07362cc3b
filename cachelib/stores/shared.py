"""The shared tier: a store that may be away, slow, damaged, or changed by other processes.

Everything here blocks: an event loop calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf, nextafter
from threading import Lock
from typing import Any, Final, cast

from cachelib.errors import CachelibError
from cachelib.memory import Entry
from cachelib.options import ABSENT, Policy
from cachelib.stores.codecs import NEGATIVE, Codec, encode, same_content, seal, unseal, written_at
from cachelib.stores.fork import renew_in_child
from cachelib.stores.protocol import (
    ChangeFeed,
    LeaseStore,
    LeaseWatch,
    RejectedError,
    Store,
    Stored,
    StoreTimeoutError,
)
from cachelib.stores.trouble import Breaker, LeftAloneError, TimedStore

CLOCK_SKEW = 5.0  # an entry from further in the future than this (seconds) is not believed
MAX_KEPT = 10_000  # missed writes whose values are kept; of later ones, L2's older value goes
MAX_STAMPS = 10_000
NEVER = (-inf, -inf)
NOT_AT_ONCE: Final = object()
NO_LEASE = 0  # L2 is away, or none was asked for; real tokens are greater
STAMP = "cachelib:revoked:"  # the key that says when a tag was revoked; with no name, of clear()

Entries = dict[str, Entry | None]  # None: not to be believed
Change = tuple[Entry, Stored | None]  # what L1 and L2 are to have; None for L2: delete it


class LeaseError(CachelibError, TypeError):
    """A lease was asked of a store that has none."""


class SharedTier:
    """A `Store` of entries, with a time limit, a circuit breaker, and a list of what it missed."""

    def __init__(
        self,
        store: Store,
        codec: Codec,
        clock: Callable[[], float],
        count: Callable[..., None],
        forget: Callable[[str], None],
        breaker: Breaker,
        timeout: float | None,
        tag_refresh: float | None,
    ) -> None:
        self._store: Any = store if timeout is None else TimedStore(store, timeout)
        self._untimed, self._codec, self._clock = store, codec, clock
        self._count, self._forget, self._breaker = count, forget, breaker
        self._missed: dict[str, Change] = {}
        self._tag_refresh = tag_refresh
        self.stamps: dict[str, tuple[float, float]] = {}  # tag: (revoked at, looked up at)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        self._repairing = Lock()

    # Entries

    def read(self, keys: Sequence[str], policy: Policy, now: float) -> Entries | None:
        """What L2 has, even if its life is over; None if it is away and we may go on without."""
        try:
            if self._breaker.failures or self._missed:
                self._make_ready(keys)
            if len(keys) == 1:
                [key] = keys
                stored = self._store.get(key, now)
                entries = {} if stored is None else {key: self._open(key, stored, policy, now)}
            else:
                there = self._store.get_many(keys, now).items()
                entries = {key: self._open(key, stored, policy, now) for key, stored in there}
            if self._tag_refresh is not None and entries:
                self._drop_revoked(entries, self._tag_refresh, now)
        except Exception as error:
            self._failed(error, keys)
            return None
        self._breaker.failures = 0
        return entries

    def read_at_once(self, key: str, now: float) -> Any:
        """The value, where that is all there is to it; else `NOT_AT_ONCE`, and `read` will tell."""
        if self._breaker.failures or self._missed or self._tag_refresh is not None:
            return NOT_AT_ONCE
        try:
            stored = self._store.get(key, now)
            if stored is not None:
                flags, created_at, _, expires_at, _, payload = unseal(stored.data)
                if not flags & NEGATIVE and created_at <= now + CLOCK_SKEW and now < expires_at:
                    return self._codec.decode(payload)
        except Exception:  # noqa: S110  # it will be met again
            pass
        return NOT_AT_ONCE

    def write(self, changes: Mapping[str, Change], policy: Policy, token: int = NO_LEASE) -> bool:
        """Bring L2 up to date; False if that must wait, and we may go on without."""
        try:
            if self._breaker.failures or self._missed:
                self._make_ready(changes)
            if policy.skip_unchanged is not None:
                changes = self._changed(changes, policy, policy.skip_unchanged)
            if token:
                self._put_fenced(changes, token)
            else:
                self._put(changes)
        except Exception as error:
            self._miss(error, changes)
            return False
        self._breaker.failures = 0
        return True

    def write_one(self, key: str, change: tuple[Entry, Stored], policy: Policy) -> None:
        """As `write`, quicker."""
        if self._breaker.failures or self._missed or policy.skip_unchanged is not None:
            self.write({key: change}, policy)
            return
        try:
            self._store.set(key, change[1])
        except Exception as error:
            self._miss(error, {key: change})

    def seal(self, key: str, entry: Entry, policy: Policy) -> Stored:
        """The entry as L2 has it; its size."""
        absent, end = entry.value is ABSENT, entry.expires_at
        payload = b"" if absent else encode(self._codec, key, entry.value)
        entry.size += len(payload)
        flags = NEGATIVE if absent else 0
        data = seal(payload, entry.created_at, entry.refresh_at, end, entry.tags, flags)
        return Stored(data, None if end == inf else end + policy.stale_if_error)

    def _open(self, key: str, stored: Stored, policy: Policy, now: float) -> Entry | None:
        """The entry in L2's bytes; None if they are damaged, or not to be believed."""
        try:
            flags, created_at, refresh_at, expires_at, tags, payload = unseal(stored.data)
            value = ABSENT if flags & NEGATIVE else self._codec.decode(payload)
        except Exception as error:
            self._count("decode_errors", key, error)
            return None
        if created_at > now + CLOCK_SKEW:
            return None
        end = stored.expires_at
        if end is not None and end < expires_at:
            expires_at = end
        entry = Entry(value, created_at, expires_at, len(key) + len(payload))
        entry.refresh_at, entry.tags = refresh_at, tags
        if now < expires_at:
            entry.settle(policy, now)
        return entry

    def _put(self, changes: Mapping[str, Change]) -> None:
        if len(changes) > 1:
            writes = {key: stored for key, (_, stored) in changes.items() if stored is not None}
            if writes:
                self._store.set_many(writes)
            if deletes := [key for key in changes if key not in writes]:
                self._store.delete_many(deletes)
            return
        for key, (_, stored) in changes.items():
            if stored is None:
                self._store.delete(key)
            else:
                self._store.set(key, stored)

    def _changed(
        self, changes: Mapping[str, Change], policy: Policy, fraction: float
    ) -> dict[str, Change]:
        """Without the writes that would leave L2's value as it is, with life enough left."""
        now, left = self._clock(), dict(changes)
        there = self._store.get_many(list(changes), now)
        same = {
            key: self._open(key, stored, policy, now)
            for key, stored in there.items()
            if same_content(stored, changes[key][1])
        }
        if self._tag_refresh is not None and same:
            self._drop_revoked(same, 0.0, now)
        for key, old in same.items():
            entry = changes[key][0]
            if old is not None and (
                old.expires_at == entry.expires_at
                or fraction * (entry.expires_at - now) <= old.expires_at - now
            ):
                entry.created_at, entry.expires_at = old.created_at, old.expires_at
                entry.refresh_at = old.refresh_at
                entry.settle(policy, now)
                self._count("unchanged", key)
                del left[key]
        return left

    # A store that may be away

    def _failed(self, error: Exception, keys: Iterable[str]) -> None:
        """Note L2's trouble, and raise `error` unless we may go on without L2."""
        if isinstance(error, RejectedError | LeaseError):
            raise error
        if not isinstance(error, LeftAloneError):
            self._breaker.failed()
            self._count("l2_errors", next(iter(keys), ""), error)
        if not self._breaker.degrade:
            raise error

    def _miss(self, error: Exception, changes: Mapping[str, Change]) -> None:
        """Keep what L2 did not take, to be made good, unless `error` is to be raised."""
        if isinstance(error, StoreTimeoutError):
            error.pending.add_done_callback(lambda _: self._landed_late(changes))
        self._failed(error, changes)
        for key, change in changes.items():
            full = len(self._missed) >= MAX_KEPT
            self._missed[key] = (change[0], None) if full else change
            self._count("degraded_writes", key)

    def _make_ready(self, keys: Collection[str] = ()) -> None:
        """Bring L2 what it missed. Whoever is about to use `keys` need not be told of them."""
        self._breaker.check()
        if not self._missed:
            return
        if not self._repairing.acquire(blocking=not self._breaker.degrade):
            raise LeftAloneError("L2 is being brought up to date")
        try:
            self._repair(dict(self._missed), keys)
        finally:
            self._repairing.release()

    def _repair(self, missed: dict[str, Change], known: Collection[str]) -> None:
        """Of what L2 has and what it missed, the newer wins."""
        there = self._store.get_many(list(missed), self._clock())
        newer = {k: c for k, c in missed.items() if written_at(there.get(k)) <= c[0].created_at}
        self._put(newer)
        for key, change in missed.items():
            if key not in known and (key not in newer or change[1] is None):
                self._forget(key)
            if self._missed.get(key) is change:
                del self._missed[key]
                self._count("repairs", key)

    def _landed_late(self, changes: Mapping[str, Change]) -> None:
        """A write that we gave up on has happened after all: it must not outlive newer ones."""
        for key, (entry, _) in changes.items():
            self._missed.setdefault(key, (entry, None))

    # Leases

    def acquire(self, key: str, policy: Policy, now: float) -> tuple[int | None, Entry | None]:
        """A fencing token if the lease is ours; and what L2 has, if that makes a load needless."""
        try:
            if self._breaker.failures or self._missed:
                self._make_ready((key,))
            token = self._leases().acquire(key, policy.lease or inf, now)
        except Exception as error:
            self._failed(error, (key,))
            return NO_LEASE, None
        entry = (self.read((key,), policy, now) or {}).get(key)
        if entry is None or now >= (entry.expires_at if token is None else entry.refresh_at):
            return token, None
        return token, entry

    def _put_fenced(self, changes: Mapping[str, Change], token: int) -> None:
        """Write, unless the lease has passed on since; then L1 is not to have it, either."""
        for key, (entry, stored) in changes.items():
            if stored is not None and not self._leases().set_fenced(key, stored, token):
                self._count("fenced", key)
                entry.until = entry.since

    def release(self, key: str, token: int) -> None:
        """Let the next one load. If L2 is away, the lease ends by itself."""
        if token != NO_LEASE:
            with suppress(Exception):
                self._leases().release(key, token)

    def watch(self, key: str, freed: Callable[[], object]) -> Callable[[], None] | None:
        """Call `freed` when the lease may have ended; None if L2 cannot tell us."""
        if isinstance(self._untimed, LeaseWatch):
            return self._untimed.watch_lease(key, freed)
        return None

    def _leases(self) -> LeaseStore:
        if not isinstance(self._untimed, LeaseStore):
            raise LeaseError(f"the option lease= needs a store with leases, not {self._untimed!r}")
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
        return any(entry.created_at <= self._revoked_at(tag) for tag in ("", *entry.tags))

    def _revoked_at(self, tag: str) -> float:
        return self.stamps.get(tag, NEVER)[0]

    def revoke(self, tags: Sequence[str]) -> bool:
        """What was written before now under any of `tags` is no more; "" means everything."""
        if self._tag_refresh is None:
            raise ValueError("tags and clear() on a shared L2 need a cache made with tag_refresh=")
        now = self._clock()
        stamp = Entry(None, now, inf), Stored(seal(b"", now, inf, inf), None)
        for tag in tags:
            self.stamps[tag] = now, now
        return self.write({STAMP + tag: stamp for tag in tags}, Policy({}))

    def _drop_revoked(self, entries: Entries, keep: float, now: float) -> None:
        """L2 is asked about a tag at most every `keep` seconds."""
        tags = {"", *(tag for entry in entries.values() if entry for tag in entry.tags)}
        due = [tag for tag in tags if not 0 <= now - self.stamps.get(tag, NEVER)[1] < keep]
        if due:
            there = self._store.get_many([STAMP + tag for tag in due], now)
            for tag in due:
                at = max(written_at(there.get(STAMP + tag)), self._revoked_at(tag))
                self.stamps[tag] = at, now
            while len(self.stamps) > MAX_STAMPS:
                self.stamps.pop(next(iter(self.stamps)), None)
        for key, entry in entries.items():
            if entry is not None and self.revoked(entry):
                entries[key] = None

    def changes(self, timeout: float) -> Sequence[str] | None:
        """Keys that others changed, waiting up to `timeout` s; None if some may be missed."""
        if not isinstance(self._untimed, ChangeFeed):
            raise TypeError(f"{self._untimed!r} cannot tell what other processes changed")
        if self._breaker.failures or self._missed:
            self._make_ready()
        keys = self._untimed.changes(timeout)
        for tag in list(self.stamps):
            if keys is None or STAMP + tag in keys:
                self.stamps.pop(tag, None)  # to be looked up again
        return keys
