"""One load for many keys: whatever of them is missing, and nobody else is loading already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from cachelib.flights import LOADING, Flight, Found, loading
from cachelib.locks import Owner
from cachelib.memory import Entry
from cachelib.options import ABSENT, Options
from cachelib.stores.away import Change
from cachelib.stores.protocol import RejectedError
from cachelib.stores.shared import NO_LEASE

if TYPE_CHECKING:
    from cachelib.core import CacheCore

Loader = Callable[[list[str]], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]
TIME_LIMITS: tuple[Literal["soft_timeout", "hard_timeout"], ...] = "soft_timeout", "hard_timeout"


class Batch:
    """The keys of one call, and how each was found.

    Its own flights all end before it waits for those of others, and of leases it takes those that
    are free: so two batches that overlap, in one process or in two, cannot wait for each other.
    """

    def __init__(self, cache: CacheCore, loader: Loader, options: Options) -> None:
        self._cache, self._loader, self._options = cache, loader, options
        self._policy, self._begun = cache.policy.override(options), monotonic()
        self._found: dict[str, Found | None] = {}
        self._mine: dict[str, Flight] = {}
        self._given_away = False  # to the background, which then ends them
        self._tokens: dict[str, int] = {}  # of leases

    async def run(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values; keys that the origin does not have are left out."""
        outer, owner = loading(), self._cache._owner()  # this frame, which ends the flights
        try:
            try:
                others = self._begin(keys, outer, owner)
                if self._mine:
                    others += await self._lead()
            finally:
                self._land_all()
                for key, found in self._found.items():
                    self._cache._tally(key, found)
        finally:
            if outer is not None:
                outer.waits_for = [one for one in outer.waits_for if one.key not in self._mine]
            if not self._given_away:
                self._cache._leave(*self._mine.values())
        for key in others:
            self._found[key] = await self._cache._find(key, self._one, self._rest())
        values = {key: found[0].value for key, found in self._found.items() if found is not None}
        return {key: value for key, value in values.items() if value is not ABSENT}

    def _begin(self, keys: Iterable[str], outer: Flight | None, owner: Owner | None) -> list[str]:
        """Look into L1, and begin a flight for what is missing; which keys others are loading."""
        cache, others = self._cache, []
        for key in dict.fromkeys(keys):
            now = cache._begin(key)
            hit = cache._in_l1(key, self._policy, now)
            if hit is not None and now < hit[0].refresh_at:
                self._found[key] = hit
                continue
            mine = self._mine[key] = Flight(key, self._policy, self._one, owner, now)
            if hit is None and cache._flights.setdefault(key, mine) is mine:
                self._found[key] = None
                if outer is not None:
                    outer.wait_for(mine)
            else:
                del self._mine[key]
                others.append(key)  # another loads it, or it is to be refreshed
        return others

    def _land_all(self) -> None:
        if not self._given_away:
            for flight in self._mine.values():
                self._cache._land(flight, None)

    async def _lead(self) -> list[str]:
        """Read what L2 has, load the rest; which keys to look at again, as others load them."""
        cache, there, l2 = self._cache, None, self._cache._l2
        now = cache._clock()
        if l2 is not None and not self._policy.skip_l2:
            there = await cache._read(l2, list(self._mine), self._policy, now, self._found)
        missing = {}
        for key, flight in self._mine.items():
            if (hit := self._found[key]) is not None:
                cache._land(flight, hit[0], hit)
                if hit[0].refresh_at <= now:
                    cache._refresh(flight, from_l1=hit[1] == "l1")
            else:
                flight.last = cache._peek(key) if there is None else there.get(key)
                missing[key] = flight
        if missing:
            await self._take_off(missing)
        return [key for key, flight in missing.items() if not await self._got(flight)]

    async def _got(self, flight: Flight) -> bool:
        """Whether a flight of ours had a result; its error is raised."""
        if isinstance(flight.result, Exception) and not self._given_away:
            raise flight.result
        found = await self._cache._join(flight, self._policy, monotonic() - self._begun)
        if found is None:
            del self._found[flight.key]  # it is counted when it is found
            return False
        self._found[flight.key] = found
        return True

    async def _take_off(self, missing: dict[str, Flight]) -> None:
        """Load; where there is a time limit, in the background, which goes on after it."""
        work = self._load(missing)
        if self._policy.soft_timeout is None and self._policy.hard_timeout is None:
            await work
            return
        self._cache._start(work, *missing.values())
        self._given_away = True

    def _rest(self) -> Options:
        """The options, with what is left of the time limits."""
        rest, spent = self._options.copy(), monotonic() - self._begun
        for name in TIME_LIMITS:
            if (limit := getattr(self._policy, name)) is not None:
                rest[name] = max(limit - spent, 1e-3)
        return rest

    async def _load(self, flights: dict[str, Flight]) -> None:
        """Load and write through. Lands the flights, whatever happens."""
        cache, l2 = self._cache, self._cache._l2
        try:
            try:
                await self._obtain(await self._to_load(flights))
            except BaseException as error:
                for flight in flights.values():
                    if not flight.done:
                        cache._land(flight, None, error)
                raise
            finally:
                for key, token in self._tokens.items():
                    if token and l2 is not None:
                        await cache._io(l2.release, key, token)
        finally:
            cache._leave(*flights.values())

    async def _to_load(self, flights: dict[str, Flight]) -> dict[str, Flight]:
        """Those that did not fail a moment ago, and whose lease is ours."""
        cache, policy, l2, left = self._cache, self._policy, self._cache._l2, {}
        for key, flight in flights.items():
            if (kept := cache._errors.of(key, cache._clock())) is not None:
                self._fail(flight, kept)
                continue
            if policy.lease is not None and l2 is not None and not policy.skip_l2:
                token, entry = await cache._io(l2.acquire, key, policy, cache._clock())
                self._tokens[key] = token or NO_LEASE
                if token is None or entry is not None:  # another loads it, or just has
                    cache._land(flight, entry, None if entry is None else (entry, "l2", None))
                    continue
            left[key] = flight
        return left

    async def _obtain(self, flights: dict[str, Flight]) -> None:
        if not flights:
            return
        cache, policy, keys = self._cache, self._policy, list(flights)
        first, *more = flights.values()
        for flight in more:
            flight.waits_for.append(first)  # for who asks for one of them in the loader
        l2, started, began = None if policy.skip_l2 else cache._l2, cache._moment(), None
        if l2 is not None and l2.versioned:
            began = await cache._ask(l2.begin, first.key)
        current = LOADING.set(first)
        cache._count("loads", first.key)
        try:
            values = self._loader(keys)
            if isinstance(values, Awaitable):
                values = await values
            if not isinstance(values, Mapping):
                raise TypeError(
                    "the loader of get_or_load_many must return a mapping of keys to values, not"
                    f" {type(values).__name__}"
                )
        except Exception as error:
            cache._count("load_errors", first.key, error)
            for flight in flights.values():
                if policy.error_ttl:
                    cache._errors.keep(flight.key, error, cache._clock(), policy.error_ttl)
                self._fail(flight, error)
            return
        finally:
            LOADING.reset(current)
        await self._keep({key: values.get(key, ABSENT) for key in keys}, started, began)

    async def _keep(self, values: dict[str, Any], started: float, began: float | None) -> None:
        """Write through, in one round trip, what nobody has changed meanwhile."""
        cache, policy = self._cache, self._policy
        entries: dict[str, Entry] = {}
        changes: dict[str, Change] = {}
        try:
            for key, value in values.items():
                entry, stored = cache._change(key, value, policy, started)
                entry.version = entry.version if began is None else began
                flight, entries[key] = self._mine[key], entry
                with cache._lock:
                    flight.writing = flight.valid and cache._flights.get(key) is flight
                if flight.writing and stored is not None:
                    changes[key] = entry, stored
            await self._write(changes, began)
        except RejectedError as error:  # the caller gets what was loaded, the tiers do not
            cache._count("rejected", next(iter(values)), error)
            if isinstance(error, TypeError):
                raise
            now = cache._clock()
            entries = {key: Entry(values[key], started, now) for key in values}
        for key, entry in entries.items():
            cache._land(self._mine[key], entry, (entry, "load", None))

    async def _write(self, changes: dict[str, Change], began: float | None) -> None:
        """All at once, but under a lease one by one: each may have passed on."""
        cache, l2 = self._cache, self._cache._l2
        if l2 is None:
            return
        leased = {key: change for key, change in changes.items() if self._tokens.get(key)}
        free = {key: change for key, change in changes.items() if key not in leased}
        if free:
            await cache._io(l2.write, free, self._policy, NO_LEASE, began)
        for key, change in leased.items():
            await cache._io(l2.write, {key: change}, self._policy, self._tokens[key], began)

    def _fail(self, flight: Flight, error: Exception) -> None:
        """The last value in place of a failed load, or else the error, for all who wait."""
        try:
            found = self._cache._excuse(flight, error)
        except Exception:
            self._cache._land(flight, None, error)
        else:
            self._cache._land(flight, found[0], found)

    async def _one(self, key: str) -> Any:
        values = self._loader([key])
        if isinstance(values, Awaitable):
            values = await values
        return values.get(key, ABSENT)
