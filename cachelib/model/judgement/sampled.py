"""Numbers from a sample of keys, each with its error beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from cachelib.model.engines.shards.sample import Estimates

SURE = 0.95
"""How often a number lies within its error, over samples of other keys."""


def with_errors(found: Estimates, told: Any) -> Any:
    """What `told` makes of a result, each number as `estimate` and `plus_or_minus`.

    The error is that of any number whatever, a bill or a quantile: it is told of the results
    without each group of keys, too, and of those with another class of popularity.
    """
    return _beside(
        told(found.result),
        [told(r) for r in found.without],
        [told(r) for r in found.instead],
        2.0**found.gap - 1,
    )


def _beside(value: Any, without: Sequence[Any], instead: Sequence[Any], reach: float) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _beside(each, _each(without, name), _each(instead, name), reach)
            for name, each in value.items()
        }
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return {"estimate": value, "plus_or_minus": _error(value, without, instead, reach)}


def _each(all_: Sequence[Any], name: str) -> list[Any]:
    """What each says there; one that does not name a count has none."""
    return [one.get(name, 0) if isinstance(one, Mapping) else 0 for one in all_]


def _error(value: float, without: Sequence[Any], instead: Sequence[Any], reach: float) -> float:
    """A share of a key's requests may grow with how often it is asked for, as hits in a memory do,
    and double with each class that nobody speaks for: `reach` times the difference of classes."""
    others = np.array([_number(each) for each in without])
    n = len(others)
    spread = (n - 1) / n * ((others - others.mean()) ** 2).sum()
    unseen = max((abs(_number(each) - value) for each in instead), default=0.0)
    return float(stdtrit(n - 1, (1 + SURE) / 2) * np.sqrt(spread) + reach * unseen)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def summary(found: Estimates, rate: float) -> dict[str, Any]:
    """What was taken, and how far its numbers are to be believed."""
    return {
        "share_of_keys": rate,
        "keys": found.keys,
        "requests": found.requests,
        "sure": SURE,
        "says": f"estimates from {found.keys:,} keys, {100 * rate:g} per cent, chosen at random: "
        f"in {100 * SURE:g} of 100 samples a number lies within its plus_or_minus",
    }
