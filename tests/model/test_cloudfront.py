"""CloudFront before functions, on traces of a few requests: what is billed and how long it takes.

Who answers is counted by hand in `test_scenarios.py`.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay
from cachelib.model.engines.result import Result
from cachelib.model.judgement.experiments import found_ms
from cachelib.model.money.costs import monthly_usd
from cachelib.model.money.prices import monthly_bill, price_book
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import MONTH_S
from cachelib.report.experiments.parameters import settle
from tests.model.model import STEADY, trace

BOOK = price_book("aws-lambda")
HERE: dict[str, Any] = {"origin_ms": 50.0, "worker_cpu_ms": 2.0, "function_gb": 0.5}
both_engines = pytest.mark.parametrize("engine", ["compiled", "reference"])


def of(tiers: tuple[str, ...], requests: str, **own: Any) -> Result:
    design = {name: own.pop(name) for name in {*own} & {*Design.model_fields}}
    engine, size = own.pop("engine", "compiled"), own.pop("size", 1_000)
    platform = Platform(profile="aws-lambda", **STEADY | HERE | own)
    named = Design(name="x", tiers=tiers, l1_ttl_s=100.0, **{"l2_ttl_s": 100.0, **design})
    return replay(
        trace(*requests.split(", "), size=size), named, platform, engine=engine, span_s=MONTH_S
    )


def used(result: Result) -> dict[str, Decimal]:
    return {line.meter: line.usage for line in monthly_bill(result, BOOK).lines}


@both_engines
def test_a_hit_is_a_request_of_cloudfront_and_none_of_the_function(engine: str) -> None:
    ten = ", ".join(f"{second} r k@LHR" for second in range(10))
    found = used(of(("cloudfront",), ten, size=2_000_000, engine=engine))
    assert found["cloudfront.requests"] == 10
    assert found["lambda.requests"] == 1
    assert float(found["lambda.gb_s"]) == pytest.approx((50 + 2) / 1e3 / 2)
    assert float(found["cloudfront.gb_out"]) == pytest.approx(0.02)
    assert "lambda.gb_out" not in found  # what goes to CloudFront is free


def test_a_write_is_a_request_of_both_and_answers_with_nothing() -> None:
    found = used(of(("cloudfront",), "0 r k@LHR, 1 w k@LHR, 2 r k@LHR, 3 d k@LHR", size=10**9))
    assert (found["cloudfront.requests"], found["lambda.requests"]) == (4, 3)
    assert found["cloudfront.gb_out"] == 2


def test_without_cloudfront_what_goes_out_is_the_function_s() -> None:
    found = used(of((), "0 r k@LHR, 1 w k@LHR", size=10**9))
    assert found["lambda.gb_out"] == 1
    assert not {"cloudfront.requests", "cloudfront.gb_out"} & found.keys()


def test_a_refresh_runs_the_function_and_is_no_request_of_cloudfront() -> None:
    stale = {"stale_while_revalidate_s": 20.0}
    found = used(of(("cloudfront",), "0 r k@LHR, 105 r k@LHR, 106 r k@LHR", **stale))
    assert (found["cloudfront.requests"], found["lambda.requests"]) == (3, 2)
    assert float(found["lambda.gb_s"]) == pytest.approx(2 * (50 + 2) / 1e3 / 2)


def test_who_waits_for_a_run_is_no_run() -> None:
    found = used(of(("cloudfront",), "0 r k@LHR, 0.01 r k@LHR, 0.02 r k@BHX", loads_take_time=True))
    assert (found["cloudfront.requests"], found["lambda.requests"]) == (3, 1)
    assert float(found["lambda.gb_s"]) == pytest.approx((50 + 2) / 1e3 / 2)


def test_a_function_is_billed_for_what_it_waits_for_behind_cloudfront() -> None:
    requests = "0 r k@LHR, 1 r k@SYD"  # the second finds it in the table
    own = {"worker_at": ("us-east-1",), "dynamodb_ms": 3.0, "rtt_base_ms": 1.0}
    found = used(of(("cloudfront", "dynamodb"), requests, **own))
    assert found["lambda.requests"] == 2
    waited = (3 + 1) + (3 + 1) + 50  # ms, of which none is the way from Sydney
    assert float(found["lambda.gb_s"]) == pytest.approx((waited + 2 * 2) / 1e3 / 2)


def test_nor_is_one_without_it_billed_for_its_reader_s_way() -> None:
    result = of((), "0 r k@SYD, 1 r k@SYD", worker_at=("us-east-1",))
    assert min(result.latency_ms) > 150
    assert float(used(result)["lambda.gb_s"]) == pytest.approx(2 * (50 + 2) / 1e3 / 2)


@pytest.mark.parametrize(("paths", "charged"), [(1_000, "0"), (1_500, "2.50")])
def test_the_first_thousand_paths_of_a_month_are_free(paths: int, charged: str) -> None:
    writes = ", ".join(f"{nth} w k@LHR" for nth in range(paths))
    result = of(("cloudfront",), writes, purge_on_write=True)
    lines = {line.meter: line for line in monthly_bill(result, BOOK).lines}
    assert lines["cloudfront.invalidations"].usage == paths
    assert lines["cloudfront.invalidations"].charged == Decimal(charged)


@both_engines
def test_what_looking_takes(engine: str) -> None:
    """From Birmingham past London's cache to Virginia, or to where it is found before."""
    own = {"worker_at": ("us-east-1",), "engine": engine}
    result = of(("cloudfront",), "0 r k@BHX, 1 r k@BHX, 2 r k@LHR, 3 w k@BHX", **own)
    places = geography(["BHX", "LHR"], result.platform)
    near = result.platform.cloudfront_ms
    assert places.to_regional[1] == result.platform.rtt_base_ms < places.to_regional[0] < 5
    assert places.from_regional[0] == places.from_regional[1] > 60
    assert result.latency_ms.tolist() == pytest.approx(
        [
            near + places.to_regional[0] + places.from_regional[0] + 50,
            near,
            near + places.to_regional[1],
            places.to_worker[0],  # a write goes past the regional cache
        ]
    )


