"""The decisions of the cache, written once.

Whatever may have to wait is a coroutine. `TieredCache` runs it to its end in one step, because
its waiting blocks; `AsyncTieredCache` awaits it. They differ in four ports: `_io` runs a method of
L2, `_gate` makes something to wait for, `_wait` waits for it, `_spawn` works in the background.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import ContextVar
from math import inf, nextafter
from random import Random
from threading import Lock
from typing import Any, Literal, Protocol, Unpack

from cachelib.codecs import NEGATIVE, Codec, JsonCodec, seal, unseal, written_at
from cachelib.memory import Entry, MemoryCache
from cachelib.options import (
    ABSENT,
    Counters,
    LoadTimeout,
    Options,
    Policy,
    ReentrantLoad,
    Stats,
    Tier,
)
from cachelib.stores.fork import renew_in_child
from cachelib.stores.guard import Change, Guard
from cachelib.stores.protocol import ChangeFeed, LeaseStore, Rejected, Store, Stored

CLOCK_SKEW = 5.0  # an L2 entry from further in the future than this (seconds) is not believed
LEASE_POLL = 0.02  # seconds between looks at L2 while another process loads
MAX_REMEMBERED = 10_000  # failed loads, and times of revocation
STAMP = "cachelib:revoked:"  # L2 key of when a tag was revoked; with no name, of clear()

Loader = Callable[[str], Any]
Found = tuple[Entry, Tier, Exception | None]
COUNTED_AS: dict[Tier | None, tuple[str, ...]] = {
    "l1": ("l1_hits",),
    "l2": ("l2_hits",),
    "load": ("misses",),
    "stale": ("misses", "stale_hits"),
    None: ("misses",),
}


class Gate(Protocol):
    """What callers wait for: a threading or an asyncio event."""

    def set(self) -> None: ...


class Flight:
    """One operation in progress on a key. Others wait for it and share its result."""

    valid = True  # until another changes the key: then the result must not be kept
    writing = False  # too late for another writer to overtake
    done = False
    gate: Gate | None = None
    last: Entry | None = None  # what may stand in for the result
    result: Found | Exception | None = None
    waits_for: Flight | None = None  # of another key, in this one's loader


_loading: ContextVar[Flight | None] = ContextVar("cachelib_loading", default=None)


class CacheCore(ABC):
    """What both skins share."""

    def __init__(
        self,
        l1: MemoryCache | None = None,
        l2: Store | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] | None = None,
        codec: Codec | None = None,
        on_l2_error: Literal["raise", "degrade"] = "raise",
        l2_timeout: float | None = None,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
        tag_refresh: float | None = None,
        on_event: Callable[[str, str], None] | None = None,
        executor: Executor | None = None,
        **options: Unpack[Options],
    ) -> None:
        if on_l2_error not in ("raise", "degrade"):
            raise ValueError(f"on_l2_error must be 'raise' or 'degrade', not {on_l2_error!r}")
        self.l1, self.l2 = l1, l2
        self.policy = Policy().override(options)
        self._clock, self._random = clock, random or Random().random  # noqa: S311
        self._codec: Codec = codec or JsonCodec()
        self._degrade, self._tag_refresh = on_l2_error == "degrade", tag_refresh
        self._executor = executor
        self._counters = Counters(on_event)
        self._count, self._on_event = self._counters.add, on_event
        self._l1_hit = self._counters.step["l1_hits"]
        self._peek: Callable[[str], Entry | None] = _nothing if l1 is None else l1.peek
        self._renew: Callable[[str], None] = _nothing if l1 is None else l1.renew
        self._lock = Lock() if l1 is None else l1.lock
        self._guard: Guard | None = None
        if l2 is not None:
            self._guard = Guard(
                l2,
                clock,
                self._count,
                self._forget,
                degrade=self._degrade,
                timeout=l2_timeout,
                failures=breaker_failures,
                pause=breaker_seconds,
            )
        self._closed = False
        self._failures: dict[str, tuple[float, Exception]] = {}
        self._stamps: dict[str, tuple[float, float]] = {}  # tag: (revoked at, asked L2 at)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Forget what other threads of the parent began: here, nobody will finish it."""
        self._flights: dict[str, Flight] = {}
        if self._lock.locked():
            self._lock.release()

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            stats = self._counters.snapshot()
        if self.l1 is None:
            return stats
        return stats._replace(
            evictions=self.l1.evictions, l1_entries=len(self.l1), l1_bytes=self.l1.bytes
        )

    @abstractmethod
    async def _io(self, method: Callable[..., Any], *args: Any) -> Any: ...
    @abstractmethod
    def _gate(self) -> Gate: ...
    @abstractmethod
    async def _wait(self, gate: Any, timeout: float | None) -> bool: ...
    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...

    # Reading

    def _begin(self, key: str) -> float:
        """The time; an error for what cannot be a key."""
        if self._closed:
            raise RuntimeError("this cache is closed")
        if not isinstance(key, str):
            raise TypeError(f"a key is a string, not {type(key).__name__}")
        if not key or key.startswith(STAMP):
            raise ValueError(f"not a key: {key!r} (it may not be empty, nor begin with {STAMP!r})")
        return self._clock()

    def _policy(self, options: Options) -> Policy:
        return self.policy.override(options) if options else self.policy

    def _hot(self, key: str, entry: Entry) -> Any:
        """Serve a hit of L1. No lock: each step is atomic by itself."""
        try:
            self._renew(key)
        except KeyError:  # pushed out this instant
            pass
        self._l1_hit()
        if self._on_event is not None:
            self._on_event("l1_hits", key)
        if entry.value is ABSENT:
            self._count("negative_hits", key)
        return entry.value

    def _in_l1(self, key: str, policy: Policy, now: float) -> Entry | None:
        entry = self._peek(key)
        if entry is None or policy.skip_l1 or not entry.since <= now < entry.until:
            return None
        with suppress(KeyError):
            self._renew(key)
        return entry

    def _tally(self, key: str, found: Found | None) -> None:
        """Count a look-up, once, by where it ended."""
        tier = None if found is None else found[1]
        for name in COUNTED_AS[tier]:
            self._count(name, key)
        if found is not None and found[0].value is ABSENT and (tier == "l1" or tier == "l2"):
            self._count("negative_hits", key)

    async def _look(self, keys: Iterable[str], policy: Policy) -> dict[str, Found]:
        """What the tiers have, without loading."""
        unique, now = list(dict.fromkeys(keys)), 0.0
        for key in unique:
            now = self._begin(key)
        found: dict[str, Found] = {}
        flights: dict[str, Flight] = {}
        for key in unique:
            if (entry := self._in_l1(key, policy, now)) is not None:
                found[key] = entry, "l1", None
            elif self._flights.setdefault(key, mine := Flight()) is mine:
                flights[key] = mine
        try:
            missing = [key for key in unique if key not in found]
            for key, entry in (await self._read(missing, policy, now) or {}).items():
                if now < entry.expires_at:
                    found[key] = entry, "l2", None
        finally:
            for key, flight in flights.items():
                hit = found.get(key)
                self._land(key, flight, hit and hit[0], hit)
            for key in unique:
                self._tally(key, found.get(key))
        return found

    async def _fetch(self, key: str, loader: Loader, policy: Policy) -> Found:
        """What the tiers have, or else what the loader returns."""
        now = self._begin(key)
        found: Found | None = None
        if (entry := self._in_l1(key, policy, now)) is not None:
            if entry.refresh_at <= now:
                self._refresh(key, loader, policy)
            found = entry, "l1", None
        try:
            while found is None:
                mine = Flight()
                flight = self._flights.setdefault(key, mine)
                if flight is mine:
                    found = await self._lead(key, loader, policy, mine, now)
                else:
                    found = await self._join(key, flight, policy)
                    if found is not None:
                        self._count("coalesced", key)
                    now = self._clock()
        except Exception:
            self._count("misses", key)
            raise
        self._tally(key, found)
        return found

    async def _lead(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, now: float
    ) -> Found | None:
        tier: Tier = "l1"
        try:
            entry = self._in_l1(key, policy, now)  # it may have landed since we looked
            if entry is None:
                there, tier = await self._read([key], policy, now), "l2"
                entry = self._peek(key) if there is None else there.get(key)
                if there is None or (entry is not None and entry.expires_at <= now):
                    flight.last, entry = entry, None
        except BaseException as error:
            self._land(key, flight, None, error)
            raise
        if entry is not None:
            found = entry, tier, None
            self._land(key, flight, entry, found)
            if entry.refresh_at <= now:
                self._refresh(key, loader, policy)
            return found
        if policy.soft_timeout is None and policy.hard_timeout is None:
            return await self._load(key, loader, policy, flight)
        self._start(key, loader, policy, flight)
        return await self._join(key, flight, policy)

    async def _join(self, key: str, flight: Flight, policy: Policy) -> Found | None:
        """The result or error of `flight`, or the last value if that takes too long.

        None if it was given up, or was not about to load.
        """
        mine = _loading.get()
        try:
            if mine is not None:
                _expect(mine, flight, key)
            with self._lock:
                if not flight.done and flight.gate is None:
                    flight.gate = self._gate()
            last = self._usable(flight.last, policy)
            soft = last is not None and policy.soft_timeout is not None
            timeout = policy.soft_timeout if soft else policy.hard_timeout
            if not flight.done and not await self._wait(flight.gate, timeout):
                if last is None:
                    raise LoadTimeout(f"loading {key!r} took longer than {timeout} s")
                return last, "stale", None
        finally:
            if mine is not None:
                mine.waits_for = None
        if isinstance(flight.result, Exception):
            raise flight.result
        return flight.result

    def _usable(self, last: Entry | None, policy: Policy) -> Entry | None:
        if last is None or self._clock() >= last.expires_at + policy.stale_if_error:
            return None
        return last

    async def _read(self, keys: list[str], policy: Policy, now: float) -> dict[str, Entry] | None:
        """What L2 has, even if its life is over; None if it is away, or not to be asked."""
        if self.l2 is None or self._guard is None or policy.skip_l2 or not keys:
            return None
        try:
            if len(keys) == 1:
                stored = await self._io(self._guard.call, self.l2.get, keys[0], now)
                there = {} if stored is None else {keys[0]: stored}
            else:
                there = await self._io(self._guard.call, self.l2.get_many, keys, now)
            entries = {}
            for key, stored in there.items():
                if (entry := self._open(key, stored, policy, now)) is not None:
                    entries[key] = entry
            if entries and self._tag_refresh is not None:
                await self._learn_stamps(entries, self._tag_refresh, now)
        except Rejected:
            raise
        except Exception:
            if not self._degrade:
                raise
            return None
        return entries

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
        if stored.expires_at is not None and stored.expires_at < expires_at:
            expires_at = stored.expires_at
        entry = Entry(value, created_at, expires_at, refresh_at, tags, len(key) + len(payload))
        if now < expires_at:
            self._copy(entry, policy, now)
        return entry

    # Loading

    def _refresh(self, key: str, loader: Loader, policy: Policy) -> None:
        """Load in the background, unless somebody is at it or it failed a moment ago."""
        flight = Flight()
        if self._failure(key) is None and self._flights.setdefault(key, flight) is flight:
            self._count("refreshes", key)
            self._start(key, loader, policy, flight)

    def _start(self, key: str, loader: Loader, policy: Policy, flight: Flight) -> None:
        work = self._load(key, loader, policy, flight)
        try:
            self._spawn(work)
        except BaseException as error:
            work.close()
            self._land(key, flight, None, error)
            raise

    async def _load(self, key: str, loader: Loader, policy: Policy, flight: Flight) -> Found:
        """Load and write through. Lands the flight, whatever happens."""
        try:
            if (failure := self._failure(key)) is not None:
                found = self._excuse(flight, policy, failure)
            elif policy.lease is None or self.l2 is None or policy.skip_l2:
                found = await self._obtain(key, loader, policy, flight, None)
            else:
                found = await self._obtain_leased(key, loader, policy, flight, policy.lease)
        except BaseException as error:
            self._land(key, flight, None, error)
            raise
        self._land(key, flight, found[0], found)
        return found

    async def _obtain(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, token: int | None
    ) -> Found:
        started = self._moment()
        try:
            value = await self._call_loader(key, loader, flight)
        except Exception as error:
            self._count("load_errors", key)
            if policy.error_ttl:
                self._failures[key] = self._clock() + policy.error_ttl, error
                _bound(self._failures)
            return self._excuse(flight, policy, error)
        self._failures.pop(key, None)
        entry, stored = self._seal(key, value, policy, started)
        with self._lock:
            flight.writing = flight.valid
        if flight.writing and stored is not None:
            if token is None:
                await self._write({key: Change(stored, started)}, {key: entry}, policy)
            elif not await self._leased("set_fenced", key, stored, token):
                flight.valid = False
                self._count("fenced", key)
        return entry, "load", None

    async def _call_loader(self, key: str, loader: Loader, flight: Flight) -> Any:
        outer = _loading.get()
        if outer is not None:
            outer.waits_for = flight
        current = _loading.set(flight)
        self._count("loads", key)
        try:
            value = loader(key)
            return await value if hasattr(value, "__await__") else value
        finally:
            _loading.reset(current)
            if outer is not None:
                outer.waits_for = None

    def _failure(self, key: str) -> Exception | None:
        """The error of a load that failed so lately that another must wait."""
        until, error = self._failures.get(key, (-inf, None))
        return error if self._clock() < until else None

    def _excuse(self, flight: Flight, policy: Policy, error: Exception) -> Found:
        """The last value in place of a failed load; the error if there is none."""
        if (last := self._usable(flight.last, policy)) is None:
            raise error
        return last, "stale", error

    async def _obtain_leased(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, seconds: float
    ) -> Found:
        """Load under a lease, or take what the process that had it has written."""
        token = None
        try:
            while token is None:
                token = await self._leased("acquire", key, seconds, now := self._clock())
                entry = (await self._read([key], policy, now) or {}).get(key)
                if entry is not None and now < (
                    entry.expires_at if token is None else entry.refresh_at
                ):
                    return entry, "l2", None
                if token is None:
                    await self._wait(self._gate(), LEASE_POLL)
            return await self._obtain(key, loader, policy, flight, token)
        finally:
            if token is not None:
                await self._leased("release", key, token)

    async def _leased(self, method: str, *args: Any) -> Any:
        if not isinstance(self.l2, LeaseStore) or self._guard is None:
            raise TypeError(f"the option lease= needs a store with leases, not {self.l2!r}")
        return await self._io(self._guard.call, getattr(self.l2, method), *args)

    # Writing

    async def _set(self, values: Mapping[str, Any], policy: Policy) -> bool:
        """Write through; False if L2 is away and will be brought up to date later."""
        started = self._moment()
        changes: dict[str, Change] = {}
        entries: dict[str, Entry] = {}
        for key, value in values.items():
            self._begin(key)
            if value is ABSENT and not policy.negative_ttl:
                raise ValueError(f"to set {key!r} to ABSENT, give a negative_ttl")
            entries[key], stored = self._seal(key, value, policy, started)
            changes[key] = Change(stored, started)
        return await self._change("sets", changes, entries, policy)

    async def _delete(self, keys: Iterable[str], policy: Policy) -> bool:
        started = self._moment()
        changes = {key: Change(None, started) for key in keys if self._begin(key) is not None}
        return await self._change("deletes", changes, {}, policy)

    async def _change(
        self, event: str, changes: dict[str, Change], entries: dict[str, Entry], policy: Policy
    ) -> bool:
        flights = {key: Flight() for key in sorted(changes)}  # one order for all: no ring of waits
        kept: dict[str, Entry] = {}
        try:
            for key, flight in flights.items():
                await self._claim(key, flight)
            done = policy.skip_l2 or await self._write(changes, entries, policy)
            kept = entries
        finally:
            for key, flight in flights.items():
                entry = kept.get(key)
                self._land(key, flight, entry, None if entry is None else (entry, "l1", None))
        for key in changes:
            self._count(event, key)
        return done

    async def _claim(self, key: str, mine: Flight) -> None:
        """Become the only writer of `key` in this process; what is read or loaded is outdated."""
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None or not flight.writing:
                    if flight is not None:
                        flight.valid = False
                    mine.writing = True
                    self._flights[key] = mine
                    return
                gate = flight.gate = flight.gate or self._gate()
            await self._wait(gate, None)

    async def _write(
        self, changes: dict[str, Change], entries: dict[str, Entry], policy: Policy
    ) -> bool:
        if self.l2 is None or self._guard is None:
            return True
        if policy.skip_unchanged is not None and entries:
            now = self._clock()
            there = await self._io(self._guard.call, self.l2.get_many, list(entries), now)
            for key, stored in there.items():
                if _same(stored, changes[key], entries[key], policy.skip_unchanged, now):
                    del changes[key]
                    self._count("unchanged", key)
        return not changes or bool(await self._io(self._guard.write, changes))

    def _seal(
        self, key: str, value: Any, policy: Policy, started: float
    ) -> tuple[Entry, Stored | None]:
        """`value` as L1 and as L2 will have it; None for L2 if it is not to have it."""
        now, absent = self._clock(), value is ABSENT
        shared = self.l2 is not None and not policy.skip_l2
        life = policy.negative_ttl if absent else policy.l2_life
        if not shared and policy.l1_life < life:
            life = policy.l1_life
        if policy.jitter:
            life *= 1 - policy.jitter * self._random()
        expires_at, refresh_at = now + life, inf
        if policy.soft_ttl is not None:
            refresh_at = now + policy.soft_ttl
        if policy.refresh_after is not None and life < inf:
            refresh_at = min(refresh_at, now + policy.refresh_after * life)
        payload = b""
        if not absent and (shared or (self.l1 is not None and self.l1.max_bytes is not None)):
            try:
                payload = self._codec.encode(value)
            except Exception as error:
                codec = type(self._codec).__name__
                raise TypeError(f"{codec} cannot encode the value of {key!r}: {error}") from error
        tags = policy.tags
        entry = Entry(value, started, expires_at, refresh_at, tags, len(key) + len(payload))
        if not life:
            return entry, None
        stored = None
        if shared:
            flags = NEGATIVE if absent else 0
            data = seal(payload, started, refresh_at, expires_at, tags, flags)
            stored = Stored(data, None if life == inf else expires_at + policy.stale_if_error)
        self._copy(entry, policy, now)
        return entry, stored

    def _copy(self, entry: Entry, policy: Policy, now: float) -> None:
        """Give `entry` its life in L1: never longer than in L2, unless asked for by name."""
        if policy.skip_l1:
            return
        until = now + policy.l1_life
        if entry.expires_at < until and (policy.expiry == "inherited" or entry.value is ABSENT):
            until = entry.expires_at
        entry.since, entry.until = now, until
        if until < entry.refresh_at:
            entry.refresh_at = until

    def _land(
        self, key: str, flight: Flight, entry: Entry | None, result: Found | BaseException | None
    ) -> None:
        """End a flight: L1 takes its entry if it is still valid, those who wait its result."""
        with self._lock:
            if self.l1 is not None:
                if (
                    entry is not None
                    and flight.valid
                    and entry.since < entry.until
                    and not (self._stamps and self._revoked(entry))
                ):
                    self.l1.put(key, entry)
                elif flight.writing:
                    self.l1.pop(key)
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not isinstance(result, BaseException) or isinstance(result, Exception):
                flight.result = result
            flight.done = True
        if flight.gate is not None:
            flight.gate.set()

    # Tags, and what other processes do

    def _moment(self) -> float:
        """The time, but later than every revocation known: those do not mean what begins now."""
        now = self._clock()
        if self._stamps:
            now = max(now, *(nextafter(at, inf) for at, _ in self._stamps.values()))
        return now

    def _revoked(self, entry: Entry) -> bool:
        return any(
            entry.created_at <= self._stamps.get(tag, (-inf,))[0] for tag in ("", *entry.tags)
        )

    async def _learn_stamps(self, entries: dict[str, Entry], keep: float, now: float) -> None:
        """Drop revoked entries; L2 is asked about a tag at most every `keep` seconds."""
        tags = {"", *(tag for entry in entries.values() for tag in entry.tags)}
        known = self._stamps
        due = [tag for tag in tags if not known.get(tag, (0, inf))[1] <= now < known[tag][1] + keep]
        if due and self.l2 is not None and self._guard is not None:
            there = await self._io(
                self._guard.call, self.l2.get_many, [STAMP + tag for tag in due], now
            )
            for tag in due:
                at = written_at(there.get(STAMP + tag))
                known[tag] = max(at, known.get(tag, (-inf,))[0]), now
                _bound(known)
        for key in [key for key, entry in entries.items() if self._revoked(entry)]:
            del entries[key]

    async def _revoke(self, tags: Iterable[str]) -> bool:
        """What was written before now under any of `tags` is no more; "" means everything."""
        if self.l2 is not None and self._tag_refresh is None:
            raise ValueError("tags and clear() on a shared L2 need a cache made with tag_refresh=")
        now = self._clock()
        for tag in tags:
            self._stamps[tag] = now, now
            self._drop(tag)
        stamp = Change(Stored(seal(b"", now, inf, inf), None), now)
        return await self._write({STAMP + tag: stamp for tag in tags}, {}, self.policy)

    def _drop(self, tag: str) -> None:
        if self.l1 is not None:
            with self._lock:
                self.l1.discard(tag)

    def _forget(self, key: str) -> None:
        """Drop the copy in L1, and whatever is on its way there."""
        with self._lock:
            if (flight := self._flights.get(key)) is not None:
                flight.valid = False
                if not flight.writing:
                    del self._flights[key]
            if self.l1 is not None:
                self.l1.pop(key)
        self._count("invalidations", key)

    async def _heed(self, timeout: float) -> int:
        """Drop from L1 what other processes changed; how many keys they named."""
        if not isinstance(self.l2, ChangeFeed):
            raise TypeError(f"{self.l2!r} cannot tell what other processes changed")
        keys = await self._io(self.l2.changes, timeout)
        if keys is None:  # some may have been missed
            self._stamps.clear()
            self._drop("")
            keys = list(self._flights)
        for key in keys:
            if key.startswith(STAMP):
                tag = key.removeprefix(STAMP)
                self._stamps.pop(tag, None)
                self._drop(tag)
            else:
                self._forget(key)
        return len(keys)


def _nothing(key: str) -> None:
    """The L1 of a cache that has none."""


def _bound(remembered: dict[str, Any]) -> None:
    if len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]


def _same(stored: Stored, change: Change, entry: Entry, fraction: float, now: float) -> bool:
    """L2 has the same value and tags, and `fraction` of the new life left: then note its life."""
    if change.stored is None:
        return False
    try:
        old, new = unseal(stored.data), unseal(change.stored.data)
    except ValueError:
        return False
    flags, created_at, refresh_at, expires_at, tags, payload = old
    enough = fraction * (new[3] - now) <= expires_at - now or new[3] == expires_at
    if not enough or (flags, tags, payload) != (new[0], new[4], new[5]):
        return False
    entry.created_at, entry.expires_at = created_at, expires_at
    entry.until = min(entry.until, expires_at)
    entry.refresh_at = min(entry.until, refresh_at)
    return True


def _expect(mine: Flight, flight: Flight, key: str) -> None:
    """Note what our loader waits for. ReentrantLoad if that, in the end, waits for our loader."""
    mine.waits_for = flight
    chain: Flight | None = flight
    while chain is not None:
        if chain is mine:
            raise ReentrantLoad(f"the loader of a key waits for itself, through {key!r}")
        chain = chain.waits_for
