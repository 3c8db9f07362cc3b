"""Reads that a store fails: counted against failures that are drawn one by one, and decided by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.case import Case, case_schema, load_case
from cachelib.model.case.checks import faults
from cachelib.model.case.names import ASSUMPTIONS
from cachelib.model.case.overrides import applied
from cachelib.model.engines.result import Result
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.failures import asked_and_loaded, failed_reads, failed_share, outages
from cachelib.model.judgement.intervals import resolution
from cachelib.model.judgement.metrics import Month, measure
from cachelib.model.judgement.options import options
from cachelib.model.judgement.study import Study
from cachelib.model.schema.typed_yaml import Document, InvalidFileError
from cachelib.model.schema.yaml_reader import reader
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import FAILED, ORIGIN, WRITTEN, depths
from cachelib.model.tiers.registry import FAILURES
from tests.model.cases import raw, small

RATES = {"kv_failure": 0.02, "cache_api_failure": 0.05, "origin_failure": 0.1}
DESIGNS: list[Any] = [
    {"name": "caught", "tiers": ["memory", "cache-api", "kv"], "unreachable": "origin"},
    "l1-cache-api-kv", "l1-kv", "kv-only", "l1-only", "origin-only",
]  # fmt: skip
WHY = "drawn by a test"


def assumed(value: float) -> dict[str, Any]:
    return {"value": value, "low": value, "high": value, "unit": "share", "why": WHY}


def study(**more: Any) -> Study:
    return small(**{"designs": DESIGNS} | more)


def drawn_one_by_one(result: Result, rate: dict[str, float]) -> np.ndarray[Any, Any]:
    """Whether each read fails, each look into a store failing by a draw of its own."""
    chance, design = np.random.default_rng(7), result.design
    read = result.tier != WRITTEN
    tier, depth = result.tier[read], result.depth[read]
    failed = tier == FAILED
    loaded = failed | (tier == ORIGIN)
    for nth, store in enumerate(design.stores):
        past = np.isin(depth, [at for each in design.stores[nth:] for at in depths(each)])
        lost = past & (chance.random(len(depth)) < rate.get(store.failure, 0.0))
        if design.unreachable == "origin":
            lost &= ~loaded & (chance.random(len(depth)) < rate["origin_failure"])
        failed |= lost
    return failed


@pytest.mark.parametrize("name", [d if isinstance(d, str) else d["name"] for d in DESIGNS])
def test_the_share_that_fails_is_what_failures_drawn_one_by_one_come_to(
    name: str,
) -> None:
    asked = study(workload={"requests_per_month": 200_000})
    result = asked.replay(asked.design(name), **RATES)
    drawn = drawn_one_by_one(result, RATES)
    error = 4 * np.sqrt(drawn.mean() / len(drawn)) + 0.05 * 0.1  # two failures of one read are one
    assert failed_reads(result, result.tally.codes) == pytest.approx(drawn.mean(), abs=error)
    (option,) = (each for each in options(asked) if each.name == name)
    by_formula = Month(asked, option, asked.setting.but(**RATES)).failed
    assert by_formula == pytest.approx(drawn.mean(), abs=max(error, 0.02))


def test_shares_add_up_as_by_hand() -> None:
    rate = dict.fromkeys(FAILURES, 0.0) | {
        "kv_failure": 0.02, "cache_api_failure": 0.05, "origin_failure": 0.1,
    }  # fmt: skip
    tiers = ("memory", "cache-api", "kv")
    caught, not_caught = (
        Design(name="by-hand", tiers=tiers, unreachable=then) for then in ("origin", "error")
    )
    by_hand = 0.2 * 0.1 + 0.05 * 0.9 + 0.02 * 0.5
    assert failed_share(not_caught, [0.9, 0.5], 0.2, rate) == pytest.approx(by_hand)
    by_hand = 0.1 * (0.2 + 0.05 * (0.9 - 0.2) + 0.02 * (0.5 - 0.2))
    assert failed_share(caught, [0.9, 0.5], 0.2, rate) == pytest.approx(by_hand)
    assert failed_share(not_caught, [1.0, 1.0], 1.0, dict.fromkeys(rate, 1.0)) == 1.0


def test_of_no_reads_none_fail() -> None:
    asked = study()
    result = asked.replay("l1-kv")
    assert failed_reads(result, np.zeros_like(result.tally.codes)) == 0


def test_what_turns_to_the_origin_fails_only_with_it() -> None:
    asked = study()
    rates = RATES | {"origin_failure": 0.0}
    caught, not_caught = (
        measure(asked, option, asked.replay(option.design, **rates), ["error_share"])["error_share"]
        for option in options(asked)
        if option.name in ("caught", "l1-cache-api-kv")
    )
    assert caught == 0
    assert not_caught > 0.02


def test_a_limit_of_availability_rules_out_a_store_that_fails_too_often() -> None:
    limits = [{"metric": "availability", "at_least": 0.995, "why": WHY}]
    case: dict[str, Any] = {
        "designs": ["l1-kv", "l1-only", {"name": "caught", "tiers": ["memory", "kv"],
                                         "unreachable": "origin"}],
        "assumptions": {"kv_failure": assumed(0.02),
                                               "origin_failure": assumed(0)},
        "criteria": {"minimise": "origin_loads_per_month", "limits": limits},
    }  # fmt: skip
    decision = Decision(study(**case), 100)
    assert decision.missed.keys() == {"l1-kv"}
    assert decision.chosen is not None
    assert decision.chosen.name == "caught"
    less = case | {"assumptions": case["assumptions"] | {"kv_failure": assumed(0.001)}}
    as_good = Decision(study(**less), 100).ties
    assert [option.name for option in as_good] == ["l1-kv"], "less failure brings it back"


def test_how_much_of_it_is_chance_is_known() -> None:
    asked = study(assumptions={"kv_failure": assumed(0.02)})
    some = [option for option in options(asked) if option.name == "l1-kv"]
    values = {o.name: measure(asked, o, asked.replay(o.design), ["error_share"]) for o in some}
    assert 0 < resolution(asked, some, ["error_share"], values)["error_share"][0] < 0.01


def test_a_store_that_is_away_is_missed_by_every_read_that_asks_it() -> None:
    asked = study()
    result = asked.replay("l1-cache-api-kv")
    behind_memory = 1 - result.shares["L1"]
    near, far = outages(result)
    assert (near.store.word, far.store.word) == ("cache-api", "kv")
    assert near.asked == pytest.approx(behind_memory)
    assert result.shares["origin"] < far.asked < near.asked
    assert near.times == pytest.approx(behind_memory / result.shares["origin"])
    assert outages(asked.replay("l1-only")) == []


@pytest.mark.parametrize(
    "own",
    [{"policy": "soft-hard", "soft_ttl_s": 600}, {"hedge_after_ms": 5}],
    ids=["refreshed in the background", "hedged"],
)
def test_what_the_origin_usually_gets_are_all_loads_waited_for_or_not(own: dict[str, Any]) -> None:
    design = {"name": "own", "tiers": ["memory", "kv"], "l2_ttl_s": 3_600, **own}
    asked = study(designs=["kv-only", design])
    result = asked.replay("own")
    (away,) = outages(result)
    assert result.origin_loads > 1.05 * result.shares["origin"] * result.reads
    assert away.times == pytest.approx(away.asked * result.reads / result.origin_loads)


@pytest.mark.parametrize("metric", ["availability", "error_share"])
def test_check_asks_how_often_each_store_fails(metric: str) -> None:
    bound = {"at_least": 0.99} if metric == "availability" else {"at_most": 0.01}
    criteria = {"minimise": "bill_usd", "limits": [{"metric": metric, "why": WHY} | bound]}
    case = Case.model_validate(raw(designs=DESIGNS, criteria=criteria))
    said = [fault.partition(" is missing")[0] for _, fault in faults(case, Path())]
    assert sorted(said) == ["cache_api_failure", "kv_failure"]


def test_what_check_asks_for_has_its_unit_its_options_and_a_line_that_mends_it() -> None:
    limits = [{"metric": "availability", "at_least": 0.99, "why": WHY}]
    given = raw(designs=["l1-kv", "kv-only", "l1-r2"], criteria={"limits": limits})
    given["criteria"]["minimise"] = "monthly_cost_usd"
    del given["assumptions"]["hourly_rate_usd"]
    asked = [fault for _, fault in faults(Case.model_validate(given), Path())]
    about = {fault.partition(" is missing")[0]: fault.partition("\n") for fault in asked}
    assert sorted(about) == ["hourly_rate_usd", "kv_failure", "r2_failure"]
    assert "from 0 to 1" in about["kv_failure"][0]
    assert "in l1-kv, kv-only (" in about["kv_failure"][0]
    assert "in l1-r2 (" in about["r2_failure"][0]
    for _, _, line in about.values():
        given["assumptions"] |= reader().load(line)
    assert list(faults(Case.model_validate(given), Path())) == []


@pytest.mark.parametrize("wrong", [0.001, {"value": 0.001, "why": WHY}, assumed(0) | {"unit": "%"}])
def test_what_is_missing_is_asked_for_beside_what_is_wrong(wrong: Any, tmp_path: Path) -> None:
    limits = [{"metric": "availability", "at_least": 0.99, "why": WHY}]
    given = raw(designs=["l1-kv", "l1-r2"], criteria={"minimise": "bill_usd", "limits": limits})
    given["assumptions"]["kv_failure"] = wrong
    (tmp_path / "case.yaml").write_text(json.dumps(given))
    with pytest.raises(InvalidFileError) as refused:
        load_case(tmp_path)
    told = [str(problem) for problem in refused.value.problems]
    assert len([each for each in told if "r2_failure is missing" in each]) == 1
    assert not any("kv_failure is missing" in each for each in told)
    assert any("assumptions.kv_failure" in each for each in told)


def test_check_asks_for_no_store_of_an_option_that_is_out() -> None:
    limits = [{"metric": "availability", "at_least": 0.99, "why": WHY}]
    criteria = {"minimise": "bill_usd", "limits": limits}
    too_short = {"name": "too-short", "tiers": ["memory", "kv"], "l2_ttl_s": 30}
    designs = [
        too_short,
        "l1-r2",
        {"name": "foreign", "tiers": ["memory", "redis"]},
    ]
    case = Case.model_validate(raw(designs=designs, criteria=criteria))
    assert [fault.partition(" ")[0] for _, fault in faults(case, Path())] == ["r2_failure"]


@pytest.mark.parametrize("name", ["kv_failure", "value_life_s", "hourly_rate_usd"])
def test_what_no_platform_knows_is_set_in_its_own_unit(name: str) -> None:
    given = raw()
    given["assumptions"].pop(name, None)
    document = Document(Path("case.yaml"), given, None, {})
    set_to = applied(document, case_schema(), {name: 0.5}).data["assumptions"][name]
    assert set_to["unit"] == ASSUMPTIONS[name].unit


def test_nobody_is_asked_where_nothing_is_decided_by_it() -> None:
    study(criteria={"minimise": "bill_usd"})


def test_who_is_served_what_has_ended_waits_for_no_store_by_formula_as_by_simulation() -> None:
    stale = {"name": "stale", "tiers": ["workers-cache", "kv"], "l2_ttl_s": 600,
             "stale_while_revalidate_s": 3_600}  # fmt: skip
    here = small(designs=[stale])
    design = here.design("stale")
    (looked,), _ = asked_and_loaded(here.replay(design))
    (asked,) = here.estimate(design).asked
    assert 0.05 < looked < 0.9
    assert asked[0] == pytest.approx(looked, abs=0.03)
