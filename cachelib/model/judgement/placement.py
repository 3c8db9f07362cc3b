"""What if stores lie elsewhere, whose vendor does not say where they are, or the Worker runs there?

Where the Worker runs and where its origin is are asked about if the case says either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.ties import NOBODY
from cachelib.model.platforms.platform import Platform

# No source says where KV's central stores or Workers Cache's upper tier are, and an object lives
# where it was first asked for: each is tried in single places, far apart, beside what the case has.
ELSEWHERE: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "kv": ("kv_central_at", (("SJC",), ("IAD",), ("FRA",), ("SIN",), ("SJC", "FRA", "SIN"))),
    "workers-cache": (
        "workers_cache_upper_at",
        (("SJC",), ("IAD",), ("FRA",), ("SIN",), ("SJC", "FRA", "SIN")),
    ),
    "durable-object": ("objects_at", (("SJC",), ("IAD",), ("FRA",), ("SIN",))),
    "r2": ("bucket_at", (("SJC",), ("IAD",), ("FRA",), ("SIN",))),
}
"""By store: the setting of the platform that says where it is, and the places tried."""

NEAR_READERS: tuple[str, ...] = ()
RUNNING: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "worker": ("worker_at", (NEAR_READERS, ("SJC",), ("IAD",), ("FRA",), ("SIN",))),
    "origin": ("origin_at", (("SJC",), ("IAD",), ("FRA",), ("SIN",))),
}
"""The same of the Worker and of what it loads from."""


@dataclass(frozen=True)
class Placed:
    """A store, the Worker or the origin put elsewhere: what is chosen then (None: nothing keeps the
    limits), and the p95 in ms of an option that uses it: the best of those, or the nearest to its
    limits."""

    store: str
    places: tuple[str, ...]
    is_here: bool
    chosen: str | None
    user: str
    p95_ms: float


def placements(model: Model, best_first: Sequence[Option]) -> list[Placed]:
    """Every store that an option uses, in every place tried, the case's own among them."""
    found = []
    for store, (setting, tried) in (ELSEWHERE | _running(model.study.platform)).items():
        used = (o for o in best_first if store in RUNNING or store in o.design.tiers)
        user = next(used, None)
        if user is None:
            continue
        own = getattr(model.study.platform, setting)
        here = (own,) if isinstance(own, str) else own
        for places in dict.fromkeys([here, *tried]):
            value = places[0] if isinstance(own, str) else places
            moved = replace(model, study=_with_stores(model.study, setting, value))
            found.append(_placed(moved, user, store, places, is_here=places == here))
    return found


def _running(platform: Platform) -> dict[str, tuple[str, tuple[tuple[str, ...], ...]]]:
    """What of these the case says something of; of a Worker that follows its origin, that alone."""
    asked = {"worker": platform.worker_at or platform.origin_at, "origin": platform.origin_at}
    return {word: tried for word, tried in RUNNING.items() if asked[word]}


def _with_stores(study: Study, setting: str, value: str | tuple[str, ...]) -> Study:
    """The study on the same traffic, with a store elsewhere."""
    return study.of_changed(platform=study.case.platform | {setting: value})


def _placed(
    model: Model, user: Option, store: str, places: tuple[str, ...], *, is_here: bool
) -> Placed:
    place = int(model.standing({}).chosen[0])
    chosen = None if place == NOBODY else model.options[place].name
    p95_ms = float(model.values(user, {}, ["p95_ms"])["p95_ms"][0])
    return Placed(store, places, is_here, chosen, user.name, p95_ms)
