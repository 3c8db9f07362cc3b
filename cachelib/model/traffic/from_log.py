"""A log as the traffic that a decision is made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.made_whole import unsampled
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
    trace = read_log(paths, reading)
    answered(remarks(trace, reading))
    if reading.sampled_by == "request":
        trace = unsampled(trace, reading.sample_rate, seed=seed)
    return spread(trace, places, seed=seed)
