"""What diagrams show, as data: `layout.py` draws it, the Markdown template writes it as Mermaid."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from cachelib.evidence.mask import handed_on
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.colos import where_it_runs
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.outcomes import FOUND, L1, place_of
from cachelib.model.tiers.tier import Tier
from cachelib.model.traffic.trace import Trace
from cachelib.report.language import capital, counted, duration
from cachelib.report.numbers import shown
from cachelib.report.publish.findings import Diagram, Edge, Message, Node, Sequence

SHOWN_COLOS = 3


def architecture(study: Study, design: Design, id: str) -> Diagram:
    """Users, isolates in data centres, the shared tier if there is one, the origin."""
    users = Node(id="users", label="Users", note=study.case.system.name, kind="user")
    origin = Node(
        id="origin",
        label=study.told("Origin"),
        note=shown(study.platform.origin_ms, "ms"),
        kind="origin",
    )
    workers, shared = _workers(study, design), _shared(study, design)
    behind, front = [*shared, origin], _front(design)
    return Diagram(
        id=id,
        caption=f"The system: {study.told(design.words)}",
        alt=_alt(study, design),
        how="derived",
        layers=[[users], *([node] for node in front), workers, *([node] for node in behind)],
        edges=[
            *(Edge(source="users", target=node.id) for node in front),
            *(
                Edge(source=before.id, target=worker.id, label="what it has not" * bool(front))
                for before in front or [users]
                for worker in workers
            ),
            *(Edge(source=worker.id, target=behind[0].id) for worker in workers),
            *(
                Edge(source=near.id, target=far.id, label="what it has not")
                for near, far in pairwise(behind)
            ),
        ],
    )


def _isolates(study: Study) -> str:
    """How many there are in a data centre; between two bounds where they follow the traffic."""
    platform, most = study.platform, study.platform.isolates_per_colo
    few = platform.is_scaled and platform.isolates_at_least < most
    return f"{platform.isolates_at_least} to " * few + counted(most, "isolate")


def _workers(study: Study, design: Design) -> list[Node]:
    """The busiest data centres, and one box for the others."""
    isolates = study.told(_isolates(study))
    own = study.told("each its own memory")
    memory = f"{own}, {duration(design.l1_ttl_s)}" if design.l1_ttl_s else ""
    told = ", told of changes" if design.listen else ""
    note = f"{memory}{told}" if design.l1 else "no memory"
    busiest = study.worker_colos
    nodes = [
        Node(id=f"w{nth}", label=f"{colo or 'One place'}: {isolates}", note=note)
        for nth, colo in enumerate(busiest[:SHOWN_COLOS])
    ]
    more = len(busiest) - SHOWN_COLOS
    label = study.told(counted(more, "more data centre"))
    return nodes + ([Node(id="more", label=label, note=note)] if more > 0 else [])


def _front(design: Design) -> list[Node]:
    """What answers before the Worker runs."""
    if design.front is None:
        return []
    life = f", {duration(design.l2_ttl_s)}" if design.l2_ttl_s else ""
    note = f"{design.front.shared_by}{life}"
    return [Node(id="front", label=design.front.label, note=note, kind="store")]


def _shared(study: Study, design: Design) -> list[Node]:
    """The shared tiers, the nearest first."""
    life = f", {duration(design.l2_ttl_s)}" if design.l2_ttl_s else ""
    return [
        Node(
            id=_id(nth), label=tier.label, note=f"{study.told(tier.shared_by)}{life}", kind="store"
        )
        for nth, tier in enumerate(design.stores)
    ]


def _id(nth: int) -> str:
    """Of a shared tier; what would be the first stands for memory."""
    return f"l{nth + 2}"


def _alt(study: Study, design: Design) -> str:
    colos = study.told(counted(len(study.worker_colos), "data centre"))
    isolates = study.told(_isolates(study))
    memory = study.told(
        "each isolate has a memory of its own" if design.l1 else "no isolate keeps anything"
    )
    if design.listen:
        memory += ", and drops what another has changed when a message tells it"
    behind = "".join(f"{tier.phrase}, then to " for tier in design.stores)
    before = f"{design.front.phrase} answers what it has; " if design.front else ""
    return (
        f"{before}Requests reach {colos} with {isolates}{' each' * (len(study.worker_colos) > 1)};"
        f" {memory}; "
        f"what is not found goes to {behind}{study.told('the origin')}."
    )


def two_requests(study: Study) -> Trace:
    """Those of the study, for a key as a report may name it."""
    trace = study.two_requests()
    return replace(trace, keys=[handed_on(key) for key in trace.keys])


def scenario(study: Study, design: Design, id: str) -> Sequence:
    """The first two requests for one key, half a minute apart, with each tier's median time."""
    trace = two_requests(study)
    sure = dict.fromkeys(("jitter", "kv_near_jitter", "kv_far_jitter"), 0.0)
    result = study.replay(design, trace=trace, **sure)
    runs = where_it_runs(trace.colos, study.platform)
    colos = [runs[place] for place in trace.colo]
    answers = [_answer(*each) for each in zip(result.tier, result.depth, strict=True)]
    # What one isolate of a place has in memory, none but itself can answer with.
    is_same = len(set(colos)) == 1 and answers[-1] is MEMORY
    workers = [
        Node(id=f"w{nth}", label=f"{capital(study.told('Worker'))} in {colo}")
        for nth, colo in enumerate(colos[:1] if is_same else colos)
    ]
    front = [Node(id="front", label=design.front.label)] if design.front else []
    shared = [Node(id=_id(nth), label=tier.label) for nth, tier in enumerate(design.stores)]
    user = Node(id="user", label="Users", kind="user")
    origin = Node(id="origin", label=study.told("Origin"), kind="origin")
    messages: list[Message] = []
    for nth, (answer, ms) in enumerate(zip(answers, result.latency_ms, strict=True)):
        worker = workers[min(nth, len(workers) - 1)].id
        messages += _request(worker, design, answer, trace.keys[0], float(ms))
    apart = shown(trace.span_s, "s")
    return Sequence(
        id=id,
        caption=f"The same key asked for twice, {apart} apart: {study.told(design.words)};"
        " median times",
        alt="; ".join(
            f"in {colo} {study.told(_phrase(answer))} answers after {shown(float(ms), 'ms')}"
            for colo, answer, ms in zip(colos, answers, result.latency_ms, strict=True)
        ),
        participants=[user, *front, *workers, *shared, origin],
        messages=messages,
    )


