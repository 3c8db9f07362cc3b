"""Shards kept in files, to be replayed by whoever reads them: the second pass as tasks.

The first pass writes each shard's requests as they come, so memory is of a few pieces; a task
reads one file and tells what its shard comes to. It depends on nothing else, so a worker that is
lost costs no more than its tasks, which others do again.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from importlib.metadata import version
from pathlib import Path

from cachelib.errors import CachelibError
from cachelib.model.engines.kept import SOURCES
from cachelib.model.engines.shards.packing import numbered, read_part, write_part
from cachelib.model.engines.shards.parting import Part, joined_to
from cachelib.model.engines.shards.running import Shared, summed
from cachelib.model.engines.shards.shard import Shard, Share
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography, geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace

ROWS = 1 << 18  # requests replayed at once


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
    of the keys; None where these are hashes, to be numbered here.
    """

    file: Path
    design: Design
    platform: Platform
    seed: int
    start: float
    end: float
    last: float
    colos: tuple[str, ...]
    names: tuple[str, ...] | None
    versions: dict[str, str]

    def content(self) -> str:
        """A name for all that the share depends on, to the last bit: what differs has another."""
        settings = (
            self.design.model_dump(), self.platform.model_dump(), self.seed, self.start, self.end,
            self.last, self.colos, self.names, self.versions,
        )  # fmt: skip
        with self.file.open("rb") as file:
            requests = file_digest(file, "sha256").hexdigest()
        return sha256(f"{settings!r} {requests}".encode()).hexdigest()

    def run(self) -> Share:
        """Replay the shard. Raises `DifferentVersionsError`, `OSError`."""
        if self.versions != versions():
            raise DifferentVersionsError(differing(self.versions, versions()))
        shard = Shard(self.design, self.platform, self.seed, self.start)
        tally = Tally(self.design, self.platform, self.seed)
        places = geography(list(self.colos), self.platform)
        for part in joined_to(ROWS, self._parts()):
            shard.take(part, places, tally)
        return Share(shard.sums(self.end, self.last), tally)

    def _parts(self) -> Iterator[Part]:
        if self.names is not None:
            yield from self._read(list(self.names))
            return
        numbers, keys = numbered(self._read([]))
        done, names = 0, [""] * keys
        for part in self._read(names):
            mine = numbers[done : done + len(part)]
            yield replace(part, trace=replace(part.trace, key=mine))
            done += len(part)

    def _read(self, names: list[str]) -> Iterator[Part]:
        with self.file.open("rb") as file:
            yield from iter(lambda: read_part(file, names, list(self.colos)), None)


def differing(here: dict[str, str], there: dict[str, str]) -> str:
    """What differs, in words."""
    return "; ".join(
        f"{name} is {there.get(name, 'missing')} there and {mine} here"
        for name, mine in here.items()
        if there.get(name) != mine
    )


Runner = Callable[[Sequence[Task]], Iterator[tuple[Task, Share]]]
"""Who replays the tasks, in any order: each with its share when that is there."""


def on_threads(pool: Executor) -> Runner:
    """Tasks side by side on this machine's processors."""

    def run(tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]:
        futures = {pool.submit(task.run): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:  # whoever asks for no more waits for none that has not begun
            for future in futures:
                future.cancel()

    return run


class SpooledShards(Shared):
    """The shards are written into `folder`, and replayed by `runner` at the end."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, shards: int, pool: Executor,
        folder: Path, runner: Runner,
    ) -> None:  # fmt: skip
        super().__init__(design, platform, seed, shards, pool)
        self.folder, self.runner = folder, runner
        self.are_hashed = False

    def take(self, piece: Trace, row: int, places: Geography) -> None:
        """The next requests."""
        self.are_hashed = piece.hashes is not None
        super().take(piece, row, places)

    def work(self, nth: int, part: Part, places: Geography, first_row: int) -> None:
        with self._file(nth).open("ab") as file:
            write_part(file, part)

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        """The counts, byte-seconds stored until `end`, and what all requests come to."""
        self.all_taken()
        tasks = [self._task(nth, end, last) for nth in range(self.parting.shards)]
        tasks.sort(key=lambda task: -task.file.stat().st_size)  # none that is long comes last
        shares = [share for _, share in self.runner(tasks)]
        sums, tallies = [share.sums for share in shares], [share.tally for share in shares]
        return summed(sums, tallies, self.first_pass.losses)

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
            colos=tuple(self.colos),
            names=None if self.are_hashed else tuple(self.parting.names[nth]),
            versions=versions(),
        )

    def _file(self, nth: int) -> Path:
        return self.folder / f"shard-{nth}"
