"""Which design each part of a report is about, whatever the order of a case's lines."""

from __future__ import annotations

from typing import Any

import pytest

from cachelib.model.judgement import subject
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL
from tests.model.cases import small

NEAR = {"name": "near", "tiers": ["cache-api"]}
LISTENS = {"name": "listens", "tiers": ["memory", "redis"], "listen": True}


def name(design: Design | None) -> str | None:
    return design.name if design else None


@pytest.mark.parametrize(
    ("designs", "found"),
    [
        (["l1-kv", "l1-only"], "l1-only"),  # one of the case's own
        (["l1-kv", "kv-only"], "l1-only"),  # none is alone: what it would be without the store
        (["origin-only", "kv-only"], None),
        (["kv-only", {"name": "mine", "tiers": ["memory"]}], "mine"),
    ],
)
def test_memory_alone_is_the_case_s_own_or_made_of_one_with_a_store(
    designs: list[Any], found: str | None
) -> None:
    alone = subject.memory_alone(small(designs=designs))
    assert name(alone) == found
    assert alone is None or alone.tiers == ("memory",)


@pytest.mark.parametrize(
    ("designs", "today", "found"),
    [
        (["kv-only", "l1-kv"], None, "l1-kv"),  # rather behind a memory
        (["kv-only", "l1-only"], None, "kv-only"),
        (["l1-only", "origin-only"], None, None),
        (["durable-object", "kv-only"], None, "kv-only"),  # by tiers, not by line
        (["durable-object", "kv-only"], "durable-object", "durable-object"),  # what is there
        ([{"name": "z", "tiers": ["kv"]}, {"name": "a", "tiers": ["kv"]}], None, "a"),
    ],
)
def test_the_shared_tier_looked_at_is_today_s_then_by_tiers_and_name(
    designs: list[Any], today: str | None, found: str | None
) -> None:
    for order in (designs, designs[::-1]):
        assert name(subject.shared(small(designs=order, today=today))) == found


def test_a_design_without_its_store_keeps_its_memory_and_that_memory_s_life() -> None:
    study = small(designs=["l1-kv", "kv-only"])
    assert subject.without_store(study.design("l1-kv")).tiers == ("memory",)
    assert subject.without_store(study.design("l1-kv")).l1_ttl_s == 300
    assert subject.without_store(study.design("kv-only")).tiers == ()


@pytest.mark.parametrize(
    ("tiers", "without"),
    [
        (("workers-cache", "kv"), ("workers-cache",)),
        (("cloudfront", "memory", "dynamodb"), ("cloudfront", "memory")),
    ],
)
def test_a_design_without_its_store_keeps_what_stands_before_the_worker(
    tiers: tuple[str, ...], without: tuple[str, ...]
) -> None:
    design = Design(name="x", label="ours", tiers=tiers, l1_ttl_s=60, l2_ttl_s=900)  # type: ignore[arg-type]
    bare = subject.without_store(design)
    assert bare.tiers == without
    assert subject.answering(design) == " or ".join(ALL[w].label for w in (tiers[0], tiers[-1]))
    assert subject.answering(bare) == ALL[tiers[0]].label
    assert (bare.l2_ttl_s, bare.label) == (900, None)


def test_designs_with_a_tier_come_in_the_order_of_the_case() -> None:
    study = small(designs=["kv-only", "l1-only", "l1-kv"])
    assert [d.name for d in subject.with_store(study, "kv")] == ["kv-only", "l1-kv"]
    assert [d.name for d in subject.with_store(study, "memory")] == ["l1-only", "l1-kv"]
    assert subject.with_store(study, "r2") == []


def test_shared_tiers_are_looked_at_alone_and_behind_a_memory() -> None:
    bounded = Design(name="x", tiers=("memory", "kv"), l1_max_entries=9, expiry="sliding")
    alone, behind = subject.alone_and_behind_memory(bounded)
    assert (alone.tiers, behind.tiers) == (("kv",), ("memory", "kv"))
    assert (alone.l1_max_entries, alone.expiry) == (None, "inherited")
    assert (behind.l1_max_entries, behind.expiry) == (9, "sliding")
    bare = Design(name="x", tiers=("cache-api", "kv"))
    assert subject.alone_and_behind_memory(bare)[1].tiers == ("memory", "cache-api", "kv")


@pytest.mark.parametrize(
    ("of", "others", "found"),
    [
        ("l1-kv", ["durable-object", "l1-durable-object"], "l1-durable-object"),
        ("kv-only", ["l1-durable-object", "durable-object"], "durable-object"),
        ("l1-kv", ["durable-object"], "durable-object"),  # another in front, for want of better
        ("l1-kv", ["kv-only", "l1-only"], None),
    ],
)
def test_beside_a_store_stands_another_one_alike_in_front(
    of: str, others: list[str], found: str | None
) -> None:
    study = small(designs=[*others, of])
    assert name(subject.beside(study, study.design(of))) == found


def test_who_is_told_of_changes_and_who_caches() -> None:
    study = small(
        platform={"profile": "servers-redis"}, designs=["database-only", "redis-only", LISTENS]
    )
    assert name(subject.told_of_changes(study)) == "listens"
    assert [d.name for d in subject.caching(study)] == ["redis-only", "listens"]
    assert subject.told_of_changes(small()) is None


def test_a_number_concerns_a_case_that_has_a_tier_of_its_owner() -> None:
    study = small(designs=["origin-only", "kv-only"])
    assert subject.concerns(study, "kv_read_ms")
    assert subject.concerns(study, "origin_ms")  # of no tier: of all
    assert not subject.concerns(study, "do_memory_ms")
    assert not subject.concerns(study, "isolate_life_s")
    told = small(platform={"profile": "servers-redis"}, designs=["redis-only", LISTENS])
    assert subject.concerns(told, "redis_message_ms")
    deaf = small(platform={"profile": "servers-redis"}, designs=["redis-only"])
    assert not subject.concerns(deaf, "redis_message_ms")


def test_a_bound_of_memory_that_is_set_holds_in_every_experiment() -> None:
    """A knob of entries, and not only the lives of copies, is that of the design as it is set."""
    knobs = {
        "l1_ttl_s": {"value": 60, "low": 10, "high": 600, "why": "w"},
        "l2_ttl_s": {"value": 600, "low": 60, "high": 3_600, "why": "w"},
        "l1_max_entries": {"value": 4, "low": 2, "high": 90, "why": "w"},
    }
    study = small(designs=["l1-only", "l1-kv", "origin-only"], knobs=knobs)
    alone = subject.memory_alone(study)
    assert alone is not None
    assert alone.l1_max_entries == 4
    assert subject.without_store(study.design("l1-kv")).l1_max_entries == 4
    assert study.design("origin-only").l1_max_entries is None
    assert study.case.knobs["l1_max_entries"].unit == ""
    assert study.case.knobs["l1_ttl_s"].unit == "s"