def _answer(ended: int, looked: int) -> Tier | None:
    """The tier that answers; None for the origin."""
    if ended == L1:
        return MEMORY
    return place_of(looked) if ended in FOUND else None


def _phrase(answer: Tier | None) -> str:
    if answer is None:
        return "the origin"
    return "the memory of its isolate" if answer is MEMORY else answer.phrase


def _request(
    worker: str, design: Design, answer: Tier | None, key: str, ms: float
) -> list[Message]:
    """What one request makes the tiers say."""
    said = [Message(source="user", target=worker, label=f"GET {key}")]
    last = Message(source=worker, target="user", label=shown(ms, "ms"), answer=True)
    if design.front:
        said = [Message(source="user", target="front", label=f"GET {key}")]
        last = Message(source="front", target="user", label=shown(ms, "ms"), answer=True)
        if answer is design.front:
            return [*said, last]
        said.append(Message(source="front", target=worker, label="GET"))
    if design.l1:
        found = "in memory" if answer is MEMORY else "not in memory"
        said.append(Message(source=worker, target=worker, label=found))
    passed = () if answer is MEMORY else design.stores
    for nth, tier in enumerate(passed):
        found = "value" if tier is answer else "nothing"
        said.append(Message(source=worker, target=_id(nth), label="get"))
        said.append(Message(source=_id(nth), target=worker, label=found, answer=True))
        if tier is answer:
            passed = design.stores[:nth]  # these get a copy
            break
    if answer is None:
        said.append(Message(source=worker, target="origin", label="load"))
        said.append(Message(source="origin", target=worker, label="value", answer=True))
    kept = [_id(nth) for nth in reversed(range(len(passed)))]
    said += [Message(source=worker, target=each, label="put") for each in kept]
    if design.front:
        said.append(Message(source=worker, target="front", label="value", answer=True))
    return [*said, last]
