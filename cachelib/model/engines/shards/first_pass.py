"""The first pass: what is found of all requests in their order, before the shards part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_GENERATIONS
from cachelib.model.engines.compiled.kernel import live
from cachelib.model.engines.compiled.pool import ISOLATE
from cachelib.model.engines.compiled.rules import rules_of
from cachelib.model.engines.compiled.state import TOTALS
from cachelib.model.engines.random import EXPONENTIAL
from cachelib.model.engines.routing import Router
from cachelib.model.engines.shards.binding import Binding, is_mortal
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace

LOSSES = ("isolates_lost_idle", "isolates_lost_random", "isolates_lost_deploy")


class Passed(NamedTuple):
    """Of each request of a piece: its isolate, and which of that one's lives it finds.

    `generation` is empty where no isolate is ever lost, or each shard sees that by itself.
    """

    isolate: npt.NDArray[np.int32]
    generation: npt.NDArray[np.int32]


class FirstPass:
    """Routes requests and lets isolates live and die, piece by piece."""

    def __init__(self, design: Design, platform: Platform, seed: int, binding: Binding) -> None:
        self.router = Router(platform, seed)
        self.needed = binding.by != "run" and is_mortal(design, platform)
        self.rules = rules_of(design, platform, seed)
        self.isolates = np.zeros(0, ISOLATE)
        self.totals = np.zeros(1, TOTALS)[0]

    def take(self, piece: Trace, row: int, places: Geography) -> Passed:
        isolate = self.router.route(piece, row, places.runs)
        if not self.needed:
            return Passed(isolate, NO_GENERATIONS)
        if row == 0:
            self.totals["start"] = piece.time_s[0]
        new = np.zeros(max(0, int(isolate.max()) + 1 - len(self.isolates)), ISOLATE)
        new["dies_at"] = -np.inf
        self.isolates = np.concatenate([self.isolates, new])
        generation = np.empty(len(piece), np.int32)
        live(
            self.rules, self.isolates, self.totals, EXPONENTIAL, piece.time_s, isolate, generation
        )  # fmt: skip
        return Passed(isolate, generation)

    @property
    def losses(self) -> dict[str, int]:
        """Isolates lost, which no shard counts."""
        return {name: int(self.totals[name]) for name in LOSSES}
