"""What a case says and nothing would use is an error: where, what, and what to do."""

from pathlib import Path
from typing import Any

import pytest

from cachelib.model.case.case import Case, load_case
from cachelib.model.case.checks import faults
from cachelib.model.case.choices import SETTABLE
from cachelib.model.case.unused import LACKING, used
from cachelib.model.judgement.fit import Fit
from cachelib.model.schema.typed_yaml import InvalidFileError
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.workload import LEANS_ON, Workload, idle
from tests.model.cases import BASE, raw

SERVERS = {"profile": "servers-redis"}


def told(**changes: Any) -> list[str]:
    """What is wrong with the common case so changed."""
    case = Case.model_validate(raw(**changes))
    return [f"{'.'.join(map(str, where))}: {fault}" for where, fault in faults(case, Path())]


@pytest.mark.parametrize(
    ("words", "setting", "lacking"),
    [
        ({"tiers": ["kv"], "l1_ttl_s": 30}, "l1_ttl_s", "memory among its tiers"),
        ({"tiers": ["workers-cache", "r2"], "l1_ttl_s": 30}, "l1_ttl_s", "memory among"),
        ({"tiers": [], "l1_ttl_s": 30}, "l1_ttl_s", "memory among its tiers"),
        ({"tiers": ["memory"], "l2_ttl_s": 600}, "l2_ttl_s", "tier that is shared"),
        ({"tiers": [], "l2_ttl_s": 600}, "l2_ttl_s", "tier that is shared"),
        ({"tiers": ["kv"], "l1_max_entries": 9}, "l1_max_entries", "memory among its tiers"),
        ({"tiers": ["kv"], "l1_max_bytes": 9}, "l1_max_bytes", "memory among its tiers"),
        ({"tiers": ["kv"], "soft_ttl_s": 60}, "soft_ttl_s", "policy 'soft-hard'"),
        ({"tiers": ["kv"], "clean_up_every_s": 900}, "clean_up_every_s", "policy 'clean-up'"),
        ({"tiers": ["kv"], "objects": 3}, "objects", "Durable Objects among its tiers"),
        ({"tiers": ["kv"], "expiry": "independent"}, "expiry", "memory among its tiers"),
        ({"tiers": ["memory"], "unreachable": "origin"}, "unreachable", "tier that is shared"),
        ({"tiers": ["kv"], "write_only_if_changed": True}, "write_only_if_changed", "background"),
    ],
)
def test_a_setting_of_what_a_design_has_not_is_an_error(
    words: dict[str, Any], setting: str, lacking: str
) -> None:
    (fault,) = told(designs=["l1-kv", {"name": "mine", **words}])
    assert fault.startswith(f"designs.1.{setting}: nothing uses it, since mine has no ")
    assert lacking in fault
    assert fault.endswith("; leave it out")
    today = told(today={"name": "mine", **words})
    assert today == ([] if setting == "clean_up_every_s" else [fault.replace("designs.1", "today")])


def test_every_setting_of_a_design_that_may_do_nothing_is_known_by_what_it_takes() -> None:
    assert LACKING.keys() >= SETTABLE.keys()
    for name in LACKING.keys() - {"kv_cache_ttl_s", "redis_gb"}:
        assert name in Design.model_fields
        assert isinstance(used(name, BUILT_IN["l1-kv"]), bool)


@pytest.mark.parametrize(
    ("name", "held", "fault"),
    [
        ("origin-only", {"l2_ttl_s": 600}, "nothing uses it, since origin-only has no tier that"),
        ("l1-only", {"l2_ttl_s": 600}, "nothing uses it, since l1-only has no tier that is shared"),
        ("kv-only", {"l1_ttl_s": 60}, "nothing uses it, since kv-only has no memory among"),
        ("l1-kv", {"objects": 3}, "nothing uses it, since l1-kv has no Durable Objects among"),
        ("l1-only", {"kv_cache_ttl_s": 60}, "nothing uses it, since l1-only has no KV among"),
        ("l1-kv", {"l1_ttl_s": 5_000}, "5000 is not what the knob l1_ttl_s may be, 60 or 300 or"),
        ("l1-kv", {"l2_ttl_s": 60}, "60 is not what the knob l2_ttl_s may be, 600 to 86400: hold"),
        ("mine", {"l1_ttl_s": 60}, "60 here, and 300 where the design mine is described; say it"),
    ],
)
def test_a_knob_held_where_it_turns_nothing_or_where_it_may_not_be_is_an_error(
    name: str, held: dict[str, float], fault: str
) -> None:
    mine = {"name": "mine", "tiers": ["memory", "kv"], "l1_ttl_s": 300}
    ranged = {"l2_ttl_s": {"value": 3_600, "low": 600, "high": 86_400, "why": "w"}}
    designs = ["origin-only", "l1-only", "kv-only", "l1-kv", mine]
    (said,) = told(designs=designs, knobs=ranged, options={name: {"settings": held}})
    assert said.startswith(f"options.{name}.settings.{next(iter(held))}: {fault}")


