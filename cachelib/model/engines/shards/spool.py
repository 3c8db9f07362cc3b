"""Shards kept in files, to be replayed by whoever reads them: the second pass as tasks.

The first pass writes each shard's requests as they come, so memory is a piece's; a task reads one
file and tells what its shard comes to. It depends on nothing else, so a worker that is lost costs
no more than its tasks, which others do again.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cachelib.errors import CachelibError
from cachelib.model.engines.compiled.engine import NO_GENERATIONS
from cachelib.model.engines.kept import SOURCES
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.first_pass import FirstPass
from cachelib.model.engines.shards.parting import Part, Parting
from cachelib.model.engines.shards.running import Kept, summed
from cachelib.model.engines.shards.shard import Shard, Share
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography, geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE
from cachelib.model.traffic.trace import Trace

ROWS = 1 << 18
REQUEST = np.dtype(
    [
        ("time_s", "<f8"), ("row", "<i8"), ("key", "<i4"), ("isolate", "<i4"),
        ("generation", "<i4"), ("size", "<i4"), ("ttl_s", "<f4"), ("colo", "<i2"), ("op", "u1"),
        ("unused", "u1"),
    ]
)  # fmt: skip
"""A request as it lies in a shard's file."""


class DifferentVersionsError(CachelibError, RuntimeError):
    """A worker whose results may differ in a bit from those at home."""


def versions() -> dict[str, str]:
    """What a result's bits depend on."""
    return {
        "cachelib's model": SOURCES,
        "Python": ".".join(machine.python_version_tuple()[:2]),
        "numpy": version("numpy"),
        "numba": version("numba"),
    }


@dataclass(frozen=True)
class Task:
    """One shard of one design's run: all that its replay depends on, but for the file.

    `start` and `last` are the times of the first and the last request of all shards, `names` those
    of the keys, and `lives` says whether isolates' lives were found in the first pass.
    """

    file: Path
    design: Design
    platform: Platform
    seed: int
    start: float
    end: float
    last: float
    colos: tuple[str, ...]
    names: tuple[str, ...]
    lives: bool
    versions: dict[str, str]

    def run(self) -> Share:
        """Replay the shard. Raises `DifferentVersionsError`, `OSError`."""
        if self.versions != versions():
            raise DifferentVersionsError(differing(self.versions, versions()))
        shard = Shard(self.design, self.platform, self.seed, self.start)
        places = geography(list(self.colos), self.platform)
        for part in self._parts():
            shard.take(part, places)
        return shard.share(self.end, self.last)

    def _parts(self) -> Iterator[Part]:
        names = list(self.names)
        with self.file.open("rb") as file:
            while len(kept := np.fromfile(file, REQUEST, ROWS)):
                yield self._part(kept, names)

    def _part(self, kept: npt.NDArray[np.void], names: list[str]) -> Part:
        columns = {name: np.ascontiguousarray(kept[name]) for name in REQUEST.names or ()}
        trace = Trace(
            time_s=columns["time_s"],
            key=columns["key"],
            colo=columns["colo"],
            op=columns["op"],
            size=columns["size"],
            keys=names,
            colos=list(self.colos),
            ttl_s=columns["ttl_s"],
        )
        generation = columns["generation"] if self.lives else NO_GENERATIONS
        return Part(trace, columns["isolate"], generation, columns["row"], columns["row"])


def differing(here: dict[str, str], there: dict[str, str]) -> str:
    """What differs, in words."""
    return "; ".join(
        f"{name} is {there.get(name, 'missing')} there and {mine} here"
        for name, mine in here.items()
        if there.get(name) != mine
    )


Runner = Callable[[Sequence[Task]], Sequence[Share]]
"""Who replays the tasks; their shares, in any order."""


class SpooledShards:
    """One design's run in shards, written into `folder` and replayed by `runner` at the end."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, shards: int, folder: Path,
        runner: Runner,
    ) -> None:  # fmt: skip
        self.design, self.platform, self.seed = design, platform, seed
        self.folder, self.runner = folder, runner
        binding = binding_of(design, platform)
        self.first_pass = FirstPass(design, platform, seed, binding)
        self.parting = Parting(binding, shards)
        self.start = 0.0
        self.colos: tuple[str, ...] = ()

    def take(self, piece: Trace, row: int, places: Geography) -> Kept:
        """The next requests, of which none is told how it ended."""
        self.start = self.start if row else float(piece.time_s[0])
        self.colos = tuple(piece.colos)
        passed = self.first_pass.take(piece, row)
        for nth, at in self.parting.places(piece):
            part = self.parting.part(piece, passed, row, nth, at)
            with self._file(nth).open("ab") as file:
                _rows(part).tofile(file)
        return np.empty(0, CODE_TYPE), np.empty(0, np.float32)

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        """The counts, byte-seconds stored until `end`, and what all requests come to."""
        tasks = [self._task(nth, end, last) for nth in range(self.parting.shards)]
        return summed(list(self.runner(tasks)), self.first_pass.losses)

    def _task(self, nth: int, end: float, last: float) -> Task:
        self._file(nth).touch()
        return Task(
            file=self._file(nth),
            design=self.design,
            platform=self.platform,
            seed=self.seed,
            start=self.start,
            end=end,
            last=last,
            colos=self.colos,
            names=self._names(nth),
            lives=self.first_pass.needed,
            versions=versions(),
        )

    def _names(self, nth: int) -> tuple[str, ...]:
        """Names are long and many; most designs only want to know how many there are."""
        names = self.parting.names[nth]
        are_read = self.design.objects is not None or self.design.l1_max_bytes is not None
        return tuple(names) if are_read else ("",) * len(names)

    def _file(self, nth: int) -> Path:
        return self.folder / f"shard-{nth}"


def _rows(part: Part) -> npt.NDArray[np.void]:
    trace = part.trace
    rows = np.zeros(len(trace), REQUEST)
    for name in ("time_s", "key", "colo", "op", "size"):
        rows[name] = getattr(trace, name)
    rows["row"], rows["isolate"] = part.rows, part.isolate
    if len(part.generation):
        rows["generation"] = part.generation
    if trace.ttl_s is not None:
        rows["ttl_s"] = trace.ttl_s
    return rows
