"""An isolate has so much memory: what it has no room for is pushed out, and the report says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.formulas import memory
from cachelib.model.formulas.flows import Flows
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.workload import Workload
from tests.model.cases import small

LARGE = {"requests_per_month": 2_000_000, "keys": 10_000, "value_bytes": 20_000}
"""200 MB in all."""


def large(mb: float | None = None, **changes: Any) -> Study:
    platform = {} if mb is None else {"isolate_memory_mb": mb}
    knobs = {"l1_ttl_s": {"value": 86_400, "low": 60, "high": 86_400, "why": "w"}}
    workload = LARGE | changes.pop("workload", {})
    return small(workload=workload, platform=platform, knobs=knobs, **changes)


def test_an_isolate_of_a_worker_has_128_mb_and_a_pod_what_its_owner_gives_it() -> None:
    assert Platform().isolate_memory_mb == 128
    for other in ("servers-redis", "aws-lambda", "miniflare"):
        assert Platform(profile=other).isolate_memory_mb == np.inf


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_both_engines_push_out_what_the_platform_has_no_room_for(engine: Any) -> None:
    workload = Workload(
        requests_per_month=4_000, keys=50, zipf=0.3, value_bytes=1_000, colos={"FRA": 1}
    )
    trace, design = generate(workload, seed=3), BUILT_IN["l1-only"]
    design = design.model_copy(update={"l1_ttl_s": 1e9})
    platforms = (
        Platform(isolates_per_colo=1, isolate_idle_s=np.inf, isolate_memory_mb=mb)
        for mb in (np.inf, 0.06, 0.02)
    )
    found = [replay(trace, design, platform, engine=engine) for platform in platforms]
    assert found[0].origin_loads == found[1].origin_loads  # room for all
    assert found[2].origin_loads > 2 * found[0].origin_loads


def test_a_bound_of_the_design_s_own_holds_where_it_is_the_narrower_one() -> None:
    here = large(100)
    own = here.design("l1-only").model_copy(update={"l1_max_bytes": 10_000_000})
    wider = own.model_copy(update={"l1_max_bytes": 120_000_000})
    tight = large(10)
    assert here.replay(own).origin_loads == tight.replay("l1-only").origin_loads
    assert here.replay(wider).origin_loads == here.replay("l1-only").origin_loads


@pytest.mark.parametrize("expiry", ["inherited", "sliding"])
@pytest.mark.parametrize("routing", ["random", "hash"])
@pytest.mark.parametrize("mb", [128, 100, 10])
def test_formulas_find_what_a_bounded_memory_does(mb: float, routing: str, expiry: str) -> None:
    here = large(mb)
    here = Study(here.case, routing=routing)  # type: ignore[arg-type]
    design = here.design("l1-only").model_copy(update={"expiry": expiry})
    assert here.estimate(design).hit_ratio[0] == pytest.approx(
        here.replay(design).hit_ratio, abs=0.012
    )
    unbounded = Study(large(1e6).case, routing=routing)  # type: ignore[arg-type]
    if mb == 10:
        assert here.replay(design).hit_ratio < unbounded.replay(design).hit_ratio - 0.1


def test_formulas_know_the_entries_that_a_design_allows() -> None:
    here = large(1e6)
    for most in (100, 1_000, 20_000):
        design = here.design("l1-only").model_copy(update={"l1_max_entries": most})
        assert here.estimate(design).hit_ratio[0] == pytest.approx(
            here.replay(design).hit_ratio, abs=0.012
        )


@pytest.mark.parametrize("bound", [{"l1_max_entries": 300}, {"l1_max_bytes": 6_000_000}, {}])
def test_some_keys_share_so_much_of_the_memory(bound: dict[str, int]) -> None:
    workload = {"zipf": 0.2}
    whole, part = (large(6, workload=workload, **more) for more in ({}, {"sample": 0.2}))
    found = [
        each.replay(each.design("l1-only").model_copy(update=bound)).hit_ratio
        for each in (whole, part)
    ]
    assert part.sample.keys < 1
    assert found[1] == pytest.approx(found[0], rel=0.15)


def test_what_has_room_for_all_changes_no_count() -> None:
    here = large(1_000)
    flows = Flows(Design(name="m", l1_ttl_s=60), here.setting)
    assert (memory.pushed_out_s(flows) > 1e29).all()


def test_what_the_platform_alone_bounds_is_told() -> None:
    told = [remark.says for remark in large(20).remarks if remark.kind == "memory"]
    assert len(told) == 1
    assert (
        "In 20 MB of memory, an isolate would have to keep up to 98 MB of values, for 24 h"
        in told[0]
    )


@pytest.mark.parametrize(
    "changes",
    [{"mb": 1_000}, {"mb": 20, "designs": ["origin-only", "kv-only"]},
     {"mb": 20, "designs": ["origin-only", {"name": "m", "l1_max_entries": 500}]}],
)  # fmt: skip
def test_nothing_is_told_where_nothing_is_pushed_out_but_what_a_design_says(
    changes: dict[str, Any],
) -> None:
    assert not [remark for remark in large(**changes).remarks if remark.kind == "memory"]


def test_it_is_told_where_only_a_longer_life_than_today_s_has_no_room() -> None:
    """The longest is what is chosen there, where today's fills a tenth of the memory."""
    life = {"value": 60, "values": [60, 86_400], "why": "w"}
    here = small(
        workload=LARGE, platform={"isolate_memory_mb": 20}, designs=["origin-only", "l1-only"],
        knobs={"l1_ttl_s": life},
    )  # fmt: skip
    (told,) = [remark.says for remark in here.remarks if remark.kind == "memory"]
    assert "up to 98 MB of values, for 24 h" in told
    short = small(
        workload=LARGE, platform={"isolate_memory_mb": 20}, designs=["origin-only", "l1-only"],
        knobs={"l1_ttl_s": life | {"values": [60]}},
    )  # fmt: skip
    assert not [remark for remark in short.remarks if remark.kind == "memory"]
