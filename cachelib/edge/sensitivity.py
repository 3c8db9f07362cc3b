"""How sure a choice is: draws over every assumption, one at a time, and where the answer flips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from SALib.analyze import rbd_fast
from scipy.stats import qmc, triang

from cachelib.edge.decision import predict
from cachelib.edge.estimate.setting import Array
from cachelib.edge.platform import Assumption
from cachelib.edge.study import Study

NOBODY = -1
Draws = Mapping[str, Array]


def ranges(study: Study) -> dict[str, Assumption]:
    """Every assumption that has a range, hours of work as `hours:design`."""
    hours = {f"hours:{name}": number for name, number in study.case.criteria.hours.items()}
    return {
        name: number
        for name, number in (study.case.assumed | hours).items()
        if number.low < number.high
    }


def draw(study: Study, draws: int, seed: int) -> dict[str, Array]:
    """A Latin hypercube over the assumptions, each from a triangle with its top at the value.

    Where the range spans more than a factor of four, the triangle is over the logarithm.
    """
    assumed = ranges(study)
    cube = qmc.LatinHypercube(len(assumed), rng=np.random.default_rng(seed)).random(draws)
    return {
        name: _spread(number, cube[:, column])
        for column, (name, number) in enumerate(assumed.items())
    }


def _spread(number: Assumption, share: Array) -> Array:
    low, top, high = number.low, number.value, number.high
    if low > 0 and high > 4 * low:
        logs: Array = np.exp(_triangle(share, *np.log([low, top, high])))
        return logs
    return _triangle(share, low, top, high)


def _triangle(share: Array, low: float, top: float, high: float) -> Array:
    quantiles: Array = triang.ppf(share, (top - low) / (high - low), low, high - low)
    return quantiles


@dataclass(frozen=True)
class Outcome:
    """Designs' metrics over draws: `score` is what is minimised, infinite where a limit breaks.

    Arrays have shape (designs, draws).
    """

    designs: tuple[str, ...]
    score: Array
    raw: Array

    @property
    def winner(self) -> npt.NDArray[np.int64]:
        """The number of the best design in each draw, or `NOBODY`."""
        best = self.score.argmin(axis=0)
        return np.where(np.isfinite(self.score.min(axis=0)), best, NOBODY)

    @property
    def shares(self) -> dict[str, float]:
        """The share of draws in which each design wins."""
        return {
            name: float((self.winner == nth).mean()) for nth, name in enumerate(self.designs)
        } | (
            {"none": float((self.winner == NOBODY).mean())} if (self.winner == NOBODY).any() else {}
        )


def outcomes(study: Study, numbers: Draws, designs: Sequence[str] | None = None) -> Outcome:
    """Every design in every draw, by formula."""
    names = tuple(designs or study.case.design_names)
    criteria = study.case.criteria
    n = max((np.size(values) for values in numbers.values()), default=1)
    score, raw = np.empty((len(names), n)), np.empty((len(names), n))
    for row, name in enumerate(names):
        metrics = predict(study, name, **numbers)
        raw[row] = metrics[criteria.minimise]
        kept = np.ones(n, bool)
        for limit in criteria.limits:
            value = metrics[limit.metric]
            kept &= np.ones(n, bool) if limit.at_most is None else value <= limit.at_most
            kept &= np.ones(n, bool) if limit.at_least is None else value >= limit.at_least
        score[row] = np.where(kept, raw[row], np.inf)
    return Outcome(names, score, raw)


def influence(draws: Draws, margin: Array, seed: int) -> dict[str, float]:
    """The share of the margin's variance that each assumption explains alone (RBD-FAST)."""
    names = list(draws)
    problem = {
        "num_vars": len(names),
        "names": names,
        "bounds": [[float(draws[name].min()), float(draws[name].max())] for name in names],
    }
    inputs = np.column_stack([draws[name] for name in names])
    found = rbd_fast.analyze(problem, inputs, margin, num_resamples=10, seed=seed)
    explained = dict(zip(names, np.maximum(found["S1"], 0).tolist(), strict=True))
    return dict(sorted(explained.items(), key=lambda item: -item[1]))


@dataclass(frozen=True)
class Swing:
    """What is minimised, winner less runner-up, with one assumption at its low and its high."""

    name: str
    low: float
    high: float


def tornado(study: Study, first: str, second: str) -> list[Swing]:
    """One assumption at a time from its low to its high; the widest swing first."""
    swings = []
    for name, number in ranges(study).items():
        raw = outcomes(study, {name: np.array([number.low, number.high])}, (first, second)).raw
        low, high = (raw[0] - raw[1]).tolist()
        swings.append(Swing(name, low, high))
    return sorted(swings, key=lambda swing: -abs(swing.high - swing.low))


@dataclass(frozen=True)
class Flip:
    """Where the choice changes as one number grows: from `before` to `after` at `value`."""

    name: str
    value: float
    before: str
    after: str


def flips(study: Study, name: str, low: float, high: float) -> list[Flip]:
    """Every change of the winner as `name` goes from `low` to `high`, found by root search."""
    grid = np.geomspace(low, high, 121)
    result = outcomes(study, {name: grid})
    winners = result.winner
    labels = (*result.designs, "none")
    return [
        Flip(
            name,
            _root(study, name, grid[i], grid[i + 1]),
            labels[winners[i]],
            labels[winners[i + 1]],
        )
        for i in np.flatnonzero(np.diff(winners)).tolist()
    ]


def _root(study: Study, name: str, low: float, high: float) -> float:
    """The first change of the winner between two values: a 32-fold section, four times over."""
    for _ in range(4):
        grid = np.geomspace(low, high, 33)
        at = int(np.flatnonzero(np.diff(outcomes(study, {name: grid}).winner))[0])
        low, high = grid[at], grid[at + 1]
    return float(np.sqrt(low * high))
