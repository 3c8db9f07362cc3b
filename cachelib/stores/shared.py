"""The shared tier: a store that may be away, slow, damaged, or changed by other processes.

Everything here blocks: an event loop calls it from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final, cast

from cachelib.memory import Entry
from cachelib.options import Policy
from cachelib.stores.away import AwayTier, Change, LeaseError
from cachelib.stores.codecs import Codec, same_content, unseal_plain
from cachelib.stores.counters import count_in
from cachelib.stores.envelopes import Envelopes
from cachelib.stores.protocol import (
    TOMBSTONE_SECONDS,
    ChangeFeed,
    CounterStore,
    LeaseStore,
    LeaseWatch,
    QuickStore,
    RejectedError,
    Store,
    Stored,
    StoreUnavailableError,
)
from cachelib.stores.revocations import LONGEST, NEVER, STAMP, Entries
from cachelib.stores.trouble import Breaker

NOT_AT_ONCE: Final = object()
NO_LEASE = 0  # L2 is away, or none was asked for; real tokens are greater
RESERVED = STAMP, LONGEST  # beginnings of keys that are L2's own


class SharedTier(AwayTier):
    """A `Store` of entries; what it is when it is away, `AwayTier` says."""

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
        super().__init__(store, clock, count, forget, breaker, timeout, tag_refresh)
        self._codec = codec
        self._envelopes = Envelopes(codec, self.versioned, count, self.tags.refresh)
        self.seal, self._open = self._envelopes.seal, self._envelopes.open
        quick = timeout is None and isinstance(store, QuickStore)
        self._data = cast(QuickStore, store).get_data if quick else self._get_data

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

    def incr(self, key: str, by: int, expires_at: float | None, policy: Policy) -> Entry:
        """Add to a counter. Whatever goes wrong is raised: nobody can go on with a number of ours.

        After an error of the connection, or a time-out, it may have been counted all the same.
        """
        if not isinstance(self._untimed, CounterStore):
            name = type(self._untimed).__name__
            raise TypeError(f"{name} cannot count: incr() needs SQLite, Redis or a MemoryStore")
        now = self._clock()
        try:
            self._writes.check()
            if self._missed and self._backlog.catch_up((key,)):
                raise StoreUnavailableError(f"L2 still has an outdated value of {key!r}")
            if self.tags.asked_for:
                self.tags.look(("",), self.tags.refresh, now)
            cleared = max(self.tags.stamps.get("", NEVER)[0], 0)
            stored = self._store.incr(key, by, expires_at, int(cleared), now)
        except Exception as error:
            self._failed(error, (key,), self._writes)
            raise
        self._writes.failures = 0
        number = count_in(stored.data)
        return self._envelopes.counter(key, number or 0, stored, policy, now)

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
