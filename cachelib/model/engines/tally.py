"""Requests summed up: latency and staleness as histograms that do not grow with the traffic."""

from __future__ import annotations

import math
from functools import cache
from itertools import takewhile
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.measure import (
    BINS,
    FIRST,
    JITTERS,
    SHIFT,
    measure,
    race,
    take_time,
)
from cachelib.model.engines.compiled.state import CONSECUTIVE
from cachelib.model.engines.exact import PER_UNIT
from cachelib.model.engines.random import LATENCY, key_of
from cachelib.model.engines.ways import adds_up_to, onward
from cachelib.model.platforms.colos import REGIONS, Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import (
    CODES,
    FAILED,
    L1,
    L2,
    NO_L2,
    ORIGIN,
    PLACES,
    TIERS,
    WAITED,
    WRITTEN,
    Codes,
    Outcomes,
    depths,
    tier_of,
)
from cachelib.model.tiers.tier import Tier


class Histogram:
    """Counts in bins of at most 0.8 per cent of their value, shape `(rows, BINS)`.

    `total` is the sum of a row's values as whole numbers of any length, see `exact`.
    """

    def __init__(self, rows: int = 1) -> None:
        self.counts = np.zeros((rows, BINS), np.int64)
        self.total: npt.NDArray[np.object_] = np.zeros(rows, object)

    def add(self, other: Histogram) -> None:
        self.counts = self.counts + other.counts
        self.total = self.total + other.total

    def quantile(self, q: float, row: int | None = None) -> float:
        """The middle of the bin where `q` of the values are reached; NaN of none."""
        counts = self.counts.sum(axis=0) if row is None else self.counts[row]
        if not counts.any():
            return math.nan
        at = int(np.searchsorted(np.cumsum(counts), max(1.0, q * counts.sum())))
        return (_edge(at) + _edge(at + 1)) / 2 if at else 0.0

    def share_above(self, value: float) -> float:
        """Of all, those above `value`, to the width of a bin."""
        counts = self.counts.sum(axis=0)
        n = counts.sum()
        at = int(np.float32(value).view(np.int32)) >> SHIFT
        return float(counts[max(0, at - FIRST) + 1 :].sum() / n) if n else 0.0

    @property
    def mean(self) -> float:
        n = self.counts.sum()
        return float(self.total.sum() / PER_UNIT / n) if n else math.nan


@cache
def _normal() -> npt.NDArray[np.float64]:
    """Quantiles of the normal distribution."""
    return np.array([NormalDist().inv_cdf((i + 0.5) / JITTERS) for i in range(JITTERS)])


def _above_median(sigma: float) -> float:
    """By how much the mean of times that vary so lies above their median."""
    return float(np.exp(sigma * _normal()).mean())


def _edge(at: int) -> float:
    """Where a bin begins."""
    return float(np.int32((at + FIRST) << SHIFT).view(np.float32))


class Tally:
    """Sums up outcomes, piece by piece, for one design on one platform."""

    def __init__(self, design: Design, platform: Platform, seed: int) -> None:
        self.design, self.platform = design, platform
        self.codes = np.zeros(CODES, np.int64)
        self.latency = Histogram(len(REGIONS))
        self.age, self.late = Histogram(), Histogram()
        self.ran = Histogram()  # ms that runs of a function take, of which only the mean is asked
        self.waited = Histogram()  # and those that a Durable Object waits for what it loads
        self._key = np.uint64(key_of(seed, LATENCY))

    def add(
        self,
        outcomes: Outcomes,
        colo: npt.NDArray[np.int16],
        row: int,
        places: Geography,
        rows: npt.NDArray[np.int64] = CONSECUTIVE,
    ) -> npt.NDArray[np.float32]:
        """Count the outcomes; returns each request's latency in ms.

        `row` is the number of the first; or `rows` has that of each.
        """
        latency = np.empty(len(colo), np.float32)
        sums = [np.zeros(len(each.total), np.int64) for each in self.histograms]
        bits = tuple(x.view(np.int32) for x in (latency, outcomes.age_s, outcomes.late_s))
        drawn = (outcomes, colo, row, rows, self._key, _normal(), self.codes)
        ways = _Ways(self.design, self.platform, places)
        take_time(*drawn, ways.base_ms, ways.sigma(ways.base_ms), latency)
        if (after_ms := self.design.hedge_after_ms) is not None:
            looking_ms = ways.looking_ms
            race(
                *drawn, after_ms, ways.near_ms, looking_ms, ways.sigma(looking_ms), ways.load_ms,
                self.platform.jitter, latency,
            )  # fmt: skip
        measure(
            outcomes, bits, colo, places.readers_region, latency, (self.latency.counts, sums[0]),
            (self.age.counts[0], sums[1]), (self.late.counts[0], sums[2]),
        )  # fmt: skip
        if self.platform.function_gb:
            sums[3][0] = self._ran_for(outcomes.code, colo, latency, ways.before_ms)
        if self.design.loads_in_objects:
            sums[4][0] = self._waited_for(outcomes.code, colo, ways.load_ms)
        for histogram, total in zip(self.histograms, sums, strict=True):
            histogram.total = histogram.total + total.astype(object)
        return latency

    def _ran_for(
        self,
        code: Codes,
        colo: npt.NDArray[np.int16],
        latency: npt.NDArray[np.float32],
        before_ms: npt.NDArray[np.float64],
    ) -> int:
        """What reads take for which the function runs, from when it does, in whole units."""
        tier, depth = tier_of(code), code % PLACES
        ran = tier != WRITTEN
        if self.design.front:
            ran &= ~np.isin(depth, depths(self.design.front))
        self.ran.counts[0, 0] += int(ran.sum())
        all_ = np.rint(latency[ran].astype(np.float64) * PER_UNIT).astype(np.int64).sum()
        above = _above_median(self.platform.jitter)
        before = np.rint(before_ms * above * PER_UNIT).astype(np.int64)
        return int(all_) - int(before[colo[ran]].sum())

    def _waited_for(
        self, code: Codes, colo: npt.NDArray[np.int16], load_ms: npt.NDArray[np.float64]
    ) -> int:
        """What reads wait for the origin, in whole units, as the loads of objects take as long."""
        loaded = np.isin(tier_of(code), (ORIGIN, FAILED))
        self.waited.counts[0, 0] += int(loaded.sum())
        above = _above_median(self.platform.jitter)
        return int(np.rint(load_ms * above * PER_UNIT).astype(np.int64)[colo[loaded]].sum())

    def merge(self, other: Tally) -> None:
        """Count what another has counted, too."""
        self.codes = self.codes + other.codes
        for own, their in zip(self.histograms, other.histograms, strict=True):
            own.add(their)

    @property
    def histograms(self) -> tuple[Histogram, Histogram, Histogram, Histogram, Histogram]:
        return self.latency, self.age, self.late, self.ran, self.waited


