"""Ways to let values expire, for a memory in each isolate and KV behind."""

from __future__ import annotations

from cachelib.model.engines.result import Result
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design

UNITS = {
    "reads found": "ratio",
    "out of date": "ratio",
    "loads a month": "loads",
    "KV writes": "operations",
    "KV deletes and lists": "operations",
    "oldest answer": "s",
}
WRITTEN = ("kv_writes", "kv_deletes", "kv_lists")


def designs(study: Study) -> dict[str, Design]:
    """The policies by name, with the case's TTLs, and a soft one of its own where it has one."""
    base = study.design("l1-kv")
    changes: dict[str, dict[str, object]] = {
        "kept by the application": {
            "policy": "clean-up",
            "clean_up_every_s": clean_up_every_s(study),
        },
        "expired by KV": {},
        "refreshed, then expired": _soft(study, base.hard_ttl_s),
        "refreshed, never expired": {"policy": "refresh"},
        "refreshed, written only if changed": {"policy": "refresh", "write_only_if_changed": True},
    }
    return {
        name: Design.model_validate(base.model_dump() | {"name": name} | change)
        for name, change in changes.items()
    }


def _soft(study: Study, ttl_s: float) -> dict[str, object]:
    """When a value is refreshed and when it ends: as it is today, or else as in the option
    that refreshes in KV the soonest; where none does, when the others expire, and twice that."""
    case = study.case
    named = [study.design(name) for name in case.design_names]
    soft = [each for each in named if each.policy == "soft-hard" and each.l2 == "kv"]
    today = [each for each in soft if each.name == case.today_name]
    lives = sorted((each.refresh_after_s, each.hard_ttl_s) for each in today or soft)
    after, until = lives[0] if lives else (ttl_s, 2 * ttl_s)
    return {"policy": "soft-hard", "soft_ttl_s": after, "l2_ttl_s": until}


def clean_up_every_s(study: Study) -> float:
    """As it is, where the case says how it is."""
    today = study.case.today
    return (today if isinstance(today, Design) else study.case.design("l1-kv")).clean_up_every_s


def measure(result: Result, late_after_s: float) -> dict[str, float]:
    """What tells the policies apart; operations are per month.

    `late_after_s`: an answer that was superseded longer ago is out of date.
    """
    month = result.per_month()
    return {
        "reads found": result.hit_ratio,
        "out of date": result.late.share_above(late_after_s),
        "loads a month": month["origin_loads"],
        "KV writes": month["kv_writes"],
        "KV deletes and lists": operations(result) - month["kv_writes"],
        "oldest answer": result.age.quantile(1),
    }


def operations(result: Result) -> float:
    """Writes, deletes and lists in KV a month; lists on a schedule are not among those counted."""
    month = result.per_month()
    counted = sum(month[name] for name in WRITTEN)
    return float(counted + result.platform.lists_a_month)
