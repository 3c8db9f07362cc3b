"""The requests of a trace on the local runtime: which tier answered each, when, with what calls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

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

Progress = Callable[[int], object]
"""Called with the number of requests done."""


class Answer(NamedTuple):
    """What an isolate says of a request: the tier or status, milliseconds, and its calls."""

    what: Any
    ms: float
    calls: list[list[object]]


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
    progress: Progress = lambda done: None,
) -> LiveRun:
    """Drive the design's Worker with the requests, each on the isolate that `replay` gives it.

    Expiry goes by the requests' own times. Requests for one key keep their order; up to `in_flight`
    requests for different keys run at once, so measure latencies with 1. Raises `LiveError` where
    the runtime fails and `NodeMissingError` where there is none.
    """
    isolate, isolates = isolates_met(trace, platform, seed)
    answers = drive(
        {"designs": {"isolates": isolates}},
        design.model_dump(mode="json"),
        requests_of(trace, isolate),
        in_flight=in_flight,
        progress=progress,
    )
    return LiveRun(
        design,
        np.array([TIERS.index(answer.what) for answer in answers], np.uint8),
        np.array([answer.ms for answer in answers], np.float64),
        operations_of(answers),
    )


def drive(
    topology: dict[str, Any],
    settings: object,
    requests: list[Request],
    *,
    in_flight: int,
    progress: Progress,
) -> list[Answer]:
    """The answers of the instance's isolates, in the order of the requests."""
    answers: list[Answer] = []
    with Runtime(topology) as runtime:
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            message = {"settings": settings, "requests": batch, "width": in_flight}
            answers += [Answer(*each) for each in runtime.post(message)]
            progress(len(answers))
    return answers


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


def isolates_met(trace: Trace, platform: Platform, seed: int) -> tuple[list[int], int]:
    """The isolate of each request, numbered without those that no request meets."""
    met, number = np.unique(assign_isolates(trace, platform, seed)[0], return_inverse=True)
    if len(met) > MAX_ISOLATES:
        raise LiveError(
            f"the requests meet {len(met)} isolates, and each is a Worker of its own here: "
            f"at most {MAX_ISOLATES}; take fewer isolates per colo, or fewer colos"
        )
    return number.tolist(), len(met)


def requests_of(trace: Trace, isolate: list[int]) -> list[Request]:
    """Every row as the driver takes it."""
    keys = [_storable(key) for key in trace.keys]
    ops = [OPS[op] for op in trace.op.tolist()]
    asked = [keys[key] for key in trace.key.tolist()]
    sizes = np.minimum(trace.size, MAX_BODY).tolist()
    return list(zip(isolate, ops, asked, trace.time_s.tolist(), sizes, strict=True))


def _storable(key: str) -> str:
    """The key, or its hash where Workers KV would refuse it."""
    data = key.encode()
    if key in ("", ".", "..") or len(data) > MAX_KEY_BYTES:
        return f"sha256-{hashlib.sha256(data).hexdigest()}"
    return key


def operations_of(answers: list[Answer]) -> pd.DataFrame:
    """One row for each call: `request`, `store`, `method`, `found`, `ms`."""
    rows = [(row, *call) for row, answer in enumerate(answers) for call in answer.calls]
    return pd.DataFrame(rows, columns=["request", "store", "method", "found", "ms"])
