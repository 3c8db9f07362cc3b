"""A platform as data: which designs it has, what they cost, and files that say one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.case.case import load_case
from cachelib.model.case.designs import barred
from cachelib.model.engines.replay import replay
from cachelib.model.money.prices import monthly_bill, price_book
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.tiers.built_in import built_in
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.workload import Workload

LIKE = "like: servers-redis\nnumbers:\n"
SHOP = load_case("shop-redis")


def test_a_design_is_out_where_the_platform_has_not_its_tiers() -> None:
    both = ("l1-kv", "durable-object", "memory-redis", "memory-only", "database-only")
    there = SHOP.model_copy(update={"designs": both})
    assert set(barred(there)) == {"l1-kv", "durable-object"}
    assert "no Workers KV" in barred(there)["l1-kv"]
    elsewhere = load_case("trading-sentiment").model_copy(update={"designs": both})
    assert set(barred(elsewhere)) == {"memory-redis"}


def test_what_is_assumed_is_of_the_platform_s_own_tiers() -> None:
    assert {"redis_ms", "cross_zone_share", "isolates_per_colo"} <= SHOP.assumed.keys()
    assert not [name for name in SHOP.assumed if name.startswith(("kv_", "do_", "r2_", "worker"))]
    assert not [n for n in load_case("trading-sentiment").assumed if n.startswith("redis_")]


def test_a_node_is_paid_by_the_hour_once_or_in_each_region() -> None:
    traffic = Workload(
        requests_per_month=1_000, keys=5, zipf=1, value_bytes=1_000, colos={"FRA": 1, "DUB": 1}
    )
    trace = generate(traffic, seed=1)
    platform = Platform(profile="servers-redis", redis_at="FRA")
    book = price_book("servers-redis")
    hours = {}
    for name in ("memory-only", "memory-redis", "memory-redis-per-region"):
        design = built_in(name, l1_ttl_s=60, l2_ttl_s=600)
        lines = {
            line.meter: line for line in monthly_bill(replay(trace, design, platform), book).lines
        }
        hours[name] = lines["redis.node_hours"].usage if "redis.node_hours" in lines else 0
    assert hours == {
        "memory-only": 0, "memory-redis": Decimal(1_440), "memory-redis-per-region": Decimal(2_880),
    }  # fmt: skip


def test_what_is_carried_between_zones_is_what_was_found_and_written() -> None:
    traffic = Workload(
        requests_per_month=1_000, keys=5, zipf=1, value_bytes=1_000, colos={"FRA": 1}
    )
    platform = Platform(profile="servers-redis", redis_at="FRA", cross_zone_share=0.5)
    design = built_in("redis-only", l2_ttl_s=600)
    result = replay(generate(traffic, seed=1), design, platform)
    [line] = [
        each
        for each in monthly_bill(result, price_book("servers-redis")).lines
        if each.meter == "zones.gb"
    ]
    month = result.per_month()
    carried = (month["reads"] * result.hit_ratio + month["redis_sets"]) * result.value_bytes
    assert float(line.usage) == pytest.approx(carried / 1e9 / 2)


def own(folder: Path, text: str) -> Path:
    case = (Path("cases") / "shop-redis.yaml").read_text("utf-8")
    (folder / "mine.yaml").write_text(text)
    path = folder / "case.yaml"
    path.write_text(case.replace("profile: servers-redis", "profile: ./mine.yaml"))
    return path


def test_what_is_printed_can_be_named_by_a_case(tmp_path: Path) -> None:
    printed = CliRunner().invoke(main, ["platform", "servers-redis"])
    assert printed.exit_code == 0
    case = load_case(own(tmp_path, printed.stdout))
    assert case.assumed == SHOP.assumed
    assert case.profile.told("isolates") == "pods"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LIKE + "  redis_mss: {value: 1, low: 0, high: 2, unit: ms, why: a}\n",
         "mine.yaml:3: numbers.redis_mss: unknown number 'redis_mss'; did you mean 'redis_ms'?"),
        (LIKE + "  redis_ms: {value: 1, low: 0, high: 2, unit: s, why: x}\n",
         "mine.yaml:3: numbers.redis_ms: is in ms, not 's'"),
        ("like: servers-rediss\n", "mine.yaml:1: like: 'servers-rediss' is unknown"),
        ("tiers: [memory, memcached]\n", "mine.yaml:1: tiers.memcached: must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_platform_is_told_by_file_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InvalidFileError) as found:
        load_case(own(tmp_path, text))
    assert told in str(found.value)


def test_a_platform_lies_beside_its_case(tmp_path: Path) -> None:
    path = own(tmp_path, "")
    path.write_text(path.read_text().replace("./mine.yaml", "../../mine.yaml"))
    with pytest.raises(InvalidFileError, match="must lie beside the case"):
        load_case(path)


def test_an_unknown_platform_is_named_with_those_there_are() -> None:
    done = CliRunner().invoke(main, ["platform", "server-redis"])
    assert done.exit_code == 2
    assert "servers-redis" in done.stderr


def test_a_price_of_what_is_not_metered_is_refused_with_what_is(tmp_path: Path) -> None:
    path = own(tmp_path, "like: servers-redis\n")
    path.write_text(path.read_text() + "prices: {redis.node_hour: 0.1}\n")
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 2
    assert "did you mean 'redis.node_hours'" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('{isolate: "<script>alert(1)</script>"}', "words.isolate: "),
        ('{isolate: "{{ 7 * 7 }}"}', "words.isolate: "),
        ('{isolate: "%} x"}', "words.isolate: "),
        ("{if: pwned}", "words.if: must be 'an isolate'"),
        ("{case: other}", "words.case: must be"),
    ],
)
def test_a_platform_s_words_are_plain_words_for_ours(words: str, said: str, tmp_path: Path) -> None:
    """They take the place of ours in templates, before these are read."""
    with pytest.raises(InvalidFileError) as caught:
        load_case(own(tmp_path, f"like: servers-redis\nwords: {words}\n"))
    assert f"mine.yaml:2: {said}" in str(caught.value)


def test_a_wrong_range_is_all_that_is_told_of_a_number(tmp_path: Path) -> None:
    number = "{value: -3, low: 0.2, high: 2, unit: ms, why: w}"
    with pytest.raises(InvalidFileError) as caught:
        load_case(own(tmp_path, f"like: servers-redis\nnumbers:\n  redis_ms: {number}\n"))
    told = str(caught.value).splitlines()
    assert len(told) == 1
    assert told[0].endswith("numbers.redis_ms: -3 is not within its own range, 0.2 to 2")
