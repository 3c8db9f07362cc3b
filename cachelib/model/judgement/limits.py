"""Limits over options and draws: which are kept, by how much the others are missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import Array

Flags = npt.NDArray[np.bool_]


def limit_names(criteria: Criteria) -> dict[str, Limit]:
    """The limits by the names under which they are drawn: `limit:metric`, `limit:metric:2`."""
    named: dict[str, Limit] = {}
    for limit in criteria.limits:
        base = f"limit:{limit.metric}"
        name, nth = base, 2
        while name in named:
            name, nth = f"{base}:{nth}", nth + 1
        named[name] = limit
    return named


def excess(limit: Limit, value: Array | float, bound: Array | float) -> Array:
    """By how much a value lies beyond the bound, as a share of the bound; at most 0 if kept.

    Of a bound of 0, as a multiple of what is material.
    """
    scale = np.abs(bound)
    scale = np.where(scale > 0, scale, METRICS[limit.metric].tolerance(0.0) or 1.0)
    return np.asarray(limit.sign * (np.asarray(value) - np.asarray(bound)) / scale)


def bounds(criteria: Criteria, numbers: Mapping[str, Array]) -> dict[str, Array]:
    """Each limit's bound, drawn if it is among the numbers."""
    return {
        name: np.asarray(numbers.get(name, limit.bound), np.float64)
        for name, limit in limit_names(criteria).items()
    }


def broken(
    criteria: Criteria, values: Mapping[str, Array], numbers: Mapping[str, Array]
) -> dict[str, Flags]:
    """By limit, where it is broken; hard ones only. A value that is not known breaks none."""
    at = bounds(criteria, numbers)
    return {
        name: excess(limit, values[limit.metric], at[name]) > 0
        for name, limit in limit_names(criteria).items()
        if limit.costs is None
    }


def penalties(
    criteria: Criteria, values: Mapping[str, Array], numbers: Mapping[str, Array]
) -> Array | float:
    """What soft limits add to the score."""
    at = bounds(criteria, numbers)
    total: Array | float = 0.0
    for name, limit in limit_names(criteria).items():
        if limit.costs is not None:
            over = np.maximum(limit.sign * (values[limit.metric] - at[name]), 0)
            total = total + limit.costs * over
    return total


@dataclass(frozen=True)
class Miss:
    """A limit that an option breaks: its value, the bound, and the excess as a share of it."""

    option: str
    limit: Limit
    value: float
    excess: float


def misses(criteria: Criteria, option: str, values: Mapping[str, float]) -> list[Miss]:
    """The hard limits that an option breaks, the widest miss first."""
    found = [
        Miss(option, limit, values[limit.metric], over)
        for limit in criteria.limits
        if limit.costs is None
        and (over := float(excess(limit, values[limit.metric], limit.bound))) > 0
    ]
    return sorted(found, key=lambda miss: -miss.excess)


AS_NEAR = 0.01  # of a limit


def nearest(missed: Mapping[str, list[Miss]]) -> list[str]:
    """Of options that break limits, those whose widest miss is the narrowest, by name; what differs
    by less than a hundredth of a limit is as near."""
    widest = {name: misses[0].excess for name, misses in missed.items()}
    least = min(widest.values(), default=0.0)
    return sorted(name for name, excess in widest.items() if excess <= least + AS_NEAR)
