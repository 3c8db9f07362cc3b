"""The reference simulation: a trace through the real `TieredCache`, under a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib import MemoryCache, MemoryStore, RawCodec, Stored, TieredCache
from cachelib.edge.designs import Design
from cachelib.edge.logs import read_log
from cachelib.edge.platform import Platform, Routing
from cachelib.edge.trace import DELETE, WRITE, Trace, in_one_place
from cachelib.tiered import Expiry

L1, L2, ORIGIN, WRITTEN = 0, 1, 2, 3
TIERS = ("L1", "L2", "origin", "write")


@dataclass(frozen=True)
class Result:
    """What a design did with a trace: per request, the tier that answered and the time it took."""

    design: Design
    tier: npt.NDArray[np.uint8]
    latency_ms: npt.NDArray[np.float64]

    @property
    def reads(self) -> int:
        return int((self.tier != WRITTEN).sum())

    @property
    def l1_hits(self) -> int:
        return int((self.tier == L1).sum())

    @property
    def l2_hits(self) -> int:
        return int((self.tier == L2).sum())

    @property
    def origin_loads(self) -> int:
        return int((self.tier == ORIGIN).sum())

    @property
    def read_latency_ms(self) -> npt.NDArray[np.float64]:
        reads: npt.NDArray[np.float64] = self.latency_ms[self.tier != WRITTEN]
        return reads

    @property
    def shares(self) -> dict[str, float]:
        """The share of reads that each tier answered."""
        counts = {"L1": self.l1_hits, "L2": self.l2_hits, "origin": self.origin_loads}
        return {tier: count / max(self.reads, 1) for tier, count in counts.items()}

    @property
    def hit_ratio(self) -> float:
        return (self.l1_hits + self.l2_hits) / self.reads if self.reads else 0.0


class _Watch:
    """The virtual clock, and a note of how deep the current request went."""

    now = 0.0
    tier = L1

    def clock(self) -> float:
        return self.now

    def load(self, key: str) -> bytes:
        self.tier = ORIGIN
        return b""


class _WatchedStore(MemoryStore):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def get(self, key: str, now: float) -> Stored | None:
        self.watch.tier = L2
        return super().get(key, now)


def replay(trace: Trace, design: Design, platform: Platform, *, seed: int = 0) -> Result:
    """Drive one `TieredCache` per isolate, all over one shared L2, with the requests of `trace`."""
    isolate, isolates = assign_isolates(trace, platform, seed)
    watch = _Watch()
    store = _WatchedStore(watch) if design.l2 else None
    caches = [_isolate_cache(design, store, watch) for _ in range(isolates)]
    keys, tier = trace.keys, bytearray(len(trace))
    rows = zip(trace.time_s.tolist(), trace.key.tolist(), isolate, trace.op.tolist(), strict=True)
    for row, (watch.now, key, index, op) in enumerate(rows):
        watch.tier = L1
        if op == WRITE:
            caches[index].set(keys[key], b"")
            watch.tier = WRITTEN
        elif op == DELETE:
            caches[index].delete(keys[key])
            watch.tier = WRITTEN
        else:
            caches[index].get_or_load(keys[key], watch.load)
        tier[row] = watch.tier
    tiers = np.frombuffer(tier, np.uint8)
    return Result(design, tiers, _latency(platform, design)[tiers])


def _isolate_cache(design: Design, store: MemoryStore | None, watch: _Watch) -> TieredCache:
    return TieredCache(
        MemoryCache(design.l1_max_entries) if design.l1 else None,
        store,
        l1_ttl=design.l1_ttl_s,
        l2_ttl=design.l2_ttl_s,
        expiry=design.expiry,
        clock=watch.clock,
        codec=RawCodec(),
    )


def assign_isolates(trace: Trace, platform: Platform, seed: int) -> tuple[list[int], int]:
    """The isolate of each request, numbered over all colos; and how many isolates there are."""
    per_colo = platform.isolates_per_colo
    local = _inside_colo(trace, platform.routing, per_colo, seed)
    return (trace.colo * per_colo + local).tolist(), per_colo * len(trace.colos)


def _inside_colo(trace: Trace, routing: Routing, isolates: int, seed: int) -> npt.NDArray[np.int64]:
    if routing == "random":
        return np.random.default_rng([seed, 1]).integers(0, isolates, len(trace))
    if routing == "hash":
        return np.array([crc32(key.encode()) % isolates for key in trace.keys], np.int64)[trace.key]
    nth = np.empty(len(trace), np.int64)
    for colo in range(len(trace.colos)):
        rows = np.flatnonzero(trace.colo == colo)
        nth[rows] = np.arange(len(rows))
    return nth % isolates


def _latency(platform: Platform, design: Design) -> npt.NDArray[np.float64]:
    """Milliseconds by tier: a request pays for every tier it passed on its way down."""
    l1 = platform.l1_ms if design.l1 else 0.0
    l2 = l1 + (platform.kv_read_ms if design.l2 else 0.0)
    write = l1 + (platform.kv_write_ms if design.l2 else 0.0)
    return np.array([l1, l2, l2 + platform.origin_ms, write])


def replay_log(
    log: Path,
    *,
    isolates: int,
    routing: Routing,
    l1_ttl: float | None,
    l2_ttl: float | None,
    expiry: Expiry,
    seed: int = 1,
) -> dict[str, int]:
    """A log through `isolates` L1 caches over one shared L2: the counts, by name."""
    trace = read_log(log)
    platform = Platform(
        isolates_per_colo=isolates, routing=routing, l1_ms=0, kv_read_ms=0, kv_write_ms=0,
        origin_ms=0,
    )  # fmt: skip
    design = Design(name="l1-kv", l2="kv", l1_ttl_s=l1_ttl, l2_ttl_s=l2_ttl, expiry=expiry)
    result = replay(in_one_place(trace), design, platform, seed=seed)
    return {
        "requests": len(trace),
        "keys": len(trace.keys),
        "l1_hits": result.l1_hits,
        "l2_hits": result.l2_hits,
        "origin_loads": result.origin_loads,
        "skipped_lines": trace.skipped.lines,
        "first_skipped_line": trace.skipped.first_line or 0,
    }
