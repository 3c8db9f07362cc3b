"""A trace on the local runtime and in the simulation, for several designs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cachelib.live.conformance import Row, conformance
from cachelib.live.driver import Progress
from cachelib.live.replay import LiveRun
from cachelib.live.runtime import LiveError
from cachelib.live.runtimes import LocalRuntime, runtime_of
from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.traffic.trace import NO_PURGES, Trace


@dataclass(frozen=True)
class LiveResult:
    """Live runs and the simulations of the same requests, by design."""

    runtime: LocalRuntime
    requests: int
    runs: list[LiveRun]
    simulated: list[Result]

    @cached_property
    def conformance(self) -> list[Row]:
        pairs = zip(self.runs, self.simulated, strict=True)
        return [row for run, result in pairs for row in conformance(run, result)]

    @property
    def conforms(self) -> bool:
        """Every count is the same on both sides."""
        return all(row.equal for row in self.conformance)

    def as_dict(self) -> dict[str, Any]:
        """The result for machines."""
        return {
            "conformance": [row._asdict() for row in self.conformance],
            "conforms": self.conforms,
            "requests": self.requests,
            "clocks": dict(self.runtime.clocks),
            "not_checked": [each._asdict() for each in self.runtime.not_checked],
            "runtime": self.runtime.versions(),
        }


def run_designs(
    trace: Trace,
    designs: Iterable[Design],
    platform: Platform,
    *,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> LiveResult:
    """Every design on the local runtime that the platform has, and simulated as that one is."""
    runtime = runtime_of(platform.described)
    if runtime is None:
        raise LiveError(f"{platform.profile}: nothing that runs here is like this platform")
    trace = replace(trace, purges=NO_PURGES)  # none is run here, as `not_checked` says
    designs, local = list(map(as_shown, designs)), runtime.local(platform)
    for design in designs:
        local.check(design)
    return LiveResult(
        runtime,
        len(trace),
        runtime.run_each(trace, designs, local, seed=seed, progress=progress),
        [replay(trace, design, local, seed=seed) for design in designs],
    )


def as_shown(design: Design) -> Design:
    """The design as it runs here: the Worker loads what a Durable Object has not, and writes it."""
    return design.model_copy(update={"object_loads": design.l2 != DURABLE_OBJECT.word})
