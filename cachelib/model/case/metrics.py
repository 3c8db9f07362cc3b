"""The numbers that a case may set limits to, minimise, weigh, or claim something of.

One registry: a criterion, a column of a table and a claim's region name the same metric. How each
is measured and predicted stands in `judgement/metrics.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cachelib.model.schema.typed_yaml import nearest

Unit = Literal["ratio", "ms", "USD", "loads", "hours", "times"]


@dataclass(frozen=True)
class Metric:
    """A number of a result.

    `material` and `relative`: by default, differences below the one (in the metric's unit) or
    below that share of the better value decide nothing. `measured`: it is one design's own, found
    by simulation too, so that it may be a criterion; others compare designs by formula.
    """

    name: str
    label: str
    head: str
    unit: Unit
    more_is_better: bool = False
    material: float = 0.0
    relative: float = 0.01
    measured: bool = True
    low: float = 0.0
    high: float = math.inf

    @property
    def sign(self) -> int:
        """By what to multiply so that less is better."""
        return -1 if self.more_is_better else 1

    @property
    def better(self) -> str:
        """Which direction is: `more` or `less`."""
        return "more" if self.more_is_better else "less"

    def tolerance(self, best: float, material: float | None = None) -> float:
        """The difference from `best` below which values tie; `material`: the case's own."""
        if material is not None:
            return material
        return max(self.material, self.relative * abs(best))


def _share(name: str, label: str, head: str, *, more: bool = False) -> Metric:
    return Metric(name, label, head, "ratio", more, material=0.005, relative=0.0, high=1.0)


def _ms(name: str, label: str, head: str) -> Metric:
    return Metric(name, label, head, "ms", material=1.0, relative=0.05)


METRICS = {
    metric.name: metric
    for metric in (
        _share("hit_ratio", "share of reads answered from a cache", "answered from a cache",
               more=True),
        Metric("origin_loads_per_month", "loads from the origin a month",
               "loads from the origin a month", "loads"),
        _ms("mean_ms", "mean time to answer", "mean time to answer"),
        _ms("p50_ms", "time within which half of the reads are answered", "half answered within"),
        _ms("p95_ms", "time within which 95 in 100 reads are answered",
            "95 in 100 answered within"),
        _ms("p99_ms", "time within which 99 in 100 reads are answered",
            "99 in 100 answered within"),
        _share("late_share", "share of out-of-date answers", "out of date"),
        Metric("error_share", "share of failed reads", "failed", "ratio", material=1e-4, high=1.0),
        Metric("availability", "share of reads that are answered", "answered", "ratio",
               more_is_better=True, material=1e-4, relative=0.0, high=1.0),
        Metric("bill_usd", "monthly bill", "bill a month", "USD", material=1.0),
        Metric("monthly_cost_usd", "monthly cost including work", "cost a month including work",
               "USD", material=1.0),
        Metric("work_hours", "work to get there", "work", "hours", material=0.5, relative=0.0),
        Metric("loads_saved", "share of the loads of memory alone that are saved", "loads saved",
               "ratio", more_is_better=True, measured=False),
        Metric("l2_speed_up", "how many times faster than a load a value of the shared store is",
               "times faster than a load", "times", more_is_better=True, measured=False),
        Metric("writes_saved", "share of the writes as audited that are saved", "writes saved",
               "ratio", more_is_better=True, measured=False),
        Metric("busiest_load", "load of the busiest object", "busiest object", "ratio",
               measured=False),
        Metric("cost_over_durable_object", "bill against that with a Durable Object",
               "bill / Durable Object's", "times", measured=False),
    )
}  # fmt: skip


def known_metric(name: str, *, criterion: bool = False) -> str:
    """The name, or `ValueError` with the nearest one. `criterion`: it must be a design's own."""
    known = [each.name for each in METRICS.values() if each.measured or not criterion]
    if name in known:
        return name
    raise ValueError(f"unknown metric {name!r}; {nearest(name, known)}")
