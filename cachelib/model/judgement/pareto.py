"""Options that no other beats in everything that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachelib.model.case.criteria import Criteria
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
    """What is not stated, NaN, is neither ahead nor behind."""
    ahead = {name: METRICS[name].sign * (other[name] - one[name]) for name in names}
    return all(by >= 0 for by in ahead.values()) and any(
        by > criteria.tolerance(name, one[name]) for name, by in ahead.items()
    )
