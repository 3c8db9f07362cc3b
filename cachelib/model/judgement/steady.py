"""From a log to a month: without the log's first misses, and with the error of its length.

A log begins with empty caches, which a month does not: its first misses, multiplied, are misses
that nobody has. So the caches are filled before by the log's own end, as if it went round, and
what happens meanwhile does not count. The error is that of blocks of time: how far the blocks of
a log differ says how far another log of the same length would.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from cachelib.model.engines.days import whole_days
from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import FOUND, WRITTEN
from cachelib.model.traffic.joining import joined
from cachelib.model.traffic.trace import Trace

BLOCKS = 20
FOREVER_S = 30 * 86_400.0


@dataclass(frozen=True)
class Interval:
    """A share with the bounds that 95 of 100 logs of this kind would keep."""

    value: float
    standard_error: float
    blocks: int

    @property
    def low(self) -> float:
        return max(0.0, self.value - self._width)

    @property
    def high(self) -> float:
        return min(1.0, self.value + self._width)

    @property
    def _width(self) -> float:
        """Student's t for as few values as there are blocks."""
        return float(stdtrit(max(self.blocks - 1, 1), 0.975)) * self.standard_error


def warm_up_s(design: Design, trace: Trace) -> float:
    """Seconds of traffic that fill a design's caches: a value's life, or half of a short log.

    No more than half, so that no request finds what it brought itself, one turn of the log before.
    """
    return min(_life_s(design), trace.span_s / 2)


def _life_s(design: Design) -> float:
    lives = [ttl for ttl in (design.l1_ttl_s, design.l2_ttl_s) if ttl]
    return max(lives, default=FOREVER_S)


def warmed(
    trace: Trace, design: Design, platform: Platform, *, seed: int = 0, span_s: float | None = None
) -> Result:
    """What a design does with a trace that finds its caches filled.

    `span_s`: the seconds that the trace stands for, by default those from its first to its last.
    """
    trace = joined(trace, design.joined)
    last = _last(trace, warm_up_s(design, trace))
    if _life_s(design) > trace.span_s:  # what was asked for once is no sign that it was before
        last = last[np.bincount(trace.key)[trace.key[last]] > 1]
    if not len(last):
        return replay(trace, design, platform, seed=seed, span_s=span_s)
    earlier = trace.time_s[last] - trace.span_s * (1 + 1 / len(trace))
    before = replace(trace.only(last), time_s=earlier)
    both = replace(
        trace.only(np.append(last, np.arange(len(trace)))),
        time_s=np.append(earlier, trace.time_s),
    )
    gap = float(trace.time_s[0] - earlier[0])
    whole = replay(both, design, platform, seed=seed, span_s=gap + trace.lasts_s)
    filling = replay(before, design, platform, seed=seed, span_s=gap)
    found = _without(whole, filling, trace.lasts_s if span_s is None else span_s)
    return replace(found, by_day=whole_days(trace.time_s))


def hit_ratio(trace: Trace, result: Result) -> Interval:
    """The hit ratio of a replay of `trace`, with its error by blocks of time."""
    reads = result.tier != WRITTEN
    hits = np.isin(result.tier, FOUND)
    return share_by_blocks(trace.time_s[reads], hits[reads])


def share_by_blocks(
    time_s: npt.NDArray[np.float64], event: npt.NDArray[np.bool_], blocks: int = BLOCKS
) -> Interval:
    """The share of requests with an event; the error by leaving out one block of time at a time."""
    n = len(event)
    if not n:
        return Interval(0.0, 0.0, 0)
    span = max(float(time_s[-1] - time_s[0]), 1e-9)
    block = np.minimum(((time_s - time_s[0]) / span * blocks).astype(np.int64), blocks - 1)
    asked = np.bincount(block, minlength=blocks).astype(np.float64)
    had = np.bincount(block, weights=event, minlength=blocks)
    used = int((asked > 0).sum())
    share = float(had.sum() / n)
    if used < 2:
        return Interval(share, 0.5, used)
    rest = asked < n  # without a block that nobody asked in, the share is as it is
    left_out = (had.sum() - had[rest]) / (n - asked[rest])
    spread = (used - 1) / used * ((left_out - share) ** 2).sum()
    return Interval(share, float(np.sqrt(spread)), used)


def _last(trace: Trace, seconds: float) -> npt.NDArray[np.int64]:
    """The numbers of the requests of the trace's last seconds, which come again before its first.

    Of a single moment, none.
    """
    if not len(trace):
        return np.empty(0, np.int64)
    after = trace.time_s[-1] - seconds
    return np.arange(int(np.searchsorted(trace.time_s, after, side="right")), len(trace))


def _without(whole: Result, part: Result, span_s: float) -> Result:
    """What remains of a replay when its beginning, replayed with the same seed, is taken out."""
    tally = copy.copy(whole.tally)
    tally.codes = whole.tally.codes - part.tally.codes
    for name in ("latency", "age", "late", "ran"):
        both = copy.copy(getattr(whole.tally, name))
        both.counts = both.counts - getattr(part.tally, name).counts
        both.total = both.total - getattr(part.tally, name).total
        setattr(tally, name, both)
    counts = {name: n - part.counts.get(name, 0) for name, n in whole.counts.items()}
    return replace(
        whole,
        requests=whole.requests - part.requests,
        span_s=span_s,
        counts=counts,
        byte_seconds=whole.byte_seconds - part.byte_seconds,
        tally=tally,
        code=whole.code[part.requests :],
        latency_ms=whole.latency_ms[part.requests :],
    )
