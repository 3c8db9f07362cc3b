"""Cases whose numbers lie anywhere that `check` allows: nothing, far too much, with no range."""

from __future__ import annotations

from random import Random
from typing import Any

from cachelib.model.case.choices import WHOLE, turns
from cachelib.model.case.names import ASSUMPTIONS, HOURS, KNOBS, TTLS, Number
from cachelib.model.platforms.profile import FIRST, shipped
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.joining import MOST
from cachelib.model.tiers.registry import FAILURES
from cachelib.model.traffic.workload import Workload, idle

EXTREMES = (0.0, 1e-12, 0.001, 1.0, 1_000.0, 1e6, 1e15)
DESIGNS: tuple[dict[str, Any], ...] = (
    {"name": "origin-only", "l1": False},
    {"name": "l1-only"},
    {"name": "l1-kv", "l2": "kv"},
    {"name": "l1-kv-fixed", "l2": "kv", "policy": "refresh"},
    {"name": "durable-object", "l1": False, "l2": "durable-object"},
    {"name": "l1-cache-api", "l2": "cache-api"},
    {"name": "l1-r2", "l2": "r2"},
    {"name": "renewed", "l2": "kv", "policy": "soft-hard", "soft_ttl_s": 720, "l2_ttl_s": 900},
    {"name": "cleaned", "l2": "kv", "policy": "clean-up", "l2_ttl_s": 600},
    {"name": "compared", "l2": "kv", "policy": "refresh", "write_only_if_changed": True},
    {"name": "sliding", "l2": "kv", "expiry": "sliding", "l1_max_entries": 2},
    {"name": "own-life", "l2": "r2", "expiry": "independent", "l1_max_bytes": 1_000},
    {"name": "few-objects", "l2": "durable-object", "objects": 4},
    {"name": "in-front", "tiers": ["workers-cache"]},
)
LIMITS = (
    {"metric": "p95_ms", "at_most": 2_000},
    {"metric": "late_share", "at_most": 0.15, "low": 0.1, "high": 0.2},
    {"metric": "bill_usd", "at_most": 100, "costs": 2},
    {"metric": "hit_ratio", "at_least": 0.5},
    {"metric": "availability", "at_least": 0.999},
)
AIMS = ("monthly_cost_usd", "bill_usd", "origin_loads_per_month", "mean_ms", "p95_ms", "late_share")
LIVELY = {"reads_per_write", "zipf", "value_bytes", "daily_swing", "burst_share", "burst_requests",
          "burst_s", "drift_per_day", "new_keys_per_day"}  # fmt: skip
ITS_OWN = ("origin.cpu_hours", "origin.gb_out")  # meters of which no book says the price
WHY = "drawn by a test"
FAILING = [name for name in FAILURES if not shipped(FIRST).lacks(name)]
THERE = [name for name in ASSUMPTIONS if not shipped(FIRST).lacks(name)]


def draw(chance: Random) -> dict[str, Any]:
    """A case as a file would say it."""
    designs = chance.sample(DESIGNS, 2)
    names = [design["name"] for design in designs]
    case: dict[str, Any] = {
        "title": "Any", "question": "Which?", "system": {"name": "any", "summary": "Any numbers."},
        "workload": {"requests_per_month": 300, "keys": chance.choice([1, 5]), "zipf": 1,
                     "value_bytes": 100, "colos": {"AMS": 2, "FRA": 1}},
        "assumptions": {name: _assumption(chance, name) for name in _some(chance, THERE)},
        "knobs": {name: _knob(chance, name) for name in _some(chance, KNOBS)},
        "options": {name: {"hours": _three(chance, HOURS)} for name in _some(chance, names)},
        "designs": designs,
        "prices": {meter: chance.choice([0, 0.09, 1e6]) for meter in ITS_OWN},
        "criteria": {"minimise": chance.choice(AIMS),
                     "late_after_s": chance.choice([0, 30, 1e15]),
                     "limits": [limit | {"why": WHY} for limit in _some(chance, LIMITS)]},
    }  # fmt: skip
    for name in _some(chance, LIVELY):
        case["workload"][name] = chance.choice(_allowed(_bounds_of(name)))
    case["workload"]["value_bytes"] = int(case["workload"]["value_bytes"])
    needed = {"value_life_s", "hourly_rate_usd"} - case["assumptions"].keys()
    case["assumptions"] |= {name: _assumption(chance, name) for name in sorted(needed)}
    case["assumptions"] |= {
        name: case["assumptions"].get(name, _assumption(chance, name)) for name in FAILING
    }
    for name in ("l1_ttl_s", "l2_ttl_s"):
        case["assumptions"].pop(name, None)
        case["knobs"].setdefault(name, _knob(chance, name))
    if "origin_trips" in case["assumptions"]:  # which nothing else uses
        case["platform"] = {"origin_at": "SYD", "worker_at": "smart"}
    _leave_out_what_nothing_uses(case)
    if chance.random() < 0.5:
        case["today"] = chance.choice(names)
    if chance.random() < 0.3:
        case["growth"] = {"low": 0.001, "high": 1_000, "writes": "in proportion", "keys": "fixed"}
    return case


def _leave_out_what_nothing_uses(case: dict[str, Any]) -> None:
    made = [Design.model_validate(design) for design in case["designs"]]
    for name in sorted(case["knobs"].keys() - {*TTLS}):
        if not any(turns(name, design) for design in made):
            del case["knobs"][name]
    if not any(design.front for design in made):
        for name in ("workers_cache_assets", "workers_cache_calls"):
            case["assumptions"].pop(name, None)
    for name in idle(Workload.model_validate(case["workload"])):
        del case["workload"][name]


def _some(chance: Random, of: Any) -> list[Any]:
    """Each or not, or all but a few, or a few."""
    share = chance.choice([0.1, 0.5, 0.9])
    return [one for one in (sorted(of) if isinstance(of, set) else of) if chance.random() < share]


def _bounds_of(name: str) -> Number:
    said = Workload.model_json_schema()["properties"][name]
    said = next((kind for kind in said.get("anyOf", ()) if kind["type"] == "number"), said)
    below = said.get("exclusiveMaximum")
    most = said["maximum"] if below is None else below - 0.001
    return Number("", said.get("exclusiveMinimum"), said.get("minimum"), most)


def _allowed(number: Number) -> list[float]:
    """The extremes that a number may have, and its own bounds."""
    own = (number.least, number.most)
    ends = [*EXTREMES, *(end for end in own if end is not None and end <= 1e15)]
    return sorted({end for end in ends if number.fault(end) is None})


def _three(chance: Random, number: Number) -> dict[str, Any]:
    allowed = _allowed(number)
    low, value, high = sorted(chance.choices(allowed, k=3))
    if chance.random() < 0.4:
        low = high = value
    return {"low": low, "value": value, "high": high, "unit": number.unit, "why": WHY}


def _assumption(chance: Random, name: str) -> dict[str, Any]:
    return _three(chance, ASSUMPTIONS[name])


def _knob(chance: Random, name: str) -> dict[str, Any]:
    allowed = _allowed(KNOBS[name])
    if name == "kv_cache_ttl_s":
        allowed = [30.0, 1e15]  # what KV allows
    if name in WHOLE:
        allowed = [1.0, 1e9]
    if name == "joined":
        allowed = [1.0, MOST]
    if chance.random() < 0.5:
        return {"values": chance.choices(allowed, k=2), "why": WHY}
    low, high = sorted(chance.choices(allowed, k=2))
    return {"low": low, "high": high, "why": WHY}
