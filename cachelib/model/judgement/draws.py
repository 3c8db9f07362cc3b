"""Draws over everything that nobody knows: assumptions, hours, limits, traffic. Never knobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cachelib.model.case.criteria import Shape
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Assumption
from cachelib.model.tiers.registry import ALL, owners

CHANCE = "chance"
_FAR = 6**0.5  # a triangle from minus to plus this has the spread of one standard error
A_LOG_S = Assumption(
    value=0, low=-_FAR, high=_FAR, unit="standard errors",
    why="another log, as long and as much of a sample as this one, would say something else",
)  # fmt: skip
WIDE = 4.0  # from this ratio of high to low on, what is drawn is the logarithm


def ranges(study: Study, options: Sequence[Option]) -> dict[str, Assumption]:
    """Everything that has a range: hours as `hours:design`, limits as `limit:metric`, traffic.

    And `CHANCE`, where the traffic is a log: in standard errors of every metric at once. Those of
    Workers Cache are left out where no option has it. Those of other tiers are drawn all the same:
    they decide nothing, but what is drawn beside them would change without them.
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
    if study.log is not None:
        everything[CHANCE] = A_LOG_S
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
    return Lots.over(study, options, draws, seed, shape).at({})


@dataclass(frozen=True)
class Lots:
    """Where draws lie within the ranges, whatever those are: `cube`, shape (draws, numbers)."""

    numbers: Mapping[str, Assumption]
    cube: Array
    shape: Shape

    @classmethod
    def over(
        cls, study: Study, options: Sequence[Option], draws: int, seed: int,
        shape: Shape | None = None,
    ) -> Lots:  # fmt: skip
        numbers = ranges(study, options)
        cube = _latin_hypercube(draws, len(numbers), np.random.default_rng(seed).spawn(1)[0])
        return cls(numbers, cube, shape or study.case.criteria.shape)

    def at(self, at: Mapping[str, float]) -> dict[str, Array]:
        """The draws; `at`: numbers that have another value than in the case, with the range that
        they would have then."""
        anew = {
            name: self._spread(name, moved(name, self.numbers[name], value))
            for name, value in at.items()
            if name in self.numbers
        }
        return {**self._here, **anew}

    @cached_property
    def _here(self) -> dict[str, Array]:
        return {name: self._spread(name, number) for name, number in self.numbers.items()}

    def _spread(self, name: str, number: Assumption) -> Array:
        return spread(number, self.cube[:, list(self.numbers).index(name)], self.shape)


def moved(name: str, number: Assumption, value: float) -> Assumption:
    """An assumption of another value: its range reaches there, that of traffic goes along."""
    low, high = number.low, number.high
    if name == "requests_per_month":
        low, high = low * value / number.value, high * value / number.value
    ends = {"low": min(low, value), "high": max(high, value)}
    return number.model_copy(update={"value": value, **ends})


# scipy.stats has this and the triangle's quantiles; importing it takes two seconds of every run.
def _latin_hypercube(draws: int, numbers: int, rng: np.random.Generator) -> Array:
    """Shares in (0, 1], shape (draws, numbers): each column has one in every `draws`-th part."""
    within = rng.uniform(size=(draws, numbers))
    places = np.tile(np.arange(1, draws + 1), (numbers, 1))
    for row in places:
        rng.shuffle(row)
    cube: Array = (places.T - within) / draws
    return cube


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
    rising = (top - low) / (high - low)
    falling = 1 - np.sqrt((1 - rising) * (1 - share))
    quantiles: Array = np.where(share < rising, np.sqrt(rising * share), falling)
    return quantiles * (high - low) + low
