"""Requests parted into shards: each key is in one, and has a number there."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_GENERATIONS, NO_LIVES
from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.shards.binding import Binding
from cachelib.model.engines.shards.first_pass import Passed
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace, one_after_another

Columns = tuple[npt.NDArray[Any], ...]
PLACE = np.dtype([("shard", "i4"), ("number", "i4")])
"""Where a key is: in which shard, and its number there."""
HASHED = np.dtype([("shard", "i4"), ("number", "u8")])
"""The same of a key that each shard is to number by itself: what its hash is."""


@dataclass(frozen=True)
class Part:
    """The requests that fall to a shard, whose keys are numbered by themselves; or, before they
    part, to all. `rows` are their numbers among all requests."""

    trace: Trace
    isolate: npt.NDArray[np.int32]
    generation: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, at: slice | npt.NDArray[np.int64]) -> Part:
        """Some of the requests."""
        lives = len(self.generation) > 0
        generation = self.generation[at] if lives else NO_GENERATIONS
        return Part(self.trace.only(at), self.isolate[at], generation, self.rows[at])

    @classmethod
    def of(cls, columns: Columns, keys: list[str], colos: list[str]) -> Part:
        """What `columns` say, in the order of `Waiting.columns`."""
        time_s, key, colo, op, size, lives, isolate, generation, rows = columns
        trace = Trace(
            time_s=time_s, key=key, colo=colo, op=op, size=size, keys=keys, colos=colos,
            ttl_s=lives if len(lives) else None,
        )  # fmt: skip
        return cls(trace, isolate, generation, rows)

    @property
    def columns(self) -> Columns:
        """All of them; those that no request has are empty."""
        return (*_of_trace(self.trace), self.isolate, self.generation, self.rows)


def _of_trace(trace: Trace) -> Columns:
    lives = NO_LIVES if trace.ttl_s is None else trace.ttl_s
    return trace.time_s, trace.key, trace.colo, trace.op, trace.size, lives


def joined(parts: Sequence[Part]) -> Part:
    """Parts of one shard, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        one_after_another([part.trace for part in parts]),
        np.concatenate([part.isolate for part in parts]),
        np.concatenate([part.generation for part in parts]),
        np.concatenate([part.rows for part in parts]),
    )


def joined_to(rows: int, parts: Iterable[Part]) -> Iterator[Part]:
    """The parts of one shard, so many joined that each has `rows` requests or more but the last."""
    waiting: list[Part] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= rows:
            yield joined(waiting)
            waiting = []
    if waiting:
        yield joined(waiting)


def are_names_read(design: Design) -> bool:
    """Whether what becomes of a key depends on its name, or only on which it is."""
    return design.objects is not None or design.l1_max_bytes is not None


@dataclass(frozen=True)
class Waiting:
    """A piece that has passed, and where its keys are: that stays, whatever comes meanwhile.

    `row` is the number of its first request.
    """

    trace: Trace
    passed: Passed
    row: int
    place: npt.NDArray[np.void]

    @property
    def columns(self) -> Columns:
        """Those that its part will have; of keys' and requests' numbers only what they are like."""
        time_s, _, *others = _of_trace(self.trace)
        return (time_s, self.place["number"], *others, *self.passed, np.empty(1, np.int64))

    def counted(self, shards: int) -> npt.NDArray[np.int64]:
        """How many requests fall to each shard."""
        counts = np.zeros(shards, np.int64)
        _count(self.place, self.trace.key, counts)
        return counts

    def move(self, starts: npt.NDArray[np.int64], room: Columns) -> None:
        """To where each shard's requests start."""
        _move(self.place, starts, self.row, (*_of_trace(self.trace), *self.passed), room)


def room_for(pieces: Sequence[Waiting], requests: int, old: Columns) -> Columns:
    """Columns for so many. Those of before are taken again: new memory costs as much as a replay
    of what lies in it."""
    found = []
    for nth, columns in enumerate(zip(*(piece.columns for piece in pieces), strict=True)):
        kind = np.result_type(*columns)
        n = requests if any(map(len, columns)) else 0
        is_room = nth < len(old) and old[nth].dtype == kind and len(old[nth]) >= n > 0
        found.append(old[nth] if is_room else np.empty(n, kind))
    return tuple(found)


class Parting:
    """Which shard each key falls to."""

    def __init__(self, design: Design, binding: Binding, shards: int) -> None:
        self.binding, self.shards = binding, 1 if binding.by == "run" else shards
        self.are_names_read = are_names_read(design)
        self.place = np.empty(0, PLACE)
        self.names: list[list[str]] = [[] for _ in range(self.shards)]

    def know(self, piece: Trace, passed: Passed, row: int) -> Waiting:
        """A piece, and how it parts; pieces must come here in their order."""
        place = self._known(piece)  # first, for it may refuse the piece
        piece = replace(piece, keys=[], hashes=None)  # nobody asks for all names again
        return Waiting(piece, passed, row, place)

    def _known(self, piece: Trace) -> npt.NDArray[np.void]:
        if piece.hashes is not None:
            return self._by_hash(piece.keys, piece.hashes)
        self._know(piece.keys)
        return self.place

    def _by_hash(self, keys: list[str], hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.void]:
        """Nothing is remembered of keys: a shard numbers those that it gets."""
        if self.are_names_read:
            raise ValueError("hashes: what becomes of this design's keys depends on their names")
        units = hashes if self.binding.many is None else self.binding.units(keys, 0)
        place = np.empty(len(keys), HASHED)
        place["shard"], place["number"] = units % self.shards, hashes
        return place

    def _know(self, keys: list[str]) -> None:
        """Keys that have not come before. Lists are made anew: shards at work have the old."""
        first = len(self.place)
        if len(keys) == first:
            return
        new = keys[first:]
        place = np.empty(len(new), PLACE)
        place["shard"] = self.binding.units(new, first) % self.shards
        mine = np.argsort(place["shard"], kind="stable")
        ends = np.cumsum(np.bincount(place["shard"], minlength=self.shards)).tolist()
        for nth, (start, end) in enumerate(pairwise([0, *ends])):
            had = len(self.names[nth])
            place["number"][mine[start:end]] = np.arange(had, had + end - start)
            if end > start:
                self.names[nth] = self.names[nth] + self._names(new, mine[start:end])
        self.place = np.concatenate([self.place, place])

    def _names(self, new: Sequence[str], mine: npt.NDArray[np.int64]) -> list[str]:
        """Names are long and many; most designs only want to know how many there are."""
        return [new[i] for i in mine.tolist()] if self.are_names_read else [""] * len(mine)


@compiled
def _count(place, key, counts):
    for i in range(len(key)):
        counts[place[key[i]].shard] += 1


@compiled
def _move(place, starts, row, given, to):
    """A stable sort by counting, of all columns; `starts` ends as where each shard's end."""
    time_s, key, colo, op, size, ttl_s, isolate, generation = given
    for i in range(len(key)):
        known = place[key[i]]
        at = starts[known.shard]
        starts[known.shard] += 1
        to[0][at], to[1][at], to[2][at], to[3][at] = time_s[i], known.number, colo[i], op[i]
        to[4][at], to[6][at], to[8][at] = size[i], isolate[i], row + i
        if len(to[5]):
            to[5][at] = ttl_s[i] if len(ttl_s) else np.float32(0)
        if len(generation):
            to[7][at] = generation[i]
