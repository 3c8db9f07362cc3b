"""Functions: environments, tables that charge by size, clusters by the hour, billed waits."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.case.case import load_case
from cachelib.model.case.designs import barred
from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.money import costs as formula
from cachelib.model.money.costs import monthly_usd
from cachelib.model.money.prices import monthly_bill, price_book, usage, used_of
from cachelib.model.platforms.colos import coordinates, geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import built_in
from cachelib.model.traffic.generator import MONTH_S
from cachelib.report.experiments.parameters import settle
from tests.model.model import STEADY, trace

LIVES: dict[str, Any] = {"l1_ttl_s": 10.0, "l2_ttl_s": 100.0}
both_engines = pytest.mark.parametrize("engine", ["compiled", "reference"])

# M: found in memory, T: in the table or its DAX, D: loaded, w: written. Virginia unless said.
BY_HAND = {
    "what one environment loads, the table has for all regions": (
        "memory-dynamodb", "0 r k, 1 r k@eu-west-1, 2 r k, 3 r k@eu-west-1", "DTMM"),
    "what has expired in the table is loaded, though it may not be deleted yet": (
        "memory-dynamodb", "0 r k, 99 r k, 100 r k", "DTD"),
    "a write is in the table at once": (
        "memory-dynamodb", "0 w k@eu-west-1, 1 r k", "wT"),
    "a deletion is, too, but for an environment's own copy": (
        "memory-dynamodb", "0 r k, 1 d k@eu-west-1, 2 r k, 11 r k", "DwMD"),
    "a region's DAX is that region's alone": (
        "dax-only", "0 r k, 1 r k, 2 r k@eu-west-1, 3 r k@eu-west-1", "DTDT"),
    "and hears of no write in another": (
        "dax-only", "0 r k, 1 r k@eu-west-1, 2 w k@eu-west-1, 3 r k", "DDwT"),
    "a DAX behind memory answers when memory has ended": (
        "memory-dax", "0 r k, 9 r k, 10 r k, 19 r k, 20 r k", "DMTMT"),
    "memory inherits what is left in DAX": (
        "memory-dax", "0 r k, 95 r k, 99 r k, 100 r k", "DTMD"),
    "an environment that was idle has nothing": (
        "memory-dynamodb", "0 r k, 5 r k, 45 r k, 46 r k", "DMTM"),
    "no cache asks each time": (
        "origin-only", "0 r k, 0 r k, 1 w k, 1 r k", "DDwD"),
}  # fmt: skip
ENDED = "MTDw"


def on_lambda(name: str, requests: str, *, size: int = 1_500, **own: Any) -> Result:
    engine, span_s = own.pop("engine", "compiled"), own.pop("span_s", None)
    at = [each if "@" in each else f"{each}@us-east-1" for each in requests.split(", ")]
    platform = Platform(profile="aws-lambda", **STEADY | {"isolate_idle_s": 30.0} | own)
    design = built_in(name, **LIVES)
    return replay(trace(*at, size=size), design, platform, engine=engine, span_s=span_s)


@both_engines
@pytest.mark.parametrize("case", BY_HAND)
def test_by_hand(case: str, engine: str) -> None:
    name, requests, ended = BY_HAND[case]
    result = on_lambda(name, requests, engine=engine)
    assert "".join(ENDED[tier] for tier in result.tier) == ended


@pytest.mark.parametrize(
    ("size", "read_units", "write_units"),
    [
        (1_000, 1.5, 1),  # the first look finds nothing: half a unit; two more find it: half each
        (1_500, 1.5, 2),
        (4_096, 1.5, 4),
        (4_097, 2.5, 5),  # what is found has begun a second 4 KB, what is not has no size
        (0, 1.5, 1),
    ],
)
def test_a_table_charges_by_size_and_for_what_it_has_not(
    size: int, read_units: float, write_units: int
) -> None:
    requests = "0 r k, 20 r k, 40 r k"
    result = on_lambda("memory-dynamodb", requests, size=size, span_s=MONTH_S)
    lines = {x.meter: x.usage for x in monthly_bill(result, price_book("aws-lambda")).lines}
    assert lines["dynamodb.read_units"] == Decimal(str(read_units))
    assert lines["dynamodb.write_units"] == write_units


@pytest.mark.parametrize(
    ("regions", "size", "reads", "writes", "carried_gb"),
    [
        # a load and a write, each of two begun KB; a read that finds nothing and one that finds
        (["us-east-1"], 1_500, 1, 4, 0),
        (["us-east-1", "eu-west-1"], 1_500, 1, 8, 3_000e-9),
        (["us-east-1", "eu-west-1", "ap-northeast-1"], 1_500, 1, 12, 6_000e-9),
        (["us-east-1", "eu-west-1"], 900, 1, 4, 1_800e-9),
        (["us-east-1", "us-east-1"], 1_500, 1, 4, 0),  # the same place, said twice
    ],
)
def test_a_write_is_charged_in_every_region_that_has_the_table_a_read_in_one(
    regions: list[str], size: int, reads: float, writes: int, carried_gb: float
) -> None:
    there = {"size": size, "table_at": regions, "span_s": MONTH_S}
    result = on_lambda("memory-dynamodb", "0 r k, 1 w k, 20 r k", **there)
    lines = {x.meter: x.usage for x in monthly_bill(result, price_book("aws-lambda")).lines}
    assert lines["dynamodb.read_units"] == reads
    assert lines["dynamodb.write_units"] == writes
    assert float(lines.get("regions.gb", 0)) == pytest.approx(carried_gb)
    once = on_lambda("memory-dynamodb", "0 r k, 1 w k, 20 r k", size=size, span_s=MONTH_S)
    stored = once.per_month()["stored_gb_months"] * len({*regions})
    assert float(lines["dynamodb.stored"]) == pytest.approx(stored)


@pytest.mark.parametrize("regions", [["IAD"], ["IAD", "DUB"], ["IAD", "DUB", "NRT"]])
def test_the_formula_bills_a_table_in_each_of_its_regions(regions: list[str]) -> None:
    given = {"platform.table_at": regions, "requests_per_month": 500_000}
    study = settle({"case": "catalogue-lambda", **given}).study
    design = study.design("memory-dynamodb")
    exact = used_of(study.replay(design), study.book)
    found = formula.usage(design, study.estimate(design), study.setting)
    for meter in ("dynamodb.read_units", "dynamodb.write_units", "dynamodb.stored", "regions.gb"):
        said = float(exact.get(meter, 0))
        assert found[meter][0] == pytest.approx(said, rel=0.05), meter
    assert ("regions.gb" in exact) == (len(regions) > 1)


def test_a_cluster_is_paid_in_each_region_and_a_function_while_it_waits() -> None:
    requests = "0 r k, 20 r k, 40 r k@eu-west-1"
    result = on_lambda("memory-dax", requests, span_s=MONTH_S, origin_ms=50, worker_cpu_ms=2)
    lines = {x.meter: x.usage for x in monthly_bill(result, price_book("aws-lambda")).lines}
    assert lines["dax.node_hours"] == 3 * 720 * 2
    waited = sum(result.latency_ms) + 3 * 2  # ms, in half a gigabyte
    assert float(lines["lambda.gb_s"]) == pytest.approx(waited / 1e3 / 2, rel=1e-3)
    assert lines["lambda.requests"] == 3


def test_nobody_else_is_billed_while_he_waits() -> None:
    result = on_lambda("origin-only", "0 r k", function_gb=0)
    assert "lambda.gb_s" not in usage(result.per_month(), result.design, result.platform)


def test_what_is_billed_is_what_the_formula_says() -> None:
    study = settle({"case": "catalogue-lambda", "requests_per_month": 500_000}).study
    for name in study.case.design_names:
        design = study.design(name)
        exact = float(monthly_bill(study.replay(design), study.book).charged)
        month = study.estimate(design)
        found = monthly_usd(design, month, study.setting, book=study.book)[0]
        assert found == pytest.approx(exact, rel=0.05), name


def test_a_cloud_s_region_is_a_place() -> None:
    assert coordinates("ap-northeast-1") == coordinates("NRT")
    platform = Platform(profile="aws-lambda", table_at=("us-east-1", "eu-west-1"))
    places = geography(["us-east-1", "eu-west-1", "ap-northeast-1"], platform)
    assert places.to_table[0] == places.to_table[1] == platform.rtt_base_ms
    assert places.to_table[2] > 100


def test_which_designs_there_are_on_functions() -> None:
    case = load_case("catalogue-lambda")
    both = ("l1-kv", "memory-dax", "memory-redis", "workers-cache")
    assert set(barred(case.model_copy(update={"designs": both}))) == {"l1-kv", "workers-cache"}
    elsewhere = load_case("shop-redis").model_copy(update={"designs": both})
    assert "memory-dax" in barred(elsewhere)


ASKED = """
title: t
question: q
system: {name: n, summary: s}
workload: {requests_per_month: 1000, keys: 5, zipf: 1, value_bytes: 10, colos: {us-east-1: 1}}
assumptions:
  value_life_s: {value: 10, low: 1, high: 100, unit: s, why: w}
  l1_ttl_s: {value: 10, low: 1, high: 100, unit: s, why: w}
  l2_ttl_s: {value: 10, low: 1, high: 100, unit: s, why: w}
platform: {profile: aws-lambda}
designs: [l1-only]
criteria: {minimise: p95_ms}
"""


@pytest.mark.parametrize(
    ("was", "said", "told"),
    [
        ("lambda}", "lambda, vendor: aws}", "platform: unknown setting 'vendor'; allowed: profile"),
        ("[l1-only]", "[l1-only, {name: x, l2: cdn}]", "l2: 'cdn' is unknown; there are"),
        ("{us-east-1: 1}", "{us-east-9: 1}", "did you mean 'us-east-2'"),
        ("designs:", "prices: {elasticache.node_hours: 1}\ndesigns:", "'redis.node_hours'?"),
        ("designs:", "prices: {dax.nodes: 1}\ndesigns:", "did you mean 'dax.node_hours'"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_write(
    was: str, said: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(ASKED)
    assert CliRunner().invoke(main, ["check", str(path)]).exit_code == 0
    path.write_text(ASKED.replace(was, said))
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 2
    assert told in done.stderr
