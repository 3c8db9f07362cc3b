"""Stores put elsewhere: which are tried, where, and what is chosen then."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.placement import ELSEWHERE, RUNNING, placements
from cachelib.model.platforms.platform import Platform
from tests.model.cases import FAST_KV, known, small
from tests.model.model import run

P95 = ["p95_ms"]


def model(**changes: Any) -> Model:
    study = small(**changes)
    return Model(study, tuple(options(study)))


def best_first(of: Model, *names: str) -> list[Option]:
    return [of.option(name) for name in names]


def test_only_stores_that_an_option_uses_are_moved_and_the_best_user_speaks() -> None:
    made = model(designs=["l1-only", "kv-only", "l1-r2", "l1-kv"])
    found = placements(made, best_first(made, "l1-only", "l1-kv", "l1-r2", "kv-only"))
    assert {(p.store, p.user) for p in found} == {("kv", "l1-kv"), ("r2", "l1-r2")}
    tried = {store: tuple(p.places for p in found if p.store == store) for store in ("kv", "r2")}
    assert tried["kv"] == (("IAD", "FRA"), *ELSEWHERE["kv"][1])
    assert tried["r2"] == (("IAD",), ("SJC",), ("FRA",), ("SIN",))  # its own is not tried twice
    assert [p.places for p in found if p.is_here] == [("IAD", "FRA"), ("IAD",)]


@pytest.mark.parametrize(("at_most", "elsewhere"), [(475, None), (500, "l1-only")])
def test_what_is_chosen_there_is_what_a_case_with_the_store_there_would_choose(
    at_most: float, elsewhere: str | None
) -> None:
    """Of readers in Amsterdam and Frankfurt, KV answers fast enough only where it is near."""
    limit = {"metric": "p95_ms", "at_most": at_most, "why": "w"}
    case = {"designs": ["kv-only", "l1-only"], "criteria": {"limits": [limit]}}
    case["assumptions"] = FAST_KV
    made = model(**case)
    found = {p.places: p for p in placements(made, best_first(made, "kv-only", "l1-only"))}
    assert {p.chosen for p in found.values() if p.places in (("SJC",), ("SIN",))} == {elsewhere}
    assert {found["FRA",].chosen, found["IAD", "FRA"].chosen} == {"kv-only"}
    for places, placed in found.items():
        there = model(**case, platform={"kv_central_at": places})
        of_kv = there.values(there.option("kv-only"), {}, P95)
        assert placed.p95_ms == pytest.approx(of_kv["p95_ms"][0])


def test_the_traffic_is_not_made_anew() -> None:
    made = model()
    made.study._taken.popularity[:] = 1.0  # were it made anew, keys would be unlike each other
    here = next(p for p in placements(made, best_first(made, "kv-only")) if p.is_here)
    assert here.p95_ms == made.values(made.option("kv-only"), {}, P95)["p95_ms"][0]


def test_each_store_has_a_place_of_its_own() -> None:
    """Where KV's central stores are says nothing of where Workers Cache's upper tier is."""
    designs = ["workers-cache", "kv-only"]
    here = model(designs=designs)
    for setting, moved in (
        ("kv_central_at", "kv-only"),
        ("workers_cache_upper_at", "workers-cache"),
    ):
        there = model(designs=designs, platform={setting: ("SYD",)})
        for name in designs:
            before, after = (m.values(m.option(name), {}, P95)["p95_ms"][0] for m in (here, there))
            assert (after > 1.05 * before) == (name == moved), (setting, name)


def test_workers_cache_is_tried_elsewhere_too() -> None:
    made = model(designs=["workers-cache", "l1-only"])
    found = placements(made, best_first(made, "workers-cache", "l1-only"))
    assert [p.places for p in found] == [("IAD", "FRA"), *ELSEWHERE["workers-cache"][1]]
    assert {p.store for p in found} == {"workers-cache"}
    assert len({p.p95_ms for p in found}) > 2


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("weur", ("FRA",)),
        (["enam", "SIN"], ("IAD", "SIN")),
        ("eu", ("FRA", "WAW")),
        ("LHR", ("LHR",)),
        ("aws:us-east-1", ("us-east-1",)),
    ],
)
def test_hints_and_jurisdictions_are_places(said: Any, meant: tuple[str, ...]) -> None:
    assert Platform(objects_at=said).objects_at == meant
    assert model(platform={"objects_at": said}).study.platform.objects_at == meant
    if isinstance(said, str):
        assert Platform(bucket_at=said).bucket_at == meant[0]


WAY = 10.0
"""Of any round trip, where all is in one city."""
IN_LONDON = {"rtt_base_ms": WAY, "l1_ms": 1, "kv_read_ms": 5, "kv_central_ms": 0, "origin_ms": 500}


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_what_a_placed_worker_answers_takes_the_way_to_it_and_a_load_the_ways_to_the_origin(
    engine: Any,
) -> None:
    placed = {"worker_at": "LHR", "origin_at": ("LHR", "SYD"), "origin_trips": 3}
    asked = ("0 r k@LHR", "1 r k@LHR", "2 w k@LHR")
    near = run("l1-only", *asked, engine=engine, **IN_LONDON)
    assert near.latency_ms.tolist() == pytest.approx([501, 1, 1])
    there = run("l1-only", *asked, engine=engine, **IN_LONDON, **placed)
    assert there.latency_ms.tolist() == pytest.approx(
        [WAY + 501 + 3 * WAY, WAY + 1, WAY + 1], rel=1e-6
    )


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_workers_cache_is_on_the_way_to_a_placed_worker(engine: Any) -> None:
    told = {"workers_cache_ms": 2, "workers_cache_upper_at": "LHR", "worker_at": "LHR"}
    found = run("workers-cache-kv", "0 w k@LHR", "1 r k@LHR", "2 r k@LHR", engine=engine,
                **IN_LONDON, **told)  # fmt: skip
    upper, worker, kv = 2 + WAY, WAY, 5
    assert found.latency_ms.tolist()[1:] == pytest.approx([upper + worker + kv, 2])


def test_readers_count_in_their_own_region_and_so_does_who_is_nearer() -> None:
    found = run("l1-only", "0 r k@SYD", "1 r k@LHR", "2 r k@SYD", worker_at=("LHR", "SIN"))
    reads = {region: row["reads"] for region, row in found.latency_by_region.items()}
    assert reads == {"weur": 1, "oc": 2}
    assert found.colos == 2
    assert found.origin_loads == 2


def test_smart_is_where_the_origin_is() -> None:
    placed = {"worker_at": "smart", "origin_at": "FRA"}
    asked = ("0 r k@SYD", "1 r k@LHR", "2 r k@SYD")
    smart, said = (run("l1-only", *asked, **placed | more) for more in ({}, {"worker_at": "FRA"}))
    assert smart.latency_ms.tolist() == said.latency_ms.tolist()
    assert smart.origin_loads == 1


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            {"platform": {"worker_at": "smart"}},
            r"worker_at: smart is near the origin; say with origin_at",
        ),
        ({"platform": {"worker_at": "smarter"}}, r"platform.worker_at: 'smarter' is no IATA"),
        ({"platform": {"origin_at": "gcp:us"}}, r"platform.origin_at: 'gcp:us' is no IATA"),
        ({"assumptions": known("trips", origin_trips=2)}, r"origin_trips: nothing uses it until"),
    ],
)
def test_what_cannot_be_placed_is_said(said: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        small(**said)


def test_ways_to_the_origin_do_not_go_with_loads_that_take_time() -> None:
    with pytest.raises(ValueError, match="they all take as long"):
        Platform(origin_at="FRA", loads_take_time=True)


def test_the_worker_and_its_origin_are_moved_only_where_the_case_says_one() -> None:
    designs = ["l1-only", "kv-only"]
    moved = {
        word: {p.store for p in placements(made, made.options)} - {"kv"}
        for word, made in {
            "nothing": model(designs=designs),
            "worker": model(designs=designs, platform={"worker_at": "FRA"}),
            "origin": model(designs=designs, platform={"origin_at": "FRA"}),
        }.items()
    }
    assert moved == {"nothing": set(), "worker": {"worker"}, "origin": {"worker", "origin"}}


def test_a_worker_put_elsewhere_is_a_case_that_says_so() -> None:
    far = {
        "designs": ["l1-only", "origin-only"],
        "platform": {"worker_at": "SYD", "origin_at": "SYD"},
        "assumptions": known("trips", origin_trips=10),
    }
    made = model(**far)
    found = {p.places: p for p in placements(made, made.options) if p.store == "worker"}
    assert tuple(found) == (("SYD",), *RUNNING["worker"][1])
    assert found["SYD",].is_here
    for places, placed in found.items():
        there = model(**far | {"platform": {"worker_at": places, "origin_at": "SYD"}})
        p95 = there.values(there.option(placed.user), {}, P95)["p95_ms"][0]
        assert placed.p95_ms == pytest.approx(p95)
    near_readers = model(**far | {"platform": {"origin_at": "SYD"}})
    loads, placed_loads = (
        m.values(m.option("origin-only"), {}, P95)["p95_ms"][0] for m in (near_readers, made)
    )
    assert placed_loads < 0.5 * loads  # one way over the world in the place of ten
