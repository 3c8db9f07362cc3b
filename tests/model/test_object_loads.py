"""Durable Objects that load what they have not: by formula as simulated, and what that costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.live.result import as_shown
from cachelib.model.judgement.study import Study
from cachelib.model.money import costs
from cachelib.model.money.prices import used_of
from cachelib.model.tiers.design import Design
from cachelib.report.experiments.parameters import settle

OBJECT = Design(name="x", tiers=("durable-object",), l1_ttl_s=60, l2_ttl_s=3_600)
DURATION, REQUESTS = "do.duration", "do.requests"


def at(**platform: Any) -> Study:
    here = settle({"case": "trading-sentiment", "requests_per_month": 400_000, "seed": 2}).study
    return here.of_changed(platform=here.case.platform | platform)


def both(here: Study, design: Design) -> tuple[dict[str, float], dict[str, float]]:
    """What a month uses of the meters, as simulated and by formula."""
    simulated = used_of(here.replay(design), here.book)
    by_formula = costs.usage(design, here.estimate(design), here.setting)
    return (
        {meter: float(used) for meter, used in simulated.items()},
        {meter: float(used[0]) for meter, used in by_formula.items()},
    )


@pytest.mark.parametrize("placed", [{}, {"origin_at": ("FRA",), "origin_trips": 3}])
@pytest.mark.parametrize(
    "said", [
        {}, {"object_loads": False}, {"tiers": ("memory", "durable-object")},
        {"tiers": ("workers-cache", "durable-object")}, {"policy": "refresh"},
        {"object_alarm": True}, {"object_storage": False},
    ],
)  # fmt: skip
def test_the_formulas_bill_what_the_simulation_does(
    said: dict[str, Any], placed: dict[str, Any]
) -> None:
    here, design = at(**placed), Design.model_validate(dict(OBJECT) | said)
    simulated, by_formula = both(here, design)
    for meter in (DURATION, REQUESTS):
        assert by_formula[meter] == pytest.approx(simulated[meter], rel=0.05), meter
    loads = here.replay(design).per_month()["do_loads"]
    assert here.estimate(design).counts["do_loads"][0] == pytest.approx(loads, rel=0.05)
    assert (loads > 0) is design.object_loads


def test_a_load_by_the_object_saves_a_request_and_takes_its_time() -> None:
    here = at()
    by_object, by_worker = (
        used_of(here.replay(OBJECT.model_copy(update={"object_loads": said})), here.book)
        for said in (True, False)
    )
    loads = here.replay(OBJECT).per_month()["do_loads"]
    saved = float(by_worker[REQUESTS] - by_object[REQUESTS])
    assert saved == pytest.approx(loads, rel=1e-9)
    more = float(by_object[DURATION] - by_worker[DURATION]) + saved * 5 / 1e3 * 0.128
    assert more == pytest.approx(loads * 0.5 * 0.128 * 1.046, rel=0.01)  # e to the 0.3²/2


def test_draws_are_the_same_as_one_at_a_time() -> None:
    here = at()
    many = np.array([100.0, 900.0])
    drawn = here.setting.but(origin_ms=many)
    all_ = costs.usage(OBJECT, here.estimate(OBJECT, origin_ms=many), drawn)[DURATION]
    for nth, one in enumerate(many):
        alone = costs.usage(
            OBJECT, here.estimate(OBJECT, origin_ms=float(one)), here.setting.but(origin_ms=one)
        )
        assert all_[nth] == pytest.approx(float(alone[DURATION][0]))


def test_only_objects_may_leave_it_to_the_worker() -> None:
    with pytest.raises(ValidationError, match="object_loads: it is Durable Objects that load"):
        Design(name="x", tiers=("memory", "kv"), object_loads=False)
    assert OBJECT.model_copy(update={"object_loads": False}).words == (
        "Durable Objects alone, loaded by the Worker"
    )


def test_the_local_runtime_has_the_worker_load() -> None:
    assert not as_shown(OBJECT).object_loads
    kv = Design(name="x", tiers=("memory", "kv"))
    assert as_shown(kv) == kv
