"""A case ready to run: its platform settled, its traffic at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cachelib.edge.case import Case
from cachelib.edge.logs import read_log
from cachelib.edge.platform import Platform, Routing
from cachelib.edge.replay import Result
from cachelib.edge.replay import replay as replay_trace
from cachelib.edge.trace import Trace
from cachelib.edge.workload import MONTH_S, generate

ENOUGH = 30_000
"""Requests after which a sweep's next point tells no more than the line is wide."""


@dataclass(frozen=True)
class Study:
    """One case with the traffic that it is judged on: the user's log, or the case's workload."""

    case: Case
    seed: int = 1
    log: Path | None = None
    routing: Routing = "random"

    @cached_property
    def trace(self) -> Trace:
        return read_log(self.log) if self.log else generate(self.case.workload, seed=self.seed)

    @property
    def requests_per_month(self) -> float:
        """The rate of the traffic at hand, at 30 days a month."""
        return len(self.trace) * MONTH_S / self.span_s

    @property
    def span_s(self) -> float:
        """Seconds that the trace stands for."""
        return max(self.trace.span_s, 1.0) if self.log else MONTH_S

    @cached_property
    def platform(self) -> Platform:
        assumed = self.case.assumptions
        return Platform(
            isolates_per_colo=round(assumed.isolates_per_colo.value),
            routing=self.routing,
            l1_ms=assumed.l1_ms.value,
            kv_read_ms=assumed.kv_read_ms.value,
            kv_write_ms=assumed.kv_write_ms.value,
            origin_ms=assumed.origin_ms.value,
        )

    @property
    def isolates(self) -> int:
        """How many isolates serve this traffic, over all data centres."""
        return self.platform.isolates_per_colo * len(self.trace.colos)

    def replay(
        self, design: str, *, isolates_per_colo: int | None = None, trace: Trace | None = None
    ) -> Result:
        """What a design does with this traffic, or with another trace or number of isolates."""
        platform = self.platform
        if isolates_per_colo is not None:
            platform = platform.model_copy(update={"isolates_per_colo": isolates_per_colo})
        return replay_trace(
            self.trace if trace is None else trace,
            self.case.design(design),
            platform,
            seed=self.seed,
        )

    def traffic(self, factors: Sequence[float]) -> list[float]:
        """Rates to sweep, in requests a month: no more than the log has, where there is a log."""
        reachable = [factor for factor in factors if factor <= 1 or not self.log]
        return [factor * self.requests_per_month for factor in reachable]

    def at_traffic(self, requests_per_month: float) -> Trace:
        """The same traffic, denser or thinner.

        A generated workload is generated anew, for as long as `ENOUGH` requests take and a month
        at most; a log can only be thinned, at random.
        """
        if not self.log:
            workload = self.case.workload.model_copy(
                update={"requests_per_month": requests_per_month}
            )
            span_s = min(MONTH_S, MONTH_S * ENOUGH / requests_per_month)
            return generate(workload, seed=self.seed, span_s=span_s)
        share = requests_per_month / self.requests_per_month
        return thin(self.trace, share, seed=self.seed)


def thin(trace: Trace, share: float, *, seed: int) -> Trace:
    """The trace with each request kept with probability `share`."""
    kept = np.random.default_rng([seed, 2]).random(len(trace)) < share
    return replace(
        trace,
        time_s=trace.time_s[kept],
        key=trace.key[kept],
        colo=trace.colo[kept],
        op=trace.op[kept],
        size=trace.size[kept],
    )
