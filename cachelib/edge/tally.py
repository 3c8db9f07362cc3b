"""Requests summed up: latency and staleness as histograms that do not grow with the traffic."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from cachelib.edge.colos import REGIONS, Geography
from cachelib.edge.compiled.measure import BINS, JITTER_BITS, SMALLEST, STEP, measure
from cachelib.edge.designs import Design
from cachelib.edge.outcomes import (
    CACHE_API,
    CODES,
    DEPTHS,
    DO_MEMORY,
    DO_STORAGE,
    FAILED,
    KV_CENTRAL,
    KV_LOCAL,
    KV_REGIONAL,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    R2,
    TIERS,
    WRITTEN,
    Outcomes,
)
from cachelib.edge.platform import Platform
from cachelib.edge.random import LATENCY, key_of


class Histogram:
    """Counts in bins of one per cent, shape `(rows, BINS)`."""

    def __init__(self, rows: int = 1) -> None:
        self.counts = np.zeros((rows, BINS), np.int64)
        self.total = np.zeros(rows)

    def quantile(self, q: float, row: int | None = None) -> float:
        """Within one per cent; NaN of nothing."""
        counts = self.counts.sum(axis=0) if row is None else self.counts[row]
        if not counts.sum():
            return math.nan
        at = int(np.searchsorted(np.cumsum(counts), q * counts.sum()))
        return 0.0 if at == 0 else SMALLEST * math.exp((at - 0.5) * STEP)

    def share_above(self, value: float) -> float:
        """Of all, those above `value`, to the width of a bin."""
        counts = self.counts.sum(axis=0)
        n = counts.sum()
        return float(counts[_bin(value) + 1 :].sum() / n) if n else 0.0

    @property
    def mean(self) -> float:
        n = self.counts.sum()
        return float(self.total.sum() / n) if n else math.nan


class Tally:
    """Sums up outcomes, piece by piece, for one design on one platform."""

    def __init__(self, design: Design, platform: Platform, seed: int) -> None:
        self.design, self.platform = design, platform
        self.codes = np.zeros(CODES, np.int64)
        self.latency = Histogram(len(REGIONS))
        self.age, self.late = Histogram(), Histogram()
        middles = (np.arange(1 << JITTER_BITS) + 0.5) / (1 << JITTER_BITS)
        self._jitter = np.exp(platform.jitter * ndtri(middles)).astype(np.float32)
        self._key = np.uint64(key_of(seed, LATENCY))

    def add(
        self, outcomes: Outcomes, colo: npt.NDArray[np.int16], row: int, places: Geography
    ) -> npt.NDArray[np.float32]:
        """Count the outcomes; returns each request's latency in ms."""
        latency = np.empty(len(colo), np.float32)
        measure(
            outcomes, colo, row, self._key, self._jitter,
            _base_ms(self.design, self.platform, places), places.region, latency, self.codes,
            (self.latency.counts, self.latency.total), (self.age.counts[0], self.age.total),
            (self.late.counts[0], self.late.total),
        )  # fmt: skip
        return latency


def _base_ms(design: Design, platform: Platform, places: Geography) -> npt.NDArray[np.float64]:
    """Milliseconds by code and colo, the way to a Durable Object aside; shape (codes, colos).

    A request pays for every tier it passed; what follows a load, the write to L2, it does not
    wait for (`ctx.waitUntil`).
    """
    p = platform
    way = np.zeros((len(DEPTHS), len(places.region)))
    way[KV_LOCAL] = p.kv_read_ms
    way[KV_REGIONAL] = p.kv_read_ms + places.to_region
    way[KV_CENTRAL] = p.kv_read_ms + places.to_region + places.to_central + p.kv_central_ms
    way[DO_MEMORY], way[DO_STORAGE] = p.do_memory_ms, p.do_storage_ms
    way[CACHE_API] = p.cache_api_ms
    way[R2] = p.r2_ms + places.to_bucket
    l1 = p.l1_ms if design.l1 else 0.0
    base = np.zeros((len(TIERS), *way.shape))
    base[L1], base[L2] = l1, l1 + way
    base[ORIGIN] = base[FAILED] = l1 + way + p.origin_ms
    writes: dict[str | None, float | npt.NDArray[np.float64]] = {
        "kv": p.kv_write_ms + places.to_region + places.to_central,
        "durable-object": p.do_write_ms,
        "r2": p.r2_write_ms + places.to_bucket,
        "cache-api": p.cache_api_ms,
        None: 0.0,
    }
    base[WRITTEN, NO_L2] = l1 + writes[design.l2]
    return base.reshape(CODES, -1)


def _bin(value: float) -> int:
    return 0 if value <= SMALLEST else min(BINS - 1, 1 + int(math.log(value / SMALLEST) / STEP))
