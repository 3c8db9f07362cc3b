"""What a design did with a trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.tally import Histogram, Tally
from cachelib.model.platforms.colos import REGIONS
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import (
    DEPTHS,
    FAILED,
    L1,
    L2,
    ORIGIN,
    PLACES,
    RACED,
    TIERS,
    WAITED,
    WRITTEN,
    Codes,
    tier_of,
)
from cachelib.model.traffic.generator import MONTH_S

LATE_BOUNDS_S = (0, 1, 10, 60, 300, 3_600)


@dataclass(frozen=True)
class Result:
    """Counts, latency in ms and staleness in seconds of one replay.

    `colos` are the places that asked, `value_bytes` the mean size of what they asked for.
    `code` and `latency_ms` have one number for each request, in order; they are empty where the
    replay was told not to keep them. `keys_each`: how many keys lie in a value. `by_day`: requests
    of each whole day; empty where nobody counted.
    """

    design: Design
    platform: Platform
    requests: int
    span_s: float
    counts: Mapping[str, int]
    byte_seconds: float
    colos: int
    value_bytes: float
    tally: Tally
    code: Codes
    latency_ms: npt.NDArray[np.float32]
    keys_each: float = 1.0
    by_day: tuple[int, ...] = ()

    @property
    def tier(self) -> npt.NDArray[np.uint8]:
        """Where each request ended: a number into `outcomes.TIERS`."""
        ended: npt.NDArray[np.uint8] = tier_of(self.code).astype(np.uint8)
        return ended

    @property
    def depth(self) -> npt.NDArray[np.uint8]:
        """The last place in the shared tiers where each request looked: into `outcomes.DEPTHS`."""
        looked: npt.NDArray[np.uint8] = (self.code % PLACES).astype(np.uint8)
        return looked

    def _ended(self, tier: int) -> int:
        return int(self.tally.codes.reshape(len(TIERS), PLACES)[tier].sum())

    @property
    def writes(self) -> int:
        """Requests that wrote or deleted."""
        return self._ended(WRITTEN)

    @property
    def reads(self) -> int:
        return self.requests - self.writes

    @property
    def l1_hits(self) -> int:
        return self._ended(L1)

    @property
    def l2_hits(self) -> int:
        """Values found in a shared tier, though the origin may have told them sooner."""
        return self._ended(L2) + self.hedged

    @property
    def hedged(self) -> int:
        """Reads that found theirs in a shared tier, but not before they asked the origin, too."""
        return self._ended(RACED)

    @property
    def delayed_hits(self) -> int:
        """Reads that waited for a load in progress, and did not load by themselves."""
        return self._ended(WAITED)

    @property
    def failures(self) -> int:
        """Reads that got no value because the origin failed."""
        return self._ended(FAILED)

    @property
    def origin_loads(self) -> int:
        """Calls of the origin, those that failed, in the background and in vain included."""
        return self.counts["origin_loads"] + self.hedged

    @property
    def origin_calls(self) -> int:
        """The same, but as many as a load takes that several keys share."""
        return round(self.origin_loads * (self.design.joined_origin_calls or self.keys_each))

    @property
    def hit_ratio(self) -> float:
        return (self.l1_hits + self.l2_hits) / self.reads if self.reads else 0.0

    @property
    def shares(self) -> dict[str, float]:
        """The share of reads that each tier answered."""
        counts = {"L1": self.l1_hits, "L2": self.l2_hits, "origin": self._ended(ORIGIN)}
        return {tier: count / max(self.reads, 1) for tier, count in counts.items()}

    @property
    def read_latency_ms(self) -> npt.NDArray[np.float32]:
        """Of each read, in order."""
        reads: npt.NDArray[np.float32] = self.latency_ms[self.tier != WRITTEN]
        return reads

    def quantile_ms(self, q: float, tier: str | None = None) -> float:
        """Of the reads, or of those that one tier answered; NaN of none."""
        asked = self.tier != WRITTEN if tier is None else self.tier == TIERS.index(tier)
        times = self.latency_ms[asked]
        return float(np.quantile(times, q)) if len(times) else math.nan

    @property
    def reasons(self) -> dict[str, int]:
        """Requests by the tier that answered and how deep into L2 they looked before."""
        named = {
            f"{tier} after {depth}" if depth else tier: int(self.tally.codes[i])
            for i, (tier, depth) in enumerate((t, d) for t in TIERS for d in DEPTHS)
        }
        return {name: count for name, count in named.items() if count}

    @property
    def age(self) -> Histogram:
        """Seconds since the served value was loaded."""
        return self.tally.age

    @property
    def late(self) -> Histogram:
        """Seconds for which the served value had been superseded at the origin."""
        return self.tally.late

    @property
    def stale_share(self) -> dict[int, float]:
        """The share of answers superseded for more than so many seconds."""
        return {bound: self.late.share_above(bound) for bound in LATE_BOUNDS_S}

    @property
    def latency_by_region(self) -> dict[str, dict[str, float]]:
        """Reads and p50, p90, p95 and p99 in ms, by region."""
        latency = self.tally.latency
        return {
            region: {"reads": int(latency.counts[row].sum())}
            | {f"p{q}_ms": latency.quantile(q / 100, row) for q in (50, 90, 95, 99)}
            for row, region in enumerate(REGIONS)
            if latency.counts[row].any()
        }

    @property
    def stored_gb_months(self) -> float:
        """GB-months stored in L2 over the trace, at 10⁹ bytes and 30 days."""
        return self.byte_seconds / 1e9 / MONTH_S

    def per_month(self) -> dict[str, float]:
        """Counts and reads, writes and GB-months at 30 days of this traffic."""
        factor = MONTH_S / self.span_s
        counted = {"requests": self.requests, "reads": self.reads, "writes": self.writes}
        all_ = counted | dict(self.counts) | self._raced
        scaled = {name: n * factor for name, n in all_.items()}
        if self.design.front and (of := self.design.front.in_front):
            scaled[of.purges] += self.platform.purges_a_month  # a call each, whatever the keys
        return scaled | {"stored_gb_months": self.stored_gb_months * factor}

    @property
    def _raced(self) -> dict[str, int]:
        """Counts that the engines do not know: times are drawn, and keys joined, without them."""
        counted = {"origin_loads": self.origin_loads, "hedged_reads": self.hedged}
        return counted | ({"origin_calls": self.origin_calls} if self.design.joined else {})

    def as_dict(self) -> dict[str, object]:
        """The result for machines."""
        latency = self.tally.latency
        return {
            "design": self.design.name,
            "requests": self.requests,
            "l1_hits": self.l1_hits,
            "l2_hits": self.l2_hits,
            "origin_loads": self.origin_loads,
            "delayed_hits": self.delayed_hits,
            "hit_ratio": self.hit_ratio,
            "reasons": self.reasons,
            "counts": {name: n for name, n in (dict(self.counts) | self._raced).items() if n},
            "latency_ms": {f"p{q}": _known(latency.quantile(q / 100)) for q in (50, 90, 95, 99)}
            | {"mean": _known(latency.mean)},
            "latency_by_region": self.latency_by_region,
            "age_s": {f"p{q}": _known(self.age.quantile(q / 100)) for q in (50, 95, 99)},
            "superseded_share": {str(s): share for s, share in self.stale_share.items()},
            "stored_gb_months": self.stored_gb_months,
            "per_month": {name: n for name, n in self.per_month().items() if n},
        }


def _known(number: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(number) else number
