"""Two users ask for the same thing in two places: every step as the runtime recorded it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cachelib.live.replay import LiveRun, run
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace

STORES = {
    "kv": "KV",
    "r2": "R2",
    "cache": "Cache API",
    "durable-object": "Durable Object",
    "object storage": "Durable Object's storage",
    "origin": "Origin",
}


ANSWERING = {"L1": "its memory", "L2": "the shared tier", "origin": "the origin"}


class Step(NamedTuple):
    """One arrow of a sequence diagram: `request` is 1 or 2."""

    request: int
    source: str
    target: str
    message: str


def two_places(design: Design, trace: Trace) -> list[Step]:
    """The two requests of `trace`, as of `Study.two_requests`, each step of them in order."""
    platform = Platform(profile="miniflare", isolates_per_colo=1)
    return list(steps(run(trace, design, platform, in_flight=1), trace))


def steps(recorded: LiveRun, trace: Trace) -> Iterator[Step]:
    """The recorded calls of each request, with its question and its answer around them."""
    calls = recorded.operations[["request", "store", "method", "found"]]
    for row, place in enumerate(trace.colos[colo] for colo in trace.colo):
        user, isolate = f"User in {place}", f"Isolate in {place}"
        yield Step(row + 1, user, isolate, f"GET {trace.keys[trace.key[row]]}")
        for store, method, found in calls[calls["request"] == row].to_numpy()[:, 1:].tolist():
            source = STORES["durable-object"] if store == "object storage" else isolate
            target = STORES.get(store, isolate)
            yield Step(row + 1, source, target, _message(store, method, found))
        tier = str(recorded.tier[row])
        yield Step(row + 1, isolate, user, f"answered by {ANSWERING.get(tier, tier)}")


def _message(store: str, method: str, found: bool) -> str:
    if method in ("put", "set"):
        return "keep in memory" if store == "memory" else "write"
    if store == "memory":
        return "in memory" if found else "not in memory"
    if store == "durable-object":  # it answers in either case
        return "read"
    return f"{'load' if method == 'load' else 'read'}: {'found' if found else 'nothing there'}"
