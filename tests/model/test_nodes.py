"""A node of Redis by its type's name: what it holds and what an hour costs follow."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.judgement.knobs import tune
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.platforms.nodes import node_types
from cachelib.report.document.what_if import judged_with
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


PRICED = {"redis.node_hours": 0, "redis.gb_hours": 0.02}
SIZES = {"values": [0.01, 0.1, 1.0], "value": 1.0, "unit": "GB", "why": "the sizes of a family"}


def priced_by_size(**more: Any) -> Study:
    workload = {"keys": 2_000, "value_bytes": 20_000, "requests_per_month": 60_000}
    lives = {"l2_ttl_s": {"values": [100_000], "unit": "s", "why": "w"}}
    here = small(
        platform={"profile": "aws-lambda"}, prices=PRICED, designs=["redis-only"],
        knobs={"redis_gb": SIZES, **lives}, workload=workload, **more,
    )  # fmt: skip
    assert isinstance(here, Study)
    return here


@pytest.mark.parametrize(("least", "size"), [(0.5, 0.01), (0.62, 0.1)])
def test_each_option_is_judged_at_the_size_that_suits_it(least: float, size: float) -> None:
    """The smallest that finds enough: forty megabytes of values, of which it needs a part."""
    enough = {"metric": "hit_ratio", "at_least": least, "why": "w"}
    here = priced_by_size(criteria={"minimise": "bill_usd", "limits": [enough]})
    [option] = [each for each in options(here) if each.name == "redis-only"]
    found = tune(here, option, ("bill_usd", "hit_ratio"))
    assert found.option.settings["redis_gb"] == size
    hours = 2 * 720 * size
    of_node = {x.meter: x for x in monthly_bill(simulate(here, found.option), here.book).lines}
    assert float(of_node["redis.gb_hours"].usage) == pytest.approx(hours)
    assert float(of_node["redis.gb_hours"].charged) == pytest.approx(hours * 0.02)
    assert not of_node["redis.node_hours"].charged


def test_the_page_s_panel_rents_what_the_option_is_set_to() -> None:
    here = priced_by_size()
    [option] = [each for each in options(here) if each.name == "redis-only"]
    for size in (0.01, 1.0):
        data = judged_with(Model(here, (option.at(redis_gb=size),)))
        rented = data["designs"][0]["rented"]
        assert rented["redis.gb_hours"] == pytest.approx(2 * 720 * size)


def test_a_named_node_and_a_knob_over_its_size_contradict_each_other(tmp_path: Path) -> None:
    case = yaml.safe_load(Path("cases/catalogue-lambda.yaml").read_text("utf-8"))
    case["knobs"]["redis_gb"] = SIZES
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(case))
    assert CliRunner().invoke(main, ["check", str(path)]).exit_code == 0
    case["platform"]["redis_node"] = "cache.m7g.large"
    path.write_text(yaml.safe_dump(case))
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 2
    assert "redis_node says it" in done.stderr
