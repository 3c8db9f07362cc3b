"""How far a long run is, how fast it goes, and when it will be done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from cachelib.model.engines.shards.shard import Share
from cachelib.model.engines.shards.spool import Runner, Task
from cachelib.model.traffic.trace import Trace

Say = Callable[[str], None]
EVERY_S = 5.0


def silent(words: str) -> None:
    """Say nothing."""


def counted(
    pieces: Iterable[Trace], say: Say, clock: Callable[[], float] = time.monotonic
) -> Iterator[Trace]:
    """The pieces, and now and then how many requests they had."""
    start = last = clock()
    requests = 0
    for piece in pieces:
        yield piece
        requests += len(piece)
        if (now := clock()) - last >= EVERY_S:
            rate = float(f"{requests / (now - start):.2g}")
            say(f"{requests:,} requests are read, {rate:,.{0 if rate >= 1 else 2}f} a second")
            last = now


def replayed(runner: Runner, say: Say, clock: Callable[[], float] = time.monotonic) -> Runner:
    """The runner, which says after each shard how many there are yet, and how long they take."""

    def run(tasks: Sequence[Task]) -> Iterator[tuple[Task, Share]]:
        start, sizes = clock(), {id(task): task.file.stat().st_size for task in tasks}
        done = 0
        for nth, (task, share) in enumerate(runner(tasks), 1):
            done += sizes[id(task)]
            left = (clock() - start) * (sum(sizes.values()) / max(done, 1) - 1)
            rest = f", about {left:,.0f} s left" if nth < len(tasks) else ""
            say(f"{nth} of {len(tasks)} shards are replayed{rest}")
            yield task, share

    return run
