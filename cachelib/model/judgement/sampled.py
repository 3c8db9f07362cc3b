"""Numbers from a sample of keys, each with its error beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from cachelib.model.engines.shards.sample import Estimates

Numbers = npt.NDArray[np.float64]
Path = tuple[str, ...]
ONE_EACH = ("l1_hits", "l2_hits", "origin_loads", "delayed_hits")
"""What a request does once at most."""
SURE = 0.95
"""How often a number lies within its error, over samples of other keys."""


def with_errors(found: Estimates, told: Any) -> Any:
    """What `told` makes of a result, each number as `estimate` and `plus_or_minus`.

    The error is that of any number whatever, a bill or a quantile: it is told of the results
    without each group of keys, too, and of those with another class of popularity.
    """
    reach, unseen = 2.0**found.gap - 1, found.unseen
    most = dict.fromkeys(ONE_EACH, unseen) | {"hit_ratio": unseen / max(found.result.reads, 1)}

    def error(at: Path, value: float, without: Numbers, instead: Numbers) -> float:
        return chance(without) + min(reach * farthest(value, instead), most.get(at[-1], np.inf))

    others = ([told(r) for r in each] for each in (found.without, found.instead))
    return beside(told(found.result), error, *others)


def beside(value: Any, error: Callable[..., float], *others: Sequence[Any], at: Path = ()) -> Any:
    """Every number in `value` as `estimate` and `plus_or_minus`.

    `error` is told where the number stands, what it is, and what each of the `others` has there.
    """
    if isinstance(value, Mapping):
        return {
            name: beside(each, error, *(_each(o, name) for o in others), at=(*at, name))
            for name, each in value.items()
        }
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    numbers = (np.array([_number(each) for each in o]) for o in others)
    return {"estimate": value, "plus_or_minus": float(error(at, value, *numbers))}


def as_numbers(bill: Any) -> Any:
    """A bill whose decimals are numbers: of an estimate no cent is certain."""
    if isinstance(bill, Mapping):
        return {name: as_numbers(each) for name, each in bill.items()}
    with suppress(TypeError, ValueError):
        return bill if isinstance(bill, bool) else float(bill)
    return bill


def _each(all_: Sequence[Any], name: str) -> list[Any]:
    """What each says there; one that does not name a count has none."""
    return [one.get(name, 0) if isinstance(one, Mapping) else 0 for one in all_]


def chance(without: Numbers) -> float:
    """That other keys had been chosen."""
    n = len(without)
    spread = (n - 1) / n * ((without - without.mean()) ** 2).sum()
    return float(stdtrit(n - 1, (1 + SURE) / 2) * np.sqrt(spread))


def farthest(value: float, instead: Numbers) -> float:
    """How far classes of popularity differ, of which one speaks for those without a chosen key.

    A share of a key's requests may grow with how often it is asked for, as hits in a memory do,
    and double with each class that nobody speaks for, so this is multiplied by their distance;
    but what a request does once at most, the unseen requests cannot do more often.
    """
    return float(np.abs(instead - value).max(initial=0.0))


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
