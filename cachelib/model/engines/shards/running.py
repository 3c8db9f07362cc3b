"""Shards side by side on the processors of one machine.

The kernels release the interpreter, so threads are enough, and share the requests in memory.
While they work on some pieces, the next are read and passed the first time. A shard replays what
is its own of several pieces at once: what it remembers then lies in the processor's own caches.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from functools import reduce

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import FirstPass
from cachelib.model.engines.shards.parting import Part, Parted, Parting, joined
from cachelib.model.engines.shards.shard import Shard, Share
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE, Codes
from cachelib.model.traffic.trace import Trace

AT_ONCE = 1 << 22
"""Requests: twice as many are in memory, at some forty bytes."""

Kept = tuple[Codes, npt.NDArray[np.float32]]


class Shared:
    """One design's run, shared out: some pieces pass first, then all shards get what is theirs."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, shards: int, pool: Executor
    ) -> None:
        self.design, self.platform, self.seed, self.pool = design, platform, seed, pool
        binding = binding_of(design, platform)
        self.first_pass = FirstPass(design, platform, seed, binding)
        self.parting = Parting(design, binding, shards)
        self.waiting: list[Future[Parted]] = []
        self.rows = self.first_row = 0
        self.start = 0.0
        self.places: Geography
        self.kept: list[Kept] = []
        self._at_work: list[Future[None]] = []

    def take(self, piece: Trace, row: int, places: Geography) -> None:
        """The next requests."""
        passed = self.first_pass.take(piece, row, places)
        self.start = self.start if row else float(piece.time_s[0])
        self.places = places
        known = self.parting.know(piece)
        self.waiting.append(self.pool.submit(known.parted, piece, passed, row))
        self.rows += len(piece)
        if self.rows >= AT_ONCE:
            self._set_to_work()

    def _set_to_work(self) -> None:
        self.wait()
        pieces, self.waiting = [piece.result() for piece in self.waiting], []
        if not pieces:
            return
        self.begin(self.rows)
        sizes = np.sum([np.diff(piece.ends, prepend=0) for piece in pieces], axis=0)
        self._at_work = [
            self.pool.submit(self._work, nth, pieces, self.places, self.first_row)
            for nth in np.argsort(-sizes, kind="stable").tolist()
            if sizes[nth]
        ]
        self.first_row, self.rows = self.first_row + self.rows, 0

    def _work(self, nth: int, pieces: Sequence[Parted], places: Geography, first_row: int) -> None:
        parts = [piece.part(nth) for piece in pieces]
        self.work(nth, joined([part for part in parts if len(part)]), places, first_row)

    def begin(self, requests: int) -> None:
        """So many are about to be worked on."""

    def work(self, nth: int, part: Part, places: Geography, first_row: int) -> None:
        """A shard's part of requests, of which the first of all shards has number `first_row`."""
        raise NotImplementedError

    def wait(self) -> None:
        """Until all shards have worked on what they got."""
        for work in self._at_work:
            work.result()

    def all_taken(self) -> None:
        """There are no more requests."""
        self._set_to_work()
        self.wait()


class Shards(Shared):
    """The shards replay what they get at once; what became of it is kept where that is asked."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, shards: int, pool: Executor,
        *, keep: bool,
    ) -> None:  # fmt: skip
        super().__init__(design, platform, seed, shards, pool)
        self.is_kept = keep
        self.shards: list[Shard] = []

    def begin(self, requests: int) -> None:
        if not self.shards:
            of = (self.design, self.platform, self.seed, self.start)
            self.shards = [Shard(*of) for _ in range(self.parting.shards)]
        if self.is_kept:
            self.kept.append((np.empty(requests, CODE_TYPE), np.empty(requests, np.float32)))

    def work(self, nth: int, part: Part, places: Geography, first_row: int) -> None:
        outcomes = self.shards[nth].take(part, places)
        if self.is_kept:
            for column, mine in zip(self.kept[-1], outcomes, strict=True):
                column[part.rows - first_row] = mine

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        """The counts, byte-seconds stored until `end`, and what all requests come to."""
        self.all_taken()
        shares = [shard.share(end, last) for shard in self.shards]
        return summed(shares, self.first_pass.losses)


def summed(shares: Sequence[Share], losses: dict[str, int]) -> tuple[dict[str, int], float, Tally]:
    """What shards come to, with what the first pass counted, where the shards did not."""

    def both(sum_: Share, share: Share) -> Share:
        sum_.take_in(share)
        return sum_

    whole = reduce(both, shares)
    counts, byte_seconds = whole.sums.told()
    found = {name: counts[name] + n for name, n in losses.items()}
    return counts | found, byte_seconds, whole.tally
