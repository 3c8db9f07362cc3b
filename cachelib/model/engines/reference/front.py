"""What answers before the Worker runs, as documented: Workers Cache and CloudFront.

Sources stand in `tiers/workers_cache.py` and `tiers/cloudfront.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from cachelib.model.engines.reference.waiting import Load
from cachelib.model.engines.reference.world import Value, World
from cachelib.model.engines.ways import empties_every_s
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.outcomes import L2, depths
from cachelib.model.tiers.tier import InFront, Tier


class Answer(NamedTuple):
    """What is kept: the value, when that ends, and until when it is served."""

    value: Value
    ends: float
    until: float


class Front:
    """A tier in each colo, and one behind it that all share, or those of a region.

    It keeps an answer until its value ends, and serves it for `stale_s` longer, but not past the
    next deploy that empties it. Where loads take time, requests wait for the Worker that already
    runs for their key: in their colo, or in what stands behind that. `overdue`: what it found last
    has ended, and nobody whom it asks has a newer one.
    """

    def __init__(self, world: World, tier: Tier, of: InFront, platform: Platform, stale_s: float):
        self.world, self.counted, self.stale_s = world, of, stale_s
        self.every = empties_every_s(of, platform)
        self.in_colo, self.behind = depths(tier)
        self.purge_every_s = float(getattr(platform, of.every))
        self.most_purges = int(getattr(platform, of.burst))
        self.purges_left, self.last_purge = float(self.most_purges), 0.0
        self.lower: dict[tuple[int, str], Answer] = {}
        self.upper: dict[tuple[int, str], Answer] = {}
        self.uppers: list[int] = []  # by colo, the one that it asks
        self.loading: defaultdict[int, dict[str, Load]] = defaultdict(dict)  # by the upper
        self.overdue = False

    @property
    def asks(self) -> int:
        """The upper tier of the colo at hand."""
        return self.uppers[self.world.readers_colo]

    @property
    def meeting(self) -> dict[str, Load]:
        """By key, what its requests may wait for."""
        return self.loading[self.asks]

    def get(self, key: str) -> Value | None:
        world = self.world
        here = world.readers_colo, key
        near, far = self._served(self.lower.get(here)), self._served(self.upper.get(self._up(key)))
        found = near or far
        if found is None:
            return None
        world.tier, world.depth = L2, self.in_colo if near else self.behind
        world.counts[self.counted.hits] += 1
        newest = near if near and world.now < near.ends else far or found
        self.lower[here] = newest
        self.overdue = newest.ends <= world.now
        return found.value

    def _up(self, key: str) -> tuple[int, str]:
        return self.asks, key

    def _served(self, answer: Answer | None) -> Answer | None:
        return answer if answer and self.world.now < answer.until else None

    def meet(self, key: str) -> Load | None:
        """The load that a request must wait for."""
        world = self.world
        load = self.meeting.get(key)
        if load is not None:
            world.counts[self.counted.hits] += 1  # no Worker runs for it
            world.depth = self.in_colo if world.readers_colo in load.colos else self.behind
            self.join(key)
        return load

    def join(self, key: str) -> bool:
        """Let the colo have what a load of the key brings, if there is one."""
        load, colo = self.meeting.get(key), self.world.readers_colo
        if load is not None and colo not in load.colos:
            load.colos.append(colo)
        return load is not None

    def purge(self, key: str) -> None:
        """Drop the key's answers everywhere, if one more purge is allowed."""
        world = self.world
        more = (world.now - self.last_purge) / self.purge_every_s
        self.purges_left = min(self.purges_left + more, self.most_purges)
        self.last_purge = world.now
        if self.purges_left < 1:
            world.counts[self.counted.refused] += 1
            return
        self.purges_left -= 1
        world.counts[self.counted.purges] += 1
        self.drop([key])

    def drop(self, keys: Sequence[str]) -> None:
        """Drop all answers of these keys, everywhere."""
        gone = {*keys}
        for kept in (self.lower, self.upper):
            for place in [place for place in kept if place[1] in gone]:
                del kept[place]

    def put_in_all(self, key: str, value: Value, expires: float, start: float, load: Load) -> None:
        """An answer for which several colos have waited."""
        self.put(key, value, expires, start)
        for colo in load.colos:
            self.lower[colo, key] = self.upper[self._up(key)]

    def put(self, key: str, value: Value, expires: float, start: float) -> None:
        since = self.world.now - start
        until = start + (math.floor(since / self.every) + 1) * self.every
        kept = Answer(value, expires, min(until, expires + self.stale_s))
        self.upper[self._up(key)] = self.lower[self.world.readers_colo, key] = kept
