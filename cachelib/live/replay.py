"""The requests of a trace on the local runtime: which tier answered each, when, with what calls."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.edge.designs import Design
from cachelib.edge.platform import Platform
from cachelib.edge.trace import Trace
from cachelib.live.driver import Progress, drive, isolates_met, operations_of, requests_of
from cachelib.live.runtime import LiveError

IN_FLIGHT = 16
ENOUGH_FOR_TWO = 15_000
"""Requests from which on a second instance of the runtime is worth its start."""
MAX_BODY = 4_096
"""Values are cut to this many bytes where no bound in bytes depends on them."""


@dataclass(frozen=True)
class LiveRun:
    """What the local runtime did with `n` requests; arrays have length `n`.

    `tier` is L1, L2, origin or write; `place` says where in L2 the request looked ("" if it did
    not); `stale` marks values that the origin no longer had; `latency_ms` is in whole milliseconds
    of the runtime's clock. `operations` has a row for each call to a store: `request` (row in the
    trace), `store`, `method`, `found`, `ms`.
    """

    design: Design
    tier: npt.NDArray[np.str_]
    place: npt.NDArray[np.str_]
    stale: npt.NDArray[np.bool_]
    latency_ms: npt.NDArray[np.float64]
    operations: pd.DataFrame


def run(
    trace: Trace,
    design: Design,
    platform: Platform,
    *,
    seed: int = 0,
    in_flight: int = IN_FLIGHT,
    progress: Progress = lambda done: None,
) -> LiveRun:
    """Drive the design's Worker with the requests, each on the isolate that `replay` gives it.

    Expiry goes by the requests' own times. Up to `in_flight` requests for different keys run at
    once, so measure latencies with 1. Raises `LiveError` where the runtime fails or cannot do what
    the design asks, `NodeMissingError` where there is none.
    """
    if design.policy == "clean-up":
        raise LiveError(f"{design.name}: the live run has no clean-up routine")
    isolate, isolates = isolates_met(trace, platform, seed)
    bounded = design.l1_max_entries or design.l1_max_bytes
    largest = None if design.l1_max_bytes else MAX_BODY
    answers = drive(
        {"designs": {"isolates": isolates}},
        _settings(design),
        requests_of(trace, isolate, largest=largest, objects=design.objects),
        in_flight=in_flight,
        instances=1 if bounded or in_flight == 1 else 1 + (len(trace) > ENOUGH_FOR_TWO),
        progress=progress,
    )
    tiers, places, stale = zip(*(answer.what for answer in answers), strict=True)
    return LiveRun(
        design,
        np.array(tiers),
        np.array(places),
        np.array(stale),
        np.array([answer.ms for answer in answers]),
        operations_of(answers),
    )


def head(trace: Trace, requests: int) -> Trace:
    """The first so many requests."""
    cut = slice(requests)
    return replace(
        trace,
        time_s=trace.time_s[cut],
        key=trace.key[cut],
        colo=trace.colo[cut],
        op=trace.op[cut],
        size=trace.size[cut],
    )


def _settings(design: Design) -> dict[str, Any]:
    times = {"hard_ttl_s": design.hard_ttl_s, "refresh_after_s": design.refresh_after_s}
    finite = {name: None if time == math.inf else time for name, time in times.items()}
    return design.model_dump(mode="json") | finite
