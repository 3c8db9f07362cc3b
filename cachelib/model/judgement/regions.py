"""Where a claim holds: the values of one number for which a metric lies in the asserted range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from cachelib.model.case.claims import Claim
from cachelib.model.engines.result import MONTH_S
from cachelib.model.formulas import Estimate
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.policies import designs
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd

POINTS, SECTIONS = 241, 33
WORDS = {
    "requests_per_month": "requests a month",
    "l2_ttl_s": "s of TTL in L2",
    "l1_ttl_s": "s of TTL in L1",
    "origin_ms": "ms at the origin",
    "value_life_s": "s for which a value stays true",
    "isolates_per_colo": "isolates in each data centre",
}


def metric(study: Study, of: str, over: str, values: Array) -> Array:
    """A design's metric, `design.metric`, at other values of one number; shape (values,)."""
    name, _, what = of.partition(".")
    if what in SPECIAL:
        return np.broadcast_to(SPECIAL[what](study, name, {over: values}), values.shape)
    if what not in PLAIN:
        known = ", ".join(sorted({*PLAIN, *SPECIAL}))
        raise ValueError(f"claims: region: {of!r}: unknown metric {what!r}; allowed: {known}")
    return np.broadcast_to(PLAIN[what](study.estimate(name, **{over: values})), values.shape)


PLAIN: dict[str, Callable[[Estimate], Array]] = {
    "hit_ratio": lambda month: month.hit_ratio,
    "origin_loads_per_month": lambda month: month.counts["origin_loads"],
    "p50_ms": lambda month: month.waits.quantile_ms(0.5),
    "p95_ms": lambda month: month.waits.quantile_ms(0.95),
}
Numbers = dict[str, Array]


def _loads_saved(study: Study, name: str, at: Numbers) -> Array:
    with_l2, without = study.estimate(name, **at), study.estimate("l1-only", **at)
    return 1 - with_l2.counts["origin_loads"] / without.counts["origin_loads"]


def _l2_speed_up(study: Study, name: str, at: Numbers) -> Array:
    hit = study.estimate(name, **at | {"origin_ms": np.zeros(1)}).waits.quantile_ms(0.5)
    return study.estimate("origin-only", **at).waits.quantile_ms(0.5) / hit


def _writes_saved(study: Study, name: str, at: Numbers) -> Array:
    fixed = study.estimate(name, **at).counts
    audited = study.estimate(designs(study)["as audited"], **at).counts
    return 1 - fixed["kv_writes"] / sum(audited[n] for n in ("kv_writes", "kv_deletes", "kv_lists"))


def _busiest_load(study: Study, name: str, at: Numbers) -> Array:
    rate = study.setting.but(**at)["requests_per_month"].ravel() / MONTH_S
    busiest: Array = rate * study.setting.keys.share.max() / study.platform.do_requests_per_s
    return busiest


def _cost_over_durable_object(study: Study, name: str, at: Numbers) -> Array:
    here = study.setting.but(**at)
    bills = [
        monthly_usd(study.case.design(n), study.estimate(n, **at), here)
        for n in (name, "durable-object")
    ]
    return bills[0] / bills[1]


SPECIAL: dict[str, Callable[[Study, str, Numbers], Array]] = {
    "loads_saved": _loads_saved,
    "l2_speed_up": _l2_speed_up,
    "writes_saved": _writes_saved,
    "busiest_load": _busiest_load,
    "cost_over_durable_object": _cost_over_durable_object,
}


def holds_when(study: Study, claim: Claim) -> str | None:
    """Where the claim holds, in words; None where it does so everywhere or nowhere it looked."""
    region = claim.region
    if region is None:
        return None
    grid = np.geomspace(region.low, region.high, POINTS)
    holding = _holding(study, claim, grid)
    if holding.all() or not holding.any():
        return None
    edges = [_edge(study, claim, grid[i], grid[i + 1]) for i in np.flatnonzero(np.diff(holding))]
    unit = WORDS.get(region.over, region.over)
    return " or ".join(_words(bool(holding[0]), edges, unit))


def _holding(study: Study, claim: Claim, grid: Array) -> Array:
    assert claim.region  # noqa: S101
    values = metric(study, claim.region.of, claim.region.over, grid)
    return np.array([claim.holds_for(value) for value in values.tolist()])


def _edge(study: Study, claim: Claim, low: float, high: float) -> float:
    """Where holding changes between two values, by repeated section."""
    for _ in range(4):
        grid = np.geomspace(low, high, SECTIONS)
        at = int(np.flatnonzero(np.diff(_holding(study, claim, grid)))[0])
        low, high = grid[at], grid[at + 1]
    return float(np.sqrt(low * high))


def _words(holds: bool, edges: list[float], unit: str) -> Iterator[str]:
    """The stretches that hold; `holds` says whether the first one does, below all edges."""
    bounds: list[float | None] = [None, *edges, None]
    for low, high in pairwise(bounds):
        if holds and low is None:
            yield f"below {_said(high)} {unit}"
        elif holds and high is None:
            yield f"above {_said(low)} {unit}"
        elif holds:
            yield f"from {_said(low)} to {_said(high)} {unit}"
        holds = not holds


def _said(value: float | None) -> str:
    return f"{float(f'{value or 0:.2g}'):,.0f}"


def table(study: Study) -> pd.DataFrame:
    """Every claim that has a region to search, and where it holds."""
    searched = [claim for claim in study.case.claims if claim.region]
    return pd.DataFrame(
        {
            "claim": [claim.id for claim in searched],
            "holds when": [holds_when(study, claim) for claim in searched],
        }
    ).set_index("claim")
