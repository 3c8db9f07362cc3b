"""Ways to let values expire: which are compared, with which settings, and by what."""

from __future__ import annotations

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.judgement import policies
from cachelib.model.judgement.metrics import Month, predict
from cachelib.model.judgement.options import Option
from cachelib.model.traffic.generator import MONTH_S
from cachelib.model.traffic.trace import READ
from tests.model.cases import of, requests, small


def test_five_policies_are_compared_all_with_the_case_s_lives() -> None:
    found = policies.designs(small())
    assert [(d.policy, d.write_only_if_changed) for d in found.values()] == [
        ("clean-up", False), ("hard", False), ("soft-hard", False), ("refresh", False),
        ("refresh", True),
    ]  # fmt: skip
    assert all(design.name == name for name, design in found.items())
    assert {(d.l1_ttl_s, d.tiers) for d in found.values()} == {(300.0, ("memory", "kv"))}


def test_what_is_refreshed_then_expired_is_refreshed_when_the_others_expire() -> None:
    found = policies.designs(small())
    refreshed = found["refreshed, then expired"]
    assert refreshed.refresh_after_s == found["expired by KV"].hard_ttl_s == 3_600
    assert refreshed.hard_ttl_s == 7_200
    assert found["refreshed, never expired"].refresh_after_s == 3_600


def test_a_case_s_own_soft_time_is_compared_and_today_s_before_others() -> None:
    own = {"name": "own", "l2": "kv", "policy": "soft-hard", "soft_ttl_s": 240, "l2_ttl_s": 900}
    later = own | {"name": "later", "soft_ttl_s": 700}
    for changes, soft in (
        ({"designs": ["l1-kv", later, own]}, 240.0),
        ({"designs": ["l1-kv", own], "today": later}, 700.0),
    ):
        found = policies.designs(small(**changes))["refreshed, then expired"]
        assert (found.refresh_after_s, found.hard_ttl_s) == (soft, 900.0)


def test_lists_on_a_schedule_are_among_the_operations() -> None:
    hourly = {"op": "list", "every_s": 3_600, "keys": "all"}
    with_lists, without = small(workload={"schedules": [hourly]}), small()
    for name, design in policies.designs(without).items():
        asked = policies.measure(with_lists.replay(design), 60)["KV deletes and lists"]
        plain = policies.measure(without.replay(design), 60)["KV deletes and lists"]
        assert asked - plain == with_lists.platform.lists_a_month == 720, name
    saved = [
        float(predict(month, ["writes_saved"])["writes_saved"][0])
        for month in (
            Month(study, Option(study.case.design("kv-only"), {}), study.setting)
            for study in (with_lists, without)
        )
    ]
    assert 0 < abs(saved[0]) < abs(saved[1])


@pytest.mark.parametrize(
    ("today", "every_s"),
    [
        (None, 3_600),  # the design's usual
        ("l1-kv", 3_600),
        ({"name": "now", "tiers": ["memory", "kv"], "policy": "clean-up", "clean_up_every_s": 900},
         900),
    ],
)  # fmt: skip
def test_it_is_cleaned_up_as_often_as_today(today: object, every_s: float) -> None:
    found = policies.designs(small(today=today))
    assert found["kept by the application"].clean_up_every_s == every_s


def test_what_tells_policies_apart_by_hand() -> None:
    """Four reads of one key in one isolate: a load, a hit in memory, one in KV, a load."""
    trace = requests([0, 100, 500, 5_000], [0, 0, 0, 0], op=[READ] * 4)
    study = of(trace)
    alone = study.platform.model_copy(update={"isolates_per_colo": 1, "value_life_s": np.inf})
    result = replay(trace, study.design("l1-kv"), alone, span_s=MONTH_S)
    found = policies.measure(result, 60)
    assert found.keys() == policies.UNITS.keys()
    assert found["reads found"] == 0.5
    assert (found["loads a month"], found["KV writes"]) == (2, 2)
    assert found["KV deletes and lists"] == 0
    assert found["out of date"] == 0
    assert found["oldest answer"] == pytest.approx(500, rel=0.01)


def test_answers_superseded_longer_ago_than_is_asked_are_out_of_date_and_operations_add_up() -> (
    None
):
    study = small(workload={"requests_per_month": 3_000}, assumptions={
        "value_life_s": {"value": 1_000, "low": 900, "high": 1_100, "unit": "s", "why": "w"},
    })  # fmt: skip
    result = study.replay(policies.designs(study)["kept by the application"])
    at_once, later, never = (policies.measure(result, s)["out of date"] for s in (0, 600, 1e9))
    assert at_once > later > never == 0
    month = result.per_month()
    assert month["kv_deletes"] > 0 < month["kv_lists"]
    told = policies.measure(result, 60)
    assert told["KV deletes and lists"] == month["kv_deletes"] + month["kv_lists"]
    assert told["loads a month"] == month["origin_loads"]
