"""Traffic that is made up, by the stated rules of a workload and a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.colos import coordinates
from cachelib.model.traffic.trace import NO_PURGES, READ, WRITE, Purges, Trace
from cachelib.model.traffic.workload import MONTH_S as MONTH_S
from cachelib.model.traffic.workload import Schedule, Workload

DAY_S = 86_400
Codes = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]
Columns = tuple[Seconds, Codes, Codes, npt.NDArray[np.uint8]]


def generate(workload: Workload, *, seed: int, span_s: float = MONTH_S) -> Trace:
    """A trace of `span_s` seconds of this workload; the same seed gives the same trace."""
    rng = np.random.default_rng(seed)
    by_chance = max(workload.requests_per_month - workload.scheduled_per_month, 0.0)
    each = workload.page_requests
    pages = rng.poisson(by_chance * span_s / MONTH_S / each)
    write_share = 1 / (1 + workload.reads_per_write) if workload.reads_per_write else 0.0
    time = np.repeat(np.sort(rng.uniform(0, span_s, pages)), each)
    rank = _choose_together(rng, pages, each, shares(workload))
    colo = np.repeat(_choose(rng, pages, np.array(list(workload.colos.values()))), each)
    op = np.where(rng.random(len(time)) < write_share, WRITE, READ).astype(np.uint8)
    time = _by_day_and_night(workload, time, colo, span_s)
    time, rank = _in_bursts(workload, rng, time, rank, span_s)
    time, rank, colo, op = _with_schedules(workload, seed, (time, rank, colo, op), span_s)
    key, keys = _drifting(workload, rng, time, rank, span_s)
    trace = Trace(
        time_s=time,
        key=key.astype(np.int32),
        colo=colo.astype(np.int16),
        op=op,
        size=np.full(len(time), workload.value_bytes, np.int32),
        keys=[f"{workload.key_prefix}{i + 1}" for i in range(keys)],
        colos=list(workload.colos),
        purges=_purges(workload, seed, span_s, keys),
    )
    order = np.argsort(time, kind="stable")
    return replace(
        trace, time_s=time[order], key=trace.key[order], colo=trace.colo[order], op=op[order]
    )


def shares(workload: Workload) -> npt.NDArray[np.float64]:
    """The share for each rank of popularity of what comes by chance; shape `(keys,)`, sum 1."""
    if workload.popularity is None:
        return popularity(workload.keys, workload.zipf)
    weight = np.array(workload.popularity)
    return np.asarray(weight / weight.sum())


def all_shares(workload: Workload) -> npt.NDArray[np.float64]:
    """The same of all requests, schedules included."""
    asked = shares(workload)
    if workload.asking:
        asked = asked * max(workload.requests_per_month - workload.scheduled_per_month, 0.0)
    for schedule in workload.asking:
        here = schedule.asks(workload.keys)
        asked[:here] += schedule.per_month(workload.keys) / here
    return np.asarray(asked / asked.sum())


def popularity(keys: int, zipf: float) -> npt.NDArray[np.float64]:
    """The share of requests for each key, most popular first; shape `(keys,)`, sum 1."""
    weight: npt.NDArray[np.float64] = np.arange(1, keys + 1, dtype=np.float64) ** -zipf
    share: npt.NDArray[np.float64] = weight / weight.sum()
    return share


def _choose(rng: np.random.Generator, n: int, weight: npt.NDArray[np.float64]) -> Codes:
    edges = np.cumsum(weight)
    return np.searchsorted(edges, rng.uniform(0, edges[-1], n), side="right")


def _choose_together(
    rng: np.random.Generator, pages: int, each: int, weight: npt.NDArray[np.float64]
) -> Codes:
    """So many keys for each page, all of them unlike, unless one has more than its part of all.

    Each key is in a page as often as its weight says, and one page knows nothing of another: so
    requests for it are as much by chance as if they came alone. One point is drawn, and the others
    lie evenly after it (systematic sampling).
    """
    edges = np.cumsum(weight)
    apart = edges[-1] / each
    points = rng.uniform(0, apart, pages)[:, None] + apart * np.arange(each)
    if each > 1:
        points = rng.permuted(points, axis=1)
    chosen = np.searchsorted(edges, points.ravel(), side="right")
    return np.asarray(np.minimum(chosen, len(edges) - 1))


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


def _with_schedules(workload: Workload, seed: int, columns: Columns, span_s: float) -> Columns:
    """Times, ranks, places and kinds of requests, with those that are fixed in time behind."""
    rng = _of_schedules(seed)
    parts = [columns, *(_rounds(each, workload, rng, span_s) for each in workload.asking)]
    time, rank, colo, op = map(np.concatenate, zip(*parts, strict=True))
    return time, rank, colo, op


def _of_schedules(seed: int) -> np.random.Generator:
    """Chance of their own: others come as they would without."""
    return np.random.default_rng([seed, 3])


def homes(workload: Workload, seed: int) -> list[list[str]]:
    """Where the clients of each schedule that asks are, each place once."""
    rng, colos = _of_schedules(seed), list(workload.colos)
    drawn = [_clients(each, workload, rng)[1] for each in workload.asking]
    return [[colos[place] for place in np.unique(home)] for home in drawn]


def _clients(
    schedule: Schedule, workload: Workload, rng: np.random.Generator
) -> tuple[Seconds, Codes]:
    """When the first round of each comes, and where it is."""
    first = rng.uniform(0, schedule.every_s, schedule.clients)
    home = _choose(rng, schedule.clients, np.array(list(workload.colos.values())))
    if schedule.colo is not None:
        home = np.full_like(home, list(workload.colos).index(schedule.colo))
    return first, home


def _rounds(
    schedule: Schedule, workload: Workload, rng: np.random.Generator, span_s: float
) -> Columns:
    first, home = _clients(schedule, workload, rng)
    rounds = np.maximum(np.ceil((span_s - first) / schedule.every_s), 0).astype(np.int64)
    client = np.repeat(np.arange(schedule.clients), rounds)
    nth = np.arange(len(client)) - np.repeat(np.cumsum(rounds) - rounds, rounds)
    time, asked = first[client] + nth * schedule.every_s, schedule.asks(workload.keys)
    op = np.full(len(time) * asked, WRITE if schedule.op == "write" else READ, np.uint8)
    rank = np.tile(np.arange(asked), len(time))
    return np.repeat(time, asked), rank, np.repeat(home[client], asked), op


def _purges(workload: Workload, seed: int, span_s: float, keys: int) -> Purges:
    """When and from where caches are emptied, and of how many of so many keys."""
    rng = np.random.default_rng([seed, 6])
    rounds = []
    for each in workload.purging:
        (first,), (home,) = _clients(each, workload, rng)
        asked = keys if each.keys == "all" else each.asks(workload.keys)
        rounds += [(time, home, asked) for time in np.arange(first, span_s, each.every_s).tolist()]
    if not rounds:
        return NO_PURGES
    times, homes, counts = zip(*sorted(rounds), strict=True)
    return Purges(np.array(times), np.array(homes, np.int16), np.array(counts, np.int64))


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
