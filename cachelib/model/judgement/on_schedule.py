"""What is done by a clock, as formulas take it: keys that are written, caches that are emptied."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cachelib.model.formulas import Keys, grouped
from cachelib.model.formulas.setting import Rounds
from cachelib.model.traffic.account import Remark
from cachelib.model.traffic.trace import WRITE, Trace
from cachelib.model.traffic.workload import Workload


def emptied_by(workload: Workload | None) -> tuple[Rounds, ...]:
    """What empties caches, and of how many keys."""
    return tuple(
        Rounds(each.every_s, math.inf if each.keys == "all" else float(each.keys))
        for each in (workload.purging if workload else ())
    )


def not_emptied(workload: Workload) -> Iterator[Remark]:
    """Of a log: what the case says of rounds that empty caches is not in it."""
    if workload.purging:
        yield Remark(
            "purges",
            "The case says that caches are emptied by a clock, of which a log tells nothing: what"
            " is said here is of caches that nobody empties.",
        )


def keys_on_schedule(workload: Workload | None, trace: Trace) -> Keys | None:
    """How often each key is read and written; None where nothing is written on a schedule, where
    the ranks of popularity are other keys' from day to day, or the workload is not the traffic's.
    """
    writers = [each for each in workload.schedules if each.op == "write"] if workload else []
    if not workload or not writers or workload.drift_per_day or workload.new_keys_per_day:
        return None
    n = len(trace.keys)
    written = np.bincount(trace.key[trace.op == WRITE], minlength=n).astype(np.float64)
    read = np.bincount(trace.key, minlength=n) - written
    every = np.full(n, np.inf)
    for each in writers:
        here = every[: each.asks(n)]
        np.minimum(here, each.every_s, out=here)
    order = np.argsort(-read, kind="stable")
    shares = (read / max(read.sum(), 1.0))[order]
    return grouped(shares, (written / max(written.sum(), 1.0))[order], every[order])
