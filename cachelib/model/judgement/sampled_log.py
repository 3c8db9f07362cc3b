"""Numbers from a log that is a sample itself, each with its error beside it.

Of a sample of keys: the spread of groups of its keys, each left out once, as much as keys were left
out of the log, and what keys that are hotter than any in it would add. Of a sample of requests: how
far its whole may be off where those left out came in bursts, or evenly, and what other samples of
that whole, made whole as this one was, say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import stdtrit

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.engines.shards.sample import SampleError, without_key_groups
from cachelib.model.judgement.hotter_keys import Hotter, hotter
from cachelib.model.judgement.sampled import SURE, Numbers, Path, beside, chance, farthest
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import FOUND, WRITTEN
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.made_whole import unsampled
from cachelib.model.traffic.trace import Trace

DRAWN = 4  # other samples by request
ENDS = (1.0, 8.0)
"""Neighbours of what is drawn: all in bursts, and evenly; see `made_whole`."""
OF_A_READ = ("latency_ms", "latency_by_region", "age_s", "superseded_share")
"""What more requests do not change, and more misses do."""

Told = Callable[[Result], Any]


def with_log_errors(
    sample: Trace, reading: Reading, result: Result, seed: int, told: Told
) -> dict[str, Any]:
    """What `told` makes of the result of a log that is a `sample`, with errors beside its numbers.

    Where none is known, `error` says why, and the numbers stand alone.
    """
    if reading.sampled_by == "request":
        return _of_requests(sample, reading.rate, result, seed, told)
    try:
        return _of_keys(sample, reading.rate, result, seed, told)
    except SampleError as error:
        return {**told(result), "error": f"not known: {error.why}"}


def log_summary(reading: Reading) -> Mapping[str, Any]:
    """What the log is, and how far its numbers are to be believed."""
    of = "keys" if reading.sampled_by == "key" else "requests"
    about = "counts are theirs" if of == "keys" else "the others are drawn"
    return {
        f"share_of_{of}": reading.rate,
        "sure": SURE,
        "says": f"the log holds {100 * reading.rate:g} per cent of the {of}, and {about}: in"
        f" {100 * SURE:g} of 100 such samples a number lies within its plus_or_minus",
    }


def _of_keys(sample: Trace, rate: float, result: Result, seed: int, told: Told) -> dict[str, Any]:
    without = without_key_groups(sample, result.design, result.platform, seed=seed)
    beyond = _beyond(sample, rate, result.design, result.platform, seed)
    left_out, missed = math.sqrt(1 - rate), max(1 - result.hit_ratio, 1e-9)

    def error(at: Path, value: float, others: Numbers) -> float:
        relative = beyond.of_hits / missed if at[0] in OF_A_READ else beyond.of_requests
        hot = beyond.of_hits if at[0] == "hit_ratio" else relative * abs(value)
        return math.hypot(chance(others) * left_out, hot)

    found: dict[str, Any] = beside(told(result), error, [told(each) for each in without])
    return found


def _beyond(trace: Trace, rate: float, design: Design, platform: Platform, seed: int) -> Hotter:
    tier = replay(trace, design, platform, seed=seed).tier
    read = tier != WRITTEN
    key, hit = trace.key[read], np.isin(tier[read], FOUND)
    return hotter(np.bincount(key), rate, np.bincount(key, weights=hit))


def _of_requests(
    sample: Trace, rate: float, result: Result, seed: int, told: Told
) -> dict[str, Any]:
    def said(trace: Trace) -> Any:
        return told(replay(trace, result.design, result.platform, seed=seed))

    def error(_: Path, value: float, ends: Numbers, drawn: Numbers) -> float:
        spread = math.sqrt(float(((drawn - value) ** 2).mean()))
        return farthest(value, ends) + float(stdtrit(DRAWN, (1 + SURE) / 2)) * spread

    whole, rng = unsampled(sample, rate, seed=1), np.random.default_rng([seed, 9])
    ends = [unsampled(sample, rate, seed=n, neighbours=each) for n, each in enumerate(ENDS)]
    others = (whole.only(rng.random(len(whole)) < rate) for _ in range(DRAWN))
    drawn = [unsampled(other, rate, seed=2 + n) for n, other in enumerate(others)]
    found: dict[str, Any] = beside(
        told(result), error, [said(each) for each in ends], [said(each) for each in drawn]
    )
    return found
