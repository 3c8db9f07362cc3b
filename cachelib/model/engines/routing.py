"""Which isolate of its colo a request reaches."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.random import ROUTING, key_of, mixed
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import Trace


class Router:
    """Numbers isolates over all colos: colo × isolates per colo + place in the colo.

    `round-robin`: in turn. `random`: any. `hash`: by key, always the same one. The vendor's
    sharding of Workers sends all of a Worker's traffic in a data centre to one isolate: that is
    `isolates_per_colo` 1.
    """

    def __init__(self, platform: Platform, seed: int) -> None:
        self.mode, self.isolates = platform.routing, platform.isolates_per_colo
        self.key = np.uint64(key_of(seed, ROUTING))
        self.next = np.zeros(0, np.int64)
        self.by_key = np.zeros(0, np.int32)

    def route(self, piece: Trace, row: int, runs: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The isolate of each request; `row` is the number of the first, `runs` says by colo in
        which the Worker runs."""
        isolate = runs.astype(np.int32)[piece.colo]
        if self.isolates > 1:
            isolate *= np.int32(self.isolates)
            isolate += self._inside(piece, row, isolate // self.isolates)
        return isolate

    def _inside(self, piece: Trace, row: int, colo: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        if self.mode == "random":
            counter = np.arange(row, row + len(piece), dtype=np.uint64)
            return (mixed(self.key ^ counter) % np.uint64(self.isolates)).astype(np.int32)
        if self.mode == "hash":
            if piece.hashes is not None:  # its keys' numbers are its own
                self.by_key = self.by_key[:0]
            new = [crc32(key.encode()) % self.isolates for key in piece.keys[len(self.by_key) :]]
            self.by_key = np.concatenate([self.by_key, np.array(new, np.int32)])
            return self.by_key[piece.key]
        self.next = np.concatenate(
            [self.next, np.zeros(max(0, len(piece.colos) - len(self.next)), np.int64)]
        )
        turn = np.empty(len(piece), np.int32)
        _take_turns(colo, self.next, self.isolates, turn)
        return turn


@compiled
def _take_turns(colo, following, isolates, turn):
    for i in range(len(colo)):
        turn[i] = following[colo[i]]
        following[colo[i]] = (turn[i] + 1) % isolates
