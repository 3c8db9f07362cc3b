"""Small cases for the tests of the judgement, each a few words over a common one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cachelib.model.case.case import Case
from cachelib.model.case.checks import faults
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.taken import Taken
from cachelib.model.traffic.sampling import Sample
from cachelib.model.traffic.trace import READ, Trace

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
    """The common case with other sections; a section that is a mapping is merged into.

    Its origin asks a model, but where no price book of the platform's has a meter for that.
    """
    given = copy.deepcopy(BASE)
    if changes.get("platform", {}).get("profile") in ("aws-lambda", "servers-redis"):
        del given["assumptions"]["origin_neurons"]
    for name, value in changes.items():
        old = given.get(name)
        given[name] = old | value if isinstance(old, dict) and isinstance(value, dict) else value
    return given


def small(
    seed: int = 1, log: Path | None = None, reading: dict[str, Any] | None = None, **changes: Any
) -> Study:
    """A study of it; raises `ValueError` for what `cachelib check` would refuse."""
    case = Case.model_validate(raw(**changes) | ({"log": reading} if reading else {}))
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


def of(trace: Trace, log: bool = True, **changes: Any) -> Study:
    """A study of these very requests, as of a log of them, or as if a month had been made so."""
    study = small(log=Path("not read.csv") if log else None, **changes)
    asked = np.bincount(trace.key, minlength=len(trace.keys)).astype(np.float64)
    vars(study)["_taken"] = Taken(trace, Sample(), asked, asked, 1.0)
    return study


def requests(
    time_s: Sequence[float], key: Sequence[int], *, colo: Sequence[int] | None = None,
    op: Sequence[int] | None = None, size: Sequence[int] | None = None,
    colos: Sequence[str] = ("FRA", "SYD", "IAD"),
) -> Trace:  # fmt: skip
    """Requests by hand: numbers of keys and places, reads of 100 bytes in the first place."""
    n = len(time_s)
    return Trace(
        time_s=np.array(time_s, np.float64),
        key=np.array(key, np.int32),
        colo=np.array(colo or [0] * n, np.int16),
        op=np.array(op or [READ] * n, np.uint8),
        size=np.array(size or [100] * n, np.int32),
        keys=[f"k{nth}" for nth in range(max(key, default=-1) + 1)],
        colos=list(colos),
    )


def known(unit: str, **values: float) -> dict[str, Any]:
    """Assumptions that are certain."""
    return {
        name: {"value": n, "low": n, "high": n, "unit": unit, "why": "w"}
        for name, n in values.items()
    }


FAST_KV = known("ms", kv_central_ms=20) | known("sigma", kv_near_jitter=0.3, kv_far_jitter=0.3)
"""Where KV's own time is short beside the way to it, and varies as all times do."""
