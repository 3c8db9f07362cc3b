"""Workers KV as documented: a central store, and caches of it in every colo and region.

Source: developers.cloudflare.com/kv/concepts/how-kv-works and /kv/api, read 2026-11-23.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cachelib import Stored
from cachelib.model.engines.reference.world import LIST_PAGE, ModelStore, World, alive
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import KV_CENTRAL, KV_LOCAL, KV_REGIONAL, L2
from cachelib.model.traffic.generator import DAY_S


class Copy(NamedTuple):
    """What a cache says of a key, "there is none" included, before `until`."""

    stored: Stored | None
    until: float


class KeyValue(ModelStore):
    """A namespace. A copy taken over from the region keeps its life, so that no read is older
    than `cacheTtl`. A write is seen at once in its own colo, elsewhere when copies have expired, or
    when they were fetched anew: nobody waits for that, and it takes no time.
    """

    lists = "kv_lists"

    def __init__(self, world: World, platform: Platform, design: Design) -> None:
        self.told = design.policy != "clean-up"  # KV knows when values expire
        super().__init__(world, design, erased_at_expiry=self.told)
        self.cache_ttl, self.write_gap = platform.kv_cache_ttl_s, platform.kv_write_gap_s
        self.early = platform.kv_refresh_share * platform.kv_cache_ttl_s
        self.region: list[int] = []
        self.local: dict[tuple[int, str], Copy] = {}
        self.regional: dict[tuple[int, str], Copy] = {}
        self.last_write: dict[str, float] = {}
        self.allowed_a_day, self.day, self.written_today = platform.kv_writes_a_day, -math.inf, 0

    def read(self, key: str, now: float) -> Stored | None:
        world = self.world
        world.tier, world.depth = L2, KV_CENTRAL
        world.counts["kv_reads"] += 1
        stored = self._near(key, now) if self.cache_ttl else self._central(key, now)
        if stored is None:
            world.counts["kv_missing_reads"] += 1
            return None
        return stored if self.told or alive(stored, now) else None

    def _near(self, key: str, now: float) -> Stored | None:
        world = self.world
        here, region = (world.spot, key), (self.region[world.colo], key)
        copy = self.local.get(here)
        if copy is not None and now < copy.until:
            world.depth = KV_LOCAL
        else:
            copy = self.regional.get(region)
            if copy is not None and now < copy.until:
                world.depth = KV_REGIONAL
            else:
                copy = self.regional[region] = self._copy(self._central(key, now), now)
            self.local[here] = copy
        if self._ends_soon(copy, now):
            self.local[here] = self._fetched_anew(key, region, now)
        return copy.stored

    def _ends_soon(self, copy: Copy, now: float) -> bool:
        """Whether a read of it has KV fetch it anew; not what there is not, or ends by itself."""
        if not self.early or copy.stored is None or now < copy.until - self.early:
            return False
        ends = copy.stored.expires_at if self.told else None
        return ends is None or copy.until < ends

    def _fetched_anew(self, key: str, region: tuple[int, str], now: float) -> Copy:
        """The region's copy, which is fetched anew, too, unless another colo has just had it so."""
        self.world.counts["kv_refreshes"] += 1
        copy = self.regional.get(region)
        if copy is None or not now < copy.until or self._ends_soon(copy, now):
            copy = self.regional[region] = self._copy(self._central(key, now), now)
        return copy

    def _central(self, key: str, now: float) -> Stored | None:
        record = self.records.get(key)
        if record is None:
            return None
        stored = record[0]
        expires = stored.expires_at
        return None if self.told and expires is not None and now >= expires else stored

    def _copy(self, stored: Stored | None, now: float) -> Copy:
        until = now + self.cache_ttl
        if stored is not None and self.told and stored.expires_at is not None:
            until = min(until, stored.expires_at)
        return Copy(stored, until)

    def write(self, key: str, stored: Stored) -> None:
        now, counts = self.world.now, self.world.counts
        if self.write_gap:
            if now - self.last_write.get(key, -math.inf) < self.write_gap:
                counts["kv_writes_refused"] += 1  # 429, of which nobody who waits hears
                return
            self.last_write[key] = now
        if self._spent(now):
            counts["kv_writes_refused"] += 1
            return
        counts["kv_writes"] += 1
        self.keep(key, stored)
        if self.cache_ttl:
            self.local[self.world.spot, key] = self._copy(stored, now)

    def _spent(self, now: float) -> bool:
        """Whether what a day allows has been written; days begin at midnight, UTC."""
        if (today := now // DAY_S) != self.day:
            self.day, self.written_today = today, 0
        spent = self.written_today >= self.allowed_a_day
        self.written_today += not spent
        return spent

    def delete(self, key: str) -> None:
        self.world.counts["kv_deletes"] += 1
        self.drop(key)
        self.local[self.world.spot, key] = self._copy(None, self.world.now)

    def clean_up(self) -> None:
        """The routine that lists every key and deletes the expired ones."""
        counts = self.world.counts
        counts["kv_lists"] += max(1, -(-len(self.records) // LIST_PAGE))
        expired = [k for k, r in self.records.items() if not alive(r[0], self.world.now)]
        counts["kv_deletes"] += len(expired)
        for key in expired:
            self.drop(key)
