"""The requests of a trace on the local runtime: which tier answered each, when, with what calls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.live.driver import (
    Answer,
    Progress,
    Request,
    drive,
    isolates_met,
    operations_of,
    requests_of,
)
from cachelib.live.runtime import LiveError, Runtime
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.profile import shipped
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL
from cachelib.model.tiers.tier import Tier
from cachelib.model.traffic.joining import joined
from cachelib.model.traffic.trace import Trace

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
    counted: Mapping[str, int] = field(default_factory=dict)
    """What a store itself says of such calls, by the simulation's names of counts."""


def lacking(design: Design) -> list[Tier]:
    """The tiers of a design that the local runtime has not: what answers before the Worker runs,
    and what its vendor has not."""
    there = shipped("miniflare").tiers
    return [ALL[word] for word in design.tiers if word not in there or ALL[word].in_front]


def can_run(design: Design) -> bool:
    """Whether the local runtime has all tiers of the design, and the design needs no real times."""
    return not lacking(design) and design.hedge_after_ms is None and not design.object_alarm


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
    once, so measure latencies with 1. Raises `LiveError` where the runtime fails,
    `NodeMissingError` where there is none.
    """
    return run_each(trace, [design], platform, seed=seed, in_flight=in_flight, progress=progress)[0]


def run_each(
    trace: Trace,
    designs: Sequence[Design],
    platform: Platform,
    *,
    seed: int = 0,
    in_flight: int = IN_FLIGHT,
    progress: Progress = lambda done: None,
) -> list[LiveRun]:
    """`run` for several designs: one after another on the same instances of the runtime, whose
    start takes a second, each with stores of its own."""
    for design in designs:
        _refuse_missing(design)
    traces = [joined(trace, design.joined) for design in designs]
    met = [isolates_met(each, platform, seed) for each in traces]
    isolates = max((isolates for _, isolates in met), default=1)
    topology = {"designs": {"isolates": isolates, "rooms": len(designs)}}
    shares = [_instances(design, len(trace), in_flight) for design in designs]
    with ExitStack() as stack:
        runtimes = [stack.enter_context(Runtime(topology)) for _ in range(max(shares, default=0))]
        return [
            _run(asked, design, isolate, runtimes[:share], room, in_flight, progress)
            for room, (asked, design, (isolate, _), share) in enumerate(
                zip(traces, designs, met, shares, strict=True)
            )
        ]


def as_local(platform: Platform) -> Platform:
    """The platform as the local runtime is, with as many isolates and the same routing."""
    return Platform(
        profile="miniflare",
        isolates_per_colo=platform.isolates_per_colo,
        routing=platform.routing,
    )


def _refuse_missing(design: Design) -> None:
    if missing := lacking(design):
        none = " and no ".join(tier.label for tier in missing)
        raise LiveError(
            f"{design.name}: the local runtime has no {none}, so what it would do cannot be "
            "seen here; leave this design out of the live run"
        )
    if design.hedge_after_ms is not None:
        raise LiveError(
            f"{design.name}: hedge_after_ms: which reads are slow, the local runtime does not show;"
            " leave this design out of the live run"
        )
    if design.object_alarm:
        raise LiveError(
            f"{design.name}: object_alarm: alarms come by the clock, and expiry here goes by the"
            " requests' own times; leave this design out of the live run"
        )


def _instances(design: Design, requests: int, in_flight: int) -> int:
    """As many as may share the keys."""
    bounded = design.l1_max_entries or design.l1_max_bytes
    alone = design.policy == "clean-up" or bounded or in_flight == 1
    return 1 if alone or requests < ENOUGH_FOR_TWO else 2


def _run(
    trace: Trace, design: Design, isolate: list[int], runtimes: list[Runtime], room: int,
    in_flight: int, progress: Progress,
) -> LiveRun:  # fmt: skip
    largest = None if design.l1_max_bytes else MAX_BODY
    requests = requests_of(trace, isolate, largest=largest, objects=design.objects)
    if design.policy == "clean-up":
        requests = list(_with_clean_ups(requests, design.clean_up_every_s))
    settings = settings_of(design) | {"room": room}
    answers = drive(runtimes, settings, requests, in_flight=in_flight, progress=progress)
    answers = list(_without_clean_ups(answers))
    tiers, places, stale = zip(*(answer.what for answer in answers), strict=True)
    return LiveRun(
        design,
        np.array(tiers),
        np.array(places),
        np.array(stale),
        np.array([answer.ms for answer in answers]),
        operations_of(answers),
    )


def settings_of(design: Design) -> dict[str, Any]:
    """A design as JSON has it: no end is nothing."""
    times = {"hard_ttl_s": design.hard_ttl_s, "refresh_after_s": design.refresh_after_s}
    finite = {name: None if time == math.inf else time for name, time in times.items()}
    return design.model_dump(mode="json") | finite


def _with_clean_ups(requests: list[Request], every_s: float) -> Iterator[Request]:
    """The routine's runs between the requests, the first one `every_s` after the first request."""
    due = requests[0].now + every_s
    for request in requests:
        while request.now >= due:
            yield request._replace(op="cleanUp", now=due)
            due += every_s
        yield request


def _without_clean_ups(answers: list[Answer]) -> Iterator[Answer]:
    """The calls of a run of the routine are those of the request that follows it."""
    calls: list[list[object]] = []
    for answer in answers:
        calls += answer.calls
        if answer.what[0] != "clean-up":
            yield answer._replace(calls=calls)
            calls = []
