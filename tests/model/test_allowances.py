"""A free plan: what goes beyond a day's allowance fails, and the decision knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.case import Case
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.allowances import failed_with, refused
from cachelib.model.judgement.metrics import Month, measure, predict
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import options
from cachelib.model.judgement.study import Study, UnknownPlanError
from cachelib.model.money.prices import price_book
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from tests.model.cases import raw, small
from tests.model.model import STEADY, trace

FEW_FAIL = {"limits": [{"metric": "error_share", "at_most": 0.01, "why": "w"}]}
FREE = price_book().model_copy(update={"plan": "free"})
DAY = 86_400


def on_free(**changes: Any) -> Study:
    never = {"value": 0, "low": 0, "high": 0, "unit": "share", "why": "w"}
    criteria = {"criteria": {"minimise": "bill_usd", **FEW_FAIL}}
    no_model = never | {"unit": "neurons"}
    sound = {"assumptions": {"kv_failure": never, "do_failure": never, "origin_neurons": no_model}}
    return small(**criteria | sound | {"plan": "free"} | changes)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_writes_to_kv_beyond_a_day_s_are_refused_until_midnight(engine: str) -> None:
    asked = [f"{second} w {key}@LHR" for second, key in enumerate("abcd")]
    requests = trace(*asked, f"{DAY - 1} r c@LHR", f"{DAY + 1} w c@LHR", f"{DAY + 2} r c@LHR")
    platform = Platform(**STEADY | {"kv_writes_a_day": 2})
    design = Design(name="x", tiers=("kv",), l2_ttl_s=3_600)
    result = replay(requests, design, platform, engine=engine)
    counts = {name: n for name, n in result.counts.items() if n}
    assert counts == {
        "origin_loads": 1, "kv_reads": 2, "kv_missing_reads": 1, "kv_writes": 3,
        "kv_writes_refused": 3,
    }  # fmt: skip


def test_what_a_plan_refuses_is_what_goes_beyond_its_day() -> None:
    used = {"workers.requests": 6e6, "kv.reads": 4e6, "workers_ai.neurons": 1.2e6, "do.stored": 1}
    found = {name: float(np.ravel(share)[0]) for name, share in refused(used, FREE).items()}
    assert found == {
        "workers.requests": 0.5,  # 200,000 a day, of which 100,000 are answered
        "kv.reads": 0,  # of these half are asked for, and 100,000 a day are allowed
        "workers_ai.neurons": 0.5,
        "do.stored": 0,
    }
    assert refused(used, price_book()) == {}
    hardly = {"workers.requests": 3.002e6}  # as much more as any day may be than another
    assert refused(hardly, FREE)["workers.requests"] == 0


def test_what_the_origin_charges_it_charges_on_every_plan() -> None:
    study = on_free(prices={"origin.calls": "100"})
    option = next(each for each in options(study) if each.name == "l1-only")
    result = study.replay(option.design)
    (bill,) = predict(Month(study, option, study.setting), ["bill_usd"])["bill_usd"]
    charged = measure(study, option, result, ["bill_usd"])["bill_usd"]
    assert charged == pytest.approx(result.per_month()["origin_loads"] / 1e4)
    assert bill == pytest.approx(charged, rel=0.1)


@pytest.mark.parametrize(
    ("design", "share"),
    [
        (Design(name="x", tiers=("memory", "kv")), 0.2 + 0.8 * (0.01 + 0.5 * 0.3 + 0.1 * 0.2)),
        (Design(name="x", tiers=("kv",), unreachable="origin"), 0.2 + 0.8 * (0.01 + 0.1 * 0.2)),
        (Design(name="x", tiers=("memory", "r2")), 0.2 + 0.8 * (0.01 + 0.1 * 0.2)),
    ],
)
def test_reads_fail_by_what_they_ask(design: Design, share: float) -> None:
    beyond = {"workers.requests": 0.2, "kv.reads": 0.5, "workers_ai.neurons": 0.1}
    assert failed_with(0.01, design, [0.3], 0.2, beyond) == pytest.approx(share)


@pytest.mark.parametrize("name", ["kv-only", "l1-kv", "l1-only", "durable-object"])
@pytest.mark.parametrize("requests", [100_000, 6_000_000])
def test_formulas_say_of_failures_what_the_simulation_says(name: str, requests: int) -> None:
    study = on_free(
        workload={"requests_per_month": requests, "keys": 400},
        growth={"writes": "in proportion"},
        designs=["kv-only", "l1-kv", "l1-only", "durable-object"],
    )
    option = next(each for each in options(study) if each.name == name)
    names = ["error_share", "availability", "bill_usd", "hit_ratio"]
    result = study.replay(option.design)
    measured = measure(study, option, result, names)
    month = predict(Month(study, option, study.setting), names)
    assert measured["bill_usd"] == month["bill_usd"][0] == 0
    assert month["error_share"][0] == pytest.approx(measured["error_share"], abs=0.03)
    assert month["hit_ratio"][0] == pytest.approx(measured["hit_ratio"], abs=0.06)
    assert (measured["error_share"] > 0.45) == (requests > 3_000_000)


def test_a_day_s_writes_are_kept_by_the_formulas_too() -> None:
    study = on_free(
        workload={"requests_per_month": 1_000_000, "keys": 4_000, "reads_per_write": 1e9},
        growth={"writes": "in proportion"},
    )
    design = BUILT_IN["kv-only"].model_copy(update={"l2_ttl_s": 600.0})
    result, month = study.replay(design), study.estimate(design)
    assert result.counts["kv_writes"] == 30_000
    assert result.counts["kv_writes_refused"] > 100_000
    assert month.counts["kv_writes"][0] == pytest.approx(30_000)
    assert month.hit_ratio[0] == pytest.approx(result.hit_ratio, abs=0.03)
    paid = small(workload={"requests_per_month": 1_000_000, "keys": 4_000, "reads_per_write": 1e9},
                 growth={"writes": "in proportion"})  # fmt: skip
    assert paid.replay(design).hit_ratio > result.hit_ratio + 0.2


def test_an_option_that_fails_breaks_the_limit_though_it_costs_nothing() -> None:
    study = on_free(workload={"requests_per_month": 6_000_000})
    model = Model(study, tuple(options(study)))
    for option in model.options:
        values = model.values(option, {}, ["error_share", "bill_usd"])
        assert values["bill_usd"][0] == 0
        assert values["error_share"][0] > 0.45


def test_a_free_plan_asks_how_much_may_fail() -> None:
    with pytest.raises(ValueError, match=r"plan: free: what goes beyond .* error_share"):
        small(plan="free")


def test_a_plan_that_nobody_sells_is_said() -> None:
    own = raw(plan="free", platform={"profile": "servers-redis"}, designs=["memory-only"])
    study = Study(Case.model_validate(own))
    with pytest.raises(UnknownPlanError, match=r"plan: .*free.*paid"):
        _ = study.book


def test_a_busy_day_fails_more_than_a_quiet_one_has_left() -> None:
    used = {"workers.requests": 3e6, "kv.reads": 1.5e6, "do.stored": 1}
    even, uneven = (refused(used, FREE, by_day) for by_day in ((50, 50), (150, 50)))
    assert {name: float(np.ravel(share)[0]) for name, share in even.items()} == {
        "workers.requests": 0, "kv.reads": 0, "do.stored": 0,
    }  # fmt: skip
    # 150,000 and 50,000 requests a day, of which 100,000 are allowed: 50,000 of 200,000 fail;
    # and 75,000 reads on the busy day, two thirds of which get that far, on the quiet one 25,000
    assert float(np.ravel(uneven["workers.requests"])[0]) == pytest.approx(0.25)
    assert float(np.ravel(uneven["kv.reads"])[0]) == 0
    both = refused({"kv.reads": 4e6}, FREE, (150, 50))  # 200,000 and 66,667
    assert float(np.ravel(both["kv.reads"])[0]) == pytest.approx(100_000 / 266_667, rel=1e-4)


def test_the_simulation_s_own_days_say_what_fails() -> None:
    """Two days of a week have five times the requests of the others."""
    study = on_free(workload={"requests_per_month": 2_400_000, "keys": 50})
    result = study.replay("l1-only")
    assert 20 < len(result.by_day) < 30  # of so many requests a part of the month stands for all
    option = next(each for each in options(study) if each.name == "l1-only")
    busy = tuple(5 * n if nth % 7 > 4 else n for nth, n in enumerate(result.by_day))
    share = measure(study, option, replace(result, by_day=busy), ["error_share"])["error_share"]
    asked = 80_000 * np.array(busy) / np.mean(busy)
    assert share == pytest.approx(np.maximum(asked - 1e5, 0).sum() / asked.sum(), rel=1e-3)
    assert measure(study, option, result, ["error_share"])["error_share"] == 0
