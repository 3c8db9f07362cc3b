"""One load for many keys: whatever of them is missing, and nobody else is loading already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cachelib.flights import LOADING, Flight, Found
from cachelib.memory import Entry
from cachelib.options import ABSENT, Options
from cachelib.stores.protocol import RejectedError
from cachelib.stores.shared import NO_LEASE, Change

if TYPE_CHECKING:
    from cachelib.core import CacheCore

Loader = Callable[[list[str]], Mapping[str, Any] | Awaitable[Mapping[str, Any]]]


class Batch:
    """The keys of one call, and how each was found.

    Its own flights all end before it waits for those of others: so two batches that overlap cannot
    wait for each other.
    """

    def __init__(self, cache: CacheCore, loader: Loader, options: Options) -> None:
        self._cache, self._loader, self._options = cache, loader, options
        self._policy = cache.policy.override(options)
        self._found: dict[str, Found | None] = {}
        self._mine: dict[str, Flight] = {}

    async def run(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values; keys that the origin does not have are left out."""
        cache, others = self._cache, []
        try:
            for key in dict.fromkeys(keys):
                now = cache._begin(key)
                hit = cache._in_l1(key, self._policy, now)
                if hit is not None and now < hit[0].refresh_at:
                    self._found[key] = hit
                    continue
                flight = Flight(key, self._policy, self._one, cache._owner())
                if hit is None and cache._flights.setdefault(key, flight) is flight:
                    self._mine[key], self._found[key] = flight, None
                else:
                    others.append(key)  # another loads it, or it is to be refreshed
            if self._mine:
                await self._lead(list(self._mine))
        finally:
            for flight in self._mine.values():
                cache._land(flight, None)
            for key, found in self._found.items():
                cache._tally(key, found)
            cache._leave(*self._mine.values())
        for key in others:
            self._found[key] = await cache._find(key, self._one, self._options)
        values = {key: found[0].value for key, found in self._found.items() if found is not None}
        return {key: value for key, value in values.items() if value is not ABSENT}

    async def _lead(self, keys: list[str]) -> None:
        """Read what L2 has, load the rest."""
        cache, there, l2 = self._cache, None, self._cache._l2
        if l2 is not None and not self._policy.skip_l2:
            there = await cache._read(l2, keys, self._policy, cache._clock(), self._found)
        missing = []
        for key in keys:
            flight, hit = self._mine[key], self._found[key]
            if hit is not None:
                cache._land(flight, hit[0], hit)
                if hit[0].refresh_at <= cache._clock():
                    cache._refresh(flight)
            else:
                flight.last = cache._peek(key) if there is None else there.get(key)
                missing.append(key)
        if missing:
            await self._load(missing)

    async def _load(self, keys: list[str]) -> None:
        cache, policy, first = self._cache, self._policy, self._mine[keys[0]]
        for key in keys[1:]:
            self._mine[key].waits_for.append(first)  # for who asks for one of them in the loader
        l2, started, began = None if policy.skip_l2 else cache._l2, cache._moment(), None
        if l2 is not None and l2.versioned:
            began = await cache._ask(l2.begin, keys[0])
        current = LOADING.set(first)
        cache._count("loads", keys[0])
        try:
            for key in keys:
                if (kept := cache._errors.of(key, cache._clock())) is not None:
                    raise kept
            values = self._loader(keys)
            if isinstance(values, Awaitable):
                values = await values
        except Exception as error:
            cache._count("load_errors", keys[0], error)
            for key in keys:
                if policy.error_ttl:
                    cache._errors.keep(key, error, cache._clock(), policy.error_ttl)
                self._end(key, cache._excuse(self._mine[key], error))
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
            if changes and cache._l2 is not None:
                await cache._io(cache._l2.write, changes, policy, NO_LEASE, began)
        except RejectedError as error:  # the caller gets what was loaded, the tiers do not
            cache._count("rejected", next(iter(values)), error)
            if isinstance(error, TypeError):
                raise
            now = cache._clock()
            entries = {key: Entry(values[key], started, now) for key in values}
        for key, entry in entries.items():
            self._end(key, (entry, "load", None))

    def _end(self, key: str, found: Found) -> None:
        self._found[key] = found
        self._cache._land(self._mine[key], found[0], found)

    async def _one(self, key: str) -> Any:
        values = self._loader([key])
        if isinstance(values, Awaitable):
            values = await values
        return values.get(key, ABSENT)
