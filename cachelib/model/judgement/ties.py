"""Which option to choose: limits, then what is minimised, then what breaks a tie.

All of it over many draws at once. Options come in the order of their names, so that nothing
depends on the order of a case's lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import Flags, broken, penalties
from cachelib.model.judgement.options import Option

NOBODY = -1
SAME_WORK = 0.5  # hours that one option may take more than another and be as little work


@dataclass(frozen=True)
class Standing:
    """Options over draws; arrays have shape (options, draws).

    `score`: what is minimised, NaN where it is not stated. `kept`: every hard limit is.
    `broken`: by limit. `tied`: best, or as good. `chosen`: (draws,), an option or `NOBODY`.
    """

    options: tuple[Option, ...]
    values: Mapping[str, Array]
    score: Array
    broken: Mapping[str, Flags]
    kept: Flags
    tied: Flags
    chosen: npt.NDArray[np.int64]

    @property
    def names(self) -> list[str]:
        return [option.name for option in self.options]

    @property
    def ranked(self) -> Flags:
        """What keeps the limits and has a score."""
        return self.kept & ~np.isnan(self.score)

    @property
    def best(self) -> Array:
        """The least score among those that stand; infinite where none does."""
        return np.asarray(np.where(self.ranked, self.score, np.inf).min(axis=0))


def judged(
    criteria: Criteria,
    options: Sequence[Option],
    values: Mapping[str, Array],
    numbers: Mapping[str, Array],
    resolution: Mapping[str, Array] | None = None,
) -> Standing:
    """The standing of options with `values`: metric to shape (options, draws)."""
    score = score_of(criteria, values, numbers)
    failing = broken(criteria, values, numbers)
    kept = ~np.any(list(failing.values()), axis=0) if failing else np.ones(score.shape, bool)
    kept = np.broadcast_to(kept, score.shape)
    noise = np.zeros(len(options)) if resolution is None else score_noise(criteria, resolution)
    alive = kept & ~np.isnan(score)
    alive = tied = _within(score, alive, _score_tolerance(criteria, score, alive), noise)
    for name in criteria.then:
        alive = _narrowed(criteria, options, name, values, alive, resolution)
    chosen = np.where(alive.any(axis=0), _first(options, alive), NOBODY)
    return Standing(tuple(options), values, score, failing, kept, tied, chosen)


def score_of(
    criteria: Criteria, values: Mapping[str, Array], numbers: Mapping[str, Array]
) -> Array:
    """What is minimised: a metric, or the weighted sum, and what soft limits add."""
    total = sum(weight * values[name] for name, weight in criteria.weights.items())
    return np.asarray(total + penalties(criteria, values, numbers))


def score_noise(criteria: Criteria, resolution: Mapping[str, Array]) -> Array:
    """Half the interval of each option's score."""
    parts = [
        abs(weight) * resolution[name]
        for name, weight in criteria.weights.items()
        if name in resolution
    ]
    return np.asarray(sum(parts), np.float64)


def _score_tolerance(criteria: Criteria, score: Array, alive: Flags) -> Array:
    """What is immaterial in the score of each draw."""
    best = np.where(alive, score, np.inf).min(axis=0)
    finite = np.where(np.isfinite(best), best, 0.0)
    aim, weight = criteria.aim, abs(criteria.weights[criteria.aim])
    own = criteria.material.get(aim)
    if own is not None:
        return np.full_like(finite, own * weight)
    metric = METRICS[aim]
    return np.maximum(metric.material * weight, metric.relative * np.abs(finite))


def _within(value: Array, alive: Flags, tolerance: Array, noise: Array) -> Flags:
    """Those that lie within the tolerance, or the noise, of the best that is alive."""
    held = np.where(alive, value, np.inf)
    best = held.min(axis=0)
    own = np.broadcast_to(noise.reshape(-1, 1), held.shape)
    lead = np.take_along_axis(own, held.argmin(axis=0)[None, :], axis=0)
    room = np.maximum(tolerance, np.hypot(own, lead))
    least = np.where(np.isfinite(best), best, 0.0)
    # differences of rounding are none
    return np.asarray(alive & (held <= least + room + 1e-9 * np.abs(least)), bool)


def _narrowed(
    criteria: Criteria, options: Sequence[Option], name: str, values: Mapping[str, Array],
    alive: Flags, resolution: Mapping[str, Array] | None,
) -> Flags:  # fmt: skip
    """Of those that tie, the better ones by a secondary criterion."""
    none = np.zeros(len(options))
    tolerance: Array | float
    if name == "work":
        value, tolerance = _each([option.hours_value for option in options], alive), SAME_WORK
        noise = none
    elif name == "today":
        value, tolerance = _each([not option.is_today for option in options], alive), 0.0
        noise = none
    elif name == "simplicity":
        value, tolerance = _each([option.simplicity for option in options], alive), 0.0
        noise = none
    else:
        metric = METRICS[name]
        value = np.broadcast_to(metric.sign * values[name], alive.shape)
        best = np.where(alive, value, np.inf).min(axis=0)
        own = criteria.material.get(name)
        tolerance = np.maximum(
            metric.material if own is None else own,
            (metric.relative if own is None else 0) * np.abs(np.where(np.isfinite(best), best, 0)),
        )
        noise = resolution[name] if resolution and name in resolution else none
    known = np.where(np.isnan(value), np.inf, value)  # what nobody states is not less
    better = _within(known, alive, np.asarray(tolerance), noise)
    # where nobody states it of any that ties in a draw, it decides nothing there
    return np.where(better.any(axis=0), better, alive)


def _each(numbers: Sequence[float], alive: Flags) -> Array:
    return np.broadcast_to(np.array(numbers, np.float64).reshape(-1, 1), alive.shape)


def _first(options: Sequence[Option], alive: Flags) -> npt.NDArray[np.int64]:
    """What is there already, or else the first by name."""
    order = sorted(range(len(options)), key=lambda i: (not options[i].is_today, options[i].name))
    return np.asarray(np.array(order)[alive[order].argmax(axis=0)], np.int64)
