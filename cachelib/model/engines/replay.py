"""A trace through a design: by the reference engine or by its compiled twin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cachelib.model.engines.bounded import bounded
from cachelib.model.engines.compiled import Compiled
from cachelib.model.engines.days import Days
from cachelib.model.engines.reference import Reference
from cachelib.model.engines.result import Result
from cachelib.model.engines.routing import Router
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.cluster import Cluster
from cachelib.model.engines.shards.keeping import going_on, told_if_interrupted
from cachelib.model.engines.shards.lent import borrowed
from cachelib.model.engines.shards.running import Kept, Shards
from cachelib.model.engines.shards.saying import Say, counted, replayed, silent
from cachelib.model.engines.shards.spool import SpooledShards, on_threads
from cachelib.model.engines.tally import Tally
from cachelib.model.platforms.colos import Geography, geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema import budget
from cachelib.model.schema.scratch import scratch
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import CODE_TYPE, TIERS, Outcomes
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.joining import joined
from cachelib.model.traffic.trace import Trace, one_after_another
from cachelib.model.traffic.workload import Workload

__all__ = ["TIERS", "Engine", "Result", "replay", "replay_pieces"]

Engine = Literal["compiled", "reference"]
WORTH_SHARING = 1 << 18  # requests; fewer are replayed before threads are at work
WRITERS = 2  # of what a cluster is to read
SHARDS_A_JOB = 4
"""So that one with a popular key keeps one processor busy, and the others share the rest."""
SHARDS, MOST_SHARDS = 64, 256
"""Of a trace without end, and of any: more take longer to part than is won by them."""
FIRST = 1 << 20  # requests, after which a trace in pieces is taken for one without end
REQUESTS_A_SHARD = 1 << 16  # at least: each has memory of its own, which must be fetched
NEAR, A_SHARD = 1 << 17, 1 << 14
"""Keys, each counted once for every place that may hold it: what is remembered of so many lies in
a processor's own caches. Of more, shards of so many are replayed one after the other."""


class Simulator(Protocol):
    def run(
        self, piece: Trace, isolate: npt.NDArray[np.int32], row: int, places: Geography
    ) -> Outcomes: ...
    def finish(self, end: float) -> tuple[dict[str, int], float]: ...


def replay(
    trace: Trace,
    design: Design,
    platform: Platform,
    *,
    seed: int = 0,
    engine: Engine = "compiled",
    span_s: float | None = None,
    jobs: int | None = None,
    shards: int | None = None,
) -> Result:
    """Run the requests of `trace` through `design` on `platform`.

    Both engines give the same result; `reference` drives the library's own `TieredCache`.
    `span_s`: the time that the trace stands for, by default from its first request to its last.
    `jobs`: processors to use, `shards`: parts of the keys that they share; see `shards.binding`.
    Neither changes the result. By default, what `CACHELIB_JOBS` says of a trace that is worth it;
    and where a cluster was lent to this process, one of its workers replays such a trace.
    """
    platform.check(design)
    trace, platform = _as_values(trace, design, platform)
    design = bounded(design, platform, trace)
    is_free = engine == "compiled" and jobs is None and shards is None
    if is_free and (cluster := borrowed(len(trace))):
        of = {"design": design, "platform": platform, "seed": seed, "span_s": span_s}
        return cluster.replayed(_in_one, trace, **of)
    jobs = _jobs(jobs, len(trace))
    with _hands_for(trace, jobs, shards, platform) as hands:
        return _Run(design, platform, seed, engine, hands, keep=True).result([trace], span_s)


def replay_pieces(
    pieces: Iterable[Trace],
    designs: Sequence[Design],
    platform: Platform,
    *,
    seed: int = 0,
    engine: Engine = "compiled",
    jobs: int | None = None,
    shards: int | None = None,
    cluster: Cluster | None = None,
    spool: Path | None = None,
    say: Say = silent,
) -> list[Result]:
    """The same for several designs at once and a trace in pieces, of which none is kept.

    With a `cluster` this machine passes first over the requests, and its workers do the rest.
    With a folder, `spool`, the shards lie there until they are replayed, one after the other, and
    a run that is interrupted then goes on. `say` is told how far it is.
    """
    pieces, jobs = counted(pieces, say), _jobs(jobs)
    if cluster is None and spool is None and shards is None:
        first, requests = _first_of(pieces)
        pieces, shards = chain(first, pieces), _shards(jobs, first, platform, requests)
    telling = told_if_interrupted(spool, say)
    with telling, _hands(jobs, shards, cluster, spool, say) as hands:
        runs = [
            _InWhole(design, platform, seed, engine)
            if (design.joined or 1) > 1
            else _Run(design, platform, seed, engine, hands, keep=False)
            for design in designs
        ]
        for piece in pieces:
            for run in runs:
                run.take(piece)
        return [run.finished(None) for run in runs]


