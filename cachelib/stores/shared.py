"""The shared tier: a store that may be away, slow, damaged, or changed by other processes.

Everything here blocks: an event loop calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final, cast

from cachelib.memory import Entry
from cachelib.options import ABSENT, Policy
from cachelib.stores.backlog import Backlog, Missed
from cachelib.stores.codecs import NEGATIVE, Codec, encode, same_content, seal, unseal, unseal_plain
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import (
    TOMBSTONE_SECONDS,
    ChangeFeed,
    LeaseStore,
    LeaseWatch,
    QuickStore,
    RejectedError,
    Store,
    Stored,
    StoreTimeoutError,
    Timekeeper,
    VersionedStore,
)
from cachelib.stores.revocations import LONGEST, STAMP, Entries, Revocations
from cachelib.stores.trouble import Breaker, TimedStore

CLOCK_SKEW = 5.0  # an entry from further in the future than this (seconds) is not believed
NOT_AT_ONCE: Final = object()
NO_LEASE = 0  # L2 is away, or none was asked for; real tokens are greater
RESERVED = STAMP, LONGEST  # beginnings of keys that are L2's own

Change = tuple[Entry, Stored | None]  # what L1 and L2 are to have; None for L2: delete it


class LeaseError(TypeError):
    """A lease was asked of a store that has none."""


class SharedTier(Forkable):
    """A `Store` of entries, with a time limit, circuit breakers, and a list of what it missed.

    Reads and writes have a breaker each: a store that takes no writes can still be read.
    """

    def __init__(
        self,
        store: Store,
        codec: Codec,
        clock: Callable[[], float],
        count: Callable[..., None],
        forget: Callable[[str], None],
        breaker: Callable[[], Breaker],
        timeout: float | None,
        tag_refresh: float | None,
    ) -> None:
        self._store: Any = store if timeout is None else TimedStore(store, timeout)
        self._untimed, self._codec, self._clock, self._count = store, codec, clock, count
        self._breaker, self._writes = breaker(), breaker()
        self.versioned = isinstance(store, VersionedStore)
        quick = timeout is None and isinstance(store, QuickStore)
        self._data = cast(QuickStore, store).get_data if quick else self._get_data
        if isinstance(store, Timekeeper):
            store.keep_time(clock)
        self._backlog = Backlog(self._store, self.versioned, clock, self._writes, count, forget)
        self._missed = self._backlog.missed
        self.tags = Revocations(self._store, clock, tag_refresh, self.versioned)
        mind_forks(self, Layer.TIER)

    def after_fork(self) -> None:
        self._backlog.after_fork()

    # Entries

    def read(
        self, keys: Sequence[str], policy: Policy, now: float, held: Mapping[str, Entry] = {}
    ) -> Entries | None:
        """What L2 has, even if its life is over; None if it is away and we may go on without.

        Of `held`, which L1 has, L2 is asked only whether their tags were revoked.
        """
        entries: Entries = {}
        try:
            self._breaker.check()
            if self._missed and (outdated := self._backlog.catch_up(keys)):
                keys = [key for key in keys if key not in outdated]
            if held:
                entries = {key: held[key] for key in keys if key in held}
                self.tags.drop_revoked(entries, self.tags.refresh, now)
                entries = {key: entry for key, entry in entries.items() if entry is not None}
                keys = [key for key in keys if key not in entries]
            found = self._get(keys, policy, now)
            if self.tags.asked_for and found:
                self.tags.drop_revoked(found, self.tags.refresh, now)
            entries |= found
        except Exception as error:
            self._failed(error, keys, self._breaker)
            return None
        self._breaker.failures = 0
        return entries

    def _get(self, keys: Sequence[str], policy: Policy, now: float) -> Entries:
        if len(keys) != 1:
            try:
                there = self._store.get_many(keys, now) if keys else {}
            except ValueError as error:
                if isinstance(error, RejectedError | UnicodeEncodeError):
                    raise
                return {
                    k: entry for key in keys for k, entry in self._get((key,), policy, now).items()
                }
            return {key: self._open(key, stored, policy, now) for key, stored in there.items()}
        [key] = keys
        try:
            stored = self._store.get(key, now)
        except ValueError as error:  # the store cannot make sense of what is there
            if isinstance(error, RejectedError | UnicodeEncodeError):
                raise
            self._count("decode_errors", key, error)
            return {key: None}
        return {} if stored is None else {key: self._open(key, stored, policy, now)}

    def read_at_once(self, key: str, now: float) -> Any:
        """The value, where that is all there is to it; else `NOT_AT_ONCE`, and `read` will tell."""
        if self._breaker.failures or self._missed or self.tags.asked_for:
            return NOT_AT_ONCE
        try:
            data = self._data(key)
            if data and (payload := unseal_plain(data, now)) is not None:
                return self._codec.decode(payload)
        except Exception:  # noqa: S110  # it will be met again
            pass
        return NOT_AT_ONCE

    def _get_data(self, key: str) -> bytes | None:
        stored = self._store.get(key, self._clock())
        return None if stored is None else cast(bytes, stored.data)

    def begin(self, key: str) -> float | None:
        """Where in the order of changes what begins now belongs; None if nobody knows."""
        if not self.versioned:
            return self.tags.moment()
        try:
            self._breaker.check()
            return self.tags.latest(self._store.version(key))
        except Exception as error:
            self._failed(error, (key,), self._breaker)
            return self._estimate()

    def _estimate(self) -> float | None:
        known = cast(VersionedStore, self._untimed).estimate()
        return None if known is None else self.tags.latest(known)

    def write(
        self,
        changes: Mapping[str, Change],
        policy: Policy,
        token: int = NO_LEASE,
        began: float | None = None,
    ) -> bool:
        """Bring L2 up to date; False if that must wait, and we may go on without.

        What was loaded is written only if nobody has changed the key since the load `began`.
        """
        superseded = self._backlog.supersede(changes) if self._missed else {}
        try:
            self._writes.check()
            if policy.skip_unchanged is not None:
                changes = self._changed(changes, policy, policy.skip_unchanged)
            if self.tags.asked_for:
                self.tags.cover(entry for entry, stored in changes.values() if stored is not None)
            if token or (began is not None and self.versioned):
                self._put_loaded(changes, token, began)
            else:
                self._put(changes)
        except Exception as error:
            self._backlog.restore(superseded)
            self._miss(error, changes, began)
            return False
        self._writes.failures = 0
        if self._missed:
            self._backlog.catch_up()
        return True

    def write_one(self, key: str, change: tuple[Entry, Stored], policy: Policy) -> None:
        """As `write` of what was loaded, quicker, where the store keeps no order."""
        plain = policy.skip_unchanged is None and not self.tags.asked_for
        if self._writes.failures or self._missed or not plain:
            self.write({key: change}, policy)
            return
        try:
            self._store.set(key, change[1])
        except Exception as error:
            self._miss(error, {key: change}, None)

    def seal(self, key: str, entry: Entry, policy: Policy) -> Stored:
        """The entry as L2 has it; its size."""
        absent, end = entry.value is ABSENT, entry.expires_at
        payload = b"" if absent else encode(self._codec, key, entry.value)
        entry.size += len(payload)
        flags = NEGATIVE if absent else 0
        data = seal(payload, entry.created_at, entry.soft_at, end, entry.tags, flags)
        return Stored(data, None if end == inf else end + policy.stale_if_error)

    def _open(self, key: str, stored: Stored, policy: Policy, now: float) -> Entry | None:
        """The entry in L2's bytes; None if they are damaged, or not to be believed."""
        try:
            flags, created_at, soft_at, expires_at, tags, payload = unseal(stored.data)
            value = ABSENT if flags & NEGATIVE else self._codec.decode(payload)
        except Exception as error:
            self._count("decode_errors", key, error)
            return None
        version: float = created_at
        if self.versioned:
            version = stored.version
            if created_at > now:  # by a clock that is ahead of ours: it may not live longer by it
                soft_at, expires_at = soft_at - created_at + now, expires_at - created_at + now
                created_at = now
        elif created_at > now + CLOCK_SKEW:
            return None
        end = stored.expires_at
        if end is not None and end < expires_at:
            expires_at = end
        entry = Entry(value, created_at, expires_at, len(key) + len(payload))
        entry.soft_at, entry.tags, entry.version = soft_at, tags, version
        if now < expires_at:
            entry.settle(policy, now, self.tags.refresh)
        return entry

    def _put(self, changes: Mapping[str, Change]) -> None:
        if len(changes) > 1:
            writes = {key: stored for key, (_, stored) in changes.items() if stored is not None}
            if writes:
                version = self._store.set_many(writes)
                self._number(changes, writes, version)
            if deletes := [key for key in changes if key not in writes]:
                self._number(changes, deletes, self._store.delete_many(deletes))
            return
        for key, (entry, stored) in changes.items():
            version = self._store.delete(key) if stored is None else self._store.set(key, stored)
            if version is not None and self.versioned:
                entry.version = version

    def _number(
        self, changes: Mapping[str, Change], keys: Iterable[str], version: int | None
    ) -> None:
        if version is not None and self.versioned:
            for key in keys:
                changes[key][0].version = version

    def _put_loaded(self, changes: Mapping[str, Change], token: int, began: float | None) -> None:
        """Write, unless a lease has passed on or a key has changed; then it is not for L1, too."""
        oldest, since = self._clock() - TOMBSTONE_SECONDS, None if began is None else int(began)
        refused: Sequence[str] = ()
        if not token:
            young = {k: c for k, (e, c) in changes.items() if c and e.created_at >= oldest}
            refused = self._store.write_since({k: (stored, since) for k, stored in young.items()})
        for key, (entry, stored) in changes.items():
            if stored is None:
                continue
            if self.versioned and entry.created_at < oldest:
                done = False
            elif token:
                leases = self._leases()
                done = (
                    leases.set_fenced(key, stored, token, since)
                    if self.versioned
                    else leases.set_fenced(key, stored, token)
                )
            else:
                done = key not in refused
            if not done:
                self._count("fenced", key)
                entry.until = entry.since

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
        if self.tags.asked_for and same:
            self.tags.drop_revoked(same, 0.0, now)
        for key, old in same.items():
            entry = changes[key][0]
            if old is not None and (
                old.expires_at == entry.expires_at
                or fraction * (entry.expires_at - now) <= old.expires_at - now
            ):
                entry.created_at, entry.expires_at = old.created_at, old.expires_at
                entry.soft_at, entry.version = old.soft_at, old.version
                entry.settle(policy, now, self.tags.refresh)
                self._count("unchanged", key)
                del left[key]
        return left

    # A store that may be away

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

    # Leases

    def acquire(self, key: str, policy: Policy, now: float) -> tuple[int | None, Entry | None]:
        """A fencing token if the lease is ours; and what L2 has, if that makes a load needless."""
        try:
            self._writes.check()
            token = self._leases().acquire(key, policy.lease or inf, now)
        except Exception as error:
            self._failed(error, (key,), self._writes)
            return NO_LEASE, None
        entry = (self.read((key,), policy, now) or {}).get(key)
        if entry is None or now >= (entry.expires_at if token is None else entry.soft_at):
            return token, None
        return token, entry

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

    def revoke(self, tags: Sequence[str]) -> bool:
        """What was written before now under any of `tags` is no more; "" means everything."""
        if not self.tags.asked_for:
            raise ValueError("tags and clear() on a shared L2 need a cache made with tag_refresh=")
        now = self._clock()
        if not self.versioned:  # then an older stamp may be from a clock ahead of ours
            with suppress(Exception):  # if it is away, the write will say so
                self.tags.look(tags, 0.0, now)
        at = self.tags.moment()
        done = self._stamp(tags, at, now)
        try:
            if done and self.tags.learn_longest():  # others wrote entries that live longer
                done = self._stamp(tags, at, now)
        except Exception as error:
            self._failed(error, (LONGEST,), self._breaker)
        return done

    def _stamp(self, tags: Sequence[str], at: float, now: float) -> bool:
        stamps: dict[str, Change] = {}
        for tag in tags:
            entry, stored = Entry(b"", at, inf), self.tags.stamp(tag, at)
            entry.version = self.tags.version_of(stored)
            stamps[STAMP + tag] = entry, stored
        done = self.write(stamps, Policy({}))
        for tag in tags:
            self.tags.note(tag, stamps[STAMP + tag][0].version, now)
        return done

    def changes(self, timeout: float) -> Sequence[str] | None:
        """Keys that others changed, waiting up to `timeout` s; None if some may be missed."""
        self.check_feed()
        self._breaker.check()
        if self._missed:
            self._backlog.catch_up()
        keys = cast(ChangeFeed, self._untimed).changes(timeout)
        self.tags.forget(keys)
        return keys

    def check_feed(self) -> None:
        """TypeError if the store cannot tell what other processes do."""
        if not isinstance(self._untimed, ChangeFeed):
            raise TypeError(f"{self._untimed!r} cannot tell what other processes changed")
