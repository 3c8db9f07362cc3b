"""Operations in progress: who waits for whom, and what L1 may keep of their results.

A key has at most one of them that others may join, or wait for to write after it. Each has an
owner, a frame or a task or work in the background, and ends with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from math import inf
from typing import Any

from cachelib.failed_loads import again
from cachelib.locks import Owner
from cachelib.memory import Entry, MemoryCache, NoMemory
from cachelib.options import Counters, LoadTimeoutError, Policy, ReentrantLoadError, Tier
from cachelib.stores.fork import Forkable, Layer, mind_forks
from cachelib.stores.protocol import RejectedError

Found = tuple[Entry, Tier, Exception | None]
Result = Found | BaseException | None


class Flight:
    """One operation in progress on a key. Others wait for it and share its result."""

    valid = True  # until others change a key: then L1 must not keep the result
    anew = False  # to load whatever the tiers have
    look = False  # into L2, where a newer value may be, before it loads
    writing = False  # too late for another writer to overtake
    done = False
    gate: Any = None  # what callers wait for: a lock or an asyncio event
    last: Entry | None = None  # what may stand in for the result
    result: Result = None

    def __init__(
        self,
        key: str,
        policy: Policy,
        loader: Any = None,
        owner: Owner | None = None,
        began: float = -inf,
    ) -> None:
        self.key, self.policy, self.loader = key, policy, loader
        self.began = began  # not later than when it looked into the tiers; -inf: nobody knows
        self.owner = owner  # None: a task or work in the background, which does not get lost
        self.waits_for: list[Flight] = []  # of other keys, in this one's loader

    def wait_for(self, other: Flight) -> None:
        """Note it. ReentrantLoadError if `other`, in the end, waits for this one."""
        self.waits_for.append(other)  # first of all: of two who do this at once, one sees the other
        seen, ahead = set(), [other]
        while ahead:
            flight = ahead.pop()
            if flight is self:
                self.waits_for.remove(other)
                through = f"the loader of a key waits for itself, through {other.key!r}"
                raise ReentrantLoadError(through)
            if flight not in seen:
                seen.add(flight)
                ahead += flight.waits_for


LOADING: ContextVar[Flight | None] = ContextVar("cachelib_loading", default=None)


def loading() -> Flight | None:
    """The flight whose loader runs here.

    Not one that has ended: an interrupt may have left it, or a task that its loader began.
    """
    flight = LOADING.get()
    return None if flight is None or flight.done else flight


class Flights(Forkable, ABC):
    """The flights of a cache, and the L1 they end in. How to wait differs between the skins."""

    _patrol: float | None  # seconds after which those who wait look whether an owner is gone
    _gate: Callable[[], Any]  # makes something to wait for ...
    _open: Callable[[Any], None]  # ... and ends the wait
    _stamps: Mapping[str, object] = {}  # if any, entries may be `_revoked`
    _revoked: Callable[[Entry], bool]

    def __init__(
        self, l1: MemoryCache | None, clock: Callable[[], float], counters: Counters
    ) -> None:
        self.l1, self._clock = NoMemory() if l1 is None else l1, clock
        self._counters, self._count = counters, counters.add
        self._lock = self.l1.lock
        self.after_fork()
        mind_forks(self, Layer.CACHE)

    def before_fork(self) -> None:
        """So that no other thread is in the midst of changing L1."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        self._lock.release()

    def after_fork(self) -> None:
        """Forget what other threads of the parent began: here, nobody will finish it."""
        self._flights: dict[str, Flight] = {}
        self._lock._at_fork_reinit()  # type: ignore[attr-defined]  # L1 keeps the same lock

    @abstractmethod
    async def _wait(self, gate: Any, timeout: float | None) -> bool: ...

    async def _ended(self, flight: Flight, timeout: float | None) -> bool:
        with self._lock:
            if flight.done:
                return True
            gate = flight.gate = flight.gate or self._gate()
        while not flight.done:
            if flight.owner is not None and flight.owner.gone():
                self._land(flight, None)
                break
            pause = self._patrol if timeout is None else min(timeout, self._patrol or timeout)
            if not await self._wait(gate, pause) and timeout is not None:
                timeout -= pause or 0.0
                if timeout <= 0:
                    break
        return flight.done

    async def _join(self, flight: Flight, policy: Policy, waited: float = 0.0) -> Found | None:
        """The result or error of `flight`, or the last value if that takes too long.

        None if it was given up, or was not to load: then look again. Of the time limits, `waited`
        seconds are over.
        """
        soft, hard = policy.soft_timeout, policy.hard_timeout
        limits = [soft, hard] if soft is not None and (hard is None or soft < hard) else [hard]
        for limit in limits:
            if await self._ended(flight, None if limit is None else max(limit - waited, 0.0)):
                break
            if (last := self._usable(flight.last, policy)) is not None:
                return last, "stale", None
            waited = max(waited, limit or 0.0)
        else:
            raise LoadTimeoutError(f"loading {flight.key!r} took longer than {limits[-1]} s")
        if isinstance(flight.result, Exception):
            raise again(flight.result)
        return flight.result if isinstance(flight.result, tuple) else None

    def _is_for(
        self, found: Found, began: float, policy: Policy, asked: float, came: float
    ) -> bool:
        """Whether a flight's result may be shared by one who asked at `asked`, and came at `came`
        while it was going on.

        It may have been found, or loaded, long before it is given out: L2 takes its time to be
        read and to be written. What was read is like a copy of L1 then: others may have changed
        the key since. A value without a life ends as its load does, at that very instant.
        """
        entry, tier, _ = found
        if tier == "stale":
            return True
        if self._stamps and self._revoked(entry):
            return False
        if tier != "load":
            if policy.skip_l1 and (tier == "l1" or began < asked):
                return False
            if came >= (entry.until if tier == "l1" else began + (policy.l1_ttl or inf)):
                return False
        end = max(entry.expires_at, entry.ends_at)
        return came < end or (came == end and tier == "load")

    def _usable(self, last: Entry | None, policy: Policy) -> Entry | None:
        if last is None or self._clock() >= last.expires_at + policy.stale_if_error:
            return None
        return last

    async def _claim(self, mine: Flight) -> None:
        """Become the only writer of its key in this process; what is read or loaded is outdated."""
        while True:
            with self._lock:
                flight = self._flights.get(mine.key)
                if flight is None or not flight.writing:
                    mine.writing = True
                    self._flights[mine.key] = mine
                    return
            await self._ended(flight, None)

    def _land(self, flight: Flight, entry: Entry | None, result: Result = None) -> None:
        """End a flight: L1 takes its entry if it is still valid, those who wait its result."""
        flights, l1, key, taken = self._flights, self.l1, flight.key, True
        with self._lock:
            if flights.get(key) is flight:  # not overtaken
                if (
                    entry is not None
                    and flight.valid
                    and entry.since < entry.until
                    and not (self._stamps and self._revoked(entry))
                ):
                    taken = l1.put(key, entry)
                elif flight.writing:
                    l1.pop(key)
                del flights[key]  # last: an interrupt before it leaves all to be done again
            if not flight.done:
                flight.result, flight.done = result, True
        if flight.gate is not None:
            self._open(flight.gate)
        flight.owner = None
        if not taken:
            self._count("rejected", key, RejectedError("it is larger than max_bytes of L1"))

    def _leave(self, *flights: Flight) -> None:
        """At the end of their owner: what an interrupt has left undone, it is the last to do."""
        self._lock.let_go()
        for flight in flights:
            if not flight.done:
                self._land(flight, None)
            elif flight.gate is not None:
                self._open(flight.gate)

    def _forget(self, key: str) -> None:
        """Drop the copy in L1, and whatever is on its way there."""
        with self._lock:
            if (flight := self._flights.get(key)) is not None:
                if flight.writing:
                    flight.valid = False
                else:
                    del self._flights[key]
            self.l1.pop(key)
        self._count("invalidations", key)
