"""Loading what is missing, once, and writing it through."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from cachelib.flights import LOADING, Flight, Found
from cachelib.memory import Entry
from cachelib.stores.protocol import RejectedError
from cachelib.stores.shared import NO_LEASE, SharedTier
from cachelib.writing import Writing

LEASE_POLL = 0.02  # seconds between looks at L2 while another process loads ...
LEASE_LOOK = 1.0  # ... and if L2 tells when it has: the loader may have died

Loader = Callable[[str], Any]


class Loading(Writing):
    """The work of a flight that loads: whoever does it, ends it."""

    def _refresh(self, old: Flight, from_l1: bool) -> None:
        """Load in the background, unless somebody is at it or it failed a moment ago.

        If the value is `from_l1`, another process may have loaded a newer one into L2.
        """
        key, flight = old.key, Flight(old.key, old.policy, old.loader, self._owner())
        flight.look = from_l1 and old.policy.look_before_refresh and not old.policy.skip_l2
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
                    elif flight.look and self._l2 is not None:
                        entry = await self._newer(self._l2, flight)
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

    async def _newer(self, l2: SharedTier, flight: Flight) -> Entry | None:
        """What L2 has, if it need not be loaded anew yet."""
        now = self._clock()
        there = await self._ask(l2.read, (flight.key,), flight.policy, now)
        entry = (there or {}).get(flight.key)
        return None if entry is None or now >= min(entry.soft_at, entry.expires_at) else entry

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
