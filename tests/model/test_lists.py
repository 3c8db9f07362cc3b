"""Lists on a schedule are billed by what holds the keys, and by formulas and the page alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.study import Study
from cachelib.model.money import costs, prices
from tests.model.cases import small

LISTS = {"op": "list", "every_s": 60, "keys": "all", "clients": 2}
CALLS = 2 * 43_200
DESIGNS = ["l1-kv", "l1-r2", "l1-only", "durable-object"]
METERS = {"l1-kv": "kv.lists", "l1-r2": "r2.class_a"}


def listed(**more: Any) -> Study:
    return small(designs=DESIGNS, workload={"schedules": [LISTS]}, **more)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_call_is_billed_where_keys_can_be_listed(name: str) -> None:
    plain, here = small(designs=DESIGNS), listed()
    before, after = (prices.used_of(each.replay(name), each.book) for each in (plain, here))
    more = {meter: float(after[meter] - before.get(meter, 0)) for meter in after}
    assert {meter: n for meter, n in more.items() if n} == (
        {METERS[name]: pytest.approx(CALLS)} if name in METERS else {}
    )
    design = here.design(name)
    found = costs.usage(design, here.estimate(design), here.setting)
    without = costs.usage(design, plain.estimate(design), plain.setting)
    for meter in METERS.values():
        added = float(np.ravel(found.get(meter, 0) - without.get(meter, 0))[0])
        assert added == pytest.approx(CALLS if METERS.get(name) == meter else 0)


def test_a_bill_has_them_at_the_price_of_the_book() -> None:
    """86,400 calls at $5 a million are 43 cents."""
    here = listed()
    lines = prices.monthly_bill(here.replay("l1-kv"), here.book).lines
    line = next(each for each in lines if each.meter == "kv.lists")
    assert float(line.metered) == pytest.approx(0.432)


def test_they_stay_as_often_whatever_the_traffic() -> None:
    here = listed(growth={"high": 10, "writes": "in proportion"})
    assert here.grown(10 * here.requests_per_month, 1_000).platform.lists_a_month == CALLS


def test_where_nothing_can_be_listed_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"workload.schedules.0: nothing uses it: no design has "
                       r"Workers KV or R2 as its last tier"):  # fmt: skip
        small(designs=["l1-only", "durable-object"], workload={"schedules": [LISTS]})


def test_the_workload_alone_says_how_many_there_are() -> None:
    with pytest.raises(ValueError, match="unknown setting 'lists_a_month'"):
        small(platform={"lists_a_month": 5})