def _as_values(trace: Trace, design: Design, platform: Platform) -> tuple[Trace, Platform]:
    """Where a design joins keys, requests for values; what of them changes says `tiers.joining`."""
    trace = joined(trace, design.joined)
    if not design.write_only_if_changed:
        return trace, platform
    life_s = platform.value_life_s / trace.keys_each
    return trace, platform.model_copy(update={"value_life_s": life_s})


def _in_one(
    trace: Trace, design: Design, platform: Platform, seed: int, span_s: float | None
) -> Result:
    with _hands_for(trace, 1, None, platform) as hands:
        return _Run(design, platform, seed, "compiled", hands, keep=True).result([trace], span_s)


def warm_up() -> None:
    """Load what a process's first replay loads: machine code, the airports."""
    one = Workload(requests_per_month=100, keys=1, zipf=0, value_bytes=1, colos={"LHR": 1})
    replay(generate(one, seed=0), BUILT_IN["l1-kv"], Platform(isolates_per_colo=1))


def _jobs(asked: int | None, requests: int | None = None) -> int:
    """How many processors to use, where nobody says it: a report gives each notebook its part."""
    if asked is not None:
        return asked
    is_worth_it = requests is None or requests >= WORTH_SHARING
    return budget.allowed(1) if is_worth_it else 1


