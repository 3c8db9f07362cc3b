"""Requests for keys as requests for the values that these lie in; see `tiers.joining`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from cachelib.errors import CachelibError
from cachelib.model.tiers.joining import values
from cachelib.model.traffic.trace import Trace

LARGEST = np.iinfo(np.int32).max


class JoinedError(CachelibError, ValueError):
    """Keys that cannot lie together."""


def joined(trace: Trace, each: int | None) -> Trace:
    """The same requests where `each` so many keys lie in one value; as it is, if they do already.

    Of generated traffic all keys are there, of a log those that it asks for.
    """
    if not each or each == 1 or trace.keys_each > 1 or not len(trace):
        return trace
    if trace.hashes is not None:
        raise JoinedError(
            "joined: which keys lie together in a value hangs on all of a log, whose keys are known"
            " here piece by piece alone; replay this design without --memory"
        )
    if len(trace.purges.time_s):
        raise JoinedError("joined: is not modelled where a schedule purges; leave one of them out")
    asked = np.bincount(trace.key, minlength=len(trace.keys))
    there = np.arange(len(asked)) if trace.account is None else np.flatnonzero(asked)
    order = there[np.argsort(-asked[there], kind="stable")]
    number = int(values(len(order), each))
    value = np.zeros(len(asked), np.int32)
    value[order] = np.arange(len(order)) % number
    key = value[trace.key]
    return replace(
        trace,
        key=key,
        size=_sizes(trace, np.bincount(value[order])[key]),
        keys=[trace.keys[first] for first in order[:number]],
        keys_each=len(order) / number,
    )


def _sizes(trace: Trace, together: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Of the values of which each request asks for one, as if their keys were of a size."""
    size = trace.size * together
    if int(size.max()) > LARGEST:
        raise JoinedError(
            f"joined: {together.max():,} keys of {trace.size.max():,} bytes make a value of more"
            f" than {LARGEST:,}; join fewer"
        )
    return size.astype(np.int32)
