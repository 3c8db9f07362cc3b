"""Small cases for the tests of the judgement, each a few words over a common one."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from cachelib.model.case.case import Case
from cachelib.model.case.checks import faults
from cachelib.model.judgement.study import Study

BASE: dict[str, Any] = {
    "title": "t",
    "question": "q",
    "system": {"name": "n", "summary": "s"},
    "workload": {
        "requests_per_month": 20_000, "reads_per_write": 50, "keys": 20, "zipf": 0.8,
        "value_bytes": 500, "colos": {"AMS": 2, "FRA": 1},
    },
    "assumptions": {
        "isolates_per_colo": {"value": 2, "low": 1, "high": 4, "unit": "isolates", "why": "w"},
        "value_life_s": {"value": 36_000, "low": 9_000, "high": 90_000, "unit": "s", "why": "w"},
        "hourly_rate_usd": {"value": 80, "low": 40, "high": 150, "unit": "USD", "why": "w"},
        "origin_ms": {"value": 300, "low": 100, "high": 900, "unit": "ms", "why": "w"},
        "origin_neurons": {"value": 60, "low": 20, "high": 200, "unit": "neurons", "why": "w"},
    },
    "knobs": {
        "l1_ttl_s": {"value": 300, "values": [60, 300, 1_200], "why": "w"},
        "l2_ttl_s": {"value": 3_600, "values": [600, 3_600, 14_400], "why": "w"},
    },
    "designs": ["origin-only", "l1-only", "l1-kv", "kv-only"],
    "criteria": {"minimise": "bill_usd"},
}  # fmt: skip


def raw(**changes: Any) -> dict[str, Any]:
    """The common case with other sections; a section that is a mapping is merged into."""
    given = copy.deepcopy(BASE)
    for name, value in changes.items():
        old = given.get(name)
        given[name] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    return given


def small(seed: int = 1, log: Path | None = None, **changes: Any) -> Study:
    """A study of it; raises `ValueError` for what `cachelib check` would refuse."""
    case = Case.model_validate(raw(**changes))
    for location, fault in faults(case, Path()):
        raise ValueError(f"{'.'.join(map(str, location))}: {fault}")
    return Study(case, seed=seed, log=log)


def hours(**by_design: float) -> dict[str, Any]:
    """Hours by design, underscores for hyphens, each between half and twice as many."""
    return {
        name.replace("_", "-"): {
            "value": n, "low": n / 2, "high": n * 2, "unit": "hours", "why": "w",
        }
        for name, n in by_design.items()
    }  # fmt: skip
