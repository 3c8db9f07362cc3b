"""A trace through a design: by the reference engine or by its compiled twin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from cachelib.edge.colos import Geography, geography
from cachelib.edge.compiled import Compiled
from cachelib.edge.designs import BUILT_IN, Design, Expiry, built_in
from cachelib.edge.generator import generate
from cachelib.edge.outcomes import TIERS, Outcomes
from cachelib.edge.platform import Platform, Routing
from cachelib.edge.prices import monthly_bill
from cachelib.edge.reference import Reference
from cachelib.edge.result import Result
from cachelib.edge.routing import Router
from cachelib.edge.tally import Tally
from cachelib.edge.trace import Trace, in_one_place
from cachelib.edge.workload import Workload

if TYPE_CHECKING:
    from cachelib.edge.logs import Reading

__all__ = ["TIERS", "Engine", "Result", "replay", "replay_log", "replay_pieces"]

Engine = Literal["compiled", "reference"]


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
) -> Result:
    """Run the requests of `trace` through `design` on `platform`.

    Both engines give the same result; `reference` drives the library's own `TieredCache`.
    `span_s`: the time that the trace stands for, by default from its first request to its last.
    """
    return _Run(design, platform, seed, engine, keep=True).result([trace], span_s)


def replay_pieces(
    pieces: Iterable[Trace],
    designs: Sequence[Design],
    platform: Platform,
    *,
    seed: int = 0,
    engine: Engine = "compiled",
) -> list[Result]:
    """The same for several designs at once and a trace in pieces, of which none is kept."""
    runs = [_Run(design, platform, seed, engine, keep=False) for design in designs]
    for piece in pieces:
        for run in runs:
            run.take(piece)
    return [run.finished(None) for run in runs]


def warm_up() -> None:
    """Load what a process's first replay loads: machine code, the airports, the prices."""
    one = Workload(requests_per_month=100, keys=1, zipf=0, value_bytes=1, colos={"LHR": 1})
    monthly_bill(replay(generate(one, seed=0), BUILT_IN["l1-kv"], Platform(isolates_per_colo=1)))


class _Run:
    def __init__(
        self, design: Design, platform: Platform, seed: int, engine: Engine, *, keep: bool
    ) -> None:
        design.check(platform)
        self.design, self.platform, self.keep = design, platform, keep
        kind = Compiled if engine == "compiled" else Reference
        self.simulator: Simulator = kind(design, platform, seed)
        self.router, self.tally = Router(platform, seed), Tally(design, platform, seed)
        self.row, self.first, self.last = 0, 0.0, 0.0
        self.colos: list[str] = []
        self.kept: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]] = []

    def result(self, pieces: Iterable[Trace], span_s: float | None) -> Result:
        for piece in pieces:
            self.take(piece)
        return self.finished(span_s)

    def take(self, piece: Trace) -> None:
        if not len(piece):
            return
        _check(piece, self.last if self.row else -math.inf)
        if len(piece.colos) != len(self.colos):
            self.colos = list(piece.colos)
            self.places = geography(self.colos, self.platform)
        self.first = self.first if self.row else float(piece.time_s[0])
        self.last = float(piece.time_s[-1])
        isolate = self.router.route(piece, self.row)
        outcomes = self.simulator.run(piece, isolate, self.row, self.places)
        latency = self.tally.add(outcomes, piece.colo, self.row, self.places)
        if self.keep:
            self.kept.append((outcomes.code >> np.uint8(3), latency))
        self.row += len(piece)

    def finished(self, span_s: float | None) -> Result:
        span = max(self.last - self.first, 1.0) if span_s is None else span_s
        counts, byte_seconds = self.simulator.finish(max(self.last, self.first + span))
        tiers = [tier for tier, _ in self.kept]
        latencies = [latency for _, latency in self.kept]
        return Result(
            design=self.design,
            platform=self.platform,
            requests=self.row,
            span_s=span,
            counts=counts,
            byte_seconds=byte_seconds,
            tally=self.tally,
            tier=np.concatenate(tiers) if tiers else np.empty(0, np.uint8),
            latency_ms=np.concatenate(latencies) if latencies else np.empty(0, np.float32),
        )


def _check(piece: Trace, after: float) -> None:
    if not (np.diff(piece.time_s, prepend=after) >= 0).all():
        raise ValueError("time_s: the requests are not in order of time")
    if int(piece.size.min()) < 0:
        raise ValueError("size: a request has a negative size")


def replay_log(
    log: Path | Sequence[Path],
    *,
    isolates: int,
    routing: Routing,
    l1_ttl: float | None,
    l2_ttl: float | None,
    expiry: Expiry,
    designs: Sequence[str] = ("l1-kv",),
    engine: Engine = "reference",
    by_colo: bool = False,
    reading: Reading | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """A log, read piece by piece, through `isolates` L1 caches over one shared L2.

    By default all requests meet in one place and L2 is ideal, with no cache of its own in front
    and no limits. `by_colo`: on the platform as documented, `isolates` in each colo of the log.
    The counts are those of the first design; `designs` has every one in full.
    """
    from cachelib.edge.logs import in_order  # the database takes a third of a second to import

    platform = Platform(
        profile="cloudflare-workers" if by_colo else "miniflare",
        isolates_per_colo=isolates,
        routing=routing,
        **({} if by_colo else {"kv_min_ttl_s": 0}),
    )
    options = {"l1_ttl_s": l1_ttl, "l2_ttl_s": l2_ttl, "expiry": expiry}
    chosen = [built_in(name, **options) for name in designs]

    def run(pieces: Iterator[Trace]) -> list[Result]:
        placed = pieces if by_colo else map(in_one_place, pieces)
        return replay_pieces(placed, chosen, platform, seed=seed, engine=engine)

    stream, results = in_order(log, reading, run)
    skipped = stream.coder.skipped
    first = results[0]
    return {
        "requests": first.requests,
        "keys": len(stream.coder.keys.names),
        "l1_hits": first.l1_hits,
        "l2_hits": first.l2_hits,
        "origin_loads": first.origin_loads,
        "skipped_lines": skipped.lines,
        "first_skipped_line": skipped.first_line or 0,
        "first_skipped_reason": skipped.reason,
        "notes": stream.coder.notes,
        "designs": [
            result.as_dict() | {"bill_per_month": monthly_bill(result).as_dict()}
            for result in results
        ],
    }
