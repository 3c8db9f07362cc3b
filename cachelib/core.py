"""The decisions of the cache, written once.

Whatever may have to wait is a coroutine. `TieredCache` runs it to its end in one step, because
its waiting blocks; `AsyncTieredCache` awaits it. They differ in a few ports: `_ask` and `_io` run a
method of L2 (a caller who is cancelled waits for the latter, as it may write), `_gate` makes
something to wait for, `_wait` and `_open` wait for it and end that, `_spawn` works in the
background, `_owner` is what may tear down an operation that others wait for.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from math import inf
from random import random as uniform
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack

from cachelib.failed_loads import FailedLoads
from cachelib.flights import LOADING, Flight, Flights, Found, loading
from cachelib.locks import Owner, make_room
from cachelib.memory import Entry, MemoryCache, NoMemory
from cachelib.options import ABSENT, Counters, Hook, LoadTimeoutError, Options, Policy, Stats
from cachelib.stores.codecs import Codec, JsonCodec, encode
from cachelib.stores.protocol import RejectedError, Store
from cachelib.stores.revocations import Entries
from cachelib.stores.shared import NO_LEASE, RESERVED, Change, SharedTier
from cachelib.stores.trouble import THREADS, Breaker

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from logging import Logger

    from cachelib.background import Background

LEASE_POLL = 0.02  # seconds between looks at L2 while another process loads ...
LEASE_LOOK = 1.0  # ... and if L2 tells when it has: the loader may have died
NOTHING: Callable[[str], Entry | None] = NoMemory().peek
OUTCOMES = {"l1": "l1_hits", "l2": "l2_hits", "load": "misses", "stale": "misses"}

T = TypeVar("T")
Loader = Callable[[str], Any]


class CacheCore(Flights):
    """What both skins share."""

    _blocks: bool  # a caller may be made to wait right where it calls

    def __init__(
        self,
        l1: MemoryCache | None = None,
        l2: Store | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = uniform,
        codec: Codec | None = None,
        on_l2_error: Literal["raise", "degrade"] = "raise",
        l2_timeout: float | None = None,
        breaker_failures: int = 5,
        breaker_seconds: float = 10.0,
        tag_refresh: float | None = None,
        on_event: Hook | None = None,
        logger: Logger | None = None,
        executor: Executor | None = None,
        **options: Unpack[Options],
    ) -> None:
        if on_l2_error not in ("raise", "degrade"):
            raise ValueError(f"on_l2_error must be 'raise' or 'degrade', not {on_l2_error!r}")
        super().__init__(l1, clock, Counters(on_event, logger))
        self.l2, self.policy, self._random = l2, Policy(options), random
        self._codec, self._executor, self._closed = codec or JsonCodec(), executor, False
        self._errors = FailedLoads()
        self._functions: dict[str, Any] = {}  # names of decorated functions, and their code
        self._l1_hit, self._l2_hit = self._counters.step["l1_hits"], self._counters.step["l2_hits"]
        self._peek, self._renew = self.l1.peek, self.l1.renew
        self._fast = self._peek if on_event is None else NOTHING  # the hook is told elsewhere
        self._direct = self._blocks or not getattr(l2, "blocking", True)
        self._moment, self._trust, self._l2 = clock, inf, None
        self._at_once: Callable[[str, float], Any] | None = None  # reads L2 where there is no L1
        if l2 is not None:
            degrade = on_l2_error == "degrade"

            def breaker() -> Breaker:
                return Breaker(clock, breaker_failures, breaker_seconds, degrade)

            self._l2 = tier = SharedTier(
                l2, self._codec, clock, self._count, self._forget, breaker, l2_timeout, tag_refresh
            )
            self._stamps, self._revoked = tier.tags.stamps, tier.tags.revoked
            if tag_refresh is not None and not tier.versioned:
                self._moment = tier.tags.moment
            self._trust = tier.tags.refresh
            if l1 is None and on_event is None and not self.policy.skip_l2:
                self._at_once = tier.read_at_once

    def after_fork(self) -> None:
        super().after_fork()
        self._pool: Background | None = None

    def _threads(self) -> Background:
        from cachelib.background import Background  # slow to import, seldom needed

        self._pool = self._pool or Background(THREADS, "cachelib")
        return self._pool

    def _end(self) -> None:
        self._closed = True
        self._fast, self._at_once = NOTHING, None  # so that hits, too, learn that it is closed

    @property
    def stats(self) -> Stats:
        """A copy of the counters."""
        with self._lock:
            stats = self._counters.snapshot()
        return stats._replace(
            evictions=self.l1.evictions, l1_entries=len(self.l1), l1_bytes=self.l1.bytes
        )

    @abstractmethod
    async def _ask(self, method: Callable[..., T], *args: Any) -> T: ...
    @abstractmethod
    async def _io(self, method: Callable[..., T], *args: Any) -> T: ...
    @abstractmethod
    def _opener(self, gate: Any) -> Callable[[], object]: ...
    @abstractmethod
    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None: ...
    @abstractmethod
    def _owner(self) -> Owner | None: ...

    def _begin(self, key: str) -> float:
        """The time; an error for what cannot be a key."""
        if self._closed:
            raise RuntimeError("this cache is closed")
        if not isinstance(key, str):
            raise TypeError(f"a key is a string, not {type(key).__name__}")
        if not key:
            raise ValueError("'' cannot be a key")
        return self._clock()

    # Reading

    def _hot(self, key: str, entry: Entry) -> Any:
        """Serve a hit of L1. No lock: each step is atomic by itself."""
        try:  # noqa: SIM105 (suppress is slow)
            self._renew(key)
        except KeyError:  # pushed out this instant
            pass
        self._l1_hit()
        if entry.value is ABSENT:
            self._count("negative_hits", key)
        return entry.value

    def _allowed(self, key: str, options: Options) -> Entry | None:
        """What L1 has, unless these options leave it out."""
        return None if self.policy.override(options).skip_l1 else self._fast(key)

    def _in_l1(self, key: str, policy: Policy, now: float) -> Found | None:
        entry = self._peek(key)
        if entry is None or policy.skip_l1 or not entry.since <= now < entry.until:
            return None
        with suppress(KeyError):
            self._renew(key)
        return entry, "l1", None

    def _held(self, key: str, policy: Policy, now: float) -> Entry | None:
        """What L1 has and may serve, if L2 says that its tags were not revoked."""
        entry = self._peek(key)
        if entry is None or policy.skip_l1 or not entry.since <= now < entry.ends_at:
            return None
        return entry

    def _tally(self, key: str, found: Found | None) -> None:
        """Count a look-up, once, by where it ended."""
        tier = "load" if found is None else found[1]
        self._count(OUTCOMES[tier], key)
        if tier == "stale":
            self._count("stale_hits", key)
        elif found is not None and found[0].value is ABSENT and tier != "load":
            self._count("negative_hits", key)

    async def _look(self, keys: Iterable[str], policy: Policy) -> dict[str, Found]:
        """What the tiers have, without loading."""
        make_room()
        found: dict[str, Found | None] = dict.fromkeys(keys)
        flights: dict[str, Flight] = {}
        there: Entries = {}
        now = 0.0
        try:
            for key in found:
                now = self._begin(key)
                found[key] = self._in_l1(key, policy, now)
                if found[key] is None:
                    flights[key] = Flight(key, policy, None, self._owner())
            try:
                if flights and self._l2 is not None and not policy.skip_l2:
                    for key, flight in flights.items():
                        self._flights.setdefault(key, flight)
                    read = await self._read(self._l2, list(flights), policy, now, found)
                    there = read or {}
            finally:
                for key, flight in flights.items():
                    self._land(flight, there.get(key))
                for key, hit in found.items():
                    self._tally(key, hit)
        finally:
            self._leave(*flights.values())
        return {key: hit for key, hit in found.items() if hit is not None}

    async def _read(
        self,
        l2: SharedTier,
        keys: list[str],
        policy: Policy,
        now: float,
        found: dict[str, Found | None],
    ) -> Entries | None:
        """Ask L2, and note in `found` what may be served; None as `SharedTier.read`."""
        held = {}
        if self._trust < inf:
            held = {k: entry for k in keys if (entry := self._held(k, policy, now)) is not None}
        read = l2.read
        there = (
            read(keys, policy, now, held)
            if self._direct
            else await self._ask(read, keys, policy, now, held)
        )
        for key, entry in (there or {}).items():
            if entry is not None and now < entry.expires_at:
                found[key] = entry, "l1" if held.get(key) is entry else "l2", None
        return there

    async def _find(self, key: str, loader: Loader, options: Options) -> Found:
        """What the tiers have, or else what the loader returns."""
        policy, found, shared, outer = self.policy.override(options), None, False, loading()
        now, mine = self._begin(key), None
        make_room()
        try:
            try:
                while found is None:
                    mine = Flight(key, policy, loader, self._owner())
                    flight = self._flights.setdefault(key, mine)
                    if outer is not None:
                        outer.wait_for(flight)
                    if flight is mine:
                        found = await self._take_off(flight, self._lead(flight, now))
                    elif (found := self._in_l1(key, policy, now)) is None:
                        shared, valid = True, flight.valid
                        found = await self._join(flight, policy)
                        if found is not None and not (valid and self._is_for(found, policy, now)):
                            found = None  # it was over before we came: look again
                        now = self._clock()
                    if outer is not None:
                        with suppress(ValueError):  # who ended for the same key may have taken it
                            outer.waits_for.remove(flight)
                return found
            finally:
                if shared:
                    self._count("coalesced", key)
                self._tally(key, found)
        finally:
            if outer is not None:
                outer.waits_for = [one for one in outer.waits_for if one.key != key]
            if mine is not None and mine.owner is not None:  # else it goes on without us
                self._leave(mine)

    async def _take_off(
        self, flight: Flight, work: Coroutine[Any, Any, Found | None]
    ) -> Found | None:
        """Do the work of a flight; where callers may be cancelled, none of them does it."""
        if self._blocks:
            return await work
        self._start(work, flight)
        found = await self._join(flight, flight.policy)
        if found is None and isinstance(flight.result, BaseException):
            raise flight.result
        return found

    async def _lead(self, flight: Flight, now: float) -> Found | None:
        key, policy = flight.key, flight.policy
        try:
            if (hit := self._in_l1(key, policy, now)) is None:
                found: dict[str, Found | None] = {key: None}
                there = None
                if self._l2 is not None and not policy.skip_l2:
                    there = await self._read(self._l2, [key], policy, now, found)
                hit = found[key]
                flight.last = self._peek(key) if there is None else there.get(key)
        except BaseException as error:
            self._land(flight, None, error)
            raise
        if hit is not None:
            self._land(flight, hit[0], hit)
            if hit[0].refresh_at <= now:
                self._refresh(flight)
            return hit
        if not self._blocks or (policy.soft_timeout is None and policy.hard_timeout is None):
            return await self._load(flight)
        self._start(self._load(flight), flight)
        return await self._join(flight, policy)

    # Loading

    async def _reload(self, key: str, loader: Loader, options: Options) -> Found:
        """Load, whatever the tiers have; a load in progress may be too old, and is overtaken."""
        self._begin(key)
        policy, found = self.policy.override(options), None
        flight = Flight(key, policy, loader, self._owner())
        make_room()
        try:
            try:
                self._errors.forget(key)
                await self._claim(flight)
                flight.anew = True
                flight.writing = False  # until there is something to write, others may overtake
                found = await self._take_off(flight, self._load(flight))
                if found is None:  # given up: whoever did that has told the key anew
                    raise LoadTimeoutError(f"loading {key!r} was given up")
                return found
            finally:
                self._tally(key, found)
        finally:
            if flight.owner is not None:
                self._leave(flight)

    def _refresh(self, old: Flight) -> None:
        """Load in the background, unless somebody is at it or it failed a moment ago."""
        key, flight = old.key, Flight(old.key, old.policy, old.loader, self._owner())
        if self._errors.of(key, self._clock()) is not None:
            return
        try:
            if self._flights.setdefault(key, flight) is flight:
                self._count("refreshes", key)
                self._start(self._load(flight), flight)
        finally:
            if flight.owner is not None:
                self._leave(flight)

    def _start(self, work: Coroutine[Any, Any, Any], *flights: Flight) -> None:
        """Give flights away: whoever does the work ends them."""
        try:
            self._spawn(work)
            for flight in flights:
                flight.owner = None
        except BaseException as error:
            try:
                work.close()
            except ValueError:  # an interrupt after a thread has begun it, which then ends it
                for flight in flights:
                    flight.owner = None
            else:
                for flight in flights:
                    self._land(flight, None, error)
            raise

    async def _load(self, flight: Flight) -> Found:
        """Load and write through. Lands the flight, whatever happens."""
        token, entry, policy = NO_LEASE, None, flight.policy
        try:
            try:
                if self._errors and (error := self._errors.of(flight.key, self._clock())):
                    found = self._excuse(flight, error)
                else:
                    leased = policy.lease is not None and not flight.anew and not policy.skip_l2
                    if leased and self._l2 is not None:
                        token, entry = await self._acquire(self._l2, flight)
                    if entry is None:
                        found = await self._obtain(flight, token)
                    else:
                        found = entry, "l2", None
                self._land(flight, found[0], found)
            except BaseException as error:
                self._land(flight, None, error)
                raise
            finally:
                if token != NO_LEASE and self._l2 is not None:
                    await self._io(self._l2.release, flight.key, token)
        finally:
            self._leave(flight)
        return found

    async def _acquire(self, l2: SharedTier, flight: Flight) -> tuple[int, Entry | None]:
        """A lease to load under, or what the process that had it has written."""
        key, policy, wait = flight.key, flight.policy, False
        while True:
            gate, stop = self._gate(), None
            if wait:  # be told from now on, then look again, as it may just have ended
                stop = await self._io(l2.watch, key, self._opener(gate))
            try:
                token, entry = await self._io(l2.acquire, key, policy, self._clock())
                if token is not None or entry is not None:
                    return token or NO_LEASE, entry
                if wait:
                    look = LEASE_POLL if stop is None else min(LEASE_LOOK, policy.lease or inf)
                    await self._wait(gate, look)
                wait = True
            finally:
                if stop is not None:
                    stop()

    async def _obtain(self, flight: Flight, token: int) -> Found:
        key, policy = flight.key, flight.policy
        shared = None if policy.skip_l2 else self._l2
        started, began = self._moment(), None
        if shared is not None and shared.versioned:
            began = shared.begin(key) if self._direct else await self._ask(shared.begin, key)
        current = LOADING.set(flight)
        self._count("loads", key)
        try:
            value = flight.loader(key)
            if hasattr(value, "__await__"):
                value = await value
        except Exception as error:
            self._count("load_errors", key, error)
            if policy.error_ttl:
                self._errors.keep(key, error, self._clock(), policy.error_ttl)
            return self._excuse(flight, error)
        finally:
            LOADING.reset(current)
        if self._errors:
            self._errors.forget(key)
        try:
            return await self._keep(flight, value, started, token, began), "load", None
        except RejectedError as error:  # the caller gets what was loaded, the tiers do not
            self._count("rejected", key, error)
            if isinstance(error, TypeError):  # nor could another value of this type ever be kept
                raise
            return Entry(value, started, self._clock()), "load", None

    async def _keep(
        self, flight: Flight, value: Any, started: float, token: int, began: float | None
    ) -> Entry:
        """Write through what was loaded, unless its key has changed since."""
        key, policy = flight.key, flight.policy
        shared = None if policy.skip_l2 else self._l2
        entry, stored = self._change(key, value, policy, started)
        if began is not None:
            entry.version = began
        with self._lock:
            flight.writing = flight.valid and self._flights.get(key) is flight
        if flight.writing and stored is not None and shared is not None:
            if self._direct and token == NO_LEASE and began is None:
                shared.write_one(key, (entry, stored), policy)
            else:
                write = shared.write
                await self._io(write, {key: (entry, stored)}, policy, token, began)
        return entry

    def _excuse(self, flight: Flight, error: Exception) -> Found:
        """The last value in place of a failed load; the error if there is none."""
        if (last := self._usable(flight.last, flight.policy)) is None:
            raise error
        return last, "stale", error

    # Writing

    def _change(self, key: str, value: Any, policy: Policy, started: float) -> Change:
        """`value` as L1 and as L2 will have it."""
        if key.startswith(RESERVED):
            raise ValueError(f"{key!r} cannot be a key")
        now, life, stored = self._clock(), policy.l2_ttl or inf, None
        shared = self._l2 if not policy.skip_l2 else None
        if value is ABSENT:
            life = policy.negative_ttl
        elif shared is None:
            life = min(life, policy.l1_ttl or inf)
        if policy.jitter:
            life *= 1 - policy.jitter * self._random()
        entry = Entry(value, started, now + life, len(key))
        entry.tags, entry.version = tuple(policy.tags), started
        if policy.soft_ttl is not None:
            entry.soft_at = now + policy.soft_ttl
        if policy.refresh_after is not None and life < inf:
            entry.soft_at = min(entry.soft_at, now + policy.refresh_after * life)
        if shared is not None:
            stored = shared.seal(key, entry, policy) if life else None
        elif self.l1.max_bytes is not None:
            entry.size += len(encode(self._codec, key, value))
        entry.settle(policy, now, self._trust)
        return entry, stored

    async def _commit(self, event: str, changes: dict[str, Change], policy: Policy) -> bool:
        """Write through; False if L2 is away and will be brought up to date later."""
        make_room()
        keys = sorted(changes)  # one order: no ring of waits
        owner = self._owner()
        flights = [Flight(key, policy, None, owner) for key in keys]
        shared, written = True, False
        try:
            try:
                for flight in flights:
                    await self._claim(flight)
                if changes and self._l2 is not None and not policy.skip_l2:
                    shared = await self._io(self._l2.write, changes, policy)
                written = True
            finally:
                for flight in flights:
                    self._land(flight, changes[flight.key][0] if written else None)
        finally:
            self._leave(*flights)
        for key in changes:
            self._count(event, key)
        return shared
