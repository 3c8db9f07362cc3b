"""What matters for Durable Objects alone: the way to them, the busiest one, regions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement import objects
from cachelib.model.traffic.generator import MONTH_S
from tests.model.cases import known, of, requests, small


def test_the_way_to_an_object_is_each_reader_s_way_to_each_place_of_it() -> None:
    """Two data centres, two thirds and a third of the requests, each of which may have it."""
    trace = requests([0.0, 9e5, 2e6], [0, 0, 0], colo=[0, 0, 1], colos=["FRA", "SYD"])
    study = of(trace, assumptions=known("ratio", path_factor=2) | known("ms", rtt_base_ms=3))
    values, weights = objects.way_ms(study)
    assert weights.sum() == pytest.approx(1)
    at_home = study.setting.trips.to_home
    straight = at_home[at_home > 20].max()  # from one end to the other
    own = weights[values < 20].sum()
    assert values.max() == pytest.approx(3 + 2 * straight)
    assert values.min() == pytest.approx(3 + 2 * at_home.min())
    assert own == pytest.approx((2 / 3) ** 2 + (1 / 3) ** 2)


def test_a_weighted_quantile_is_the_least_value_that_enough_weight_does_not_exceed() -> None:
    some = (np.array([30.0, 10.0, 20.0]), np.array([1.0, 2.0, 1.0]))
    expected = {0.1: 10, 0.5: 10, 0.51: 20, 0.75: 20, 0.76: 30, 1.0: 30}
    assert {q: objects.quantile(some, q) for q in expected} == expected


def test_the_busiest_object_is_full_where_its_key_is_asked_as_often_as_one_object_answers() -> None:
    trace = requests([0.0, 1.0, 2.0, 4.0], [0, 1, 0, 0])  # one a second, three of four of one key
    study = of(trace, platform={"do_requests_per_s": 10})
    assert study.requests_per_month == MONTH_S
    assert objects.busiest_load(study) == pytest.approx(0.075)
    assert objects.full_at(study) == pytest.approx(MONTH_S / 0.075)


def result(**half_ms: float) -> Any:
    """Reads by region, the first least asked, and times of which 95 in 100 are thrice the half."""
    regions = {
        region: {"reads": 10.0 + nth, "p50_ms": ms, "p95_ms": 3 * ms}
        for nth, (region, ms) in enumerate(half_ms.items())
    }
    return SimpleNamespace(latency_by_region=regions)


def test_regions_are_told_by_their_names_the_most_asked_first() -> None:
    table = objects.by_region({"a": result(eeur=20, oc=100), "b": result(eeur=30, oc=90)})
    assert list(table.index) == ["Oceania", "eastern Europe"]
    assert table["reads"].tolist() == [11, 10]
    assert table["a: half answered within"].tolist() == [100, 20]
    assert table["b: 95 in 100 within"].tolist() == [270, 90]
    assert table.index.name == "region"


def test_a_region_is_faster_or_slower_by_more_than_matters_or_neither() -> None:
    """By the case a difference below 4 ms decides nothing, and one of just that does not either."""
    criteria = Criteria.model_validate({"minimise": "p50_ms", "material": {"p50_ms": 4}})
    both = {
        "a": result(weur=50, eeur=46, oc=54, me=45.9, afr=54.1),
        "b": result(weur=50, eeur=50, oc=50, me=50, afr=50),
    }
    names = {name: objects.REGION_NAMES[name] for name in ("me", "afr")}
    assert objects.regions_faster(both, "a", criteria) == ([names["me"]], [names["afr"]])
    assert objects.regions_faster(both, "b", criteria) == ([names["afr"]], [names["me"]])


def test_what_matters_is_a_share_of_the_other_s_time_where_the_case_does_not_say() -> None:
    both = {"a": result(weur=1_040, oc=1_060), "b": result(weur=1_000, oc=1_000)}
    faster, slower = objects.regions_faster(both, "a", small().case.criteria)
    assert (faster, slower) == ([], [objects.REGION_NAMES["oc"]])
