"""Stores put elsewhere: which are tried, where, and what is chosen then."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option, options
from cachelib.model.judgement.placement import ELSEWHERE, placements
from cachelib.model.platforms.platform import Platform
from tests.model.cases import small

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
    ],
)
def test_hints_and_jurisdictions_are_places(said: Any, meant: tuple[str, ...]) -> None:
    assert Platform(objects_at=said).objects_at == meant
    assert model(platform={"objects_at": said}).study.platform.objects_at == meant
    if isinstance(said, str):
        assert Platform(bucket_at=said).bucket_at == meant[0]
