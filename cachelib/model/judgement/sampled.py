"""Numbers from a sample of keys, each with its error beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from cachelib.model.engines.shards.sample import Estimates

ONE_EACH = ("l1_hits", "l2_hits", "origin_loads", "delayed_hits")
"""What a request does once at most."""
SURE = 0.95
"""How often a number lies within its error, over samples of other keys."""


def with_errors(found: Estimates, told: Any) -> Any:
    """What `told` makes of a result, each number as `estimate` and `plus_or_minus`.

    The error is that of any number whatever, a bill or a quantile: it is told of the results
    without each group of keys, too, and of those with another class of popularity.
    """
    unseen = found.unseen
    return _beside(
        told(found.result),
        [told(r) for r in found.without],
        [told(r) for r in found.instead],
        2.0**found.gap - 1,
        dict.fromkeys(ONE_EACH, unseen) | {"hit_ratio": unseen / max(found.result.reads, 1)},
    )


def _beside(
    value: Any, without: Sequence[Any], instead: Sequence[Any], reach: float,
    most: Mapping[str, float], name: str = "",
) -> Any:  # fmt: skip
    if isinstance(value, Mapping):
        return {
            inner: _beside(each, _each(without, inner), _each(instead, inner), reach, most, inner)
            for inner, each in value.items()
        }
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    error = _chance(without) + min(reach * _unseen(value, instead), most.get(name, np.inf))
    return {"estimate": value, "plus_or_minus": float(error)}


def _each(all_: Sequence[Any], name: str) -> list[Any]:
    """What each says there; one that does not name a count has none."""
    return [one.get(name, 0) if isinstance(one, Mapping) else 0 for one in all_]


def _chance(without: Sequence[Any]) -> float:
    """That other keys had been chosen."""
    others = np.array([_number(each) for each in without])
    n = len(others)
    spread = (n - 1) / n * ((others - others.mean()) ** 2).sum()
    return float(stdtrit(n - 1, (1 + SURE) / 2) * np.sqrt(spread))


def _unseen(value: float, instead: Sequence[Any]) -> float:
    """How far classes of popularity differ, of which one speaks for those without a chosen key.

    A share of a key's requests may grow with how often it is asked for, as hits in a memory do,
    and double with each class that nobody speaks for, so this is multiplied by their distance;
    but what a request does once at most, the unseen requests cannot do more often.
    """
    return max((abs(_number(each) - value) for each in instead), default=0.0)


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
