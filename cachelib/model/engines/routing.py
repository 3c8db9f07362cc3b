"""Which isolate of its colo a request reaches."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.random import READERS, ROUTING, VISITS, key_of, mixed
from cachelib.model.engines.scaling import Scaler
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import Trace


class Router:
    """Numbers isolates over all colos: colo × isolates per colo + place in the colo.

    `round-robin`: in turn. `random`: any. `hash`: by key, always the same one. `sticky`: the one
    of its reader, see `Readers`. The vendor's
    sharding of Workers sends all of a Worker's traffic in a data centre to one isolate: that is
    `isolates_per_colo` 1. Where the number of isolates follows the traffic, `Scaler` numbers them,
    and they take turns or are chosen among those that there are.
    """

    def __init__(self, platform: Platform, seed: int) -> None:
        self.mode, self.isolates = platform.routing, platform.isolates_per_colo
        self.key = np.uint64(key_of(seed, ROUTING))
        self.next = np.zeros(0, np.int64)
        self.by_key = np.zeros(0, np.uint32)
        self.readers = Readers(platform, seed)
        self.scaler = Scaler(platform) if platform.is_scaled else None

    def route(self, piece: Trace, row: int, runs: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """The isolate of each request; `row` is the number of the first, `runs` says by colo in
        which the Worker runs."""
        isolate = runs.astype(np.int32)[piece.colo]
        if self.scaler:
            return self.scaler.route(piece.time_s, isolate, self._chosen(piece, row, isolate))
        if self.isolates > 1:
            isolate *= np.int32(self.isolates)
            isolate += self._inside(piece, row, isolate // self.isolates)
        return isolate

    def _inside(self, piece: Trace, row: int, colo: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        if self.mode != "round-robin":
            return (self._chosen(piece, row, colo) % np.uint64(self.isolates)).astype(np.int32)
        self.next = np.concatenate(
            [self.next, np.zeros(max(0, len(piece.colos) - len(self.next)), np.int64)]
        )
        turn = np.empty(len(piece), np.int32)
        _take_turns(colo, self.next, self.isolates, turn)
        return turn

    def _chosen(
        self, piece: Trace, row: int, colo: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.uint64]:
        """A number for each request, which modulo that of the isolates says which; none in turn."""
        if self.mode == "random":
            return mixed(self.key ^ np.arange(row, row + len(piece), dtype=np.uint64))
        if self.mode == "round-robin":
            return np.empty(0, np.uint64)
        if self.mode == "sticky":
            return self.readers.of(colo, row)
        if piece.hashes is not None:  # its keys' numbers are its own
            self.by_key = self.by_key[:0]
        new = [crc32(key.encode()) for key in piece.keys[len(self.by_key) :]]
        self.by_key = np.concatenate([self.by_key, np.array(new, np.uint32)])
        return self.by_key[piece.key].astype(np.uint64)


class Readers:
    """Who asks, where a balancer keeps each reader at one isolate.

    In each colo there are always as many, of whom any one asks next, for whatever it is: keys
    know nothing of readers. After some requests, geometric about their mean, another reader takes
    the place, and with it an isolate by chance. So isolates have uneven shares of the requests,
    which shift as readers come and go.
    """

    def __init__(self, platform: Platform, seed: int) -> None:
        self.at_once, self.leaves = platform.sticky_readers, 1 / platform.sticky_requests
        self.who, self.visit = (key_of(seed, purpose) for purpose in (READERS, VISITS))
        self.key = np.uint64(key_of(seed, ROUTING))
        self.nth = np.zeros((0, self.at_once), np.int64)

    def of(self, colo: npt.NDArray[np.int32], row: int) -> npt.NDArray[np.uint64]:
        """A number for each request's reader, `row` being that of the first, as if by chance."""
        rows = np.arange(row, row + len(colo), dtype=np.uint64)
        place = (mixed(np.uint64(self.who) ^ rows) % np.uint64(self.at_once)).astype(np.int64)
        ends = (mixed(np.uint64(self.visit) ^ rows) >> np.uint64(11)) * 2.0**-53 < self.leaves
        new = np.zeros((max(0, int(colo.max(initial=-1)) + 1 - len(self.nth)), self.at_once))
        self.nth = np.concatenate([self.nth, new.astype(np.int64)])
        nth = np.empty(len(colo), np.int64)
        _stay(colo, place, ends, self.nth, nth)
        seat = colo.astype(np.int64) * self.at_once + place
        return mixed(self.key ^ mixed(seat.astype(np.uint64)) ^ nth.astype(np.uint64))


@compiled
def _stay(colo, place, ends, readers, nth):
    """How many readers have had a request's place before its own."""
    for i in range(len(colo)):
        nth[i] = readers[colo[i], place[i]]
        readers[colo[i], place[i]] += ends[i]


@compiled
def _take_turns(colo, following, isolates, turn):
    for i in range(len(colo)):
        turn[i] = following[colo[i]]
        following[colo[i]] = (turn[i] + 1) % isolates
