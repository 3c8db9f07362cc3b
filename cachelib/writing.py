"""Writing through both tiers."""

from __future__ import annotations

from math import inf
from typing import Any

from cachelib.flights import Flight
from cachelib.locks import make_room
from cachelib.memory import Entry
from cachelib.options import ABSENT, Policy
from cachelib.ports import Ports
from cachelib.stores.away import Change
from cachelib.stores.codecs import encode
from cachelib.stores.protocol import RejectedError
from cachelib.stores.shared import RESERVED


class Writing(Ports):
    """What becomes of a value that was set, or loaded; and of a counter."""

    def _change(self, key: str, value: Any, policy: Policy, started: float) -> Change:
        """`value` as L1 and as L2 will have it."""
        _check(key)
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

    async def _add(self, key: str, by: int, policy: Policy) -> int:
        """Add to a counter in L2; L1 takes what it is then, or loses it if that is not known."""
        _check(key)
        if self._l2 is None or policy.skip_l2:
            raise TypeError("incr() counts in L2: for one process, that may be a MemoryStore()")
        make_room()
        end = None if policy.l2_ttl is None else self._clock() + policy.l2_ttl
        flight, entry = Flight(key, policy, None, self._owner()), None
        try:
            try:
                await self._claim(flight)
                entry = await self._io(self._l2.incr, key, by, end, policy)
            finally:
                self._land(flight, entry)
        except RejectedError as error:
            self._count("rejected", key, error)
            raise
        finally:
            self._leave(flight)
        self._count("sets", key)
        return int(entry.value)

    async def _invalidate(self, tags: tuple[str, ...]) -> bool:
        """Revoke `tags` in L2, then here."""
        done = True
        if self._l2 is None:
            for flight in list(self._flights.values()):
                flight.valid = False
        else:
            done = await self._io(self._l2.revoke, tags)
        for tag in tags:
            await self._discard(tag)
        return done

    async def _discard(self, tag: str) -> None:
        """Forget what L1 has with `tag`, in portions: it may be a million entries."""
        for _ in self.l1.discard(tag):
            await self._yield()


def _check(key: str) -> None:
    if key.startswith(RESERVED):
        raise ValueError(f"{key!r} cannot be a key")
