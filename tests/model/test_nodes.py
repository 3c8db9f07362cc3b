"""A node of Redis by its type's name: what it holds and what an hour costs follow."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.nodes import node_types
from cachelib.report.experiments.parameters import settle
from tests.model.cases import small


def at_redis(platform: dict[str, Any], **more: Any) -> Study:
    here = small(platform={"profile": "aws-lambda", **platform}, designs=["redis-only"], **more)
    assert isinstance(here, Study)
    return here


def test_memory_and_price_follow_from_one_word() -> None:
    here = at_redis({"redis_node": "cache.r7g.large"})
    assert here.platform.redis_gb == pytest.approx(14.037181030 * 0.75)
    [line] = [
        each
        for each in monthly_bill(here.replay("redis-only"), here.book).lines
        if each.meter == "redis.node_hours"
    ]
    assert line.usage == 2 * 720
    assert line.charged == 2 * 720 * Decimal("0.1752")
    assert line.source.startswith("cache.r7g.large, Valkey")


def test_a_price_of_the_case_s_own_wins() -> None:
    here = at_redis({"redis_node": "cache.r7g.large"}, prices={"redis.node_hours": 0.11})
    prices = {meter.meter: meter.price for meter in here.book.meters}
    assert prices["redis.node_hours"] == Decimal("0.11")


def test_without_a_name_nothing_is_ever_full_and_the_book_s_price_holds() -> None:
    here = at_redis({})
    assert here.platform.redis_gb == float("inf")
    prices = {meter.meter: meter.price for meter in here.book.meters}
    assert prices["redis.node_hours"] == Decimal("0.1264")


@pytest.mark.parametrize("name", node_types())
def test_every_type_holds_less_than_its_memory_and_costs_something(name: str) -> None:
    node = node_types()[name]
    assert 0.4 * node.maxmemory / 1e9 < node.gb < node.maxmemory / 1e9
    assert Decimal("0.01") < node.usd_per_hour < 1
    assert at_redis({"redis_node": name}).platform.redis_gb == node.gb


def test_a_small_node_is_full_sooner_than_a_large_one() -> None:
    of = {"case": "shop-redis", "requests_per_month": 200_000, "seed": 3}
    large = {"workload.keys": 20_000, "workload.value_bytes": 400_000, "l2_ttl_s": 86_400.0}
    here = settle({**of, **large}).study
    found = {
        node: here.of_changed(platform=here.case.platform | {"redis_node": node})
        .replay("redis-only")
        .hit_ratio
        for node in ("cache.t4g.micro", "cache.m7g.large")
    }
    assert found["cache.t4g.micro"] < found["cache.m7g.large"] - 0.02


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"redis_node": "cache.m7g.larg"},
            "'cache.m7g.larg' is unknown; there are",
        ),
        (
            {"redis_node": "cache.m7g.large", "redis_gb": 3},
            "redis_node says it: cache.m7g",
        ),
    ],
)
def test_what_is_wrong_is_told_with_the_names_known(
    said: dict[str, Any], told: str, tmp_path: Path
) -> None:
    case = yaml.safe_load(Path("cases/catalogue-lambda.yaml").read_text("utf-8"))
    path = tmp_path / "case.yaml"
    for platform, status in (({}, 0), (said, 2)):
        path.write_text(yaml.safe_dump(case | {"platform": case["platform"] | platform}))
        done = CliRunner().invoke(main, ["check", str(path)])
        assert done.exit_code == status
    assert told in done.stderr
    assert "cache.m7g.large" in done.stderr
