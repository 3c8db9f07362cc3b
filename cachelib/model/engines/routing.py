"""Which isolate of its colo a request reaches."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.random import ROUTING, key_of, mixed
from cachelib.model.engines.scaling import Scaler
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import Trace


class Router:
    """Numbers isolates over all colos: colo × isolates per colo + place in the colo.

    `round-robin`: in turn. `random`: any. `hash`: by key, always the same one. The vendor's
    sharding of Workers sends all of a Worker's traffic in a data centre to one isolate: that is
    `isolates_per_colo` 1. Where the number of isolates follows the traffic, `Scaler` numbers them,
    and they take turns or are chosen among those that there are.
    """

    def __init__(self, platform: Platform, seed: int) -> None:
        self.mode, self.isolates = platform.routing, platform.isolates_per_colo
        self.key = np.uint64(key_of(seed, ROUTING))
        self.next = np.zeros(0, np.int64)
        self.by_key = np.zeros(0, np.uint32)
        self.scaler = Scaler(platform) if platform.is_scaled else None

    def route(self, piece: Trace, row: int, runs: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The isolate of each request; `row` is the number of the first, `runs` says by colo in
        which the Worker runs."""
        isolate = runs.astype(np.int32)[piece.colo]
        if self.scaler:
            return self.scaler.route(piece.time_s, isolate, self._chosen(piece, row))
        if self.isolates > 1:
            isolate *= np.int32(self.isolates)
            isolate += self._inside(piece, row, isolate // self.isolates)
        return isolate

    def _inside(self, piece: Trace, row: int, colo: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        if self.mode != "round-robin":
            return (self._chosen(piece, row) % np.uint64(self.isolates)).astype(np.int32)
        self.next = np.concatenate(
            [self.next, np.zeros(max(0, len(piece.colos) - len(self.next)), np.int64)]
        )
        turn = np.empty(len(piece), np.int32)
        _take_turns(colo, self.next, self.isolates, turn)
        return turn

    def _chosen(self, piece: Trace, row: int) -> npt.NDArray[np.uint64]:
        """A number for each request, which modulo that of the isolates says which; none in turn."""
        if self.mode == "random":
            return mixed(self.key ^ np.arange(row, row + len(piece), dtype=np.uint64))
        if self.mode == "round-robin":
            return np.empty(0, np.uint64)
        if piece.hashes is not None:  # its keys' numbers are its own
            self.by_key = self.by_key[:0]
        new = [crc32(key.encode()) for key in piece.keys[len(self.by_key) :]]
        self.by_key = np.concatenate([self.by_key, np.array(new, np.uint32)])
        return self.by_key[piece.key].astype(np.uint64)


@compiled
def _take_turns(colo, following, isolates, turn):
    for i in range(len(colo)):
        turn[i] = following[colo[i]]
        following[colo[i]] = (turn[i] + 1) % isolates
