"""Two users ask for the same thing from two continents: every step as the runtime recorded it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cachelib.live.replay import LiveRun, run
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import READ, Trace

KEY = "/sentiment/AAPL"
CITIES = {"SJC": "San Francisco", "LHR": "London"}
APART_S = 30.0
STORES = {
    "kv": "KV",
    "r2": "R2",
    "cache": "Cache API",
    "durable-object": "Durable Object",
    "object storage": "Durable Object's storage",
    "origin": "Origin",
}


class Step(NamedTuple):
    """One arrow of a sequence diagram: `request` is 1 or 2."""

    request: int
    source: str
    target: str
    message: str


def two_cities(design: Design) -> list[Step]:
    """The document's scenario: San Francisco asks, and 30 s later London does."""
    trace = Trace(
        time_s=np.array([0.0, APART_S]),
        key=np.zeros(2, np.int32),
        colo=np.arange(2, dtype=np.int16),
        op=np.full(2, READ, np.uint8),
        size=np.full(2, 2_000, np.int32),
        keys=[KEY],
        colos=list(CITIES),
    )
    platform = Platform(profile="miniflare", isolates_per_colo=1)
    return list(steps(run(trace, design, platform, in_flight=1)))


def steps(recorded: LiveRun) -> Iterator[Step]:
    """The recorded calls of each request, with its question and its answer around them."""
    calls = recorded.operations[["request", "store", "method", "found"]]
    for row, city in enumerate(CITIES.values()):
        user, isolate = f"User in {city}", f"Isolate in {city}"
        yield Step(row + 1, user, isolate, f"GET {KEY}")
        for store, method, found in calls[calls["request"] == row].to_numpy()[:, 1:].tolist():
            source = STORES["durable-object"] if store == "object storage" else isolate
            target = STORES.get(store, isolate)
            yield Step(row + 1, source, target, _message(store, method, found))
        yield Step(row + 1, isolate, user, f"answered by {recorded.tier[row]}")


def _message(store: str, method: str, found: bool) -> str:
    if method in ("put", "set"):
        return "keep in L1" if store == "memory" else "write"
    if store == "memory":
        return f"L1 {'hit' if found else 'miss'}"
    if store == "durable-object":  # it answers in either case
        return "read"
    return f"{'load' if method == 'load' else 'read'}: {'found' if found else 'nothing there'}"
