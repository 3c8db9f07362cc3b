"""The requests of a trace on the local runtime: which tier answered each, when, with what calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.edge.designs import Design
from cachelib.edge.platform import Platform
from cachelib.edge.replay import TIERS, assign_isolates
from cachelib.edge.trace import DELETE, READ, WRITE, Trace
from cachelib.live.runtime import LiveError, Runtime

BATCH = 2_000
IN_FLIGHT = 16
MAX_ISOLATES = 256
MAX_KEY_BYTES = 512  # Workers KV: facts/cloudflare.md §2.5
MAX_BODY = 4_096
"""Values are cut to this many bytes: no operation counted here depends on more."""

OPS = {READ: "read", WRITE: "write", DELETE: "delete"}

Request = tuple[int, str, str, float, int]
"""Isolate, op, key, time in seconds, bytes."""


@dataclass(frozen=True)
class LiveRun:
    """What the local runtime did with `n` requests.

    `tier` holds codes into `TIERS`, `latency_ms` whole milliseconds by the runtime's clock, both of
    length `n`. `operations` has one row for each call to a store: `request` (row in the trace),
    `store`, `method`, `found` and `ms`.
    """

    design: Design
    tier: npt.NDArray[np.uint8]
    latency_ms: npt.NDArray[np.float64]
    operations: pd.DataFrame


def run(
    trace: Trace,
    design: Design,
    platform: Platform,
    *,
    seed: int = 0,
    in_flight: int = IN_FLIGHT,
    progress: Callable[[int], object] = lambda done: None,
) -> LiveRun:
    """Drive the design's Worker with the requests, each on the isolate that `replay` gives it.

    Expiry goes by the requests' own times. Requests for one key keep their order; up to `in_flight`
    requests for different keys run at once, so measure latencies with 1. Raises `LiveError` where
    the runtime fails and `NodeMissingError` where there is none.
    """
    isolate, isolates = _isolates(trace, platform, seed)
    requests = list(_requests(trace, isolate))
    answers: list[tuple[str, float, list[list[object]]]] = []
    with Runtime({"isolates": isolates}) as runtime:
        for start in range(0, len(requests), BATCH):
            batch = {"requests": requests[start : start + BATCH], "width": in_flight}
            answers += runtime.post({"design": design.model_dump(mode="json"), **batch})
            progress(len(answers))
    return LiveRun(
        design,
        np.array([TIERS.index(tier) for tier, _, _ in answers], np.uint8),
        np.array([ms for _, ms, _ in answers], np.float64),
        _operations([calls for _, _, calls in answers]),
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


def _isolates(trace: Trace, platform: Platform, seed: int) -> tuple[list[int], int]:
    """The isolate of each request, numbered without those that no request meets."""
    met, number = np.unique(assign_isolates(trace, platform, seed)[0], return_inverse=True)
    if len(met) > MAX_ISOLATES:
        raise LiveError(
            f"the requests meet {len(met)} isolates, and each is a Worker of its own here: "
            f"at most {MAX_ISOLATES}; take fewer isolates per colo, or fewer colos"
        )
    return number.tolist(), len(met)


def _requests(trace: Trace, isolate: list[int]) -> Iterator[Request]:
    keys = [_storable(key) for key in trace.keys]
    columns = (trace.op.tolist(), trace.key.tolist(), trace.time_s.tolist(), trace.size.tolist())
    for number, op, key, time_s, size in zip(isolate, *columns, strict=True):
        yield number, OPS[op], keys[key], time_s, min(size, MAX_BODY)


def _storable(key: str) -> str:
    """The key, or its hash where Workers KV would refuse it."""
    data = key.encode()
    if key in ("", ".", "..") or len(data) > MAX_KEY_BYTES:
        return f"sha256-{hashlib.sha256(data).hexdigest()}"
    return key


def _operations(calls: list[list[list[object]]]) -> pd.DataFrame:
    rows = ((row, *call) for row, made in enumerate(calls) for call in made)
    return pd.DataFrame(rows, columns=["request", "store", "method", "found", "ms"])
