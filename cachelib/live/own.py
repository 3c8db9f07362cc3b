"""The user's own Worker on the local runtime, unchanged: what its bindings are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.live.driver import Progress, drive, isolates_met, operations_of, requests_of
from cachelib.live.node import runtime_versions
from cachelib.live.not_checked import OF_WORKERS, NotChecked
from cachelib.live.own_config import own_worker
from cachelib.live.runtime import Runtime
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import READ, Trace

EPOCH_S = 1_767_225_600.0
"""2026-01-01T00:00Z: where the Worker's clock starts for requests whose times count from 0."""
BEFORE_THE_WEB_S = 6e8

CLOCKS = {
    "virtual": "Date, expirationTtl of KV and Cache-Control in the Cache API go by the log's times",
    "real": "performance.now(), timers, alarms of Durable Objects, latencies",
}

READS = frozenset(["get", "getWithMetadata", "match", "head", "first", "all", "raw", "run"])
HITS = ("memory", "kv", "r2", "cache")
MISSES = ("origin", "nothing")
UNKNOWN = {
    "durable-object": "came from a Durable Object, whose answers do not tell whether it had them",
    "d1": "came from a database, which may be cache or origin",
    "code": "were given without asking anything, and may be the code's own",
}
"""Who answers may be a cache or not: what was answered so is neither hit nor miss."""

NOT_CHECKED_HERE = (
    NotChecked(
        "what depends on the rest of a request",
        "of each, method, path and length are the log's; there are no headers, and bodies are x's",
        "this project: live/worker/own/harness.js",
    ),
    NotChecked(
        "secrets, and what is in the stores already",
        "secrets and .dev.vars are not read, and every store begins empty",
        "this project: live/own_config.py",
    ),
    NotChecked(
        "requests that overlap",
        "one is sent when the one before it has ended, whatever it left to waitUntil included",
        "this project: live/own.py",
    ),
    NotChecked(
        "scheduled events, consumers of queues, alarms",
        "only fetch handlers are called",
        "this project: live/worker/own/harness.js",
    ),
)


@dataclass(frozen=True)
class OwnRun:
    """What the user's Worker did with `n` requests.

    `answered_by` (length `n`) is "origin" where the answer waited for an outbound request, else the
    first store that had something, else "nothing" where it asked some store in vain. Where it asked
    nothing, that is "memory" if its isolate had asked something for the same key before, and "code"
    if not. `status` is the HTTP status, 0 for an exception. `operations` is as in `LiveRun`, and
    `after` marks what the answer did not wait for. `reads` marks the requests that read.
    """

    answered_by: npt.NDArray[np.str_]
    status: npt.NDArray[np.int64]
    errors: list[str]
    latency_ms: npt.NDArray[np.float64]
    operations: pd.DataFrame
    reads: npt.NDArray[np.bool_]
    remarks: tuple[str, ...] = ()

    @property
    def counts(self) -> pd.DataFrame:
        """Calls by `store` and `method`: how many, and how many found something."""
        groups = self.operations.groupby(["store", "method"], sort=True)["found"]
        return groups.agg(calls="size", found="sum").reset_index()

    @property
    def hit_ratio(self) -> float | None:
        """The share of reads that memory or a store answered, with a status below 400.

        None where that cannot be known; see `hit_ratio_bounds`.
        """
        low, high = self.hit_ratio_bounds
        return low if low == high else None

    @property
    def hit_ratio_bounds(self) -> tuple[float, float]:
        """The least and the greatest that the hit ratio can be."""
        good = self.reads & (self.status > 0) & (self.status < 400)
        hits = good & np.isin(self.answered_by, HITS)
        unknown = good & ~np.isin(self.answered_by, (*HITS, *MISSES))
        reads = max(int(self.reads.sum()), 1)
        return float(hits.sum() / reads), float((hits | unknown).sum() / reads)

    def as_dict(self) -> dict[str, Any]:
        """The run for machines."""
        return {
            "requests": len(self.status),
            **self._hit_ratio(),
            "answered_by": dict(Counter(self.answered_by.tolist())),
            "status": {str(status): n for status, n in Counter(self.status.tolist()).items()},
            "errors": dict(Counter(self.errors).most_common(10)),
            "calls": self.counts.to_dict("records"),
            "calls_after_the_answer": self._after(),
            "remarks": list(self.remarks),
            "clocks": CLOCKS,
            "not_checked": [each._asdict() for each in (*NOT_CHECKED_HERE, *OF_WORKERS)],
            "runtime": runtime_versions(),
        }

    def _after(self) -> dict[str, int]:
        late = self.operations[self.operations["after"]]
        return dict(Counter((late["store"] + " " + late["method"]).tolist()))

    def _hit_ratio(self) -> dict[str, Any]:
        """As far as it is known, and why no further."""
        if self.hit_ratio is not None:
            return {"hit_ratio": self.hit_ratio}
        low, high = self.hit_ratio_bounds
        reasons = [
            f"{number:,} answers {UNKNOWN.get(who, 'came from where no hit can be told')}"
            for who, number in Counter(self.answered_by[self.reads].tolist()).items()
            if who not in (*HITS, *MISSES)
        ]
        return {"hit_ratio": None, "hit_ratio_between": [low, high], "because": reasons}


