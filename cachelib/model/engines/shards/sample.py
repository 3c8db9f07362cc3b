"""Some of the keys, whole, in the place of all: exact for each key, so the only error is of choice.

All requests pass the first time, so that isolates live as long as they do under all of the
traffic; then only the chosen keys are replayed (SHARDS: Waldspurger et al., FAST 2015). How often
each key is asked for is known of all, so each class of popularity speaks for its own requests.
The error is that of leaving out one group of the chosen keys after the other (delete-a-group
jackknife); where no chosen key is as popular as some, the nearest class speaks for these, and
the error is also how far it differs from any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cachelib.errors import CachelibError
from cachelib.model.engines.compiled.engine import Sums
from cachelib.model.engines.random import key_of, mixed
from cachelib.model.engines.result import Result
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import FirstPass
from cachelib.model.engines.shards.parting import Part, are_names_read, joined_to
from cachelib.model.engines.shards.shard import Shard, Share
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE
from cachelib.model.traffic.trace import Trace

GROUPS = 10
ROWS = 1 << 20  # requests replayed at once, each cell's after another's
LEAST = 100  # keys: the errors of fewer did not hold, see benchmarks/simulator.py
CHOICE = 6  # a purpose of random numbers, beside those of `random`

Asked = npt.NDArray[np.int64]
Names = dict[int, list[str]]
Cell = tuple[int, int]
"""A class of popularity, and a group of its keys."""


class SampleError(CachelibError, ValueError):
    """A sample of keys that says nothing of the others: `why`, and what to do."""

    def __init__(self, why: str, do: str) -> None:
        super().__init__(why + do)
        self.why = why


@dataclass(frozen=True)
class Estimates:
    """What the sample says of all; and as it would be without each of its groups, and with other
    classes of popularity in the place of those that it has no key of.

    `gap` says how many classes farther those lie than the nearest that has one, `unseen`
    how many requests they have.
    """

    result: Result
    without: tuple[Result, ...]
    instead: tuple[Result, ...]
    gap: int
    unseen: int
    keys: int
    requests: int


class SampledRun:
    """One design's run on a sample of its keys, taken piece by piece."""

    def __init__(self, design: Design, platform: Platform, rate: float, seed: int) -> None:
        platform.check(design)
        self.binding = binding_of(design, platform)
        if self.binding.by == "run":
            raise SampleError(
                f"{design.name}: some of its keys say nothing of the others, since"
                f" {self.binding.why}",
                "; replay it without --sample",
            )
        self.design, self.platform, self.rate, self.seed = design, platform, rate, seed
        self.first_pass = FirstPass(design, platform, seed, self.binding)
        self.are_names_read = are_names_read(design)
        self.units = np.empty(0, np.int64)
        self.chosen = np.empty(0, bool)
        self.names: dict[int, str] = {}
        self.asked = np.zeros(0, np.int64)
        self.parts: list[Part] = []
        self.row = self.colos = self.bytes = 0
        self.first = self.last = 0.0

    def take(self, piece: Trace) -> None:
        if not len(piece):
            return
        self.first = self.first if self.row else float(piece.time_s[0])
        self.last = float(piece.time_s[-1])
        places = geography(list(piece.colos), self.platform)
        passed = self.first_pass.take(piece, self.row, places)
        self._know(piece.keys)
        self.asked += np.bincount(self.units[piece.key], minlength=len(self.asked))
        at = np.flatnonzero(self.chosen[piece.key])
        rows = np.arange(self.row, self.row + len(piece))
        self.colos = len(set(places.runs.tolist()))
        self.bytes += int(piece.size.sum(dtype=np.int64))
        self.parts.append(Part(piece, *passed, rows).only(at))
        self.row += len(piece)

    def _know(self, keys: list[str]) -> None:
        """Choose among keys that have not come before."""
        first = len(self.units)
        new = keys[first:]
        units = self.binding.units(new, first)
        chosen = self._place(units) < self.rate
        self.units = np.concatenate([self.units, units])
        self.chosen = np.concatenate([self.chosen, chosen])
        more = max(0, int(units.max(initial=-1)) + 1 - len(self.asked))
        self.asked = np.concatenate([self.asked, np.zeros(more, np.int64)])
        if self.are_names_read:
            self.names |= {first + nth: new[nth] for nth in np.flatnonzero(chosen).tolist()}

    def estimates(self) -> Estimates:
        """Of all requests. Raises `SampleError` where too few keys were chosen to know an error."""
        units = np.unique(self.units)
        keys = int((self._place(units) < self.rate).sum())
        cells = self._cells()
        groups = {group for _, group in cells}
        if keys < LEAST or len(groups) < 2:
            raise self._too_few(keys, len(units))
        asked = np.bincount(_popularity(self.asked), weights=self.asked).astype(np.int64)
        whole = self._result(cells, asked)
        without = [
            self._result({cell: c for cell, c in cells.items() if cell[1] != group}, asked)
            for group in sorted(groups)
        ]
        there = {popularity for popularity, _ in cells}
        gaps = [min(abs(i - c) for c in there) for i, n in enumerate(asked) if n]
        gap = max(gaps)
        unseen = sum(int(n) for i, n in enumerate(asked) if i not in there)
        instead = [self._result(cells, asked, nth) for nth in range(len(there)) if gap]
        requests = sum(len(part.trace) for part in self.parts)
        return Estimates(whole, tuple(without), tuple(instead), gap, unseen, keys, requests)

    def without_groups(self) -> tuple[Result, ...]:
        """What all of these keys say without each group of them, brought to as many keys.

        Of nobody else's requests anything is known, so popularity is no help here. Raises
        `SampleError` where too few keys are there to know an error.
        """
        cells = self._cells()
        groups = {group for _, group in cells}
        keys = len(np.unique(self.units))
        if keys < LEAST or len(groups) < 2:
            raise self._too_few(keys, keys)
        more = len(groups) / (len(groups) - 1)
        found = []
        for left_out in sorted(groups):
            left = [cell for (_, group), cell in cells.items() if group != left_out]
            requests = round(more * sum(asked for asked, _ in left))
            found.append(self._of([(share, more) for _, share in left], requests))
        return tuple(found)

    def _too_few(self, keys: int, of: int) -> SampleError:
        there = f"--sample {self.rate:g}: that is" if self.rate < 1 else "there are"
        return SampleError(
            f"{there} {keys:,} of {of:,} keys; with fewer than {LEAST} even the error is not known",
            ", so take more or all",
        )

    def _place(self, unit: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Where a key lies between 0 and 1, whatever else there is."""
        hashed = mixed(np.uint64(key_of(self.seed, CHOICE)) ^ unit.astype(np.uint64))
        return hashed / 2.0**64

    def _cells(self) -> dict[Cell, tuple[int, Share]]:
        """By class and group of the keys, how many requests, and what they come to."""
        popularity = _popularity(self.asked)
        group = (self._place(np.arange(len(self.asked))) / self.rate * GROUPS).astype(np.int64)
        cell = (popularity * GROUPS + group)[self.units]
        number, names = self._numbered(cell)
        shards: dict[int, tuple[Shard, Tally]] = {}
        of = self.design, self.platform, self.seed
        asked: dict[int, int] = {}
        for part in joined_to(ROWS, self.parts):
            places = geography(list(part.trace.colos), self.platform)
            mine = cell[part.trace.key]
            for nth in np.unique(mine).tolist():
                if nth not in shards:
                    shards[nth] = Shard(*of, self.first), Tally(*of)
                these = part.only(np.flatnonzero(mine == nth))
                trace = replace(these.trace, key=number[these.trace.key], keys=names[nth])
                shard, tally = shards[nth]
                shard.take(replace(these, trace=trace), places, tally)
                asked[nth] = asked.get(nth, 0) + len(trace)
        return {
            divmod(nth, GROUPS): (asked[nth], Share(shard.sums(self._end, self.last), tally))
            for nth, (shard, tally) in shards.items()
        }

    def _numbered(self, cell: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int32], Names]:
        """The chosen keys' numbers, each in its own cell, and the names of each cell's.

        What a shard remembers has room for all keys that it is told of.
        """
        number = np.zeros(len(cell), np.int32)
        keys = np.flatnonzero(self.chosen)
        names: Names = {}
        for nth in np.unique(cell[keys]).tolist():
            mine = keys[cell[keys] == nth]
            number[mine] = np.arange(len(mine))
            names[nth] = [self.names.get(key, "") for key in mine.tolist()]
        return number, names

    @property
    def _span_s(self) -> float:
        return max(self.last - self.first, 1.0)

    @property
    def _end(self) -> float:
        return max(self.last, self.first + self._span_s)

    def _result(
        self, cells: Mapping[Cell, tuple[int, Share]], asked: Asked, nth: int = 0
    ) -> Result:
        """All of it; for classes without a chosen key, the `nth` nearest class speaks."""
        there = sorted({popularity for popularity, _ in cells})
        speaks_for = dict.fromkeys(there, 0.0)
        for popularity, requests in enumerate(asked):
            if requests:
                speaks_for[_speaker(there, popularity, nth)] += requests
        taken = dict.fromkeys(there, 0)
        for (popularity, _), (requests, _) in cells.items():
            taken[popularity] += requests
        shares = [
            (share, speaks_for[popularity] / taken[popularity])
            for (popularity, _), (_, share) in cells.items()
        ]
        return self._of(shares, self.row)

    def _of(self, shares: Iterable[tuple[Share, float]], requests: int) -> Result:
        sums, tally = _weighted(shares, Tally(self.design, self.platform, self.seed))
        counts, byte_seconds = sums.told()
        counted = {name: round(n) for name, n in counts.items()} | self.first_pass.losses
        empty = np.empty(0, CODE_TYPE), np.empty(0, np.float32)
        return Result(
            self.design, self.platform, requests, self._span_s, counted, byte_seconds,
            max(self.colos, 1), self.bytes / max(self.row, 1), tally, *empty,
        )  # fmt: skip


def sampled_pieces(
    pieces: Iterable[Trace],
    designs: Sequence[Design],
    platform: Platform,
    rate: float,
    *,
    seed: int = 0,
) -> list[Estimates]:
    """What `replay_pieces` would tell, estimated from a share `rate` of the keys, with errors."""
    if not 0 < rate <= 1:
        raise ValueError(f"rate must be above 0 and at most 1, not {rate}")
    if name := next((each.name for each in designs if (each.joined or 1) > 1), None):
        why = f"{name}: which keys lie together in a value (joined) hangs on how popular all are"
        raise SampleError(why, "; replay it without --sample")
    runs = [SampledRun(design, platform, rate, seed) for design in designs]
    for piece in pieces:
        for run in runs:
            run.take(piece)
    return [run.estimates() for run in runs]


def without_key_groups(
    trace: Trace, design: Design, platform: Platform, *, seed: int = 0
) -> tuple[Result, ...]:
    """What a trace that is a sample of keys says without each group of them; see `SampledRun`."""
    if (design.joined or 1) > 1:
        why = f"{design.name}: which keys lie together hangs on how popular all are"
        raise SampleError(why, "")
    run = SampledRun(design, platform, 1.0, seed)
    run.take(trace)
    return run.without_groups()


def _popularity(asked: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """A class for each doubling of how often a key is asked for."""
    return np.log2(np.maximum(asked, 1)).astype(np.int64)


def _speaker(there: Sequence[int], popularity: int, nth: int) -> int:
    """The class itself, or the `nth` nearest of those that there are."""
    if popularity in there:
        return popularity
    near = sorted(there, key=lambda other: abs(other - popularity))
    return near[min(nth, len(near) - 1)]


def _weighted(shares: Iterable[tuple[Share, float]], tally: Tally) -> tuple[Sums, Tally]:
    """The sum of shares, each of which stands for more; of estimates, so of fractions."""
    counts: dict[str, float] = {}
    stored = 0.0
    listed: npt.NDArray[np.float64] = np.zeros(1)
    for share, weight in shares:
        for name, n in share.sums.counts.items():
            counts[name] = counts.get(name, 0.0) + weight * n
        stored += weight * share.sums.stored
        listed = listed + weight * share.sums.listed
        tally.codes = tally.codes + weight * share.tally.codes
        for own, their in zip(tally.histograms, share.tally.histograms, strict=True):
            own.counts = own.counts + weight * their.counts
            own.total = own.total + weight * their.total.astype(np.float64)
    rounded = {name: round(n) for name, n in counts.items()}
    return Sums(rounded, round(stored), np.rint(listed).astype(np.int64)), tally
