"""The diagrams of a design show its tiers in their order, and who asks and tells whom."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.report.experiments.parameters import settle
from cachelib.report.publish.diagrams import architecture, scenario
from tests.model.cases import small

TTLS = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}


@pytest.fixture(scope="module")
def study() -> Study:
    return settle({"case": "trading-sentiment"}).study


def drawn(*tiers: str) -> Design:
    return Design(name="drawn", tiers=tiers, **TTLS)


@pytest.mark.parametrize(
    ("tiers", "labels"),
    [
        ((), []),
        (("memory",), []),
        (("memory", "kv"), ["Workers KV"]),
        (("memory", "cache-api", "kv"), ["Cache API", "Workers KV"]),
        (("cache-api", "durable-object"), ["Cache API", "Durable Objects"]),
    ],
)
def test_shared_tiers_are_layers_from_the_workers_to_the_origin(
    study: Study, tiers: tuple[str, ...], labels: list[str]
) -> None:
    diagram = architecture(study, drawn(*tiers), "x.drawn")
    _, workers, *stores, origin = diagram.layers
    assert [node.label for layer in stores for node in layer] == labels
    way = [workers[0].id, *(layer[0].id for layer in stores), origin[0].id]
    edges = {(edge.source, edge.target) for edge in diagram.edges}
    assert set(pairwise(way)) <= edges
    assert len(edges) == 2 * len(workers) + len(stores)


def test_workers_cache_stands_before_the_workers_and_keeps_them_from_running(study: Study) -> None:
    design = drawn("workers-cache", "kv")
    diagram = architecture(study, design, "x.drawn")
    assert [layer[0].id for layer in diagram.layers] == ["users", "front", "w0", "l2", "origin"]
    edges = [(edge.source, edge.target) for edge in diagram.edges]
    assert ("users", "w0") not in edges
    assert {("users", "front"), ("front", "w0"), ("w0", "l2"), ("l2", "origin")} <= set(edges)
    messages = scenario(study, design, "x.drawn").messages
    second = [(each.source, each.target) for each in messages][-2:]
    assert second == [("user", "front"), ("front", "user")]
    assert ("w0", "front") in [(each.source, each.target) for each in messages]


def test_what_is_found_in_a_farther_tier_is_put_into_those_before_it(study: Study) -> None:
    sequence = scenario(study, drawn("memory", "cache-api", "kv"), "x.drawn")
    said = [(each.source, each.target, each.label) for each in sequence.messages]
    first, second = (
        [
            (target if source == worker else source, label)
            for source, target, label in said
            if worker in (source, target) and not {source, target} & {"user"}
        ]
        for worker in ("w0", "w1")
    )
    missed = [("l2", "get"), ("l2", "nothing"), ("l3", "get")]
    loaded = [("l3", "nothing"), ("origin", "load"), ("origin", "value"), ("l3", "put")]
    assert first == [("w0", "not in memory"), *missed, *loaded, ("l2", "put")]
    assert second == [("w1", "not in memory"), *missed, ("l3", "value"), ("l2", "put")]
    assert "Workers KV answers" in sequence.alt


def test_where_pods_follow_the_traffic_both_bounds_are_told() -> None:
    shop = settle({"case": "shop-redis", "requests_per_month": 100_000}).study
    scaled = {"isolate_requests_per_s": 0.01, "isolates_at_least": 2}
    shop = shop.of_changed(platform=shop.case.platform | scaled)
    diagram = architecture(shop, drawn("memory", "redis"), "x.drawn")
    assert diagram.layers[1][0].label == "FRA: 2 to 6 pods"
    assert "with 2 to 6 pods each" in diagram.alt
    assert 4 < shop.isolates < 12


def test_in_one_place_memory_answers_only_for_the_worker_that_has_loaded() -> None:
    memories = set()
    for seed in range(1, 9):
        study = small(seed=seed, workload={"colos": {"FRA": 1}})
        sequence = scenario(study, drawn("memory"), "x.drawn")
        loaded = {each.target for each in sequence.messages if each.source == "origin"}
        had = {each.source for each in sequence.messages if each.label == "in memory"}
        workers = {each.id for each in sequence.participants if each.label == "Worker in FRA"}
        assert had <= loaded
        assert len(workers) == 2 - len(had)
        memories.add(len(had))
    assert memories == {0, 1}  # both happen


def test_a_key_is_named_in_a_diagram_as_in_the_table_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    unlike_others = "3f2b8c1e-9d4a-4e6f-8a7b-0c1d2e3f4a5b"
    rows = [f"{1_700_000_000 + 60 * i},/of/{unlike_others}?a=b" for i in range(300)]
    path.write_text("\n".join(["time,url", *rows]) + "\n")
    study = small(log=path, workload={"colos": {"FRA": 1}})
    asked = [each.label for each in scenario(study, drawn("memory"), "x.drawn").messages]
    assert "GET /of/•••?a=…" in asked
