"""Options that no other beats in everything that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachelib.model.case.criteria import Criteria, finite
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.options import Option


def front(
    criteria: Criteria, options: Sequence[Option], measured: Mapping[str, Mapping[str, float]]
) -> list[Option]:
    """Those of which no other is materially better in one metric and worse in none."""
    limits = [limit.metric for limit in criteria.limits]
    names = [*dict.fromkeys([*criteria.weights, *limits])]
    return [
        one
        for one in options
        if not any(
            _beats(criteria, names, measured[other.name], measured[one.name])
            for other in options
            if other != one
        )
    ]


def _beats(
    criteria: Criteria, names: Sequence[str], one: Mapping[str, float], other: Mapping[str, float]
) -> bool:
    better = False
    for name in names:
        if not (finite(one[name]) and finite(other[name])):
            return False
        ahead = METRICS[name].sign * (other[name] - one[name])
        if ahead < 0:
            return False
        better |= ahead > criteria.tolerance(name, one[name])
    return better
