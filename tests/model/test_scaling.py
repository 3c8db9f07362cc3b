"""As many isolates as the traffic needs: whom a request reaches, and what that does to memories."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachelib.model.case.case import load_case
from cachelib.model.engines.replay import replay
from cachelib.model.engines.routing import Router
from cachelib.model.engines.scaling import TooManyIsolatesError
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import DesignError
from cachelib.report.experiments.parameters import settle
from tests.conftest import crossed, examples
from tests.model.model import STEADY, trace
from tests.model.test_twin import one_of, request_tables, taken

SCALED = {"isolates_per_colo": 4, "isolate_requests_per_s": 0.1, "isolates_scaled_every_s": 100.0}


class Pods:
    """The rule by itself, a colo and a period at a time; a pod is any object of its own."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.pods: dict[int, list[object]] = {}
        self.asked: dict[int, dict[int, int]] = {}
        self.turn: dict[int, int] = {}

    def _set(self, colo: int, number: int) -> None:
        pods = self.pods.setdefault(colo, [])
        del pods[number:]
        pods.extend(object() for _ in range(number - len(pods)))

    def of(self, since: float, colo: int) -> list[object]:
        platform = self.platform
        here = self.asked.setdefault(colo, {})
        period = int(since // platform.isolates_scaled_every_s)
        if not here:
            self._set(colo, platform.isolates_at_least)
        else:
            for ended in range(max(here), period):
                a_second = here.get(ended, 0) / platform.isolates_scaled_every_s
                needed, there = a_second / platform.isolate_requests_per_s, len(self.pods[colo])
                if not 0.9 <= needed / there <= 1.1:
                    wanted = math.ceil(needed)
                    most, least = platform.isolates_per_colo, platform.isolates_at_least
                    self._set(colo, max(least, min(most, wanted)))
        here[period] = here.get(period, 0) + 1
        return self.pods[colo]


@settings(max_examples=examples(60), deadline=None)
@given(
    request_tables(), one_of("random", "round-robin", "hash"), st.integers(1, 6),
    one_of(0.013, 0.11, 2.3), one_of(7.0, 90.0), st.integers(1, 300),
)  # fmt: skip
def test_each_pod_that_comes_is_a_new_one(
    table: Any, routing: Any, most: int, each: float, period: float, cut: int
) -> None:
    scaled = {"isolate_requests_per_s": each, "isolates_scaled_every_s": period}
    platform = Platform(
        **STEADY | scaled | {"isolates_per_colo": most, "routing": routing},
        isolates_at_least=min(2, most),
    )
    runs = np.arange(len(table.colos))
    router, pods = Router(platform, 1), Pods(platform)
    pieces = [taken(table, slice(cut)), taken(table, slice(cut, None))]
    numbers = np.concatenate(
        [router.route(piece, row, runs) for piece, row in zip(pieces, (0, cut), strict=True)]
    ).tolist()
    known: dict[int, object] = {}
    for now, key, colo, number in zip(
        table.time_s.tolist(), table.key.tolist(), table.colo.tolist(), numbers, strict=True
    ):
        there = pods.of(now - float(table.time_s[0]), colo)
        place = number % most
        if routing == "hash":
            assert place == crc32(table.keys[key].encode()) % len(there)
        if routing == "round-robin":
            assert place == pods.turn.get(colo, 0) % len(there)
            pods.turn[colo] = place + 1
        assert known.setdefault(number, there[place]) is there[place]
    assert len({*map(id, known.values())}) == len(known)


def test_the_number_follows_the_last_period_and_not_every_little_change() -> None:
    """Needed are 3, 2.8, 3.3 and 1.2; 2.8 and 3.3 are within a tenth of three."""
    asked = [at + 100 * nth for nth, n in enumerate((30, 28, 33, 12, 1)) for at in range(n)]
    table = trace(*(f"{at} r k@LHR" for at in asked))
    numbers = Router(Platform(**STEADY | SCALED), 0).route(table, 0, np.arange(1))
    reached = [len(set(numbers[table.time_s // 100 == nth].tolist())) for nth in range(5)]
    assert reached == [1, 3, 3, 3, 1]


def test_bounds() -> None:
    with pytest.raises(DesignError, match="isolate_requests_per_s"):
        Platform(**STEADY | SCALED).check(BUILT_IN["workers-cache"])
    with pytest.raises(DesignError, match="deploy_takes_s"):
        Platform(**STEADY | {"deploy_takes_s": 20}).check(BUILT_IN["workers-cache"])


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            "isolates_at_least: 7",
            "isolates_at_least: 7 is more than the most, .*: 6",
        ),
        (
            "deploy_takes_s: 30_000",
            "deploy_takes_s: 30000 lasts until after the next",
        ),
        ("isolates_at_least: 0", "isolates_at_least"),
        ("isolates_at_least: 1.5", "isolates_at_least"),
        ("isolate_requests_per_s: 0", "isolate_requests_per_s"),
        ("isolates_scaled_every_s: 0.5", "isolates_scaled_every_s"),
        ("deploy_takes_s: -1", "deploy_takes_s"),
        ("redis_lag_ms: -1", "redis_lag_ms"),
    ],
)
def test_a_case_is_told_what_cannot_be(tmp_path: Path, number: str, said: str) -> None:
    path = tmp_path / "case.yaml"
    shop = (Path("cases") / "shop-redis.yaml").read_text("utf-8")
    path.write_text(shop.replace("redis_at: FRA", f"redis_at: FRA\n  {number}"), "utf-8")
    with pytest.raises(InvalidFileError, match=rf"case.yaml:\d+: platform[.:] ?.*{said}"):
        load_case(path)


def test_more_pods_at_least_than_there_are_in_a_case_may_be_said(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    shop = (Path("cases") / "shop-redis.yaml").read_text("utf-8")
    scaled = "redis_at: FRA\n  isolates_at_least: 2\n  isolate_requests_per_s: 5"
    path.write_text(shop.replace("redis_at: FRA", scaled), "utf-8")
    assert load_case(path).platform["isolates_at_least"] == 2


def test_more_than_can_be_told_apart_is_said() -> None:
    platform = Platform(**STEADY | SCALED | {"isolates_per_colo": 10_000})
    asked = [100.0 * (nth // 11) + (nth % 11) for nth in range(66_000) if nth // 11 % 2 == 0]
    table = trace(*(f"{at} r k@LHR" for at in asked))
    with pytest.raises(TooManyIsolatesError, match="isolates_scaled_every_s"):
        Router(platform, 0).route(table, 0, np.arange(1))


@cache
def month() -> Study:
    writes = {"reads_per_write": 100, "growth.writes": "in proportion", "workload.daily_swing": 0}
    of = {"case": "shop-redis", "requests_per_month": 3_000_000, "seed": 3, **writes}
    return settle(of).study


def at(**platform: Any) -> Study:
    return month().of_changed(platform=month().case.platform | platform)


@pytest.mark.parametrize(
    ("name", "each"),
    crossed(["memory-only", "memory-redis", "memory-redis-listen"], [0.1, 0.2, 1.0]),
)
def test_the_formulas_say_what_the_simulation_says(name: str, each: float) -> None:
    few = {"isolates_at_least": 2, "isolate_requests_per_s": each}
    here = at(**few, deploy_takes_s=1_800)
    design = BUILT_IN[name].model_copy(update={"l1_ttl_s": 120.0, "l2_ttl_s": 3_600.0})
    result, month = here.replay(design), here.estimate(design)
    assert month.l1[0] == pytest.approx(result.l1_hits / result.reads, abs=0.01)
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.01)
    many = at().replay(design)
    assert (result.l1_hits > many.l1_hits + 0.005 * result.reads) == (each > 0.15)


@pytest.mark.parametrize("part", [1.0, 0.1])
def test_a_part_of_the_keys_has_the_pods_of_all(part: float) -> None:
    here = at(isolate_requests_per_s=0.2)
    few = here.part(int(part * len(here.trace)))
    assert len(few.trace) < 1.2 * part * len(here.trace)
    design = BUILT_IN["memory-only"].model_copy(update={"l1_ttl_s": 120.0})
    found, whole = few.replay(design).hit_ratio, here.replay(design).hit_ratio
    assert found == pytest.approx(whole, abs=0.02)


def test_a_rolling_deploy_spares_the_origin_the_rush_but_no_loads() -> None:
    """Deploys of six pods every hour: as many are lost, but not all in the same minute."""
    asked = [f"{at} r k{at % 41}@LHR" for at in range(40_000)]
    table, found = trace(*asked), {}
    for takes in (0.0, 1_800.0):
        of = {"isolates_per_colo": 6, "deploy_every_s": 3_600.0, "deploy_takes_s": takes}
        found[takes] = replay(table, BUILT_IN["l1-only"], Platform(**STEADY | of))
    rush = {}
    for takes, result in found.items():
        loads = np.bincount((table.time_s[result.tier == 2] / 300).astype(int))
        rush[takes] = int(loads[3:].max())
    assert found[0.0].counts["isolates_lost_deploy"] == 66
    assert found[1_800.0].counts["isolates_lost_deploy"] in range(60, 67)
    assert rush[0.0] == 6 * 41
    assert rush[1_800.0] <= 2 * 41
