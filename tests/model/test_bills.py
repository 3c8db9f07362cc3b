"""Bills side by side: crossings against a dense search, meters by their tiers, sums by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement import bills
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import Bill, Line, Meter, monthly_bill
from tests.model.cases import known, small


def model(**changes: Any) -> Model:
    study = small(**changes)
    return Model(study, tuple(options(study)))


def bill(**metered: float) -> Bill:
    lines = tuple(
        Line(name.replace("__", "."), Decimal(1), "of", Decimal(1), Decimal(usd), Decimal(usd) / 2,
             Decimal(0), "source")
        for name, usd in metered.items()
    )  # fmt: skip
    return Bill("paid", Decimal(5), lines)


def test_a_part_of_a_bill_is_what_its_meters_come_to() -> None:
    some = bill(kv__reads=3, kv__writes=4, do__requests=8)
    assert bills.part(some, "kv.") == 7
    assert bills.part(some, "r2.") == 0


def test_a_table_of_bills_has_the_cheapest_first_with_what_is_of_the_origin() -> None:
    study = small()
    dear = bill(kv__reads=30, workers_ai__neurons=6)
    cheap = bill(database__calls=2, origin__calls=8, kv__reads=10)
    table = bills.table({"dear": dear, "cheap": cheap}, study.case.profile)
    assert list(table.index) == ["cheap", "dear"]
    assert table.index.name == "option"
    assert table["list price"].tolist() == [20, 36]
    assert table["charged"].tolist() == [15, 23]
    (of_the_origin,) = set(table.columns) - {"list price", "charged"}
    assert table[of_the_origin].tolist() == [10, 6]


def test_quantities_are_quoted_at_the_book_s_prices_with_nothing_included() -> None:
    """Of the book: $0.50 a GB of KV, $0.50 and $5 for a million reads and writes; and so on."""
    sums = bills.quoted(storage_gb=2, reads=3_000_000, writes=1_000_000, request_ms=100)
    expected = {
        "kv_storage": 1.0, "kv_reads": 1.5, "kv_writes": 5.0, "kv_total": 7.5,
        "do_storage": 0.4, "do_reads": 3 * 0.15 + 3 * 0.001, "do_writes": 0.15 + 1.0,
        "do_duration": 3_000_000 * 0.1 * 0.128 * 12.5 / 1e6,
    }  # fmt: skip
    parts = {name: usd for name, usd in expected.items() if name.startswith("do_")}
    expected["do_total"] = sum(parts.values())
    assert {name: float(usd) for name, usd in sums.items()} == pytest.approx(expected)
    table = bills.quoted_table(sums)
    assert table["KV"].tolist() == pytest.approx([1.0, 1.5, 5.0, 0, 7.5])
    assert table["Durable Objects"].tolist() == [float(sums[f"do_{row}"]) for row in table.index]
    assert list(table.index) == ["storage", "reads", "writes", "duration", "total"]


def taken(study: Study) -> dict[str, Meter]:
    """Of the bills of the case's own designs."""
    own = [monthly_bill(study.replay(name), study.book) for name in study.case.design_names]
    return bills.prices_taken(study.case, study.book, own)


def owners(prices: Iterable[str]) -> set[str]:
    return {name.partition("_")[0] for name in prices}


def test_every_price_is_taken_that_is_on_a_bill_of_the_case_and_no_other() -> None:
    by_design = {
        "l1-only": set(), "kv-only": {"kv"}, "durable-object": {"do"}, "l1-r2": {"r2"},
    }  # fmt: skip
    for name, vendors in by_design.items():
        found = taken(small(designs=[name]))
        assert owners(found) == vendors | {"workers"}, name
        assert {"workers_requests", "workers_cpu_ms", "workers_ai_neurons"} <= found.keys()
    both = taken(small(designs=["kv-only", "durable-object"]))
    assert {"kv_stored_gb_month", "kv_reads", "do_stored_gb_month", "do_rows_read"} <= both.keys()
    assert not {"kv_stored", "do_stored", "kv_lists", "kv_deletes"} & both.keys()
    assert all(meter.plan == "paid" for meter in both.values())
    assert both["kv_reads"].meter == "kv.reads"


