"""A month's use and bill are written twice: in decimals of a simulation, in arrays of a formula."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cachelib.model.judgement.study import Study
from cachelib.model.money import costs, prices
from cachelib.report.experiments.parameters import settle

CASES: dict[str, dict[str, float]] = {
    "trading-sentiment": {"load_cpu_ms": 30},
    "shop-redis": {"origin_egress_kb": 40, "prices.database.gb_out": 0.09},
    "catalogue-lambda": {"origin_cpu_ms": 700, "prices.origin.cpu_hours": 0.05},
    "news-workers": {"origin_rows_read": 4e6, "origin_rows_written": 2_000, "load_cpu_ms": 9,
                     "workers_cache_assets": 2.5, "workers_cache_calls": 1},
}  # fmt: skip


@cache
def study(case: str) -> Study:
    return settle({"case": case, "requests_per_month": 100_000, "seed": 3} | CASES[case]).study


OPTIONS = [(case, name) for case in CASES for name in study(case).case.design_names]


@pytest.mark.parametrize("times", [1, 100_000], ids=["little", "beyond what is included"])
@pytest.mark.parametrize(("case", "name"), OPTIONS)
def test_the_same_counts_are_the_same_use_and_the_same_bill(
    case: str, name: str, times: int
) -> None:
    here = study(case)
    design = here.design(name)
    result = here.replay(design)
    month = here.estimate(design)
    counted = {n: v * times for n, v in result.per_month().items()}
    exact = prices.usage(
        {
            **counted,
            "colos": result.colos,
            "value_bytes": result.value_bytes,
            "ran_ms": month.waits.ran_ms[0],
            "waited_ms": month.waits.waited_ms[0],
        },
        design,
        result.platform,
    )
    same = replace(
        month,
        counts={name: np.array([counted[name]]) for name in month.counts},
        stored_gb=np.array([counted["stored_gb_months"]]),
    )
    found = costs.usage(design, same, here.setting)
    assert {meter: used[0] for meter, used in found.items() if used[0]} == pytest.approx(
        {meter: float(used) for meter, used in exact.items()}
    )
    book = here.book
    bill = prices.bill(
        {m: v for m, v in exact.items() if m in {x.meter for x in book.meters}}, book
    )
    for included, usd in ((True, bill.charged), (False, bill.metered)):
        [of_formula] = costs.monthly_usd(design, same, here.setting, included=included, book=book)
        assert of_formula == pytest.approx(float(usd))