def test_what_the_table_answers_takes_what_the_table_takes_not_what_cloudfront_does() -> None:
    own = {"dynamodb_ms": 30.0, "cloudfront_ms": 1.0, "worker_at": ("eu-west-2",)}
    result = of(("cloudfront", "dynamodb"), "0 r k@LHR, 1 r k@LHR, 2 r k@SYD, 3 r k@SYD", **own)
    assert found_ms(result) == pytest.approx(float(result.latency_ms[2]))
    assert found_ms(result) > 30 > 2 > result.latency_ms[1]
    assert math.isnan(found_ms(of(("cloudfront",), "0 r k@LHR, 1 r k@LHR")))


@pytest.mark.parametrize("placed", [(), ("us-east-1",)])
def test_the_bill_is_what_the_formula_says(placed: tuple[str, ...]) -> None:
    colos = {"IAD": 3, "SFO": 2, "LHR": 3, "MAD": 1, "SYD": 1}
    of_case = {"case": "catalogue-lambda", "requests_per_month": 400_000, "workload.colos": colos}
    study = settle({**of_case, "seed": 3}).study
    study = study.of_changed(platform=study.case.platform | {"worker_at": placed})
    for name in ("cloudfront", "cloudfront-swr", "cloudfront-purge", "cloudfront-dynamodb"):
        design = Design.model_validate(
            dict(study.case.design(name)) | {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}
        )
        bill = monthly_bill(study.replay(design), study.book)
        month = study.estimate(design)
        for included, exact in ((True, bill.charged), (False, bill.metered)):
            found = monthly_usd(design, month, study.setting, included=included, book=study.book)[0]
            assert found == pytest.approx(float(exact), rel=0.05), (name, included)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"tiers": ("memory", "cloudfront")}, "'cloudfront' answers before the Worker runs"),
        ({"tiers": ("workers-cache", "cloudfront")}, "stands first and once"),
        ({"tiers": ("cloudfront", "dax")}, "'dax' is not modelled behind 'cloudfront'"),
        ({"tiers": ("cloudfront", "redis"), "policy": "refresh"}, "not modelled with 'cloudfront'"),
        ({"tiers": ("redis",), "purge_on_write": True}, "or 'cloudfront' that is purged"),
    ],
)
def test_what_cannot_be_is_said(words: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Design(name="x", **words)
