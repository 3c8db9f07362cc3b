"""The decisions of the cache, written once for both skins: where a value is looked for.

`loading` says how one is loaded, `writing` how it gets into the tiers, `flights` who waits for
whom, `ports` in what the skins differ.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from contextlib import suppress
from math import inf
from typing import Any

from cachelib.flights import Flight, Found, loading
from cachelib.loading import Loader, Loading
from cachelib.locks import make_room
from cachelib.memory import Entry
from cachelib.options import ABSENT, LoadTimeoutError, Options, Policy
from cachelib.stores.revocations import Entries
from cachelib.stores.shared import SharedTier

OUTCOMES = {"l1": "l1_hits", "l2": "l2_hits", "load": "misses", "stale": "misses"}


class CacheCore(Loading):
    """L1, then L2, then the loader."""

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
        asked = now
        make_room()
        try:
            try:
                while found is None:
                    mine = Flight(key, policy, loader, self._owner(), now)
                    flight = self._flights.setdefault(key, mine)
                    if outer is not None:
                        outer.wait_for(flight)
                    if flight is mine:
                        found = await self._take_off(flight, self._lead(flight, now))
                    elif (found := self._in_l1(key, policy, now)) is None:
                        shared, valid = True, flight.valid
                        found = await self._join(flight, policy)
                        if found is not None and not (
                            valid and self._is_for(found, flight.began, policy, asked, now)
                        ):
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
                self._refresh(flight, from_l1=hit[1] == "l1")
            return hit
        if not self._blocks or (policy.soft_timeout is None and policy.hard_timeout is None):
            return await self._load(flight)
        self._start(self._load(flight), flight)
        return await self._join(flight, policy)

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
