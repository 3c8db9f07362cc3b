"""Requests parted into shards: each key is in one, and has a number there."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator"

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.compiled.engine import NO_GENERATIONS, NO_LIVES
from cachelib.model.engines.compiler import compiled
from cachelib.model.engines.shards.binding import Binding
from cachelib.model.engines.shards.first_pass import Passed
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace

PLACE = np.dtype([("shard", "i4"), ("number", "i4")])
"""Where a key is: in which shard, and its number there."""


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

    def like(self) -> Part:
        """Room for as many requests, without these."""
        t = self.trace
        trace = replace(
            t, time_s=np.empty_like(t.time_s), key=np.empty_like(t.key),
            colo=np.empty_like(t.colo), op=np.empty_like(t.op), size=np.empty_like(t.size),
            ttl_s=None if t.ttl_s is None else np.empty_like(t.ttl_s),
        )  # fmt: skip
        isolate, generation = np.empty_like(self.isolate), np.empty_like(self.generation)
        return Part(trace, isolate, generation, np.empty_like(self.rows))

    @property
    def columns(self) -> tuple[npt.NDArray[Any], ...]:
        """All of them; those that no request has are empty."""
        t = self.trace
        lives = NO_LIVES if t.ttl_s is None else t.ttl_s
        of_trace = (t.time_s, t.key, t.colo, t.op, t.size, lives)
        return (*of_trace, self.isolate, self.generation, self.rows)


def joined(parts: Sequence[Part]) -> Part:
    """Parts of one shard, one after the other."""
    if len(parts) == 1:
        return parts[0]
    traces = [part.trace for part in parts]
    lived = any(trace.ttl_s is not None for trace in traces)
    trace = replace(
        traces[-1],
        time_s=np.concatenate([trace.time_s for trace in traces]),
        key=np.concatenate([trace.key for trace in traces]),
        colo=np.concatenate([trace.colo for trace in traces]),
        op=np.concatenate([trace.op for trace in traces]),
        size=np.concatenate([trace.size for trace in traces]),
        ttl_s=np.concatenate([_lives(trace) for trace in traces]) if lived else None,
    )
    return Part(
        trace,
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


def _lives(trace: Trace) -> npt.NDArray[np.float32]:
    return np.zeros(len(trace), np.float32) if trace.ttl_s is None else trace.ttl_s


@dataclass(frozen=True)
class Parted:
    """A piece whose requests lie shard by shard; `ends` says where each shard's end."""

    all: Part
    ends: npt.NDArray[np.int64]
    names: list[list[str]]

    def part(self, nth: int) -> Part:
        """A shard's requests, as they lie."""
        mine = self.all.only(slice(int(self.ends[nth - 1]) if nth else 0, int(self.ends[nth])))
        return replace(mine, trace=replace(mine.trace, keys=self.names[nth]))


@dataclass(frozen=True)
class Known:
    """Where the keys are that have come so far. It stays as it is, whatever comes meanwhile."""

    place: npt.NDArray[np.void]
    names: list[list[str]]
    hashes: npt.NDArray[np.uint64] | None = None
    """Where the piece numbers its own keys: what their numbers are in all pieces."""

    def parted(self, piece: Trace, passed: Passed, row: int) -> Parted:
        """A piece, of which `row` is the number of the first request."""
        starts = np.zeros(len(self.names) + 1, np.int64)
        piece = replace(piece, keys=[], hashes=None)  # nobody asks for all names again
        before = Part(piece, *passed, np.arange(row, row + len(piece)))
        after = before.like()
        _by_shard(self.place, starts, before.columns, after.columns)
        if self.hashes is not None:
            everywhere: Any = self.hashes[after.trace.key]  # until the shard numbers them
            after = replace(after, trace=replace(after.trace, key=everywhere))
        return Parted(after, starts[:-1], self.names)


class Parting:
    """Which shard each key falls to."""

    def __init__(self, design: Design, binding: Binding, shards: int) -> None:
        self.binding, self.shards = binding, 1 if binding.by == "run" else shards
        self.are_names_read = are_names_read(design)
        self.place = np.empty(0, PLACE)
        self.names: list[list[str]] = [[] for _ in range(self.shards)]

    def know(self, piece: Trace) -> Known:
        """What says how the next piece parts; pieces must come in their order, and know it here."""
        if piece.hashes is not None:
            return self._by_hash(piece.keys, piece.hashes)
        self._know(piece.keys)
        return Known(self.place, list(self.names))

    def _by_hash(self, keys: list[str], hashes: npt.NDArray[np.uint64]) -> Known:
        """Nothing is remembered of keys: a shard numbers those that it gets."""
        if self.are_names_read:
            raise ValueError("hashes: what becomes of this design's keys depends on their names")
        units = hashes if self.binding.many is None else self.binding.units(keys, 0)
        place = np.empty(len(keys), PLACE)
        place["shard"], place["number"] = units % self.shards, np.arange(len(keys))
        return Known(place, self.names, hashes)

    def _know(self, keys: list[str]) -> None:
        """Keys that have not come before. Lists are made anew: shards at work have the old."""
        first = len(self.place)
        if len(keys) == first:
            return
        new = keys[first:]
        place = np.empty(len(new), PLACE)
        place["shard"] = self.binding.units(new, first) % self.shards
        for nth in np.unique(place["shard"]).tolist():
            mine = np.flatnonzero(place["shard"] == nth)
            had = len(self.names[nth])
            place["number"][mine] = np.arange(had, had + len(mine))
            self.names[nth] = self.names[nth] + self._names(new, mine)
        self.place = np.concatenate([self.place, place])

    def _names(self, new: Sequence[str], mine: npt.NDArray[np.int64]) -> list[str]:
        """Names are long and many; most designs only want to know how many there are."""
        return [new[i] for i in mine.tolist()] if self.are_names_read else [""] * len(mine)


@compiled
def _by_shard(place, starts, given, found):
    """A stable sort by counting, of all columns; `starts` ends as where each shard's end."""
    time_s, key, colo, op, size, ttl_s, isolate, generation, rows = given
    to = found
    for i in range(len(key)):
        starts[place[key[i]].shard + 1] += 1
    for nth in range(1, len(starts)):
        starts[nth] += starts[nth - 1]
    for i in range(len(key)):
        known = place[key[i]]
        at = starts[known.shard]
        starts[known.shard] += 1
        to[0][at], to[1][at], to[2][at], to[3][at] = time_s[i], known.number, colo[i], op[i]
        to[4][at], to[6][at], to[8][at] = size[i], isolate[i], rows[i]
        if len(ttl_s):
            to[5][at] = ttl_s[i]
        if len(generation):
            to[7][at] = generation[i]
