"""Draws over everything that nobody knows: assumptions, hours, limits, traffic. Never knobs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import qmc, triang

from cachelib.model.case.criteria import Shape
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Assumption
from cachelib.model.tiers.registry import ALL, owners

WIDE = 4.0  # from this ratio of high to low on, what is drawn is the logarithm


def ranges(study: Study, options: Sequence[Option]) -> dict[str, Assumption]:
    """Everything that has a range: hours as `hours:design`, limits as `limit:metric`, traffic.

    Those of Workers Cache are left out where no option has it. Those of other tiers are drawn all
    the same: they decide nothing, but what is drawn beside them would change without them.
    """
    case, there = study.case, {word for option in options for word in option.design.tiers}
    hours = {f"hours:{o.name}": o.hours for o in options if o.hours is not None}
    limits = {name: limit.range for name, limit in limit_names(case.criteria).items()}
    here, growth = study.requests_per_month, case.growth
    traffic = Assumption(
        value=here, low=here * growth.low, high=here * growth.high, unit="requests",
        why=growth.why or "what the traffic may be",
    )  # fmt: skip
    everything = {**case.assumed, **hours, **limits, "requests_per_month": traffic}
    return {
        name: number
        for name, number in everything.items()
        if number is not None
        and number.low < number.high
        and not _is_of_an_absent_front(name, there)
    }


def _is_of_an_absent_front(number: str, there: set[str]) -> bool:
    of = owners(number)
    return bool(of) and all(ALL[word].in_front for word in of) and not of & there


def draw(
    study: Study, options: Sequence[Option], draws: int, seed: int, shape: Shape | None = None
) -> dict[str, Array]:
    """A Latin hypercube over `ranges`, each from a triangle with its top at the value, or evenly.

    Where a range spans more than a factor of four, it is the logarithm that is so drawn.
    """
    drawn = ranges(study, options)
    shape = shape or study.case.criteria.shape
    cube = qmc.LatinHypercube(len(drawn), rng=np.random.default_rng(seed)).random(draws)
    return {
        name: spread(number, cube[:, column], shape)
        for column, (name, number) in enumerate(drawn.items())
    }


def spread(number: Assumption, share: Array, shape: Shape) -> Array:
    """The values of an assumption below which the given shares of it lie."""
    low, top, high = number.low, number.value, number.high
    if is_wide(number):
        ends = (float(np.log(end)) for end in (low, top, high))
        return np.clip(np.exp(_quantile(share, *ends, shape=shape)), low, high)
    return _quantile(share, low, top, high, shape=shape)


def is_wide(number: Assumption) -> bool:
    """Whether it is the logarithm of the number that is drawn."""
    return number.low > 0 and number.high > WIDE * number.low


def _quantile(share: Array, low: float, top: float, high: float, *, shape: Shape) -> Array:
    if shape == "uniform":
        return np.asarray(low + share * (high - low))
    quantiles: Array = triang.ppf(share, (top - low) / (high - low), low, high - low)
    return quantiles
