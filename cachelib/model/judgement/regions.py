"""Where a claim holds: the values of one number for which a metric lies in the asserted range."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from cachelib.model.case.claims import Claim
from cachelib.model.case.metrics import known_metric
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study

POINTS, SECTIONS = 121, 33
WORDS = {
    "requests_per_month": "requests a month",
    "l2_ttl_s": "s of life in L2",
    "l1_ttl_s": "s of life in L1",
    "origin_ms": "ms at the origin",
    "value_life_s": "s for which a value stays true",
    "isolates_per_colo": "isolates in each data centre",
}


def metric(study: Study, of: str, over: str, values: Array) -> Array:
    """A design's metric, `design.metric`, at other values of one number; shape (values,).

    The design is as it is set today; traffic grows as the case says.
    """
    name, _, what = of.partition(".")
    option = Option(study.case.design(name), {})
    found = Model(study, (option,)).values(option, {over: values}, [known_metric(what)])
    return found[what]


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
    """To two digits; what is large by its name: 13 billion."""
    rounded = float(f"{value or 0:.2g}")
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if rounded >= size:
            return f"{rounded / size:,g} {name}"
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def table(study: Study) -> pd.DataFrame:
    """Every claim that has a region to search, and where it holds."""
    searched = [claim for claim in study.case.claims if claim.region]
    return pd.DataFrame(
        {
            "claim": [claim.id for claim in searched],
            "holds when": [holds_when(study, claim) for claim in searched],
        }
    ).set_index("claim")
