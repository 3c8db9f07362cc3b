"""The requests of a study: all of them, or the part that stands for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.errors import CachelibError
from cachelib.model.formulas.setting import Array
from cachelib.model.traffic.generator import MONTH_S, all_shares, generate
from cachelib.model.traffic.sampling import (
    Sample,
    asked_for,
    keys_part,
    sample_of,
    time_part,
    workload_part,
)
from cachelib.model.traffic.trace import READ, Trace
from cachelib.model.traffic.workload import Workload


class NoTrafficError(CachelibError, ValueError):
    """Traffic in which nobody asks for anything."""


class Taken(NamedTuple):
    """The requests that are simulated, which part of all they are, how often each key of all is
    asked for, shape (keys,), and each that is simulated, and what part of all the requests of a
    second they are.

    How often is not counted in the part: of keys that are asked for seldom, few come in it.
    """

    trace: Trace
    sample: Sample
    popularity: Array
    simulated: Array
    weight: float


def generated(
    workload: Workload,
    seed: int,
    most: int | None = None,
    needs_s: float = 0.0,
    share: float | None = None,
) -> Taken:
    """A month of a workload, or a part of it: that `share` of its keys, else about `most` requests.

    Without either, what `sample_of` says.
    """
    asked = workload.requests_per_month
    if share is None:
        sample = sample_of(asked, workload.keys, MONTH_S, most, needs_s, workload.clock_s)
    else:
        sample = asked_for(share, asked, workload.keys, MONTH_S)
    if sample.share == 1:
        made = generate(workload, seed=seed)
        simulated = popularity = _counted(made)
    else:
        popularity = all_shares(workload)
        part = workload_part(workload, popularity, sample)
        made = generate(part, seed=seed, span_s=MONTH_S * sample.time)
        simulated = all_shares(part) if len(made.keys) == part.keys else _counted(made)
    if not (made.op == READ).any():
        rate = workload.requests_per_month
        raise NoTrafficError(f"workload.requests_per_month: {rate:g} made no request that reads")
    return Taken(made, sample, popularity, simulated, sample.keys)


def logged(everything: Trace, share: float | None = None) -> Taken:
    """A log, or that `share` of its keys, else the part of it that a run can take."""
    if not (everything.op == READ).any():
        raise NoTrafficError(
            "the log has no request that reads: what is counted as a read, log.methods and"
            " log.statuses say; `cachelib log` shows what became of each"
        )
    popularity = _counted(everything)
    keys = int((popularity > 0).sum())
    if share is None:
        sample = sample_of(len(everything), keys, everything.lasts_s)
    else:
        sample = asked_for(share, len(everything), keys, everything.lasts_s)
    return part_of(Taken(everything, Sample(), popularity, popularity, 1.0), sample)


def part_of(whole: Taken, sample: Sample) -> Taken:
    """A part that counts as all: its keys and its hours may be busier than those left out."""
    if sample.share == 1:
        return whole
    is_taken = keys_part(whole.trace, sample)
    trace = time_part(whole.trace, sample, is_taken)
    both = Sample(whole.sample.keys * sample.keys, whole.sample.time * sample.time)
    weight = whole.weight * len(trace) / (len(whole.trace) * sample.time)
    return Taken(trace, both, whole.popularity, whole.simulated * is_taken, weight)


def _counted(trace: Trace) -> Array:
    """How often each key is asked for; shape (keys,)."""
    return np.bincount(trace.key, minlength=len(trace.keys)).astype(np.float64)