class _Ways:
    """Milliseconds that ways take, by colo, and of those into the tiers by place or code first.

    The way to a Durable Object is not in them. A request pays for every tier it passed; what
    follows a load, the write to L2, it does not wait for (`ctx.waitUntil`).
    """

    def __init__(self, design: Design, platform: Platform, places: Geography) -> None:
        self.design, self.platform, self.places = design, platform, places
        self.l1_ms = platform.l1_ms if design.l1 else 0.0
        self.near_ms = onward(design, places) + self.l1_ms
        self.load_ms = platform.load_ms + places.to_origin
        self.way = np.zeros((PLACES, len(places.region)))
        self.uneven = np.zeros_like(self.way)
        for tier in design.shared:
            passed = _passed_before(tier, design)
            for depth, place in zip(depths(tier), tier.places, strict=True):
                self.way[depth] = adds_up_to((*passed, *place.takes), platform, places)
                more = getattr(platform, place.spread) - platform.jitter
                self.uneven[depth] = more * adds_up_to(place.takes, platform, places)

    def sigma(self, ms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """How widely what takes `ms`, shape (codes, colos), varies: the mean of its parts' sigmas,
        weighted by how long each takes."""
        more = np.zeros((len(TIERS), *self.uneven.shape))
        more[[L2, ORIGIN, FAILED, WAITED]] = self.uneven
        by_code = more.reshape(CODES, -1)
        return self.platform.jitter + np.divide(by_code, ms, out=np.zeros_like(ms), where=ms > 0)

    @property
    def before_ms(self) -> npt.NDArray[np.float64]:
        """What passes before the Worker runs, by colo."""
        front = self.design.front
        takes = front.places[-1].takes if front else ()
        passed = adds_up_to(takes, self.platform, self.places)
        return np.asarray(passed + onward(self.design, self.places))

    @property
    def looking_ms(self) -> npt.NDArray[np.float64]:
        """What a read takes in the stores, shape (codes, colos)."""
        return np.tile(self.way, (len(TIERS), 1))

    @property
    def base_ms(self) -> npt.NDArray[np.float64]:
        """What a request takes, shape (codes, colos)."""
        design, places, l1, way = self.design, self.places, self.near_ms, self.way.copy()
        base = np.zeros((len(TIERS), *way.shape))
        base[L1], base[L2] = l1, l1 + way
        if design.front:
            first = list(depths(design.front))
            base[L2, first] = way[first]
            base[L1] = way[NO_L2] = adds_up_to(design.front.places[-1].takes, self.platform, places)
            base[L1] += l1
        base[WAITED], base[WAITED, NO_L2] = base[L2], base[L1, NO_L2]
        base[ORIGIN] = base[FAILED] = l1 + way + self.load_ms
        base[WRITTEN, NO_L2] = (
            places.to_worker + self.l1_ms + adds_up_to(design.writing, self.platform, places)
        )
        return base.reshape(CODES, -1)


def _passed_before(tier: Tier, design: Design) -> list[str]:
    """What it takes to look into the tiers before, which have one place each."""
    before = takewhile(lambda each: each is not tier, design.shared)
    return [name for each in before for name in each.places[-1].takes]
