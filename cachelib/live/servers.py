"""The requests of a trace on servers: processes of the library's own cache over a real Valkey."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np

from cachelib.live.driver import Answer, Progress, Request, isolates_met, operations_of, requests_of
from cachelib.live.pods import Pods
from cachelib.live.replay import MAX_BODY, LiveRun, settings_of
from cachelib.live.runtime import LiveError
from cachelib.live.valkey import Valkey
from cachelib.model.engines.ways import told_after_s
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.joining import joined
from cachelib.model.traffic.trace import Trace

BATCH = 500
MAX_PODS = 64
TIERS = {"memory", "redis", "redis-per-region"}
PLAIN: dict[str, Any] = {
    "isolate_idle_s": math.inf, "isolate_life_s": math.inf, "deploy_every_s": math.inf,
    "deploy_takes_s": 0.0, "isolate_requests_per_s": math.inf, "value_life_s": math.inf,
    "origin_failure": 0.0, "redis_failure": 0.0, "redis_gb": math.inf, "redis_node": "",
    "origin_requests_per_s": math.inf, "loads_take_time": False, "worker_at": (), "origin_at": (),
}  # fmt: skip
"""What the processes here do: they live as long as it runs, and nothing fails or fills up."""


class Told(NamedTuple):
    """A message of a change: when it was sent, by which process, in which region."""

    at: float
    pod: int
    colo: str


def as_pods(platform: Platform) -> Platform:
    """The platform as these processes are: as many, reached by the same routing, where they are."""
    return platform.model_copy(update=PLAIN)


def can_run(design: Design) -> bool:
    """Whether all that the design needs is there."""
    return not _lacking(design)


def _lacking(design: Design) -> str:
    """Why it cannot be run here."""
    if other := [tier.label for tier in design.shared if tier.word not in TIERS]:
        return f"there is no {' and no '.join(other)} here"
    if design.replicas:
        return "replicas: the Valkey that is here has no copies, which would answer late"
    if design.hedge_after_ms is not None:
        return "hedge_after_ms: which reads are slow, nothing here shows"
    if design.write_only_if_changed:
        return "write_only_if_changed: the library has another rule of that kind, skip_unchanged"
    return ""


def run_each(
    trace: Trace,
    designs: Sequence[Design],
    platform: Platform,
    *,
    seed: int = 0,
    progress: Progress = lambda done: None,
) -> list[LiveRun]:
    """Drive every design's processes with the requests, each on the one that `replay` gives it.

    Requests for one key keep their order, and expiry goes by their own times. Designs run one after
    another on the same processes and server, each under a prefix of its own. Raises `LiveError`
    where something fails, `ValkeyMissingError` where there is no Valkey.
    """
    for design in designs:
        if why := _lacking(design):
            raise LiveError(f"{design.name}: {why}; leave this design out of the live run")
    traces = [joined(trace, design.joined) for design in designs]
    met = [isolates_met(each, platform, seed, most=MAX_PODS) for each in traces]
    with ExitStack() as stack:
        valkey = stack.enter_context(Valkey())
        pods = stack.enter_context(Pods(max((number for _, number in met), default=1)))
        return [
            _Drive(design, platform, pods, valkey, f"{room}:").run(asked, pod, progress)
            for room, (asked, design, (pod, _)) in enumerate(zip(traces, designs, met, strict=True))
        ]


class _Drive:
    """One design's requests on the processes, in their order."""

    def __init__(
        self, design: Design, platform: Platform, pods: Pods, valkey: Valkey, prefix: str
    ) -> None:
        self.design, self.platform, self.pods, self.valkey = design, platform, pods, valkey
        self.prefix = prefix
        self.sent: list[Told] = []

    def run(self, trace: Trace, pod: list[int], progress: Progress) -> LiveRun:
        largest = None if self.design.l1_max_bytes else MAX_BODY
        requests = requests_of(trace, pod, largest=largest, storable=str)
        self.after_s = dict(
            zip(
                [colo or "-" for colo in trace.colos],
                told_after_s(self.design, self.platform, geography(trace.colos, self.platform)),
                strict=True,
            )
        )
        self._configure(requests)
        self.valkey.forget_calls()
        answers = list(self._answers(requests, progress))
        tiers, places, stale = zip(*(answer.what for answer in answers), strict=True)
        words = self.design.stores[0].places[0].words if self.design.stores else ""
        return LiveRun(
            self.design,
            np.array(tiers),
            np.array([words if looked else "" for looked in places]),
            np.array(stale),
            np.array([answer.ms for answer in answers]),
            operations_of(answers),
            counted=self._counted(requests),
        )

    def _configure(self, requests: list[Request]) -> None:
        """Every process begins anew. One store in each region is one prefix for each."""
        colos = {request.isolate: request.colo for request in requests}
        told = {"settings": settings_of(self.design), "url": f"unix://{self.valkey.socket}"}
        there = range(max(colos) + 1)
        of_region = colos if self.design.colo_cache else {}
        self.pods.ask(
            {pod: told | {"prefix": f"{self.prefix}{of_region.get(pod, '')}"} for pod in there}
        )
        self.due, self.next = dict.fromkeys(there, 0), dict.fromkeys(there, 0)

    def _answers(self, requests: list[Request], progress: Progress) -> Iterator[Answer]:
        """The answers in order. What is sent together runs at once, in each process in order."""
        for together in self._windows(requests):
            asked: dict[int, list[Any]] = {}
            for r in together:
                due = self._heard(r)
                asked.setdefault(r.isolate, []).append(
                    (r.op, r.key, r.now, r.size, r.version, r.ttl, due)
                )
            said = self.pods.ask({pod: {"requests": some} for pod, some in asked.items()})
            in_order = {pod: iter(answers) for pod, answers in said.items()}
            for request in together:
                answer = Answer(*next(in_order[request.isolate]))
                self._note_messages(request, answer)
                yield answer
            progress(len(together))

    def _windows(self, requests: list[Request]) -> Iterator[list[Request]]:
        """The requests in their order, in parts in which no two processes can meet: in a key, or in
        a message."""
        window, holder = list[Request](), dict[str, int]()
        for request in requests:
            meets = holder.get(request.key, request.isolate) != request.isolate
            if self.design.listen and window:
                meets = window[0].isolate != request.isolate
            if meets or len(window) == BATCH:
                yield window
                window, holder = [], {}
            window.append(request)
            holder[request.key] = request.isolate
        if window:
            yield window

    def _note_messages(self, request: Request, answer: Answer) -> None:
        sent = sum(call[:2] == ["redis", "publish"] for call in answer.calls)
        self.sent += [Told(request.now, request.isolate, request.colo)] * sent

    def _heard(self, request: Request) -> int:
        """How many messages of others its process has heard, by the times of the case."""
        pod, sent, after = request.isolate, self.sent, self.after_s[request.colo]
        while self.next[pod] < len(sent) and sent[self.next[pod]].at + after <= request.now:
            message = sent[self.next[pod]]
            is_near = not self.design.colo_cache or message.colo == request.colo
            self.due[pod] += message.pod != pod and is_near
            self.next[pod] += 1
        return self.due[pod]

    def _counted(self, requests: list[Request]) -> dict[str, int]:
        """What the server itself says that it was asked; a deletion is a write of nothing there."""
        if not self.design.stores:
            return {}
        calls = self.valkey.calls()
        deletions = sum(request.op == "delete" for request in requests)
        return {
            "redis_gets": calls.get("get", 0),
            "redis_sets": calls.get("set", 0) - deletions,
            "redis_messages": calls.get("publish", 0),
        }