def worth(jobs: int, requests: float) -> int | None:
    """Shards that are worth their while for so few requests."""
    return (
        int(min(SHARDS, max(SHARDS_A_JOB * jobs, requests // WORTH_SHARING))) if jobs > 1 else None
    )


def nearer(remembered: float, requests: float) -> int | None:
    """Shards of which each lies near, when so many keys at places are remembered."""
    if min(remembered, requests) <= NEAR:
        return None
    return max(1, int(min(MOST_SHARDS, remembered // A_SHARD, requests // REQUESTS_A_SHARD)))


def _first_of(pieces: Iterator[Trace]) -> tuple[list[Trace], float]:
    """As many as say how many keys there are; and how many requests all have, if these are all."""
    first, requests = list[Trace](), 0
    while requests < FIRST:
        if (piece := next(pieces, None)) is None:
            return first, requests
        first.append(piece)
        requests += len(piece)
    return first, math.inf


def _shards(jobs: int, known: Sequence[Trace], platform: Platform, requests: float) -> int | None:
    """What is worth it for processors, or for one's own caches; None for a run in one."""
    near = None
    if requests >= WORTH_SHARING:
        last = known[-1]
        places = len(last.colos) * platform.isolates_per_colo
        near = nearer(len(last.keys) * places, requests)
    return max((each for each in (worth(jobs, requests), near) if each), default=None)


class _Hands(NamedTuple):
    """Who does the work in shards: threads at once, or threads or a cluster out of a folder."""

    jobs: int
    shards: int
    pool: Executor
    stack: ExitStack
    cluster: Cluster | None
    folder: Path | None
    is_kept: bool
    """Whether the folder outlives the run, so that an interrupted one may go on from there."""
    say: Say

    def leaves(self, design: Design, platform: Platform) -> bool:
        """Whether nothing is won: its keys stay together, and nobody else could do a part."""
        alone = self.jobs == 1 and self.folder is None
        return alone and binding_of(design, platform).by == "run"

    def shared(
        self, design: Design, platform: Platform, seed: int, *, keep: bool
    ) -> Shards | SpooledShards:
        of = (design, platform, seed, self.shards, self.pool)
        if self.folder is None:
            return Shards(*of, keep=keep)
        folder = self.stack.enter_context(scratch("cachelib-shards-", self.folder))
        runner = self.cluster.run if self.cluster else on_threads(self.pool)
        if self.is_kept:
            runner = going_on(self.folder, runner)
        return SpooledShards(*of, folder, replayed(runner, self.say))


@contextmanager
def _hands(
    jobs: int, shards: int | None, cluster: Cluster | None = None, spool: Path | None = None,
    say: Say = silent,
) -> Iterator[_Hands | None]:  # fmt: skip
    """None for a run in one."""
    if jobs < 1 or (shards or 1) < 1:
        raise ValueError("jobs and shards must be 1 or more")
    if jobs == 1 and shards is None and cluster is None and spool is None:
        yield None
        return
    usual, threads = (SHARDS, jobs) if cluster is None else (cluster.shards, WRITERS)
    folder = spool or (cluster.folder if cluster else None)
    with ExitStack() as stack, ThreadPoolExecutor(threads, "cachelib-shard") as pool:
        is_kept = spool is not None
        yield _Hands(threads, shards or usual, pool, stack, cluster, folder, is_kept, say)


def _hands_for(
    trace: Trace, jobs: int, shards: int | None, platform: Platform
) -> AbstractContextManager[_Hands | None]:
    """Of a trace that is there; rounds that empty caches are of all keys, so of a run in one."""
    if len(trace.purges.time_s):
        return _hands(1, None)
    return _hands(jobs, shards or _shards(jobs, [trace], platform, len(trace)))


class _Whole:
    """All requests of a run, one after the other."""

    def __init__(
        self, design: Design, platform: Platform, seed: int, engine: Engine, *, keep: bool
    ) -> None:
        kind = Compiled if engine == "compiled" else Reference
        self.simulator: Simulator = kind(design, platform, seed)
        self.router, self.tally = Router(platform, seed), Tally(design, platform, seed)
        self.is_kept, self.kept = keep, list[Kept]()

    def take(self, piece: Trace, row: int, places: Geography) -> None:
        isolate = self.router.route(piece, row, places.runs)
        outcomes = self.simulator.run(piece, isolate, row, places)
        latency = self.tally.add(outcomes, piece.colo, row, places)
        if self.is_kept:
            self.kept.append((outcomes.code, latency))

    def finish(self, end: float, last: float) -> tuple[dict[str, int], float, Tally]:
        return *self.simulator.finish(end), self.tally


class _InWhole:
    """A run of a design that joins keys, which asks for all requests before the first."""

    def __init__(self, design: Design, platform: Platform, seed: int, engine: Engine) -> None:
        platform.check(design)
        self.design, self.platform, self.seed, self.engine = design, platform, seed, engine
        self.pieces: list[Trace] = []

    def take(self, piece: Trace) -> None:
        self.pieces += [piece] if len(piece) else []

    def finished(self, span_s: float | None) -> Result:
        whole, platform = self.pieces, self.platform
        if whole:
            values, platform = _as_values(one_after_another(whole), self.design, platform)
            whole = [values]
        run = _Run(self.design, platform, self.seed, self.engine, None, keep=False)
        return run.result(whole, span_s)


class _Run:
    def __init__(
        self, design: Design, platform: Platform, seed: int, engine: Engine,
        hands: _Hands | None, *, keep: bool,
    ) -> None:  # fmt: skip
        platform.check(design)
        self.design, self.platform = design, platform
        self.work: _Whole | Shards | SpooledShards
        if hands is None or engine == "reference" or hands.leaves(design, platform):
            self.work = _Whole(design, platform, seed, engine, keep=keep)
        else:
            self.work = hands.shared(design, platform, seed, keep=keep)
        self.row, self.first, self.last = 0, 0.0, 0.0
        self.colos: list[str] = []
        self.bytes = 0
        self.keys_each = 1.0
        self.days = Days()

    def result(self, pieces: Iterable[Trace], span_s: float | None) -> Result:
        for piece in pieces:
            self.take(piece)
        return self.finished(span_s)

    def take(self, piece: Trace) -> None:
        if not len(piece):
            return
        _check(piece, self.last if self.row else -math.inf)
        if piece.hashes is not None and not isinstance(self.work, SpooledShards):
            raise ValueError("hashes: only shards in a folder number their keys by themselves")
        if len(piece.colos) != len(self.colos):
            self.colos = list(piece.colos)
            self.places = geography(self.colos, self.platform)
        self.first = self.first if self.row else float(piece.time_s[0])
        self.last = float(piece.time_s[-1])
        self.work.take(piece, self.row, self.places)
        self.row += len(piece)
        self.days.take(piece.time_s)
        self.keys_each = piece.keys_each
        self.bytes += int(piece.size.sum(dtype=np.int64))

    def finished(self, span_s: float | None) -> Result:
        span = max(self.last - self.first, 1.0) if span_s is None else span_s
        end = max(self.last, self.first + span)
        counts, byte_seconds, tally = self.work.finish(end, self.last)
        codes = [code for code, _ in self.work.kept]
        latencies = [latency for _, latency in self.work.kept]
        return Result(
            design=self.design,
            platform=self.platform,
            requests=self.row,
            span_s=span,
            counts=counts,
            byte_seconds=byte_seconds,
            colos=len(set(self.places.runs.tolist())) if self.row else 1,
            value_bytes=self.bytes / max(self.row, 1),
            tally=tally,
            code=np.concatenate(codes) if codes else np.empty(0, CODE_TYPE),
            latency_ms=np.concatenate(latencies) if latencies else np.empty(0, np.float32),
            keys_each=self.keys_each,
            by_day=self.days.whole,
        )


def _check(piece: Trace, after: float) -> None:
    time_s = piece.time_s
    if not (time_s[0] >= after and (time_s[1:] >= time_s[:-1]).all()):
        raise ValueError("time_s: the requests are not in order of time")
    if int(piece.size.min()) < 0:
        raise ValueError("size: a request has a negative size")
