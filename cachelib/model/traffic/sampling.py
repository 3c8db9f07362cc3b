"""A part of the traffic in the place of all of it, where that takes too long or it was asked for.

First a shorter time, down to two days, with all of its requests: which keys are popular, and how
often each comes back, is then as it is. Then whole keys, so that each keeps its rhythm: with every
second request left out, a cache would seem to hit half as often as it does. The keys, ordered by
popularity, are cut into as many runs as keys are wanted, and each run is represented by one of its
keys: that which is nearest to its mean, and to what those before it were asked for too often or
too seldom. Where there are too few keys for that, the time is made shorter still.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.errors import CachelibError
from cachelib.model.traffic.trace import Trace
from cachelib.model.traffic.workload import Schedule, Workload

MOST_REQUESTS = 2_000_000
"""What a report's replays, some 150 at half a microsecond a request, take in about two minutes."""
MOST_ASKED = 10_000_000
"""Where somebody asks for more: every notebook at work has them in memory, at 23 bytes each."""
LEAST_KEYS = 1_000
FEWEST_KEYS = 40  # where more would leave too short a time
EPSILON = 1e-9
DAY_S = 86_400.0
LEAST_S = 2 * DAY_S

Shares = npt.NDArray[np.float64]


class ShareError(CachelibError, ValueError):
    """A share of the keys that nothing can be told from."""


@dataclass(frozen=True)
class Sample:
    """Which part: a share of the keys, and a share of the time."""

    keys: float = 1.0
    time: float = 1.0

    @property
    def share(self) -> float:
        """Of the requests."""
        return self.keys * self.time

    @property
    def in_words(self) -> str:
        """What was taken; empty where all was."""
        time = f"{100 * self.time:.2g} % of the time" if self.time < 1 else ""
        if self.keys == 1:
            return f"{time} stands for all" if time else ""
        keys = f"{100 * self.keys:.2g} % of the keys, chosen by popularity,"
        return f"{' in '.join(filter(None, (keys, time)))} stand for all"


def sample_of(
    requests: float,
    keys: int,
    span_s: float,
    most: int | None = None,
    needs_s: float = 0.0,
    clock_s: float = 0.0,
) -> Sample:
    """The part to take of so many requests of so many keys in `span_s` seconds.

    `most`: so many requests; `MOST_REQUESTS` by default. `needs_s`: the time in which copies that
    live long come to their ends: few keys over so long a time tell more than many over a shorter
    one. `clock_s`: that in which all that is asked by a clock is asked once; it is in the part even
    if that takes more requests, up to `MOST_REQUESTS`.
    """
    limit = most or MOST_REQUESTS
    if requests <= limit:
        return Sample()
    found = _part(limit / requests, LEAST_S / span_s, LEAST_KEYS / keys, span_s)
    needed, clock = (_whole_days(min(1.0, s / span_s), span_s) for s in (needs_s, clock_s))
    fewest = min(1.0, FEWEST_KEYS / keys)
    if found.time < needed:
        found = _part(limit / requests, needed, fewest, span_s)
    if found.time < clock:
        found = _part(min(MOST_REQUESTS / requests, clock * fewest), clock, fewest, span_s)
    return found


def asked_for(share: float, requests: float, keys: int, span_s: float) -> Sample:
    """So large a share of the keys, all the time if that is possible; raises `ShareError`."""
    if share < 1 and share * keys < FEWEST_KEYS:
        least = f"{FEWEST_KEYS / keys:.2g} or more" if keys > FEWEST_KEYS else "1, which is all"
        raise ShareError(
            f"sample: {share:g} of {keys:,} keys is fewer than {FEWEST_KEYS}, which say too little"
            f" of the others: take {least}"
        )
    time = min(1.0, MOST_ASKED / (share * requests))
    return Sample(share, _whole_days(time, span_s) if time < 1 else 1.0)


def _part(share: float, time: float, keys: float, span_s: float) -> Sample:
    """So large a share of the requests: no less than this share of the keys, if it can be no less
    than this share of the time."""
    of_keys = min(1.0, max(share / min(1.0, time), keys))
    return Sample(of_keys, _whole_days(share / of_keys, span_s))


def _whole_days(share: float, span_s: float) -> float:
    """A share of the time in whole days, if it is one or more: days differ from nights."""
    days = share * span_s / DAY_S + EPSILON
    return math.floor(days) * DAY_S / span_s if days >= 1 else share


def representatives(weights: Shares, share: float) -> npt.NDArray[np.int64]:
    """The numbers of the keys that stand for all; `weights`, shape (keys,), is how often each is
    asked for."""
    order = np.argsort(-weights, kind="stable")
    runs = max(1, round(len(order) * share))
    ends = np.linspace(0, len(order), runs + 1).round().astype(int)  # long ones between short ones
    chosen, owed = [], 0.0
    for run in np.split(order, ends[1:-1]):
        wanted = weights[run].mean() + owed
        nearest = run[np.abs(weights[run] - wanted).argmin()]
        owed = wanted - weights[nearest]
        chosen.append(nearest)
    return np.sort(np.array(chosen, dtype=np.int64))


def workload_part(workload: Workload, popularity: Shares, sample: Sample) -> Workload:
    """The workload of the keys that stand for all; the time is the generator's matter.

    `popularity`, shape (keys,), is of all requests. What few keys are asked for on a schedule comes
    by chance then, as often: these keys may not be among those that stand for all.
    """
    if sample.keys == 1:
        return workload
    chosen = representatives(popularity, sample.keys)
    kept = tuple(each for each in workload.schedules if each.keys == "all")
    weights = popularity[chosen]
    return workload.model_copy(
        update={
            "keys": len(weights),
            "popularity": tuple(weights.tolist()),
            "requests_per_month": workload.requests_per_month * sample.keys,
            "page_requests": _of_a_page(workload.page_requests, sample.keys),
            "schedules": (*kept, *_few_purged(workload, chosen)),
            "new_keys_per_day": workload.new_keys_per_day * sample.keys,
        }
    )


def _few_purged(workload: Workload, chosen: npt.NDArray[np.int64]) -> Iterator[Schedule]:
    """What empties caches of some keys, of those among them that stand for all, if there are."""
    for each in workload.purging:
        if each.keys != "all" and (few := int((chosen < each.keys).sum())):
            yield each.model_copy(update={"keys": few})


def _of_a_page(requests: int, share: float) -> int:
    """So many of a page's requests are for the keys, where any are, on average."""
    return max(1, round(requests * share / -math.expm1(requests * math.log1p(-share))))


def keys_part(trace: Trace, sample: Sample) -> npt.NDArray[np.bool_]:
    """Which of a log's keys stand for all; shape (keys,)."""
    asked = np.bincount(trace.key, minlength=len(trace.keys)).astype(np.float64)
    there = np.flatnonzero(asked)
    is_taken = np.zeros(len(asked), bool)
    is_taken[there[representatives(asked[there], sample.keys)]] = True
    return is_taken


def time_part(trace: Trace, sample: Sample, is_taken: npt.NDArray[np.bool_]) -> Trace:
    """The requests for these keys, from a log's first part."""
    until = trace.time_s[0] + trace.span_s * sample.time
    return trace.only(is_taken[trace.key] & (trace.time_s <= until))
