"""The second pass: a shard of keys, replayed alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import Compiled, Sums
from cachelib.model.engines.shards.parting import Part
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import Codes


@dataclass
class Share:
    """What a shard comes to."""

    sums: Sums
    tally: Tally


class Shard:
    """Some keys' requests through a design; `start` is the time of the first request of all.

    What becomes of them is counted in a tally, which several shards may share that do not work at
    the same time: it is large.
    """

    def __init__(self, design: Design, platform: Platform, seed: int, start: float) -> None:
        self.simulator = Compiled(design, platform, seed)
        self.simulator.begin(start)

    def take(
        self, part: Part, places: Geography, tally: Tally
    ) -> tuple[Codes, npt.NDArray[np.float32]]:
        """The next requests: how each ended, and its latency in ms."""
        outcomes = self.simulator.run(
            part.trace, part.isolate, 0, places, part.rows, part.generation
        )
        return outcomes.code, tally.add(outcomes, part.trace.colo, 0, places, part.rows)

    def sums(self, end: float, last: float) -> Sums:
        """All of it, stored until `end`; `last` is the time of the last request of all."""
        return self.simulator.sums(end, last)
