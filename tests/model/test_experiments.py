"""What experiments say, beside the closed form and beside what all keys say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.experiments import (
    found_among,
    found_at,
    found_in_one,
    found_with,
    late_share,
    month_bill,
    quantile_ms,
    share_of,
    shares,
    slow_by_tier,
    slow_places,
    told,
)
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.taken import generated
from cachelib.model.money.prices import monthly_bill
from cachelib.model.tiers.outcomes import TIERS
from cachelib.model.traffic.generator import MONTH_S
from cachelib.model.traffic.trace import in_one_place
from tests.model.cases import known, small

LIFE_S = 300.0
WORKLOAD = {"requests_per_month": 20_000_000, "keys": 100, "zipf": 0.6, "key_prefix": "/",
            "value_bytes": 100, "colos": {"FRA": 1}}  # fmt: skip
MANY = {"requests_per_month": 3_000_000, "keys": 30_000, "zipf": 0.95, "key_prefix": "/",
        "value_bytes": 100, "colos": {"FRA": 1}}  # fmt: skip


def in_memory(requests_per_month: float, isolates: int) -> float:
    """Each key in each isolate is found xT/(1 + xT) of the times."""
    popular = np.arange(1, 101) ** -0.6
    popular /= popular.sum()
    asked = requests_per_month / MONTH_S * popular / isolates * LIFE_S
    return float((popular * asked / (1 + asked)).sum())


@pytest.mark.parametrize("factor", [0.1, 1, 10, 100])
def test_what_memory_finds_at_any_traffic_is_the_closed_form(factor: float) -> None:
    isolates = known("isolates", isolates_per_colo=20) | known("s", value_life_s=1e8)
    study = small(workload=WORKLOAD, designs=["l1-only"], assumptions=isolates)
    design = study.design("l1-only").model_copy(update={"l1_ttl_s": LIFE_S})
    rate = factor * 20_000_000
    assert found_at(study, design, rate) == pytest.approx(in_memory(rate, 20), abs=0.02)


def test_at_the_traffic_of_the_case_it_is_what_the_study_says() -> None:
    study = small(designs=["l1-only"])
    design = study.design("l1-only")
    assert found_at(study, design, study.requests_per_month) == study.replay(design).hit_ratio


@pytest.fixture(scope="module")
def whole() -> Study:
    many = known("isolates", isolates_per_colo=20) | known("s", value_life_s=3_600)
    return small(workload=MANY, designs=["l1-only", "l1-kv"], assumptions=many)


def test_so_many_isolates_are_so_many_also_where_their_number_follows_the_traffic() -> None:
    scaled = {"isolate_requests_per_s": 0.004, "isolates_at_least": 1}
    here, there = small(designs=["l1-only"], platform=scaled), small(designs=["l1-only"])
    design = here.design("l1-only")
    alike = [found_with(here, design, isolates_per_colo=n) for n in (8, 16)]
    assert alike[0] == alike[1], "the most that there may be, of which none are needed"
    found = [found_among(here, design, n) for n in (1, 8, 16)]
    assert found == [found_with(there, design, isolates_per_colo=n) for n in (1, 8, 16)]
    assert found[0] > found[1] > found[2]


@pytest.mark.parametrize("name", ["l1-only", "l1-kv"])
def test_of_some_keys_it_is_told_what_all_say(whole: Study, name: str) -> None:
    part = whole._on(generated(whole.case.workload, whole.seed, most=60_000))
    design = whole.design(name)
    every, some = whole.replay(design), part.replay(design)
    said = told(part, design, some, "hit_ratio", "bill_usd")
    assert said["hit_ratio"] == pytest.approx(every.hit_ratio, rel=0.03)
    by_tier = shares(part, design, some)
    assert by_tier["L1"] == pytest.approx(every.shares["L1"], rel=0.05)
    assert sum(by_tier.values()) == pytest.approx(sum(every.shares.values()), abs=1e-6)
    assert abs(some.shares["L1"] - every.shares["L1"]) > 0.1 * every.shares["L1"]
    assert float(month_bill(part, design, some).charged) == pytest.approx(
        said["bill_usd"], rel=0.03
    )
    assert month_bill(whole, design, every) == monthly_bill(every, whole.book)


def test_of_some_keys_one_cache_for_all_is_told_of_all(whole: Study) -> None:
    part = whole._on(generated(whole.case.workload, whole.seed, most=20_000))
    design = whole.design("l1-only")
    every, some = (
        found_in_one(whole, design),
        part.replay(design, trace=in_one_place(part.trace), isolates_per_colo=1).hit_ratio,
    )
    assert found_in_one(part, design) == pytest.approx(every, abs=0.005)
    assert abs(some - every) > 0.007


def test_a_quantile_of_some_keys_is_that_of_all_as_the_decision_s_is(whole: Study) -> None:
    part = whole._on(generated(whole.case.workload, whole.seed, most=20_000))
    design = whole.design("l1-kv")
    some = part.replay(design)
    said = told(part, design, some, "p95_ms")["p95_ms"]
    assert quantile_ms(part, design, some, 0.95) == pytest.approx(said)
    assert quantile_ms(whole, design, whole.replay(design), 0.5) > 0


def test_who_answers_the_slowest_reads_is_counted() -> None:
    """Of 100 reads the five slowest: four found in the store, one loaded."""
    tiers = np.array([TIERS.index("L2")] * 98 + [TIERS.index("origin")] * 2)
    ms = np.append(np.arange(98.0), [50.0, 99.0])
    result = SimpleNamespace(tier=tiers, latency_ms=ms)
    assert slow_by_tier(result, 0.95) == pytest.approx({"L1": 0, "L2": 0.8, "origin": 0.2})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slow_in", "said"),
    [
        ([2, 2, 2, 2, 2], (["PDX"], 1.0, 0.2)),
        ([2, 2, 1, 2, 1], (["PDX", "DUB"], 1.0, 0.4)),
        ([0, 1, 2, 0, 0], None),
    ],
)
def test_where_the_slowest_reads_are_asked_is_told_where_it_is_not_where_most_are(
    slow_in: list[int], said: Any
) -> None:
    colo = np.array([0] * 60 + [1] * 20 + [2] * 20)
    ms = np.ones(100)
    for nth, place in enumerate(slow_in):
        ms[np.flatnonzero(colo == place)[nth]] = 99.0
    study: Any = SimpleNamespace(trace=SimpleNamespace(colo=colo, colos=["FRA", "DUB", "PDX"]))
    result: Any = SimpleNamespace(tier=np.zeros(100, int), latency_ms=ms)
    found = slow_places(study, result, 0.95)
    assert found == (said and (said[0], pytest.approx(said[1]), pytest.approx(said[2])))


def test_how_much_is_out_of_date_is_told_of_all_keys_as_the_decision_does(whole: Study) -> None:
    part = whole._on(generated(whole.case.workload, whole.seed, most=20_000))
    design, after_s = whole.design("l1-kv"), whole.case.criteria.late_after_s
    every, some = whole.replay(design), part.replay(design)
    said = late_share(part, design, some, after_s)
    assert said == pytest.approx(told(part, design, some, "late_share")["late_share"])
    assert late_share(whole, design, every, after_s) == every.late.share_above(after_s)


def test_what_share_of_a_store_s_reads_found_nothing_is_told_of_all_keys(whole: Study) -> None:
    part = whole._on(generated(whole.case.workload, whole.seed, most=20_000))
    design = whole.design("l1-kv")
    every, some = (study.replay(design) for study in (whole, part))
    asked = "kv_missing_reads", "kv_reads"
    all_keys = every.counts[asked[0]] / every.counts[asked[1]]
    assert share_of(whole, design, every, *asked) == all_keys
    assert share_of(part, design, some, *asked) == pytest.approx(all_keys, rel=0.01)
    assert abs(some.counts[asked[0]] / some.counts[asked[1]] - all_keys) > 0.03 * all_keys
