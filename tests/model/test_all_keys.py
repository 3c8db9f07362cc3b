"""What some of the keys say, brought to all of them."""

from __future__ import annotations

import numpy as np
import pytest

from cachelib.model.judgement import all_keys
from cachelib.model.judgement.all_keys import of_all_keys
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import Option, options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.taken import generated
from tests.model.cases import known, small

NAMES = ("hit_ratio", "origin_loads_per_month", "bill_usd", "monthly_cost_usd", "work_hours")
BUSY = {"requests_per_month": 3_000_000, "keys": 30_000, "zipf": 0.95, "key_prefix": "/",
        "value_bytes": 100, "colos": {"FRA": 1}}  # fmt: skip


def option(study: Study, name: str) -> Option:
    return next(each for each in options(study) if each.name == name)


@pytest.fixture(scope="module")
def whole() -> Study:
    many = known("isolates", isolates_per_colo=20) | known("s", value_life_s=3_600)
    return small(workload=BUSY, designs=["l1-only", "kv-only"], assumptions=many)


@pytest.fixture(scope="module")
def part(whole: Study) -> Study:
    """Every tenth key or so, for two days."""
    return whole._on(generated(whole.case.workload, whole.seed, most=20_000))


def said(study: Study, name: str) -> dict[str, float]:
    there = option(study, name)
    return measure(study, there, simulate(study, there), NAMES)


@pytest.mark.parametrize("name", ["l1-only", "kv-only"])
def test_what_memories_find_of_all_keys_is_told_by_some_of_them(
    whole: Study, part: Study, name: str
) -> None:
    assert part.sample.keys < 0.2
    truth, some = said(whole, name), said(part, name)
    found = of_all_keys(part, option(part, name), some)
    for metric in ("hit_ratio", "bill_usd"):
        assert found[metric] == pytest.approx(truth[metric], rel=0.03), metric
    more = found["bill_usd"] - some["bill_usd"]
    assert found["monthly_cost_usd"] == pytest.approx(some["monthly_cost_usd"] + more, nan_ok=True)


def test_of_a_memory_alone_some_keys_say_too_little(whole: Study, part: Study) -> None:
    assert said(part, "l1-only")["hit_ratio"] < 0.85 * said(whole, "l1-only")["hit_ratio"]


def test_what_all_keys_say_stays(whole: Study) -> None:
    measured = {"hit_ratio": 0.5, "work_hours": 2.0}
    assert of_all_keys(whole, option(whole, "l1-only"), measured) == measured


def test_a_share_stays_a_share_where_formulas_say_that_all_is_so_of_all_keys(
    part: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"late_share": np.array([0.5])}, {"late_share": np.array([1.0])}
    monkeypatch.setattr(all_keys, "by_formula", lambda *_: said)
    assert of_all_keys(part, option(part, "l1-only"), {"late_share": 0.8}) == {"late_share": 1.0}


def test_a_share_stays_a_share_where_formulas_say_that_all_keys_have_none_of_it(
    part: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"late_share": np.array([0.01])}, {"late_share": np.array([0.0])}
    monkeypatch.setattr(all_keys, "by_formula", lambda *_: said)
    assert of_all_keys(part, option(part, "l1-only"), {"late_share": 0.0}) == {"late_share": 0.0}


def test_keys_that_are_asked_for_seldom_are_told_by_how_often_not_by_those_that_came() -> None:
    rare = BUSY | {"requests_per_month": 300_000, "keys": 150_000, "zipf": 0.7}
    lives = {"l2_ttl_s": {"value": 300_000, "low": 60, "high": 600_000, "why": "w"}}
    every = small(workload=rare, designs=["kv-only"], knobs=lives)
    some = every._on(generated(every.case.workload, every.seed, most=60_000, needs_s=1_700_000))
    there = option(some, "kv-only").at(l2_ttl_s=300_000.0)
    of_some, of_all = (
        float(told["hit_ratio"][0]) for told in all_keys.by_formula(some, there, ["hit_ratio"])
    )
    assert some.sample.keys < 1
    assert of_some == pytest.approx(of_all, abs=0.01)  # of those that came: half as much again
