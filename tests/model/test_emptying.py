"""Rounds that empty caches: formulas against the engine, what is billed, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.formulas import emptying
from cachelib.model.judgement.study import Study
from cachelib.model.money import costs, prices
from cachelib.report.experiments.parameters import settle
from tests.model.cases import of, requests, small
from tests.model.test_estimate import DESIGNS

DAY_S = 86_400
NIGHTLY = {"op": "purge", "every_s": DAY_S, "keys": "all"}
NAMES = (
    "l1-kv", "kv-only", "clean-up", "l1-kv-fixed", "soft-hard", "durable-object", "l1-object-alarm",
    "l1-r2", "l1-cache-api", "l1-cache-api-kv", "soft-hard-cache-api", "workers-cache",
    "workers-cache-kv", "purge-swr-kv", "independent", "sliding", "durable-object-memory",
)  # fmt: skip


def emptied(every_s: float, keys: Any = "all", **more: Any) -> Study:
    rounds = [NIGHTLY | {"every_s": every_s, "keys": keys}]
    given = {"requests_per_month": 400_000, "workload.keys": 200, "seed": 3} | more
    return settle(given | {"workload.schedules": rounds}).study


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("every_s", "keys"),
    [(DAY_S, "all"), (7_200, "all"), (1_800, "all"), (21_600, 20)],
    ids=["nightly", "twice a life", "sooner than values end", "some keys"],
)
def test_formulas_find_what_is_simulated(name: str, every_s: float, keys: Any) -> None:
    """Values live for an hour."""
    here = emptied(every_s, keys)
    design = DESIGNS[name].model_copy(update={"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0})
    result, month = here.replay(design), here.estimate(design)
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    assert month.late_share(60)[0] == pytest.approx(result.stale_share[60], abs=0.016)
    counted, near = result.per_month(), 0.27 if every_s == 7_200 else 0.09
    for operation, number in month.counts.items():
        allowed: dict[str, Any] = {"abs": 300} if counted[operation] < 3_000 else {"rel": near}
        assert number[0] == pytest.approx(counted[operation], **allowed), operation


def test_rounds_are_rarer_for_keys_that_only_some_of_them_empty() -> None:
    at = small(workload={"schedules": [NIGHTLY, NIGHTLY | {"keys": 5}]}).setting
    assert emptying.rounds(at) * DAY_S == pytest.approx([2] * 5 + [1] * 15)


@pytest.mark.parametrize("asked", [1e-6, 1.0])
def test_what_is_left_of_a_life_that_rounds_cut_short(asked: float) -> None:
    at = small(workload={"schedules": [NIGHTLY | {"every_s": 1_000}]}).setting
    n = np.full((1, 1, 20), asked)
    assert emptying.left_s(at, np.full_like(n, 100.0), n)[0, 0, 0] == 100 - 100**2 / 2_000
    often = emptying.left_s(at, np.full_like(n, 1e9), n)[0, 0, 0]
    assert often == pytest.approx(500 if asked < 1e-3 else 1_000 - 1, rel=1e-3)


METERED = {
    "l1-kv": {"kv.deletes", "kv.lists"},
    "l1-r2": {"r2.class_a"},
    "durable-object": {"do.rows_written"},
    "l1-only": set(),
}


@pytest.mark.parametrize("name", METERED)
def test_what_rounds_take_is_billed_by_the_run_and_by_formula(name: str) -> None:
    often = {"schedules": [NIGHTLY | {"every_s": 600}]}
    plain, here = (small(designs=list(METERED), workload=each) for each in ({}, often))
    before, after = (prices.used_of(each.replay(name), each.book) for each in (plain, here))
    design = here.design(name)
    found = costs.usage(design, here.estimate(design), here.setting)
    for meter in METERED[name]:
        assert after[meter] > before.get(meter, 0)
        assert float(np.ravel(found[meter])[0]) == pytest.approx(float(after[meter]), rel=0.1)
    if not METERED[name]:
        assert after == before


def test_a_purge_of_what_is_in_front_is_one_path_whatever_the_keys() -> None:
    """2,160 paths a month, of which 1,000 are free, at half a cent: 5.80 dollars."""
    rounds = [NIGHTLY | {"every_s": 1_200}]
    here = small(platform={"profile": "aws-lambda"}, designs=["cloudfront"],
                 workload={"schedules": rounds, "colos": {"IAD": 1}})  # fmt: skip
    result = here.replay("cloudfront")
    assert result.counts["cloudfront_purges"] == 0  # those of writes, of which there are none
    assert result.per_month()["cloudfront_purges"] == 2_160
    line = next(
        each
        for each in prices.monthly_bill(result, here.book).lines
        if each.meter == "cloudfront.invalidations"
    )
    assert (float(line.metered), float(line.charged)) == (pytest.approx(10.8), pytest.approx(5.8))
    assert here.estimate("cloudfront").counts["cloudfront_purges"][0] == 2_160


def test_it_stays_as_often_whatever_the_traffic() -> None:
    here = small(workload={"schedules": [NIGHTLY]}, growth={"high": 10, "writes": "in proportion"})
    assert here.grown(10 * here.requests_per_month, 1_000).platform.purges_a_month == 30


def test_of_a_part_of_the_keys_those_are_emptied_that_are_among_them() -> None:
    rounds = [NIGHTLY, NIGHTLY | {"keys": 500}]
    workload = {"keys": 2_000, "schedules": rounds, "requests_per_month": 200_000}
    part = small(workload=workload, sample=0.1)
    assert {*part.trace.purges.keys.tolist()} == {200, 50}
    whole = small(workload=workload)
    some, all_ = (each.replay("kv-only").per_month() for each in (part, whole))
    assert some["kv_deletes"] == pytest.approx(all_["kv_deletes"], rel=0.15)
    assert part.setting.emptied == whole.setting.emptied


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"designs": ["l1-only", "origin-only"]},
         r"workload.schedules.0: nothing uses it: no design has a tier that is shared"),
        ({"designs": ["workers-cache", "l1-only"], "workload": {"schedules": [
            NIGHTLY | {"every_s": 5}]}},
         r"workload.schedules.0.every_s: 5 is sooner than Workers Cache may be purged again, which"
         r" is after 12 s \(workers_cache_purge_every_s\); say that or more"),
        ({"designs": ["l1-kv-joined", "l1-only"]},
         r"joined: is not modelled where a schedule purges \(workload.schedules\); leave one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        small(**{"workload": {"schedules": [NIGHTLY]}} | changes)


def test_a_log_is_of_caches_that_nobody_empties_and_that_is_said() -> None:
    here = of(requests([0.0, 30.0], [0, 0]), workload={"schedules": [NIGHTLY]})
    assert here.platform.purges_a_month == 0
    assert here.setting.emptied == ()
    assert any("of which a log tells nothing" in each.says for each in here.remarks)


def test_the_workload_alone_says_how_many_rounds_there_are() -> None:
    with pytest.raises(ValueError, match="unknown setting 'purges_a_month'"):
        small(platform={"purges_a_month": 5})
