"""Shards side by side on the processors of one machine.

The kernels release the interpreter, so threads are enough, and share the requests in memory.
While they work on a piece, the next is read and passed the first time.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from functools import reduce

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import FirstPass, Passed
from cachelib.model.engines.shards.parting import Parting
from cachelib.model.engines.shards.shard import Shard, Share
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE, Codes
from cachelib.model.traffic.trace import Trace

SHARDS_A_JOB = 4
"""So that one with a popular key keeps one processor busy, and the others share the rest."""

Kept = tuple[Codes, npt.NDArray[np.float32]]


class Shards:
    """One design's run, in shards."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, shards: int, pool: Executor
    ) -> None:
        self.design, self.platform, self.seed, self.pool = design, platform, seed, pool
        binding = binding_of(design, platform)
        self.first_pass = FirstPass(design, platform, seed, binding)
        self.parting = Parting(binding, shards)
        self.shards: list[Shard] = []
        self.at_work: list[Future[None]] = []

    def take(self, piece: Trace, row: int, places: Geography) -> Kept:
        """The next requests; what is returned is filled when the next are taken, or at the end."""
        passed = self.first_pass.take(piece, row)
        parts = list(self.parting.places(piece))
        kept = np.empty(len(piece), CODE_TYPE), np.empty(len(piece), np.float32)
        if not self.shards:
            start, of = float(piece.time_s[0]), (self.design, self.platform, self.seed)
            self.shards = [Shard(*of, start) for _ in range(self.parting.shards)]
        self._wait()
        self.at_work = [
            self.pool.submit(self._work, nth, piece, passed, row, at, places, kept)
            for nth, at in sorted(parts, key=lambda part: -len(part[1]))
        ]
        return kept

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        """The counts, byte-seconds stored until `end`, and what all requests come to."""
        self._wait()
        shares = [shard.share(end, last) for shard in self.shards]
        return summed(shares, self.first_pass.losses)

    def _work(
        self, nth: int, piece: Trace, passed: Passed, row: int, at: npt.NDArray[np.int64],
        places: Geography, kept: Kept,
    ) -> None:  # fmt: skip
        part = self.parting.part(piece, passed, row, nth, at)
        for column, mine in zip(kept, self.shards[nth].take(part, places), strict=True):
            column[at] = mine

    def _wait(self) -> None:
        for work in self.at_work:
            work.result()


def summed(shares: Sequence[Share], losses: dict[str, int]) -> tuple[dict[str, int], float, Tally]:
    """What shards come to, with what the first pass counted, where the shards did not."""

    def both(sum_: Share, share: Share) -> Share:
        sum_.take_in(share)
        return sum_

    whole = reduce(both, shares)
    counts, byte_seconds = whole.sums.told()
    found = {name: counts[name] + n for name, n in losses.items()}
    return counts | found, byte_seconds, whole.tally