def test_a_price_that_a_claim_quotes_is_taken_though_no_bill_has_it() -> None:
    claim = {
        "id": "c",
        "section": "s",
        "quote": "q",
        "metric": "prices.do_rows_read",
        "low": 0,
        "high": 0,
    }
    found = taken(small(designs=["kv-only"], claims=[claim]))
    assert "do_rows_read" in found
    assert "do_requests" not in found


def test_what_runs_and_the_origin_are_taken_where_they_have_a_price() -> None:
    lambda_ = small(platform={"profile": "aws-lambda"}, designs=["memory-only"])
    assert owners(taken(lambda_)) == {"lambda"}
    priced = small(platform={"profile": "aws-lambda"}, designs=["memory-dynamodb"],
                   prices={"origin.calls": 0.5})  # fmt: skip
    assert owners(taken(priced)) == {"lambda", "dynamodb", "origin"}


def test_a_metric_is_told_over_all_traffic_that_is_looked_at_by_option() -> None:
    made = model(growth={"writes": "in proportion"})  # else no further down than to its writes
    curves = bills.against_traffic(made, "bill_usd", ["l1-kv", "l1-only"])
    rate = made.study.requests_per_month
    assert list(curves.columns) == ["l1-kv", "l1-only"]
    assert (curves.index[0], curves.index[-1]) == pytest.approx((rate / 100, rate * 100))
    assert rate in curves.index
    assert curves.index.name == "requests a month"
    for at in (0, 32, -1):
        numbers = {"requests_per_month": np.array([curves.index[at]])}
        one = made.values(made.option("l1-only"), numbers, ["bill_usd"])["bill_usd"][0]
        assert curves["l1-only"].iloc[at] == pytest.approx(one)


def dense_crossings(made: Model, name: str, other: str, room: float) -> list[tuple[str, float]]:
    """Every change over 20,000 rates."""
    rate = made.study.requests_per_month
    grid = np.geomspace(rate / 100, rate * 100, 20_000)
    numbers = {"requests_per_month": grid}
    mine, theirs = (
        made.values(made.option(each), numbers, ["bill_usd"])["bill_usd"] for each in (name, other)
    )
    apart = theirs - mine
    words = ["as cheap" if abs(a) < room else "dearer" if a > 0 else "cheaper" for a in apart]
    changes = [i for i in range(1, len(grid)) if words[i] != words[i - 1]]
    return [(words[i], float(np.sqrt(grid[i] * grid[i - 1]))) for i in changes]


@pytest.mark.parametrize("material", [None, 7.0])
def test_bills_cross_where_a_dense_search_says(material: float | None) -> None:
    criteria = {"minimise": "bill_usd"} | ({"material": {"bill_usd": material}} if material else {})
    made = model(
        designs=["origin-only", "kv-only", "durable-object"], criteria=criteria,
        assumptions=known("neurons", origin_neurons=3), growth={"writes": "in proportion"},
    )  # fmt: skip
    seen = 0
    for name, other in itertools.permutations(["kv-only", "origin-only", "durable-object"], 2):
        dense = dense_crossings(made, name, other, material or 1.0)
        found = bills.crossings(made, name, [other])
        seen += len(found)
        assert [(row.Index, row.becomes) for row in found.itertuples()] == [
            (other, word) for word, _ in dense
        ]
        for (at, paid), (_, expected) in zip(
            found[["requests a month", "bill"]].to_numpy(), dense, strict=True
        ):
            assert at == pytest.approx(expected, rel=1e-3)
            own = made.values(
                made.option(name), {"requests_per_month": np.array([at])}, ["bill_usd"]
            )
            assert paid == pytest.approx(own["bill_usd"][0])
    assert seen, "else nothing was compared"


def test_bills_that_never_part_do_not_cross() -> None:
    made = model()
    assert bills.crossings(made, "l1-kv", ["l1-kv"]).empty


def test_bills_that_differ_by_just_what_is_material_are_apart() -> None:
    paid = {"own": np.full(4, 5.0), "other": np.array([7.0, 6.999, 3.0, 5.0])}
    given: Any = SimpleNamespace(
        option=lambda name: name, values=lambda name, *_: {"bill_usd": paid[name]}
    )
    assert bills._who(given, "other", "own", 2.0, np.ones(4)).tolist() == [1, 0, -1, 0]
