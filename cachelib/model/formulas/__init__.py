"""A design's month by formula: hit ratios, operations and times at any traffic, in no time.

Independent of both engines; where requests are Poisson it agrees with them to what its tests say.
Every number may be an array of draws, so that a thousand sets of assumptions cost one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cachelib.model.formulas import emptying
from cachelib.model.formulas.counting import counts, stored_gb
from cachelib.model.formulas.flows import Flows
from cachelib.model.formulas.joining import each, joined
from cachelib.model.formulas.lateness import late_share
from cachelib.model.formulas.setting import Array, Keys, Setting, Trips, grouped, placed
from cachelib.model.formulas.waits import Waits
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S

__all__ = ["Estimate", "Keys", "Setting", "Trips", "estimate", "grouped", "placed"]


@dataclass(frozen=True)
class Estimate:
    """A month of one design; arrays have shape (draws,).

    `l1`, `l2` and `origin` are shares of the reads; `counts` are operations a month by the names
    of `outcomes.COUNTS`.
    """

    l1: Array
    l2: Array
    origin: Array
    counts: Mapping[str, Array]
    stored_gb: Array
    waits: Waits
    flows: Flows

    @property
    def hit_ratio(self) -> Array:
        return self.l1 + self.l2

    @property
    def asked(self) -> list[Array]:
        """The share of the reads that look into each of the design's stores."""
        flows = self.flows
        reaching = [
            flows.asked if store is flows.design.store else flows.missed
            for store in flows.design.stores
        ]
        return [flows.share(rate - flows.unawaited_misses) for rate in reaching]

    @property
    def emptied(self) -> Mapping[str, Array]:
        """Those of the operations that rounds make which empty caches."""
        return emptying.counts(self.flows)

    def late_share(self, bound_s: float) -> Array:
        """The share of reads whose answer was superseded more than `bound_s` seconds ago."""
        return late_share(self.flows, bound_s)


def estimate(design: Design, at: Setting) -> Estimate:
    """The month of `design`."""
    together, at = each(at, design), joined(at, design)
    flows = Flows(design, at)
    l1 = flows.share(flows.answered_by_l1)
    origin = flows.share(flows.loaded - flows.unawaited)
    waits, month = Waits(flows), counts(flows)
    if waits.races:
        raced = waits.asked_in_vain * MONTH_S
        month |= {"origin_loads": month["origin_loads"] + raced, "hedged_reads": raced}
    if design.joined:
        calls = design.joined_origin_calls or together
        month["origin_calls"] = month["origin_loads"] * calls
    return Estimate(
        l1=l1,
        l2=np.maximum(1 - l1 - origin, 0.0),
        origin=origin,
        counts=month,
        stored_gb=stored_gb(flows),
        waits=waits,
        flows=flows,
    )
