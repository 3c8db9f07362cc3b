"""Formulas held against the simulation of this very traffic, over the ranges that are drawn.

Within tolerance they serve, as corrected at the case's own numbers. Beyond it, what is left of
their error is fitted to the simulated points; where that fails too, they are withheld, and the
simulated points alone speak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.metrics import METRICS
from cachelib.model.case.names import IN_WHOLES
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement import surface
from cachelib.model.judgement.draws import CHANCE, draw, ranges
from cachelib.model.judgement.model import Model, Numbers
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.simulator import TRAFFIC, Simulator
from cachelib.model.judgement.surface import Surface
from cachelib.model.judgement.sweeps import Moving, sweeps
from cachelib.model.judgement.ties import Standing
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.remarks import FEW

POINTS = 24
TOLERANCE = {"ratio": 0.02}  # points of a share; of all else, this share of the value
RELATIVE = 0.05
NEARLY = 0.1  # of what a limit leaves of a share: nor is that tolerable beside it
FAR = 3.0  # times what a limit leaves, from the limit: beyond, how much it is decides nothing
COVERED = 0.9  # share of the points at which the error must be within tolerance
DIRECTIONS = 3  # numbers that the fitted error may depend on

Status = Literal["formula", "fitted", "withheld"]


@dataclass(frozen=True)
class Anchor:
    """One metric of one option: how far formula and simulation lie apart.

    `here`: at the case's own numbers, before the correction. `typical` and `worst`: median and
    greatest error over the points, after it, and after the fit where one was made. In points of
    a share, else as a share of the simulated value. `tolerance`: what is tolerable, and what is
    chance in a simulated point. `within`: at how many points it is tolerable.
    """

    option: str
    metric: str
    here: float
    typical: float
    worst: float
    tolerance: float
    within: int
    status: Status


@dataclass(frozen=True)
class Anchoring:
    """`numbers`: of the simulated points; `simulated`: by option and metric, shape (points,)."""

    model: Model
    simulator: Simulator
    numbers: Numbers
    simulated: Mapping[str, Mapping[str, Array]]
    anchors: tuple[Anchor, ...]

    @property
    def withheld(self) -> list[Anchor]:
        return [anchor for anchor in self.anchors if anchor.status == "withheld"]

    @cached_property
    def standing(self) -> Standing:
        """All options judged at the points, by simulation alone."""
        return self.simulator.standing(self.numbers, self.simulated)


def anchor(
    model: Model, contenders: Sequence[str], measured: Mapping[str, Mapping[str, float]], seed: int
) -> Anchoring:
    """Compare at points spread over the ranges, for the options that may be chosen."""
    study = model.study
    numbers = draw(study, model.options, POINTS, seed=seed + 1)
    numbers |= {each: np.maximum(np.round(numbers[each]), 1) for each in IN_WHOLES & numbers.keys()}
    if TRAFFIC in numbers:  # of a few requests, or of none, no simulation tells anything
        numbers[TRAFFIC] = np.maximum(numbers[TRAFFIC], min(FEW, study.requests_per_month))
    if study.log is not None and TRAFFIC in numbers:  # a log grows no denser
        numbers[TRAFFIC] = np.minimum(numbers[TRAFFIC], study.requests_per_month)
    here = {name: number.value for name, number in ranges(study, model.options).items()}
    of_nature = {name: values for name, values in numbers.items() if name != CHANCE}
    simulator = Simulator(model, measured)
    names, criteria = simulator.names, study.case.criteria
    raw = replace(model, corrections={}, surrogates={})
    moving = Moving(raw, [sweep for sweep in sweeps(raw) if sweep.low < sweep.high])
    simulated: dict[str, Mapping[str, Array]] = {}
    anchors: list[Anchor] = []
    surrogates: dict[tuple[str, str], Surface] = {}
    for option in model.options:
        if option.name not in contenders:
            continue
        truth = simulator.values(option, numbers)
        formula = model.values(option, of_nature, names)
        simulated[option.name] = truth
        uncorrected, chance = raw.values(option, {}, names), simulator.chance(option, numbers)
        for name in names:
            at_here = np.array([measured[option.name][name]])
            leaves, near = criteria.leaves(name), _near(criteria, name)
            found, surrogate = _held(
                option, name, np.clip(formula[name], *near), np.clip(truth[name], *near),
                {n: numbers[n] for n in moving.movers(option.name, name) if n in numbers}, here,
                _error(name, uncorrected[name][:1], at_here),
                float(_error(name, at_here + chance[name], at_here)[0]), leaves,
            )  # fmt: skip
            anchors.append(found)
            if surrogate is not None:
                surrogates[option.name, name] = surrogate
    fitted = replace(model, surrogates=surrogates)
    return Anchoring(fitted, simulator, numbers, simulated, tuple(anchors))


def _near(criteria: Criteria, name: str) -> tuple[float, float]:
    """Between which values it decides something how much a metric is: around its limits."""
    if (leaves := criteria.leaves(name)) == np.inf or name in criteria.weights:
        return -np.inf, np.inf
    bounds = [limit.bound for limit in criteria.limits if limit.metric == name]
    return min(bounds) - FAR * leaves, max(bounds) + FAR * leaves


def _error(name: str, predicted: Array, simulated: Array) -> Array:
    apart = np.abs(predicted - simulated)
    if METRICS[name].unit == "ratio":
        return np.asarray(apart)
    return np.asarray(apart / np.maximum(np.abs(simulated), 1e-9))


def _held(
    option: Option, name: str, formula: Array, truth: Array, numbers: Numbers,
    here: Mapping[str, float], uncorrected: Array, chance: float = 0.0, leaves: float = np.inf,
) -> tuple[Anchor, Surface | None]:  # fmt: skip
    tolerance = min(TOLERANCE.get(METRICS[name].unit, RELATIVE), NEARLY * leaves) + chance
    errors, status, surrogate = _error(name, formula, truth), "formula", None
    if np.quantile(errors, COVERED) > tolerance:
        surrogate, errors = _fit(name, formula, truth, numbers, here)
        status = "fitted"
        if surrogate is None or np.quantile(errors, COVERED) > tolerance:
            status, surrogate = "withheld", None
            errors = _error(name, formula, truth)
    return Anchor(
        option=option.name, metric=name, here=float(uncorrected[0]),
        typical=float(np.median(errors)), worst=float(errors.max()),
        tolerance=tolerance, within=int((errors <= tolerance).sum()),
        status=status,  # type: ignore[arg-type]
    ), surrogate  # fmt: skip


def _fit(
    name: str, formula: Array, truth: Array, numbers: Numbers, here: Mapping[str, float]
) -> tuple[Surface | None, Array]:
    """The fit, and its errors at points that it did not see."""
    usable = (formula > 1e-9) & (truth > 1e-9)
    if not usable.all():
        return None, _error(name, formula, truth)
    left = np.log(truth / formula)
    names = _directions(left, numbers)
    if not names:
        return None, _error(name, formula, truth)
    places = np.column_stack([surface.place(numbers[each]) for each in names])
    own = np.array([float(surface.place(here[each])) for each in names])
    unseen = np.empty(len(left))
    for nth in range(len(left)):
        others = np.arange(len(left)) != nth
        fitted = surface.through(names, own, places[others], left[others])
        at = {each: numbers[each][nth : nth + 1] for each in names}
        unseen[nth] = fitted(at)[0]
    return surface.through(names, own, places, left), _error(name, formula * np.exp(unseen), truth)


def _directions(left: Array, numbers: Numbers) -> list[str]:
    """Of the numbers that move the formula, those that the error goes with most."""
    strength = {
        name: abs(float(np.corrcoef(surface.place(values), left)[0, 1]))
        for name, values in numbers.items()
        if np.ptp(surface.place(values)) > 0 and name in (*Platform.model_fields, TRAFFIC)
    }
    known = {name: s for name, s in strength.items() if not np.isnan(s)}
    return sorted(known, key=lambda name: (-known[name], name))[:DIRECTIONS]
