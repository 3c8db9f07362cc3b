"""The user's own Worker on the local runtime, unchanged: what its bindings are asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.live.driver import Progress, drive, isolates_met, operations_of, requests_of
from cachelib.live.node import runtime_versions
from cachelib.live.own_config import own_worker
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import Trace

EPOCH_S = 1_767_225_600.0
"""2026-01-01T00:00Z: where the Worker's clock starts for requests whose times count from 0."""
BEFORE_THE_WEB_S = 6e8

CLOCKS = {
    "virtual": "Date, expirationTtl of KV and Cache-Control in the Cache API go by the log's times",
    "real": "performance.now(), timers, alarms of Durable Objects, latencies",
}

READS = frozenset(["get", "getWithMetadata", "match", "head", "first", "all", "raw", "run"])


@dataclass(frozen=True)
class OwnRun:
    """What the user's Worker did with `n` requests.

    `answered_by` (length `n`) is "origin" where it made an outbound request, else the first store
    that had something, else "memory" where it asked no binding, else "nothing". `status` is the
    HTTP status, 0 for an exception. `operations` is as in `LiveRun`.
    """

    answered_by: npt.NDArray[np.str_]
    status: npt.NDArray[np.int64]
    errors: list[str]
    latency_ms: npt.NDArray[np.float64]
    operations: pd.DataFrame

    @property
    def counts(self) -> pd.DataFrame:
        """Calls by `store` and `method`: how many, and how many found something."""
        groups = self.operations.groupby(["store", "method"], sort=True)["found"]
        return groups.agg(calls="size", found="sum").reset_index()

    @property
    def hit_ratio(self) -> float:
        """The share of requests answered from memory or a store, and not with an exception."""
        hits = ~np.isin(self.answered_by, ["origin", "nothing"]) & (self.status != 0)
        return float(hits.mean()) if len(hits) else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The run for machines."""
        return {
            "requests": len(self.status),
            "hit_ratio": self.hit_ratio,
            "answered_by": dict(Counter(self.answered_by.tolist())),
            "status": {str(status): n for status, n in Counter(self.status.tolist()).items()},
            "errors": dict(Counter(self.errors).most_common(10)),
            "calls": self.counts.to_dict("records"),
            "clocks": CLOCKS,
            "runtime": runtime_versions(),
        }


def run_worker(
    folder: Path,
    trace: Trace,
    platform: Platform,
    *,
    environment: str | None = None,
    origin_response: str | None = None,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> OwnRun:
    """Replay the trace against the Worker that the wrangler configuration in `folder` describes.

    The Worker's clock is the trace's: `Date`, KV expiration and Cache-Control lifetimes go by it.
    Its network ends at the loopback; with `origin_response`, that text answers every other
    outbound request. Raises `OwnWorkerError` for a binding that has no local form.
    """
    own = own_worker(folder, environment)
    isolate, isolates = isolates_met(trace, platform, seed)
    start_s = EPOCH_S if trace.time_s.max(initial=0.0) < BEFORE_THE_WEB_S else 0.0
    answers = drive(
        {"own": {**own, "isolates": isolates}},
        {"originResponse": origin_response},
        requests_of(replace(trace, time_s=trace.time_s + start_s), isolate),
        in_flight=1,
        progress=progress,
    )
    operations = operations_of(answers)
    said = [answer.what for answer in answers]
    return OwnRun(
        _answered_by(operations, len(trace)),
        np.array([what if isinstance(what, int) else 0 for what in said], np.int64),
        [what for what in said if isinstance(what, str)],
        np.array([answer.ms for answer in answers], np.float64),
        operations,
    )


def _answered_by(operations: pd.DataFrame, requests: int) -> npt.NDArray[np.str_]:
    """Later assignments win: nothing, a store that had it (the first), an outbound request."""
    answered = np.full(requests, "memory", dtype=object)
    answered[operations["request"].unique()] = "nothing"
    reads = operations["method"].isin(READS) | (operations["store"] == "durable-object")
    found = operations[reads & operations["found"]].drop_duplicates("request")
    answered[found["request"]] = found["store"]
    answered[operations.loc[operations["store"] == "origin", "request"]] = "origin"
    return answered.astype(np.str_)
