"""Shards side by side on the processors of one machine.

The kernels release the interpreter, so threads are enough, and share the requests in memory.
While they work on some pieces, the next are read and passed the first time. A shard replays what
is its own of several pieces at once: what it remembers then lies in the processor's own caches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from functools import reduce

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import Sums
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import FirstPass
from cachelib.model.engines.shards.parting import Columns, Part, Parting, Waiting, room_for
from cachelib.model.engines.shards.shard import Shard
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
        self.waiting: list[tuple[Waiting, Future[npt.NDArray[np.int64]]]] = []
        self.room: Columns = ()
        self.rows = self.first_row = 0
        self.start = 0.0
        self.places: Geography
        self.colos: list[str] = []
        self.kept: list[Kept] = []
        self._at_work: list[Future[None]] = []

    def take(self, piece: Trace, row: int, places: Geography) -> None:
        """The next requests."""
        self.start = self.start if row else float(piece.time_s[0])
        self.places, self.colos = places, list(piece.colos)
        for start in range(0, len(piece), AT_ONCE):
            self._take(piece.only(slice(start, start + AT_ONCE)), row + start)

    def _take(self, piece: Trace, row: int) -> None:
        waiting = self.parting.know(piece, self.first_pass.take(piece, row, self.places), row)
        counts = self.pool.submit(waiting.counted, self.parting.shards)
        self.waiting.append((waiting, counts))
        self.rows += len(piece)
        if self.rows >= AT_ONCE:
            self._set_to_work()

    def _set_to_work(self) -> None:
        self.wait()
        pieces = [piece for piece, _ in self.waiting]
        counts = np.array([counts.result() for _, counts in self.waiting])
        self.waiting = []
        if not pieces:
            return
        self.begin(self.rows)
        self.room = room_for(pieces, self.rows, self.room)
        sizes = counts.sum(axis=0)
        ends = np.cumsum(sizes)
        starts = ends - sizes + np.cumsum(counts, axis=0) - counts
        moved = [
            self.pool.submit(piece.move, where, self.room)
            for piece, where in zip(pieces, starts, strict=True)
        ]
        self._at_work = [
            self.pool.submit(self._work, nth, part, self.places, self.first_row, moved)
            for nth, part in self._parts(ends, sizes)
        ]
        self.first_row, self.rows = self.first_row + self.rows, 0

    def _parts(
        self, ends: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, Part]]:
        """Each shard's part that has requests, the largest first; where it will be when all of
        them have moved."""
        for nth in np.argsort(-sizes, kind="stable").tolist():
            if sizes[nth]:
                mine = tuple(column[ends[nth] - sizes[nth] : ends[nth]] for column in self.room)
                yield nth, Part.of(mine, self.parting.names[nth], self.colos)

    def _work(
        self, nth: int, part: Part, places: Geography, first_row: int, moved: list[Future[None]]
    ) -> None:
        for each in moved:  # they were begun before, so none waits for a thread
            each.result()
        self.work(nth, part, places, first_row)

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
        self.tallies: list[Tally] = []
        """Of threads that have none in hand."""

    def begin(self, requests: int) -> None:
        if not self.shards:
            of = (self.design, self.platform, self.seed, self.start)
            self.shards = [Shard(*of) for _ in range(self.parting.shards)]
        if self.is_kept:
            self.kept.append((np.empty(requests, CODE_TYPE), np.empty(requests, np.float32)))

    def work(self, nth: int, part: Part, places: Geography, first_row: int) -> None:
        tally = self.tallies.pop() if self.tallies else self._tally()
        outcomes = self.shards[nth].take(part, places, tally)
        self.tallies.append(tally)
        if self.is_kept:
            for column, mine in zip(self.kept[-1], outcomes, strict=True):
                column[part.rows - first_row] = mine

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        """The counts, byte-seconds stored until `end`, and what all requests come to."""
        self.all_taken()
        sums = [shard.sums(end, last) for shard in self.shards]
        return summed(sums, self.tallies, self.first_pass.losses)

    def _tally(self) -> Tally:
        return Tally(self.design, self.platform, self.seed)


def summed(
    sums: Sequence[Sums], tallies: Sequence[Tally], losses: dict[str, int]
) -> tuple[dict[str, int], float, Tally]:
    """What shards come to, with what the first pass counted, where the shards did not."""
    whole, *others = tallies
    for other in others:
        whole.merge(other)
    counts, byte_seconds = reduce(Sums.plus, sums).told()
    found = {name: counts[name] + n for name, n in losses.items()}
    return counts | found, byte_seconds, whole
