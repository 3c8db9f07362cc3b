"""What matters for Durable Objects alone: the way to them, and what one of them can take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cachelib.model.case.criteria import Criteria
from cachelib.model.engines.result import Result
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.colos import REGION_NAMES
from cachelib.model.traffic.generator import MONTH_S

Weighted = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def way_ms(study: Study) -> Weighted:
    """Round trips in ms and their weights: each colo's traffic to each place of an object."""
    at, platform = study.setting, study.platform
    trips = platform.rtt_base_ms + platform.path_factor * at.trips.to_home
    return trips.ravel(), np.outer(at.weights, at.trips.home_share).ravel()


def quantile(weighted: Weighted, q: float) -> float:
    """The smallest value that a share `q` of the weight does not exceed."""
    values, weights = weighted
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, q)])


def busiest_load(study: Study) -> float:
    """The busiest key's requests a second, as a share of what one object answers."""
    rate = study.requests_per_month / MONTH_S * float(study.setting.keys.share.max())
    return rate / study.platform.do_requests_per_s


def full_at(study: Study) -> float:
    """Requests a month at which the busiest object can take no more."""
    return study.requests_per_month / busiest_load(study)


def by_region(results: Mapping[str, Result]) -> pd.DataFrame:
    """Reads and times by region, for each result how long half and 95 in 100 of them take."""
    rows: dict[str, dict[str, float]] = {}
    for name, result in results.items():
        for region, numbers in result.latency_by_region.items():
            row = rows.setdefault(region, {"reads": numbers["reads"]})
            row |= {
                f"{name}: half answered within": numbers["p50_ms"],
                f"{name}: 95 in 100 within": numbers["p95_ms"],
            }
    table = pd.DataFrame(rows).T.sort_values("reads", ascending=False)
    return table.rename(index=REGION_NAMES).rename_axis("region")


def regions_faster(
    results: Mapping[str, Result], name: str, criteria: Criteria
) -> tuple[list[str], list[str]]:
    """The regions where half of the readers wait less with `name` than with the other, and more.

    Where the two differ by less than matters to the case they are neither.
    """
    table = by_region(results)
    (other,) = results.keys() - {name}
    theirs = table[f"{other}: half answered within"]
    longer = table[f"{name}: half answered within"] - theirs
    least = theirs.map(lambda ms: criteria.tolerance("p50_ms", ms))
    return list(table.index[longer < -least]), list(table.index[longer > least])
