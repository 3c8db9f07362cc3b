"""A log as the traffic that a decision is made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.made_whole import sampling_error, unsampled
from cachelib.model.traffic.places import spread
from cachelib.model.traffic.remarks import answered, remarks
from cachelib.model.traffic.trace import Trace


def from_log(
    paths: Path | Sequence[Path], reading: Reading, *, places: Mapping[str, float], seed: int
) -> Trace:
    """The requests of a log: a sample made whole, those without a place spread over `places`.

    Raises `LogError` for a log that cannot be read, `UnansweredError` for one that leaves
    something open that somebody has to say.
    """
    trace = read_log(paths, reading, compared=True)
    answered(remarks(trace.account, reading))
    if reading.sampled_by == "request":
        trace = _whole(trace, reading.rate, seed)
    return spread(trace, places, seed=seed)


def _whole(sample: Trace, rate: float, seed: int) -> Trace:
    if rate >= 1 or sample.account is None:
        return sample
    error = sampling_error(sample, rate, seed=seed)
    made = unsampled(sample, rate, seed=seed)
    return replace(made, account=replace(sample.account, sampling_error=error))