def run_worker(
    folder: Path,
    trace: Trace,
    platform: Platform,
    *,
    environment: str | None = None,
    origin_response: str | None = None,
    seed: int = 0,
    read: Sequence[Path] = (),
    connect: Sequence[str] = (),
    progress: Progress = lambda done: None,
) -> OwnRun:
    """Replay the trace against the Worker that the wrangler configuration in `folder` describes.

    The Worker's clock is the trace's: `Date`, KV expiration and Cache-Control lifetimes go by it.
    It reaches no network but HTTP services of this machine that `connect` names; with
    `origin_response`, that text answers every other outbound request. Its code imports no files but
    its own, its packages' and those in the folders `read`. Raises `OwnWorkerError` for a binding
    that has no local form.
    """
    own = own_worker(folder, environment, read=read, connect=connect)
    isolate, isolates = isolates_met(trace, platform, seed)
    start_s = EPOCH_S if trace.time_s.max(initial=0.0) < BEFORE_THE_WEB_S else 0.0
    requests = requests_of(replace(trace, time_s=trace.time_s + start_s), isolate)
    settings = {"originResponse": origin_response, "open": own["connect"]}
    with Runtime({"own": {**own, "isolates": isolates}}) as runtime:
        answers = drive([runtime], settings, requests, in_flight=1, progress=progress)
    operations = operations_of(answers)
    said = [answer.what for answer in answers]
    return OwnRun(
        _answered_by(operations, list(zip(isolate, trace.key.tolist(), strict=True))),
        np.array([what if isinstance(what, int) else 0 for what in said], np.int64),
        [what for what in said if isinstance(what, str)],
        np.array([answer.ms for answer in answers], np.float64),
        operations,
        trace.op == READ,
        tuple(_remarks(own)),
    )


def _remarks(own: dict[str, Any]) -> Iterator[str]:
    """What is not as the configuration says."""
    date, asked = own["compatibilityDate"], own["asked"]
    if date != asked:
        yield f"compatibility_date {asked}: run as {date}, the latest that this runtime knows"
    if "ai" in own["kinds"].values():
        yield "no AI model is asked: what --origin-response says stands for its answers"


def _answered_by(
    operations: pd.DataFrame, places: Sequence[tuple[int, int]]
) -> npt.NDArray[np.str_]:
    """Who answered each request, which went to an isolate with a key: its place."""
    waited = operations[~operations["after"]]
    asked = set(operations["request"].tolist())
    answered = np.array(list(_unasked(asked, places)), dtype=object)
    answered[waited["request"].unique()] = "nothing"
    reads = waited["method"].isin(READS) | (waited["store"] == "durable-object")
    found = waited[reads & waited["found"]].drop_duplicates("request")
    answered[found["request"]] = found["store"]
    answered[waited.loc[waited["store"] == "origin", "request"]] = "origin"
    return answered.astype(np.str_)


def _unasked(asked: set[int], places: Sequence[tuple[int, int]]) -> Iterator[str]:
    """For each request, what it is if it waited for nothing."""
    known: set[tuple[int, int]] = set()
    for request, place in enumerate(places):
        yield "memory" if place in known else "code"
        if request in asked:
            known.add(place)
