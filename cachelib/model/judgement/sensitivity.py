"""How sure a choice is: draws over every assumption, one at a time, and where the answer flips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import qmc, triang

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.decision import predict
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Assumption

NOBODY = -1
EQUAL = 1e-9  # designs that differ by less, relatively, differ by rounding
AT_ONCE = 64  # draws whose arrays fit a processor's cache
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
        """The number of the best design in each draw, of equals the first; or `NOBODY`."""
        least = self.score.min(axis=0)
        best = (self.score <= least + EQUAL * np.abs(least)).argmax(axis=0)
        return np.where(np.isfinite(least), best, NOBODY)

    @property
    def shares(self) -> dict[str, float]:
        """The share of draws in which each design wins."""
        return {
            name: float((self.winner == nth).mean()) for nth, name in enumerate(self.designs)
        } | (
            {"none": float((self.winner == NOBODY).mean())} if (self.winner == NOBODY).any() else {}
        )

    def lead(self, first: str, second: str) -> Array:
        """What is minimised in every draw, the first design's less the second's."""
        one, other = (self.raw[self.designs.index(name)] for name in (first, second))
        return np.where(np.abs(one - other) > EQUAL * np.abs(one), one - other, 0.0)


def outcomes(study: Study, numbers: Draws, designs: Sequence[str] | None = None) -> Outcome:
    """Every design in every draw, by formula."""
    names = tuple(designs or study.case.design_names)
    n = max((np.size(values) for values in numbers.values()), default=1)
    pieces = [
        _outcome(
            study,
            {name: values[start : start + AT_ONCE] for name, values in numbers.items()},
            names,
        )
        for start in range(0, n, AT_ONCE)
    ]
    return Outcome(
        names,
        np.concatenate([piece.score for piece in pieces], axis=1),
        np.concatenate([piece.raw for piece in pieces], axis=1),
    )


def _outcome(study: Study, numbers: Draws, names: tuple[str, ...]) -> Outcome:
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
    if np.ptp(margin) == 0:
        return {}
    from SALib.analyze import rbd_fast  # a second of imports that only this needs

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
        ends = {name: np.array([number.low, number.high])}
        low, high = outcomes(study, ends, (first, second)).lead(first, second).tolist()
        if abs(high - low) > 1e-6 * abs(low):
            swings.append(Swing(name, low, high))
    return sorted(swings, key=lambda swing: -abs(swing.high - swing.low))


@dataclass(frozen=True)
class Flip:
    """Where the choice changes as one number grows: from `before` to `after` at `value`."""

    name: str
    value: float
    before: str
    after: str


def flips(
    study: Study, name: str, low: float, high: float, designs: Sequence[str] | None = None
) -> list[Flip]:
    """Every change of the winner as `name` goes from `low` to `high`, found by root search."""
    grid = np.geomspace(low, high, 121)
    result = outcomes(study, {name: grid}, designs)
    winners = result.winner
    labels = (*result.designs, "none")
    return [
        Flip(
            name,
            _root(study, name, grid[i], grid[i + 1], designs),
            labels[winners[i]],
            labels[winners[i + 1]],
        )
        for i in np.flatnonzero(np.diff(winners)).tolist()
    ]


def _root(study: Study, name: str, low: float, high: float, designs: Sequence[str] | None) -> float:
    """The first change of the winner between two values: a 32-fold section, four times over."""
    for _ in range(4):
        grid = np.geomspace(low, high, 33)
        at = int(np.flatnonzero(np.diff(outcomes(study, {name: grid}, designs).winner))[0])
        low, high = grid[at], grid[at + 1]
    return float(np.sqrt(low * high))


def sweeps(study: Study) -> list[tuple[str, float, float]]:
    """The numbers whose growth may flip the choice: traffic, and assumptions over twice as far."""
    named = ("l1_ttl_s", "l2_ttl_s", "value_life_s", "origin_ms", "origin_neurons", "kv_read_ms",
             "isolates_per_colo", "hourly_rate_usd")  # fmt: skip
    assumed = ranges(study)
    wide = [
        (name, max(assumed[name].low / 2, 1e-3), assumed[name].high * 2)
        for name in named
        if name in assumed
    ]
    return [("requests_per_month", 1e3, 1e12), *wide]


def flips_table(study: Study, found: Sequence[Flip]) -> pd.DataFrame:
    """Flips as rows, each with the number's value in this case."""
    rows = [
        {"number": flip.name, "here": _said(_here(study, flip.name)), "at": _said(flip.value),
         "below": flip.before, "above": flip.after}
        for flip in found
    ]  # fmt: skip
    columns = ["number", "here", "at", "below", "above"]
    return pd.DataFrame(rows, columns=columns).set_index("number")


def wins_when(study: Study, incumbent: str, challenger: str) -> pd.DataFrame:
    """For each number, where the challenger is the better of the two, or that it nowhere is."""
    rows = []
    hours = ranges(study).get(f"hours:{challenger}")
    extra = [(f"hours:{challenger}", 0.1, hours.high)] if hours else []
    for name, low, high in [*sweeps(study), *extra]:
        found = flips(study, name, low, high, (incumbent, challenger))
        wins = [flip for flip in found if challenger in (flip.before, flip.after)]
        rows.append({"number": name, "here": _said(_here(study, name)),
                     "better when": _stretch(wins, challenger) or
                     f"nowhere between {_said(low)} and {_said(high)}"})  # fmt: skip
    return pd.DataFrame(rows).set_index("number")


def _stretch(found: Sequence[Flip], challenger: str) -> str:
    words = [
        f"above {_said(flip.value)}" if flip.after == challenger else f"below {_said(flip.value)}"
        for flip in found
    ]
    return " and ".join(words)


def _here(study: Study, name: str) -> float:
    if name == "requests_per_month":
        return study.requests_per_month
    return ranges(study)[name].value


def _said(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.10g}"


def influence_table(explained: Mapping[str, float], most: int = 8) -> pd.DataFrame:
    """The assumptions that explain most, first."""
    rows = list(explained.items())[:most]
    return pd.DataFrame(rows, columns=["assumption", "explains"]).set_index("assumption")
