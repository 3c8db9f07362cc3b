"""Requests parted into shards: each key is in one, and has a number there."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_GENERATIONS
from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.shards.binding import Binding
from cachelib.model.engines.shards.first_pass import Passed
from cachelib.model.traffic.trace import Trace


@dataclass(frozen=True)
class Part:
    """The requests of a piece that fall to a shard, whose keys are numbered by themselves.

    `at` are their places in the piece, `rows` their numbers among all requests.
    """

    trace: Trace
    isolate: npt.NDArray[np.int32]
    generation: npt.NDArray[np.int32]
    at: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


class Parting:
    """Which shard each key falls to."""

    def __init__(self, binding: Binding, shards: int) -> None:
        self.binding, self.shards = binding, 1 if binding.by == "run" else shards
        self.shard = np.empty(0, np.int32)
        self.number = np.empty(0, np.int32)
        self.names: list[list[str]] = [[] for _ in range(self.shards)]

    def know(self, keys: list[str]) -> None:
        """Keys that have not come before. Lists are made anew: shards at work have the old."""
        first = len(self.shard)
        if len(keys) == first:
            return
        new = keys[first:]
        shard = (self.binding.units(new, first) % self.shards).astype(np.int32)
        number = np.empty(len(new), np.int32)
        for nth in np.unique(shard).tolist():
            mine = np.flatnonzero(shard == nth)
            had = len(self.names[nth])
            number[mine] = np.arange(had, had + len(mine))
            self.names[nth] = self.names[nth] + [new[i] for i in mine.tolist()]
        self.shard = np.concatenate([self.shard, shard])
        self.number = np.concatenate([self.number, number])

    def places(self, piece: Trace) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        """By shard, where its requests stand in the piece; none of those that have none."""
        self.know(piece.keys)
        starts = np.zeros(self.shards + 1, np.int64)
        order = np.empty(len(piece), np.int64)
        _by_shard(self.shard, piece.key, starts, order)
        for nth in range(self.shards):
            start = int(starts[nth - 1]) if nth else 0
            if starts[nth] > start:
                yield nth, order[start : starts[nth]]

    def part(
        self, piece: Trace, passed: Passed, row: int, nth: int, at: npt.NDArray[np.int64]
    ) -> Part:
        """A shard's requests, taken out of the piece."""
        trace = piece.only(at)
        lives = len(passed.generation) > 0
        return Part(
            trace=replace(trace, key=self.number[trace.key], keys=self.names[nth]),
            isolate=passed.isolate[at],
            generation=passed.generation[at] if lives else NO_GENERATIONS,
            at=at,
            rows=at + row,
        )


@compiled
def _by_shard(shard, keys, starts, order):
    """A stable sort by counting; `starts` ends as where each shard's requests end."""
    for i in range(len(keys)):
        starts[shard[keys[i]] + 1] += 1
    for nth in range(1, len(starts)):
        starts[nth] += starts[nth - 1]
    for i in range(len(keys)):
        nth = shard[keys[i]]
        order[starts[nth]] = i
        starts[nth] += 1
