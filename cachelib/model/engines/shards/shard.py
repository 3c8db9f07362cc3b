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

    def take_in(self, other: Share) -> None:
        """Add another shard's."""
        self.sums = self.sums.plus(other.sums)
        self.tally.merge(other.tally)


class Shard:
    """Some keys' requests through a design; `start` is the time of the first request of all."""

    def __init__(self, design: Design, platform: Platform, seed: int, start: float) -> None:
        self.simulator = Compiled(design, platform, seed)
        self.simulator.begin(start)
        self.tally = Tally(design, platform, seed)

    def take(self, part: Part, places: Geography) -> tuple[Codes, npt.NDArray[np.float32]]:
        """The next requests: how each ended, and its latency in ms."""
        outcomes = self.simulator.run(
            part.trace, part.isolate, 0, places, part.rows, part.generation
        )
        return outcomes.code, self.tally.add(outcomes, part.trace.colo, 0, places, part.rows)

    def share(self, end: float, last: float) -> Share:
        """All of it, stored until `end`; `last` is the time of the last request of all."""
        return Share(self.simulator.sums(end, last), self.tally)
