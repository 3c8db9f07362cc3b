"""What a call of the origin takes is billed by the meters that the case names, and by no other."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cachelib.model.case.case import load_case
from cachelib.model.judgement import bills
from cachelib.model.judgement.metrics import Month, measure, predict
from cachelib.model.judgement.options import options
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import OBJECT_GB, bill, monthly_bill, price_book, used_of
from cachelib.model.platforms.calls import METERS_OF_A_CALL
from cachelib.model.schema.typed_yaml import InvalidFileError
from tests.model.cases import known, small
from tests.model.model import run

MONTH = 2_592_000.0
WAITS = ("mean_ms", "p95_ms")
NEWS = (Path("cases") / "news-workers.yaml").read_text("utf-8")
SHOP = (Path("cases") / "shop-redis.yaml").read_text("utf-8")


def used(*asked: str, design: str = "l1-only", **numbers: float) -> dict[str, Decimal]:
    return used_of(run(design, *asked, span_s=MONTH, **numbers), price_book())


@pytest.mark.parametrize(
    ("number", "meter", "amount"),
    [
        ({"origin_neurons": 50}, "workers_ai.neurons", 2 * 50),
        ({"origin_rows_read": 1_200}, "d1.rows_read", 2 * 1_200),
        ({"origin_rows_written": 3}, "d1.rows_written", 2 * 3),
        ({"origin_egress_kb": 250}, "origin.gb_out", 2 * 0.00025),
        ({"origin_cpu_ms": 1_800_000}, "origin.cpu_hours", 2 * 0.5),
    ],
)
def test_each_load_is_billed_what_a_call_takes(
    number: dict[str, float], meter: str, amount: float
) -> None:
    """Two keys are loaded, and found once."""
    asked = ["0 r a", "1 r b", "2 r a"]
    assert float(used(*asked, **number)[meter]) == pytest.approx(amount)
    assert meter not in used(*asked)


def test_a_load_s_own_cpu_is_billed_beside_that_of_each_request() -> None:
    asked = ["0 r a", "1 r b", "2 r a"]
    assert used(*asked, worker_cpu_ms=2, load_cpu_ms=30)["workers.cpu_ms"] == 3 * 2 + 2 * 30


def test_an_object_that_loads_is_billed_its_time_and_not_the_worker_s_cpu() -> None:
    cpu = {"worker_cpu_ms": 2, "load_cpu_ms": 30}
    assert used("0 r a", design="durable-object", **cpu)["workers.cpu_ms"] == 2
    by_worker = run("durable-object", "0 r a", span_s=MONTH, design={"object_loads": False}, **cpu)
    assert used_of(by_worker, price_book())["workers.cpu_ms"] == 2 + 30


def test_who_loads_waits_for_that_cpu_and_who_finds_a_value_does_not() -> None:
    asked = ["0 r a", "1 r a"]
    slow, quick = (
        run("l1-only", *asked, jitter=0, **cpu).latency_ms for cpu in ({"load_cpu_ms": 85}, {})
    )
    assert (slow - quick).tolist() == pytest.approx([85, 0])


@pytest.mark.parametrize("design", ["origin-only", "kv-only", "durable-object"])
def test_formulas_wait_for_it_as_the_simulation_does(design: str) -> None:
    """As much as for an origin that takes so much longer."""
    both = [small(designs=[design], assumptions=known("ms", **ms))
            for ms in ({"origin_ms": 100, "load_cpu_ms": 85}, {"origin_ms": 185})]  # fmt: skip
    for told in (simulated, by_formula):
        assert told(both[0]) == pytest.approx(told(both[1]))


def simulated(study: Study) -> list[float]:
    (option,) = options(study)
    return list(measure(study, option, study.replay(option.design), WAITS).values())


def by_formula(study: Study) -> list[float]:
    (option,) = options(study)
    return [told.item() for told in predict(Month(study, option, study.setting), WAITS).values()]


def test_an_object_is_active_while_it_works_on_what_has_come() -> None:
    """It is billed for 128 MB as long."""
    asked = {"design": "durable-object", "jitter": 0, "origin_ms": 100}
    one, other = (
        float(used("0 r a", **asked, **cpu)["do.duration"]) for cpu in ({"load_cpu_ms": 85}, {})
    )
    assert one - other == pytest.approx(0.085 * float(OBJECT_GB))


def test_nothing_is_charged_that_a_case_does_not_name() -> None:
    asked = used("0 r a", origin_neurons=0)
    named = {meter for charged in METERS_OF_A_CALL.values() for meter in charged.meters}
    assert named & asked.keys() == {"workers.cpu_ms"}


def test_rows_have_the_vendor_s_prices_beyond_what_a_month_includes() -> None:
    """25 billion rows read and 50 million written are included, then $0.001 and $1 a million."""
    rows = {"d1.rows_read": Decimal(195 * 10**9), "d1.rows_written": Decimal(52 * 10**6)}
    month = bill(rows)
    assert [line.charged for line in month.lines] == [Decimal(170), Decimal(2)]
    assert [line.source for line in month.lines] == ["partials/workers/d1-pricing.mdx@25a83ced"] * 2
    assert bill(rows, plan="free").fails == ("d1.rows_read", "d1.rows_written")


def test_what_a_call_takes_is_the_origin_s_part_of_the_bill_and_moves_it() -> None:
    priced = {"origin.gb_out": 0.09, "origin.cpu_hours": 0.05, "origin.calls": 0}
    numbers = known("rows", origin_rows_read=2e6, origin_rows_written=3e3) | known(
        "KB", origin_egress_kb=400
    )
    study = small(prices=priced, designs=["l1-only"], assumptions=numbers)
    result = study.replay("l1-only")
    month = monthly_bill(result, study.book)
    loads = result.per_month()["origin_loads"]
    neurons = loads * 60 / 1e3 * 0.011
    own = loads * (2e6 / 1e6 * 0.001 + 3e3 / 1e6 * 1.0 + 400 / 1e6 * 0.09)
    table = bills.table({"x": month}, study.case.profile)
    assert table.iloc[0]["of which calls of the origin"] == pytest.approx(neurons + own)
    (option,) = options(study)
    names = ["bill_usd"]
    (found,) = predict(Month(study, option, study.setting), names)["bill_usd"]
    assert found == pytest.approx(measure(study, option, result, names)["bill_usd"], rel=0.05)


def test_rows_beyond_a_free_day_fail_the_loads_that_read_them() -> None:
    limit = {"limits": [{"metric": "error_share", "at_most": 0.01, "why": "w"}]}
    free = {"plan": "free", "criteria": {"minimise": "bill_usd", **limit},
            "designs": ["origin-only"]}  # fmt: skip
    rows = known("rows", origin_rows_read=20_000)
    study = small(**free, assumptions={"origin_neurons": None} | rows)
    (option,) = options(study)
    result = study.replay(option.design)
    asked = result.per_month()["origin_loads"] * 20_000
    beyond = 1 - 150e6 / asked
    assert beyond > 0.5
    assert measure(study, option, result, ["error_share"])["error_share"] == pytest.approx(beyond)


def told(tmp_path: Path, text: str) -> str:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    with pytest.raises(InvalidFileError) as raised:
        load_case(path)
    return str(raised.value)


def stating(text: str, name: str, value: float, unit: str) -> str:
    line = f"  {name}: {{value: {value}, low: 0, high: {value}, unit: {unit}, why: w}}\n"
    return text.replace("assumptions:\n", f"assumptions:\n{line}")


def line_of(text: str, name: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if name in line)


@pytest.mark.parametrize(
    ("case", "name", "unit", "fault"),
    [
        (SHOP, "origin_rows_read", "rows",
         "the price book 'servers-redis' has no meter 'd1.rows_read' to charge for it; leave it"),
        (SHOP, "load_cpu_ms", "ms", "has no meter 'workers.cpu_ms' to charge for it"),
        (SHOP, "origin_neurons", "neurons", "has no meter 'workers_ai.neurons' to charge for it"),
        (SHOP, "origin_cpu_ms", "ms", "what that costs nobody says; add its price in USD for 1"
         " CPU-hour: prices: {database.cpu_hours: …} (0 says that it costs nothing)"),
        (NEWS, "origin_egress_kb", "KB", "what that costs nobody says; add its price in USD for 1"
         " GB: prices: {origin.gb_out: …}"),
        (NEWS, "origin_rows_read", "ms", "origin_rows_read is in rows, not 'ms'"),
    ],
)  # fmt: skip
def test_what_no_price_is_known_of_is_refused_where_it_is_said(
    tmp_path: Path, case: str, name: str, unit: str, fault: str
) -> None:
    text = stating(case, name, 5, unit)
    assert f"case.yaml:{line_of(text, name)}: assumptions.{name}" in (said := told(tmp_path, text))
    assert fault in said


@pytest.mark.parametrize("price", ["0.09", "0"])
def test_what_has_a_price_of_the_case_s_own_is_taken_though_it_be_nothing(
    tmp_path: Path, price: str
) -> None:
    text = stating(NEWS, "origin_egress_kb", 5, "KB")
    path = tmp_path / "case.yaml"
    path.write_text(text.replace("prices:\n", f"prices:\n  origin.gb_out: {price}\n"))
    assert load_case(path).own_prices["origin.gb_out"] == Decimal(price)


@pytest.mark.parametrize(
    ("design", "requests"), [("l1-only", 3), ("workers-cache", 3 + 3 * 4 + 3 * 0.5)]
)
def test_assets_and_calls_of_workers_are_billed_where_workers_cache_is_on(
    design: str, requests: float
) -> None:
    asked = ["0 r a", "1 r a", "2 r b"]
    besides = {"workers_cache_assets": 4, "workers_cache_calls": 0.5}
    assert used(*asked, design=design, **besides)["workers.requests"] == Decimal(requests)
    assert used(*asked, design=design)["workers.requests"] == 3


def cached(**assumptions: Any) -> Any:
    designs = ["l1-only", "workers-cache"]
    return small(designs=designs, assumptions=assumptions).case


def test_what_a_case_does_not_say_of_assets_is_said_to_be_missing() -> None:
    said = (
        "requests for static assets, for each request: they are billed where Workers Cache is on,"
        " and none are counted"
    )
    assert said in cached().not_stated()
    assert said not in cached(**known("a request", workers_cache_assets=0)).not_stated()
    assert not any("billed where" in each for each in small(designs=["l1-only"]).case.not_stated())


def test_assets_are_refused_where_no_design_would_bill_them(tmp_path: Path) -> None:
    text = stating(NEWS, "workers_cache_assets", 5, "a request").replace("  - workers-cache", "  #")
    text = text[: text.index("options:")] + text[text.index("against:") :]
    text = text.replace("minimise: monthly_cost_usd", "minimise: bill_usd")
    said = told(tmp_path, text)
    assert "nothing uses it: no design has Workers Cache among its tiers; leave it out" in said
    assert f"case.yaml:{line_of(text, 'workers_cache_assets')}:" in said
