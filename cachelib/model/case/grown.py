"""The workload at another traffic: what of it grows, and whether anybody is left to read."""

from __future__ import annotations

import numpy as np

from cachelib.model.case.choices import Growth
from cachelib.model.traffic.workload import Schedule, Workload

FEWEST_READS = 0.01  # for each write, where traffic would fall below the writes that are fixed


def reads_per_write(here: float, factor: float) -> float:
    """Writes stay, so that the reads for each are (1 + n) f - 1 where requests grow f-fold."""
    return max((1 + here) * factor - 1, FEWEST_READS)


def grown_workload(workload: Workload, growth: Growth, requests_per_month: float) -> Workload:
    """The workload at another traffic."""
    factor = requests_per_month / workload.requests_per_month
    changed: dict[str, object] = {"requests_per_month": requests_per_month}
    if growth.keys == "in proportion" and workload.popularity is None:
        changed["keys"] = int(np.clip(round(workload.keys * factor), 1, 10_000_000))
    if workload.schedules:
        changed["schedules"] = tuple(_grown(each, growth, factor) for each in workload.schedules)
    grown = workload.model_copy(update=changed)
    if workload.reads_per_write is not None and growth.writes == "fixed":
        left = requests_per_month - grown.scheduled_per_month  # to chance
        here = workload.requests_per_month - workload.scheduled_per_month
        ratio = reads_per_write(workload.reads_per_write, left / here) if here else FEWEST_READS
        grown = grown.model_copy(update={"reads_per_write": ratio})
    return grown


def _grown(schedule: Schedule, growth: Growth, factor: float) -> Schedule:
    """More clients poll where there are more readers; writers grow as writes do, the rest never."""
    if schedule.op in ("list", "purge") or (schedule.op == "write" and growth.writes == "fixed"):
        return schedule
    return schedule.model_copy(update={"clients": max(1, round(schedule.clients * factor))})


def has_readers(workload: Workload, growth: Growth, requests_per_month: float) -> bool:
    """Whether writes that stay as they are leave any of so many requests to those who read."""
    grown = grown_workload(workload, growth, requests_per_month)
    here, there = workload.reads_per_write, grown.reads_per_write
    used_up = here is not None and there is not None and there <= FEWEST_READS < here
    by_chance = grown.scheduled_per_month < requests_per_month and not used_up
    return by_chance or any(schedule.op == "read" for schedule in grown.schedules)
