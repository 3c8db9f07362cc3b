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


def designs(study: Study) -> dict[str, Design]:
    """The policies by name, all with the case's TTLs."""
    base = study.design("l1-kv")
    ttl = base.hard_ttl_s
    changes: dict[str, dict[str, object]] = {
        "kept by the application": {
            "policy": "clean-up",
            "clean_up_every_s": _clean_up_every_s(study),
        },
        "expired by KV": {},
        "refreshed, then expired": {"policy": "soft-hard", "soft_ttl_s": ttl, "l2_ttl_s": 2 * ttl},
        "refreshed, never expired": {"policy": "refresh"},
        "refreshed, written only if changed": {"policy": "refresh", "write_only_if_changed": True},
    }
    return {
        name: Design.model_validate(base.model_dump() | {"name": name} | change)
        for name, change in changes.items()
    }


def _clean_up_every_s(study: Study) -> float:
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
        "KV deletes and lists": month["kv_deletes"] + month["kv_lists"],
        "oldest answer": result.age.quantile(1),
    }
