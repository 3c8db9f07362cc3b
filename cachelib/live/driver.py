"""Requests for the driver inside the instance, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, starmap
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from cachelib.live.runtime import LiveError, Runtime
from cachelib.model.engines.routing import Router
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace

BATCH = 2_000
MAX_ISOLATES = 256
MAX_KEY_BYTES = 512
"""Workers KV: developers.cloudflare.com/kv/platform/limits, read 2026-11-23."""

COLUMNS = ["request", "store", "method", "found", "ms", "after"]
NOWHERE = "-"
"""The data centre of logs that name none."""

OPS = {READ: "read", WRITE: "write", DELETE: "delete"}

Progress = Callable[[int], object]
"""Called with how many more requests are done."""


class Request(NamedTuple):
    """A row of a trace as the driver takes it.

    `version` counts the changes of the key so far, this request's included; `object` names the
    Durable Object that has the key; `ttl` is the life asked for in seconds, 0 for none.
    """

    isolate: int
    op: str
    key: str
    now: float
    size: int
    version: int
    colo: str
    object: str
    ttl: float


class Answer(NamedTuple):
    """What an isolate says of a request: the tier or status, milliseconds, and its calls."""

    what: Any
    ms: float
    calls: list[list[object]]


def drive(
    runtimes: Sequence[Runtime],
    settings: object,
    requests: list[Request],
    *,
    in_flight: int,
    progress: Progress,
) -> list[Answer]:
    """The answers of the isolates, in the order of the requests.

    Requests for one key keep their order; up to `in_flight` for different keys run at once. As
    different keys never meet, several instances of the runtime share the keys among them.
    """
    answers: dict[int, Answer] = {}
    pool = ThreadPoolExecutor(len(runtimes))
    try:
        work = [
            pool.submit(_replay, runtime, settings, share, in_flight, progress)
            for runtime, share in zip(runtimes, _shares(requests, len(runtimes)), strict=True)
        ]
        for done in work:
            answers.update(done.result())
    finally:
        pool.shutdown(wait=False)  # interrupted, its threads end with the runtimes
    return [answers[row] for row in range(len(requests))]


def _replay(
    runtime: Runtime,
    settings: object,
    requests: dict[int, Request],
    in_flight: int,
    progress: Progress,
) -> dict[int, Answer]:
    answers: list[Answer] = []
    rest = iter(requests.values())
    while batch := list(islice(rest, BATCH)):
        message: dict[str, Any] = {"requests": batch, "width": in_flight}
        if not answers:
            message["settings"] = settings
        answers += starmap(Answer, runtime.post(message))
        progress(len(batch))
    return dict(zip(requests, answers, strict=True))


def _shares(requests: list[Request], instances: int) -> list[dict[int, Request]]:
    """The requests by row, those for one key in one share."""
    shares: list[dict[int, Request]] = [{} for _ in range(instances)]
    for row, request in enumerate(requests):
        shares[crc32(request.key.encode()) % instances][row] = request
    return shares


def isolates_met(
    trace: Trace, platform: Platform, seed: int, *, most: int = MAX_ISOLATES
) -> tuple[list[int], int]:
    """The isolate of each request as the simulation has it, without those that no request meets."""
    if not len(trace):
        raise LiveError("there are no requests to replay")
    near_readers = np.arange(len(trace.colos))
    isolate = Router(platform, seed).route(trace, 0, near_readers)
    met, number = np.unique(isolate, return_inverse=True)
    if len(met) > most:
        raise LiveError(
            f"the requests meet {len(met)} isolates, and each runs by itself here: "
            f"at most {most}; take fewer isolates per colo, or fewer colos"
        )
    return number.tolist(), len(met)


def _storable(key: str) -> str:
    """The key, or its hash where Workers KV would refuse it."""
    data = key.encode()
    if key in ("", ".", "..") or len(data) > MAX_KEY_BYTES:
        return f"sha256-{hashlib.sha256(data).hexdigest()}"
    return key


def requests_of(
    trace: Trace,
    isolate: list[int],
    *,
    largest: int | None = None,
    objects: int | None = None,
    storable: Callable[[str], str] = _storable,
) -> list[Request]:
    """Every row as the driver takes it, bytes cut to `largest`, keys spread over `objects`."""
    keys = [storable(key) for key in trace.keys]
    names = keys if objects is None else [str(crc32(k.encode()) % objects) for k in trace.keys]
    size = trace.size if largest is None else np.minimum(trace.size, largest)
    ttl = np.zeros(len(trace)) if trace.ttl_s is None else trace.ttl_s
    columns = (trace.op, trace.key, trace.time_s, size, trace.colo, ttl)
    changes = [0] * len(keys)
    requests = []
    for number, op, key, now, length, colo, life in zip(
        isolate, *(column.tolist() for column in columns), strict=True
    ):
        changes[key] += op != READ
        place, name = trace.colos[colo] or NOWHERE, names[key]
        requests.append(
            Request(number, OPS[op], keys[key], now, length, changes[key], place, name, life)
        )
    return requests


def operations_of(answers: list[Answer]) -> pd.DataFrame:
    """One row for each call: `request`, `store`, `method`, `found`, `ms`, `after`.

    `after`: it ended when the request had its answer already; known of users' Workers only.
    """
    rows = [
        (row, *call, False)[: len(COLUMNS)] for row, answer in enumerate(answers)
        for call in answer.calls
    ]  # fmt: skip
    types = {"request": np.int64, "found": np.bool_, "ms": np.float64, "after": np.bool_}
    return pd.DataFrame(rows, columns=COLUMNS).astype(types)
