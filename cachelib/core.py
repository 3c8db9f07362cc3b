"""The decisions of the cache, written once.

Every method that may have to wait is a coroutine. `TieredCache` runs it to its end in one step,
because its waiting blocks; `AsyncTieredCache` awaits it. They differ in four ports: `_io` runs a
store's method, `_gate` makes something to wait for, `_wait` waits, `_spawn` works in the background.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Executor
from contextvars import ContextVar
from math import inf, nextafter
from contextlib import suppress
from random import Random
from threading import Lock
from typing import Any, Literal, NamedTuple, Protocol, Unpack

from cachelib.codecs import NEGATIVE, Codec, JsonCodec, seal, unseal
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
from cachelib.stores.protocol import (
    ChangeFeed,
    LeaseStore,
    Rejected,
    Store,
    Stored,
    StoreTimeout,
    StoreUnavailable,
)

CLOCK_SKEW = 5.0  # an L2 entry from further in the future than this (seconds) is not believed
LEASE_POLL = 0.02  # seconds between looks at L2 while another process loads
MAX_PENDING = 10_000  # writes that wait for L2; failures remembered
STAMP = "cachelib:revoked:"  # L2 keys that hold when a tag (or, with no name, everything) was

Loader = Callable[[str], Any]
Found = tuple[Entry, Tier, Exception | None]


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
    token: int | None = None  # of the lease under which it loads


class Change(NamedTuple):
    """A write, or a deletion (stored is None), on its way to the tiers."""

    stored: Stored | None
    entry: Entry | None
    created_at: float
    flight: Flight


class Breaker:
    """After `threshold` failures in a row, no calls for `pause` seconds; then one on trial."""

    def __init__(self, threshold: int, pause: float) -> None:
        if threshold < 1 or not pause > 0:
            raise ValueError("breaker_failures must be at least 1 and breaker_seconds above 0")
        self._threshold, self._pause = threshold, pause
        self.failures, self._closed_at = 0, -inf

    def check(self, now: float) -> None:
        """StoreUnavailable while it is open."""
        if self.failures >= self._threshold:
            if self._closed_at - self._pause <= now < self._closed_at:
                raise StoreUnavailable("L2 failed repeatedly and is left alone for a while")
            self._closed_at = now + self._pause

    def failed(self, now: float) -> None:
        self.failures += 1
        self._closed_at = now + self._pause


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
        self._codec = codec or JsonCodec()
        self._degrade, self._l2_timeout = on_l2_error == "degrade", l2_timeout
        self._breaker = Breaker(breaker_failures, breaker_seconds)
        self._tag_refresh = tag_refresh
        self._executor = executor
        self._direct = not getattr(l2, "blocking", True)  # its methods may be called right here
        self._counters = Counters(on_event)
        self._count, self._on_event = self._counters.add, on_event
        self._l1_hit = self._counters.step["l1_hits"]
        self._peek: Callable[[str], Entry | None] = _nothing if l1 is None else l1.peek
        self._renew: Callable[[str], None] = _nothing if l1 is None else l1.renew
        self._closed = False
        self._failures: dict[str, tuple[float, Exception]] = {}
        self._repairs: dict[str, Change] = {}
        self._stamps: dict[str, tuple[float, float]] = {}  # tag: (revoked at, asked L2 at)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Forget what other threads of the parent began: here, nobody will finish it."""
        self._lock = Lock()
        self._flights: dict[str, Flight] = {}
        self._repairing = False
        if self.l1 is not None:
            self.l1.after_fork()

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            counted = self._counters.snapshot()
        if self.l1 is None:
            return counted
        return counted._replace(
            evictions=self.l1.evictions, l1_entries=len(self.l1), l1_bytes=self.l1.bytes
        )

    @abstractmethod
    async def _io(self, timeout: float | None, method: Callable[..., Any], *args: Any) -> Any: ...
    @abstractmethod
    def _gate(self) -> Gate: ...
    @abstractmethod
    async def _wait(self, gate: Any, timeout: float | None) -> bool: ...
    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...

    def _policy(self, options: Options) -> Policy:
        return self.policy.override(options) if options else self.policy

    def _hot(self, key: str, entry: Entry) -> Any:
        """Count and serve a hit of L1: no lock, as each step is atomic by itself."""
        try:
            self._renew(key)
        except KeyError:  # pushed out this instant
            pass
        self._l1_hit()
        if self._on_event is not None:
            self._on_event("l1_hits", key)
        value = entry.value
        if value is ABSENT:
            self._count("negative_hits", key)
        return value

    # Reading

    async def _look(self, key: str, policy: Policy) -> Found | None:
        """What the tiers have, without loading."""
        now = self._begin(key)
        mine = Flight()
        leads = self._flights.setdefault(key, mine) is mine
        found: Found | None = None
        try:
            found, _ = await self._search(key, policy, now)
        except Exception:
            self._count("misses", key)
            raise
        finally:
            if leads:
                self._land(key, mine, found[0] if found else None, found)
        self._tally(key, found)
        return found

    async def _fetch(self, key: str, loader: Loader, policy: Policy) -> Found:
        """What the tiers have, or else what the loader returns."""
        now = self._begin(key)
        if (entry := self._in_l1(key, policy, now)) is not None:
            if entry.refresh_at <= now:
                self._refresh(key, loader, policy)
            self._count("l1_hits", key)
            return entry, "l1", None
        try:
            while True:
                mine = Flight()
                flight = self._flights.setdefault(key, mine)
                if flight is mine:
                    found = await self._lead(key, loader, policy, mine, now)
                else:
                    found = await self._join(key, flight, policy)
                    self._count("coalesced", key)
                if found is not None:
                    break
                now = self._clock()
        except Exception:
            self._count("misses", key)
            raise
        self._tally(key, found)
        return found

    async def _look_many(self, keys: Iterable[str], policy: Policy) -> dict[str, Any]:
        """What the tiers have of `keys`, in their order."""
        found: dict[str, Found | None] = {}
        flights: dict[str, Flight] = {}
        for key in keys:
            now = self._begin(key)
            entry = self._in_l1(key, policy, now)
            found[key] = None if entry is None else (entry, "l1", None)
            if entry is None:
                mine = Flight()
                if self._flights.setdefault(key, mine) is mine:
                    flights[key] = mine
        try:
            missing = [key for key, hit in found.items() if hit is None]
            for key, entry in (await self._read_many(missing, policy)).items():
                found[key] = entry, "l2", None
        finally:
            for key, flight in flights.items():
                hit = found[key]
                self._land(key, flight, hit[0] if hit else None, hit)
            for key, hit in found.items():
                self._tally(key, hit)
        return {key: hit[0].value for key, hit in found.items() if hit is not None}

    async def _search(
        self, key: str, policy: Policy, now: float
    ) -> tuple[Found | None, Entry | None]:
        """What L1 or else L2 has; and if neither, the last value known."""
        if (entry := self._in_l1(key, policy, now)) is not None:
            return (entry, "l1", None), None
        entry, last = await self._read(key, policy, now)
        return (None if entry is None else (entry, "l2", None)), last

    async def _lead(
        self, key: str, loader: Loader, policy: Policy, flight: Flight, now: float
    ) -> Found | None:
        try:
            found, flight.last = await self._search(key, policy, now)
        except BaseException as error:
            self._land(key, flight, None, error)
            raise
        if found is not None:
            self._land(key, flight, found[0], found)
            if found[0].refresh_at <= now:
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
            found = await self._obtain(key, loader, policy, flight)
        except BaseException as error:
            self._land(key, flight, None, error)
            raise
        self._land(key, flight, found[0], found)
        return found

    async def _obtain(self, key: str, loader: Loader, policy: Policy, flight: Flight) -> Found:
        if (failure := self._failure(key)) is not None:
            return self._excuse(flight, policy, failure)
        if policy.lease is not None and self.l2 is not None and not policy.skip_l2:
            flight.token, entry = await self._acquire(key, policy, policy.lease)
            if entry is not None:
                return entry, "l2", None
        try:
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
                await self._commit({key: Change(stored, entry, started, flight)}, policy)
            return entry, "load", None
        finally:
            if flight.token is not None:
                await self._release(key, flight.token)

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

    def _begin(self, key: str) -> float:
        """The time; TypeError or ValueError for what cannot be a key."""
        if self._closed:
            raise RuntimeError("this cache is closed")
        if not isinstance(key, str):
            raise TypeError(f"a key is a string, not {type(key).__name__}")
        if not key or key.startswith(STAMP):
            raise ValueError(f"not a key: {key!r} (it may not be empty, nor begin with {STAMP!r})")
        return self._clock()

    def _in_l1(self, key: str, policy: Policy, now: float) -> Entry | None:
        entry = self._peek(key)
        if entry is None or policy.skip_l1 or not entry.since <= now < entry.until:
            return None
        with suppress(KeyError):  # it may have been pushed out this instant
            self._renew(key)
        return entry

    def _tally(self, key: str, found: Found | None) -> None:
        """Every look-up is counted once by where it ended."""
        if found is None:
            self._count("misses", key)
            return
        for name in _COUNTED[found[1]]:
            self._count(name, key)
        if found[0].value is ABSENT and found[1] in ("l1", "l2"):
            self._count("negative_hits", key)

    def _failure(self, key: str) -> Exception | None:
        """The error of a load that failed so lately that another must wait."""
        if not self._failures or (failure := self._failures.get(key)) is None:
            return None
        until, error = failure
        if self._clock() < until:
            return error
        self._failures.pop(key, None)
        return None

    def _usable(self, last: Entry | None, policy: Policy) -> Entry | None:
        if last is None or self._clock() >= last.expires_at + policy.stale_if_error:
            return None
        return last

    def _excuse(self, flight: Flight, policy: Policy, error: Exception) -> Found:
        """The last value in place of a failed load; the error if there is none."""
        last = self._usable(flight.last, policy)
        if last is None:
            raise error.with_traceback(error.__traceback__)
        return last, "stale", error

    # L2

    async def _read(
        self, key: str, policy: Policy, now: float
    ) -> tuple[Entry | None, Entry | None]:
        """What L2 has; and if nothing, the last value known."""
        if self.l2 is None or policy.skip_l2:
            return None, self._peek(key)
        try:
            stored = await self._call(self.l2.get, key, now)
            entry = None if stored is None else await self._open(key, stored, now)
        except Rejected:
            raise
        except Exception:
            if not self._degrade:
                raise
            return None, self._peek(key)
        if entry is None or now >= entry.expires_at:
            return None, entry
        self._copy(entry, policy, now)
        return entry, None

    async def _read_many(self, keys: list[str], policy: Policy) -> dict[str, Entry]:
        if self.l2 is None or policy.skip_l2 or not keys:
            return {}
        now, entries = self._clock(), {}
        try:
            for key, stored in (await self._call(self.l2.get_many, keys, now)).items():
                entry = await self._open(key, stored, now)
                if entry is not None and now < entry.expires_at:
                    self._copy(entry, policy, now)
                    entries[key] = entry
        except Rejected:
            raise
        except Exception:
            if not self._degrade:
                raise
        return entries

    async def _open(self, key: str, stored: Stored, now: float) -> Entry | None:
        """The entry in L2's bytes; None if they are damaged, revoked or not to be believed."""
        try:
            envelope = unseal(stored.data)
            negative = envelope.flags & NEGATIVE
            value = ABSENT if negative else self._codec.decode(envelope.payload)
        except Exception:
            self._count("decode_errors", key)
            return None
        _, created_at, refresh_at, expires_at, tags, payload = envelope
        if stored.expires_at is not None and stored.expires_at < expires_at:
            expires_at = stored.expires_at
        entry = Entry(value, created_at, expires_at, refresh_at, tags, len(key) + len(payload))
        if created_at > now + CLOCK_SKEW:
            return None
        if self._tag_refresh is not None:
            await self._learn_stamps(("", *tags), self._tag_refresh, now)
            if self._revoked(entry):
                return None
        return entry

    async def _call(self, method: Callable[..., Any], *args: Any, repairing: bool = False) -> Any:
        """An operation of L2, if it is worth trying. Raises what the store raises."""
        if not repairing and (self._breaker.failures or self._repairs):
            self._breaker.check(self._clock())
            await self._repair()
        try:
            if self._direct:
                result = method(*args)
            else:
                result = await self._io(self._l2_timeout, method, *args)
        except Rejected:
            raise
        except Exception:
            self._breaker.failed(self._clock())
            self._count("l2_errors", str(args[0]))
            raise
        self._breaker.failures = 0
        return result

    async def _repair(self) -> None:
        """Make good what L2 missed while it was away; of two writes of a key, the newer wins."""
        if not self._repairs or self.l2 is None:
            return
        if self._repairing:
            raise StoreUnavailable("L2 is being brought up to date")
        self._repairing = True
        try:
            due, now = dict(self._repairs), self._clock()
            current = await self._call(self.l2.get_many, list(due), now, repairing=True)
            mine = {k: c for k, c in due.items() if _written(current.get(k)) <= c.created_at}
            await self._apply(mine, repairing=True)
            for key, change in due.items():
                if key not in mine or change.stored is None:
                    self._forget(key)
                if self._repairs.get(key) is change:
                    del self._repairs[key]
                    self._count("repairs", key)
        finally:
            self._repairing = False

    async def _apply(self, changes: dict[str, Change], repairing: bool = False) -> None:
        """Write `changes` to L2, in as few round trips as there are kinds of them."""
        if self.l2 is None:
            return
        if len(changes) == 1:
            [(key, change)] = changes.items()
            if change.stored is not None:
                await self._call(self.l2.set, key, change.stored, repairing=repairing)
            else:
                await self._call(self.l2.delete, key, repairing=repairing)
            return
        writes = {key: c.stored for key, c in changes.items() if c.stored is not None}
        if writes:
            await self._call(self.l2.set_many, writes, repairing=repairing)
        if len(writes) < len(changes):
            await self._call(self.l2.delete_many, changes.keys() - writes, repairing=repairing)

    # Writing

    async def _set(self, values: Mapping[str, Any], policy: Policy) -> bool:
        """Write through; False if L2 is away and will be brought up to date later."""
        started, changes = self._moment(), {}
        for key, value in values.items():
            self._begin(key)
            if value is ABSENT and not policy.negative_ttl:
                raise ValueError(f"to set {key!r} to ABSENT, give it a negative_ttl")
            entry, stored = self._seal(key, value, policy, started)
            changes[key] = Change(stored, entry, started, Flight())
        done = await self._change(changes, policy)
        for key in values:
            self._count("sets", key)
        return done

    async def _delete(self, keys: Iterable[str], policy: Policy) -> bool:
        started, changes = self._moment(), {}
        for key in keys:
            self._begin(key)
            changes[key] = Change(None, None, started, Flight())
        done = await self._change(changes, policy)
        for key in changes:
            self._count("deletes", key)
        return done

    async def _change(self, changes: dict[str, Change], policy: Policy) -> bool:
        done: set[str] = set()
        try:
            for key in sorted(changes):  # the same order for all, so that none wait in a ring
                await self._claim(key, changes[key].flight)
                done.add(key)
            kept = self.l2 is None or policy.skip_l2 or await self._commit(changes, policy)
        except BaseException:
            for key in done:
                self._land(key, changes[key].flight, None, None)
            raise
        for key, change in changes.items():
            entry = change.entry
            self._land(key, change.flight, entry, None if entry is None else (entry, "l1", None))
        return kept

    async def _claim(self, key: str, mine: Flight) -> None:
        """Become the only writer of `key` in this process; what others read or load is outdated."""
        mine.writing = True
        while True:
            with self._lock:
                flight = self._flights.get(key)
                if flight is None or not flight.writing:
                    if flight is not None:
                        flight.valid = False
                    self._flights[key] = mine
                    return
                gate = flight.gate = flight.gate or self._gate()
            await self._wait(gate, None)

    async def _commit(self, changes: dict[str, Change], policy: Policy) -> bool:
        """Write to L2. False if it is away and we may go on without."""
        try:
            if policy.skip_unchanged is not None:
                changes = await self._changed(changes, policy.skip_unchanged)
            token = next(iter(changes.values())).flight.token if len(changes) == 1 else None
            if token is None:
                await self._apply(changes)
            else:
                await self._write_fenced(changes, token)
        except Rejected:
            raise
        except Exception as error:
            if isinstance(error, StoreTimeout):
                error.pending.add_done_callback(lambda _: self._landed_late(changes))
            if not self._degrade:
                raise
            self._postpone(changes)
            return False
        return True

    async def _write_fenced(self, changes: dict[str, Change], token: int) -> None:
        [(key, change)] = changes.items()
        change.flight.token = None
        if not await self._call(self._leases().set_fenced, key, change.stored, token):
            change.flight.valid = False
            self._count("fenced", key)

    async def _changed(self, changes: dict[str, Change], fraction: float) -> dict[str, Change]:
        """Without the writes that would leave L2's value as it is, with life enough left."""
        if self.l2 is None:
            return changes
        now = self._clock()
        current = await self._call(self.l2.get_many, list(changes), now)
        left = {}
        for key, change in changes.items():
            if key in current and _same(current[key], change, fraction, now):
                self._count("unchanged", key)
            else:
                left[key] = change
        return left

    def _postpone(self, changes: dict[str, Change]) -> None:
        for key, change in changes.items():
            if len(self._repairs) < MAX_PENDING or key in self._repairs:
                self._repairs[key] = change
                self._count("degraded_writes", key)
            else:
                change.flight.valid = False

    def _landed_late(self, changes: dict[str, Change]) -> None:
        """An L2 write that we gave up on has happened after all: let it not outlive newer ones."""
        for key, change in changes.items():
            self._repairs.setdefault(key, change._replace(stored=None))

    def _seal(
        self, key: str, value: Any, policy: Policy, started: float
    ) -> tuple[Entry, Stored | None]:
        """`value` as L1 and as L2 will have it; None for L2 if it is not to have it."""
        now, absent = self._clock(), value is ABSENT
        shared = self.l2 is not None and not policy.skip_l2
        life = policy.negative_ttl if absent else _or_never(policy.l2_ttl)
        if not shared:
            life = min(life, _or_never(policy.l1_ttl))
        if policy.jitter:
            life *= 1 - policy.jitter * self._random()
        expires_at = now + life
        refresh_at = now + _or_never(policy.soft_ttl)
        if policy.refresh_after is not None and life < inf:
            refresh_at = min(refresh_at, now + policy.refresh_after * life)
        payload = b""
        if not absent and (shared or (self.l1 is not None and self.l1.max_bytes is not None)):
            payload = self._encode(key, value)
        size = len(key) + len(payload)
        entry = Entry(value, started, expires_at, refresh_at, policy.tags, size)
        if life:
            self._copy(entry, policy, now)
        if not shared or not life:
            return entry, None
        data = seal(
            payload, started, refresh_at, expires_at, policy.tags, NEGATIVE if absent else 0
        )
        return entry, Stored(data, None if life == inf else expires_at + policy.stale_if_error)

    def _encode(self, key: str, value: Any) -> bytes:
        try:
            return self._codec.encode(value)
        except Exception as error:
            codec = type(self._codec).__name__
            raise TypeError(f"{codec} cannot encode the value of {key!r}: {error}") from error

    def _copy(self, entry: Entry, policy: Policy, now: float) -> None:
        """Give `entry` its life in L1: never longer than in L2, unless asked for by name."""
        if policy.skip_l1:
            return
        until = now + _or_never(policy.l1_ttl)
        if entry.expires_at < until and (policy.expiry == "inherited" or entry.value is ABSENT):
            until = entry.expires_at
        entry.since, entry.until = now, until
        if until < entry.refresh_at:
            entry.refresh_at = until

    def _land(
        self, key: str, flight: Flight, entry: Entry | None, result: Found | BaseException | None
    ) -> None:
        """End a flight: L1 takes its entry, if it is still valid, and those who wait its result."""
        with self._lock:
            if self.l1 is not None:
                lives = flight.valid and entry is not None and entry.since < entry.until
                if lives and entry and not (self._stamps and self._revoked(entry)):
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

    def _forget(self, key: str) -> None:
        """Drop the copy in L1, and whatever is on its way there."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                flight.valid = False
                if not flight.writing:
                    del self._flights[key]
            if self.l1 is not None:
                self.l1.pop(key)
        self._count("invalidations", key)

    # Tags, leases, other processes

    def _moment(self) -> float:
        """The time, but later than any revocation known: what begins now is not meant by it."""
        now = self._clock()
        if self._stamps:
            now = max(now, *(nextafter(at, inf) for at, _ in self._stamps.values()))
        return now

    def _revoked(self, entry: Entry) -> bool:
        stamps = self._stamps
        return any(
            name in stamps and entry.created_at <= stamps[name][0] for name in ("", *entry.tags)
        )

    async def _learn_stamps(self, names: tuple[str, ...], keep: float, now: float) -> None:
        """Ask L2 when `names` were last revoked, unless we asked less than `keep` seconds ago."""
        stamps = self._stamps
        due = [n for n in names if n not in stamps or not stamps[n][1] <= now < stamps[n][1] + keep]
        if due and self.l2 is not None:
            found = await self._call(self.l2.get_many, [STAMP + name for name in due], now)
            for name in due:
                at = max(_written(found.get(STAMP + name)), stamps.get(name, (-inf,))[0])
                stamps[name] = at, now
            _bound(stamps)

    async def _revoke(self, names: tuple[str, ...]) -> bool:
        """What was written before now under any of `names` is no more; "" means everything."""
        now = self._clock()
        for name in names:
            self._stamps[name] = now, now
        self._drop(names)
        if self.l2 is None:
            return True
        if self._tag_refresh is None:
            raise ValueError("to revoke tags or clear a shared L2, make the cache with tag_refresh")
        stored = Stored(seal(b"", now, inf, inf), None)
        changes = {STAMP + name: Change(stored, None, now, Flight()) for name in names}
        return await self._commit(changes, Policy())

    def _drop(self, names: Iterable[str]) -> None:
        if self.l1 is not None:
            if "" in names:
                self.l1.clear()
            else:
                self.l1.discard_tagged(frozenset(names))

    def _leases(self) -> LeaseStore:
        if not isinstance(self.l2, LeaseStore):
            raise TypeError(f"the option lease= needs a store with leases, not {self.l2!r}")
        return self.l2

    async def _acquire(
        self, key: str, policy: Policy, seconds: float
    ) -> tuple[int | None, Entry | None]:
        """A lease to load, or what another process has loaded meanwhile."""
        store = self._leases()
        try:
            while True:
                now = self._clock()
                token = await self._call(store.acquire, key, seconds, now)
                entry, _ = await self._read(key, policy, now)
                if entry is not None and (token is None or now < entry.refresh_at):
                    if token is not None:
                        await self._release(key, token)
                    return None, entry
                if token is not None:
                    return token, None
                await self._wait(self._gate(), LEASE_POLL)
        except Rejected:
            raise
        except Exception:
            if not self._degrade:
                raise
            return None, None

    async def _release(self, key: str, token: int) -> None:
        with suppress(Exception):  # it ends by itself
            await self._call(self._leases().release, key, token)

    async def _heed(self, timeout: float) -> int:
        """Drop from L1 what other processes changed; how many keys they named."""
        if not isinstance(self.l2, ChangeFeed):
            raise TypeError(f"{self.l2!r} cannot tell what other processes changed")
        keys = await self._io(None, self.l2.changes, timeout)
        if keys is None:
            self._forget_all()
            return 0
        for key in keys:
            if key.startswith(STAMP):
                name = key.removeprefix(STAMP)
                self._stamps.pop(name, None)
                self._drop([name])
            else:
                self._forget(key)
        return len(keys)

    def _forget_all(self) -> None:
        with self._lock:
            for flight in self._flights.values():
                flight.valid = False
            self._flights = {key: f for key, f in self._flights.items() if f.writing}
            self._stamps.clear()
            if self.l1 is not None:
                self.l1.clear()


_COUNTED = {
    "l1": ("l1_hits",),
    "l2": ("l2_hits",),
    "load": ("misses",),
    "stale": ("misses", "stale_hits"),
}


def _nothing(key: str) -> None:
    """The L1 of a cache that has none."""


def _or_never(ttl: float | None) -> float:
    return inf if ttl is None else ttl


def _bound(remembered: dict[str, Any]) -> None:
    if len(remembered) > MAX_PENDING:
        del remembered[next(iter(remembered))]


def _written(stored: Stored | None) -> float:
    """When the entry in `stored` was made; before all others if it is none."""
    try:
        return -inf if stored is None else unseal(stored.data).created_at
    except ValueError:
        return -inf


def _same(stored: Stored, change: Change, fraction: float, now: float) -> bool:
    """L2 holds the same value and tags, with `fraction` of the new life left; then note its life."""
    if change.stored is None or change.entry is None:
        return False
    try:
        old, new = unseal(stored.data), unseal(change.stored.data)
    except ValueError:
        return False
    if (old.payload, old.tags, old.flags) != (new.payload, new.tags, new.flags):
        return False
    if old.expires_at != new.expires_at and old.expires_at - now < fraction * (
        new.expires_at - now
    ):
        return False
    entry = change.entry
    entry.created_at, entry.expires_at = old.created_at, old.expires_at
    entry.until, entry.refresh_at = (
        min(entry.until, old.expires_at),
        min(entry.refresh_at, old.refresh_at),
    )
    return True


def _expect(mine: Flight, flight: Flight, key: str) -> None:
    """Note what our loader waits for. ReentrantLoad if that, in the end, waits for our loader."""
    mine.waits_for = flight
    chain: Flight | None = flight
    while chain is not None:
        if chain is mine:
            raise ReentrantLoad(f"the loader of a key waits for itself, through {key!r}")
        chain = chain.waits_for
