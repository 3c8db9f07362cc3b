"""Traffic that is made up, by the stated rules of a workload and a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.colos import coordinates
from cachelib.model.traffic.trace import READ, WRITE, Trace
from cachelib.model.traffic.workload import Workload

MONTH_S = 30 * 86_400
DAY_S = 86_400
Codes = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


def generate(workload: Workload, *, seed: int, span_s: float = MONTH_S) -> Trace:
    """A trace of `span_s` seconds of this workload; the same seed gives the same trace."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(workload.requests_per_month * span_s / MONTH_S)
    write_share = 1 / (1 + workload.reads_per_write) if workload.reads_per_write else 0.0
    time = np.sort(rng.uniform(0, span_s, n))
    rank = _choose(rng, n, shares(workload))
    colo = _choose(rng, n, np.array(list(workload.colos.values())))
    op = np.where(rng.random(n) < write_share, WRITE, READ).astype(np.uint8)
    time = _by_day_and_night(workload, time, colo, span_s)
    time, rank = _in_bursts(workload, rng, time, rank, span_s)
    key, keys = _drifting(workload, rng, time, rank, span_s)
    trace = Trace(
        time_s=time,
        key=key.astype(np.int32),
        colo=colo.astype(np.int16),
        op=op,
        size=np.full(n, workload.value_bytes, np.int32),
        keys=[f"{workload.key_prefix}{i + 1}" for i in range(keys)],
        colos=list(workload.colos),
    )
    order = np.argsort(time, kind="stable")
    return replace(
        trace, time_s=time[order], key=trace.key[order], colo=trace.colo[order], op=op[order]
    )


def shares(workload: Workload) -> npt.NDArray[np.float64]:
    """The share of requests for each rank of popularity; shape `(keys,)`, sum 1."""
    if workload.popularity is None:
        return popularity(workload.keys, workload.zipf)
    weight = np.array(workload.popularity)
    return np.asarray(weight / weight.sum())


def popularity(keys: int, zipf: float) -> npt.NDArray[np.float64]:
    """The share of requests for each key, most popular first; shape `(keys,)`, sum 1."""
    weight: npt.NDArray[np.float64] = np.arange(1, keys + 1, dtype=np.float64) ** -zipf
    share: npt.NDArray[np.float64] = weight / weight.sum()
    return share


def _choose(rng: np.random.Generator, n: int, weight: npt.NDArray[np.float64]) -> Codes:
    edges = np.cumsum(weight)
    return np.searchsorted(edges, rng.uniform(0, edges[-1], n), side="right")


def _by_day_and_night(workload: Workload, time: Seconds, colo: Codes, span_s: float) -> Seconds:
    """Even times stretched so that each colo's rate follows a cosine with its own local peak."""
    if not workload.daily_swing:
        return time
    stretched = time.copy()
    grid = np.linspace(0, span_s, max(2, int(span_s / 300)) + 1)
    for number, name in enumerate(workload.colos):
        peak = workload.peak_hours.get(name, workload.peak_hour)
        local = peak / 24 - coordinates(name)[1] / 360
        phase = 2 * np.pi * (grid / DAY_S - local)
        until = grid + workload.daily_swing * DAY_S / (2 * np.pi) * np.sin(phase)
        until = (until - until[0]) * span_s / (until[-1] - until[0])
        mine = colo == number
        stretched[mine] = np.interp(time[mine], until, grid)
    return stretched


def _in_bursts(
    workload: Workload, rng: np.random.Generator, time: Seconds, rank: Codes, span_s: float
) -> tuple[Seconds, Codes]:
    """Some requests moved to a burst: near another request's time, for its key."""
    if not workload.burst_share or not len(time):
        return time, rank
    moved = np.flatnonzero(rng.random(len(time)) < workload.burst_share)
    seeds = rng.integers(0, len(time), max(1, round(len(moved) / workload.burst_requests)))
    joined = seeds[rng.integers(0, len(seeds), len(moved))]
    time, rank = time.copy(), rank.copy()
    rank[moved] = rank[joined]
    time[moved] = np.minimum(time[joined] + rng.uniform(0, workload.burst_s, len(moved)), span_s)
    return time, rank


def _drifting(
    workload: Workload, rng: np.random.Generator, time: Seconds, rank: Codes, span_s: float
) -> tuple[Codes, int]:
    """The key that holds each request's rank on its day, and how many keys there are."""
    total = workload.keys
    swaps = round(workload.drift_per_day * workload.keys / 2)
    if not swaps and not workload.new_keys_per_day:
        return rank, total
    holder = np.arange(workload.keys)
    key = np.empty_like(rank)
    day = (time // DAY_S).astype(np.int64)
    for today in range(int(span_s // DAY_S) + 1):
        if today:
            a, b = rng.permutation(workload.keys)[: 2 * swaps].reshape(2, -1)
            holder[a], holder[b] = holder[b], holder[a]
            fresh = min(workload.keys, int(rng.poisson(workload.new_keys_per_day)))
            holder[rng.choice(workload.keys, fresh, replace=False)] = total + np.arange(fresh)
            total += fresh
        key[day == today] = holder[rank[day == today]]
    return key, total