def test_a_knob_may_be_held_at_what_it_may_be_or_where_nothing_bounds_it() -> None:
    ranged = {"l2_ttl_s": {"value": 3_600, "low": 600, "high": 86_400, "why": "w"}}
    held = {"l1_ttl_s": 1_200, "l2_ttl_s": 86_400, "l1_max_entries": 9, "kv_cache_ttl_s": 60}
    assert told(knobs=ranged, options={"l1-kv": {"settings": held}}) == []
    (said,) = told(today="l1-kv", options={"l1-kv-set-anew": {"settings": {"objects": 9}}})
    assert "since l1-kv-set-anew has no Durable Objects" in said


def test_a_knob_that_turns_nothing_is_an_error_but_for_the_lives_which_all_must_give() -> None:
    objects = {"objects": {"values": [1, 4], "unit": "objects", "why": "w"}}
    assert told(knobs=objects) == [
        "knobs.objects: nothing uses it: no design has Durable Objects among its tiers; leave it "
        "out"
    ]
    assert told(knobs=objects, designs=["l1-kv", "durable-object"]) == []
    assert told(designs=["origin-only"]) == []


@pytest.mark.parametrize(
    ("said", "on"),
    [
        ({"peak_hour": 20}, "daily_swing"),
        ({"peak_hours": {"AMS": 20}}, "daily_swing"),
        ({"burst_s": 3}, "burst_share"),
        ({"burst_requests": 3}, "burst_share"),
    ],
)
def test_how_traffic_swings_and_bursts_is_said_of_traffic_that_does(
    said: dict[str, Any], on: str
) -> None:
    (name,) = said
    (fault,) = told(workload=said)
    assert fault.startswith(f"workload.{name}: nothing uses it while {on} is 0; say how much")
    assert told(workload=said | {on: 0.3}) == []
    assert LEANS_ON[name] == on


def test_what_a_log_says_of_traffic_is_all_of_use_to_a_case() -> None:
    seen = BASE["workload"] | {"daily_swing": 0, "peak_hour": 20, "burst_requests": 3, "burst_s": 3}
    told = Fit(Workload.model_validate(seen), 9, 9.0, 0.0, {60: (0.5, 0.5)}).as_dict()["workload"]
    assert idle(Workload.model_validate(seen)) == ["peak_hour", "burst_requests", "burst_s"]
    assert told == BASE["workload"]


def test_how_isolates_are_scaled_is_said_where_they_are() -> None:
    servers = {"designs": ["memory-only"], "against": "memory-only"}
    for name, value in (("isolates_at_least", 2), ("isolates_scaled_every_s", 600)):
        (fault,) = told(platform=SERVERS | {name: value}, **servers)
        assert fault.startswith(f"platform.{name}: nothing uses it without isolate_requests_per_s")
    scaled = SERVERS | {"isolates_at_least": 2, "isolate_requests_per_s": 9.0}
    assert told(platform=scaled, **servers) == []


CASE = """
title: t
question: q
system: {name: n, summary: s}
workload: {requests_per_month: 9_000, keys: 5, zipf: 1, value_bytes: 9, reads_per_write: 9,
  colos: {FRA: 1}, daily_swing: 0.3, peak_hour: 20}
assumptions:
  value_life_s: {value: 9_000, low: 90, high: 90_000, unit: s, why: w}
knobs:
  l1_ttl_s: {value: 60, low: 10, high: 600, why: w}
  l2_ttl_s: {value: 600, low: 100, high: 6_000, why: w}
designs: [l1-only, l1-kv]
options: {l1-kv: {settings: {l1_ttl_s: 90}}}
criteria: {minimise: bill_usd}
"""


def test_a_setting_that_turns_off_what_the_file_leans_on_is_no_fault_of_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(CASE, "utf-8")
    assert load_case(path, {"daily_swing": 0}).workload.daily_swing == 0
    assert load_case(path, {"l1_ttl_s": 30}).settings["l1_ttl_s"] == 30
    with pytest.raises(
        InvalidFileError, match=r"-p designs.l1-only.l2_ttl_s=600: designs.l1-only.l2_"
    ):
        load_case(path, {"designs.l1-only.l2_ttl_s": 600})
    path.write_text(CASE.replace("daily_swing: 0.3, ", ""), "utf-8")
    with pytest.raises(InvalidFileError, match=r"case.yaml:6: workload.peak_hour: nothing uses it"):
        load_case(path)
