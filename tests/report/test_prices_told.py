"""The prices that a report lists, held against its bills: a reader can multiply."""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cachelib.model.case.case import Case
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill, price_book
from cachelib.report.experiments import parameters
from cachelib.report.numbers import shown
from cachelib.report.publish.prices import lines_table, meter_words, price_words
from tests.model.cases import raw
from tests.report.in_process import NOTEBOOKS, _published

CASES: dict[str, dict[str, Any]] = {
    "busy": {"designs": ["l1-kv", "durable-object", "l1-r2"], "prices": {"origin.calls": 1.23456},
             "workload": {"requests_per_month": 400_000_000, "keys": 5_000}},
    "redis": {"platform": {"profile": "servers-redis"}, "designs": ["memory-redis"],
              "assumptions": {"origin_neurons": None}},
    "lambda": {"platform": {"profile": "aws-lambda"}, "designs": ["memory-redis"],
               "assumptions": {"origin_neurons": None}},
}  # fmt: skip
SAID = re.compile(
    r"price of (?P<begun>each begun )?(?P<unit>[\d,]+) [^,]+?"
    r"(?: beyond the (?P<free>[\d,]+) that a month includes)?(?:, as read on [\d-]+)?"
    r": \$(?P<usd>.+)"
)


def number(text: str | None) -> Decimal:
    return Decimal((text or "0").replace(",", ""))


def told(path: Path) -> dict[str, str]:
    """What the cost notebook says of each price, as the Sources chapter has it."""
    published = _published(
        NOTEBOOKS / "07_cost.ipynb", parameters.settle({"case": str(path)}).for_kernels
    )
    found = [bundle["application/vnd.cachelib.finding+json"] for _, bundle in published]
    return {
        each["caption"].partition(": ")[
            0
        ]: f"{each['caption']}: {shown(each['value'], each['unit'])}"
        for each in found
        if each["id"].startswith("prices.")
    }


def multiplied(study: Study, design: str, prices: dict[str, str]) -> Decimal:
    """The bill of a design as a reader makes it of the listed prices."""
    result = study.replay(design)
    lines = monthly_bill(result, study.book).lines
    total = Decimal(0)
    for line in lines:
        if not line.charged:
            continue
        said = SAID.search(prices[meter_words(line.meter)])
        assert said, prices[meter_words(line.meter)]
        beyond = max(line.usage - number(said["free"]), Decimal(0)) / number(said["unit"])
        beyond = beyond.to_integral_value(ROUND_CEILING) if said["begun"] else beyond
        total += beyond * number(said["usd"])
    return total + (number(prices["the plan"].rpartition("$")[2]) if "the plan" in prices else 0)


@pytest.mark.parametrize("name", CASES)
def test_who_multiplies_by_the_listed_prices_gets_the_bill(name: str, tmp_path: Path) -> None:
    case = raw(**CASES[name])
    case["assumptions"] = {n: each for n, each in case["assumptions"].items() if each}
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(case), "utf-8")
    study, prices = parameters.settle({"case": str(path)}).study, told(path)
    for design in study.case.design_names:
        bill = monthly_bill(study.replay(design), study.book)
        assert bill.charged > 5 or name != "busy"
        assert multiplied(study, design, prices) == pytest.approx(bill.charged)


def test_a_price_is_told_with_all_its_digits_and_cents_at_least() -> None:
    said = {0.1264: "$0.1264", 5.0: "$5.00", 16.6667: "$16.6667", 0.001: "$0.001", 0.5: "$0.50",
            1e-7: "$0.0000001", 12_345.5: "$12,345.50", 0.0: "$0.00"}  # fmt: skip
    assert {value: shown(value, "price") for value in said} == said


@pytest.mark.parametrize("book", ["aws-lambda", "servers-redis"])
def test_what_no_vendor_says_was_not_read_there_on_a_day(book: str) -> None:
    meters = {meter.meter: meter for meter in price_book(book).meters}
    day = datetime.date(2026, 11, 26)
    for name in ("zones.gb", "regions.gb"):
        assert meters[name].source.endswith("; no source of the vendor's")
        assert "as read on" not in price_words(meters[name], day)
    others = [meter for meter in meters.values() if "no source" not in meter.source]
    assert all("as read on" in price_words(meter, day) for meter in others)


@pytest.mark.parametrize("name", CASES)
def test_a_bill_s_lines_add_up_to_it(name: str) -> None:
    study = Study(Case.model_validate(raw(**CASES[name])))
    bills = {design: monthly_bill(study.replay(design), study.book)
             for design in study.case.design_names}  # fmt: skip
    table = lines_table(bills)
    for design, bill in bills.items():
        sums = table.loc[[design]][["list price", "charged"]].sum()
        assert sums.tolist() == pytest.approx([float(bill.metered), float(bill.charged)])
        own = {meter_words(line.meter): line for line in bill.lines}
        for row in table.loc[[design]].itertuples():
            if row[1] not in ("all else", "the plan itself"):
                amount, _, unit = row[2].partition("\u00a0")
                assert float(amount.replace(",", "")) == pytest.approx(
                    float(own[row[1]].usage), rel=0.005, abs=5e-5
                )
                assert unit
