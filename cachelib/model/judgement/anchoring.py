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
from scipy.interpolate import RBFInterpolator

from cachelib.model.case.metrics import METRICS
from cachelib.model.engines.replay import replay as replay_trace
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.draws import draw
from cachelib.model.judgement.growth import grown_workload
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Model, Numbers
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.ties import Standing, judged
from cachelib.model.platforms.platform import Platform
from cachelib.model.traffic.generator import generate
from cachelib.model.traffic.trace import Trace

POINTS = 24
TOLERANCE = {"ratio": 0.02}  # points of a share; of all else, this share of the value
RELATIVE = 0.05
COVERED = 0.9  # share of the points at which the error must be within tolerance
MOST_REQUESTS = 150_000  # of a simulated point; beyond, some of the keys stand for all
DIRECTIONS = 3  # numbers that the fitted error may depend on

Status = Literal["formula", "fitted", "withheld"]


@dataclass(frozen=True)
class Anchor:
    """One metric of one option: how far formula and simulation lie apart.

    `here`: at the case's own numbers, before the correction. `typical` and `worst`: median and
    greatest error over the points, after it, and after the fit where one was made. In points of
    a share, else as a share of the simulated value.
    """

    option: str
    metric: str
    here: float
    typical: float
    worst: float
    tolerance: float
    status: Status


@dataclass(frozen=True)
class Anchoring:
    """`numbers`: of the simulated points; `simulated`: by option and metric, shape (points,)."""

    model: Model
    numbers: Numbers
    simulated: Mapping[str, Mapping[str, Array]]
    anchors: tuple[Anchor, ...]
    traces: tuple[Trace, ...]

    @property
    def withheld(self) -> list[Anchor]:
        return [anchor for anchor in self.anchors if anchor.status == "withheld"]

    @cached_property
    def standing(self) -> Standing:
        """All options judged at the points, by simulation alone."""
        model, names = self.model, self.model.names
        found = []
        for option in model.options:
            known = self.simulated.get(option.name) or _simulated(
                model.study, option, self.traces, self.numbers, names
            )
            hours = self.numbers.get(f"hours:{option.name}", np.asarray(option.hours_value))
            found.append(_with_work(model, option, known, self.numbers, hours))
        stacked = {name: np.stack([each[name] for each in found]) for name in names}
        return judged(
            model.study.case.criteria, model.options, stacked, self.numbers, model.resolution
        )


def anchor(
    model: Model, contenders: Sequence[str], measured: Mapping[str, Mapping[str, float]], seed: int
) -> Anchoring:
    """Compare at points spread over the ranges, for the options that may be chosen."""
    study = model.study
    numbers = draw(study, model.options, POINTS, seed=seed + 1)
    if "isolates_per_colo" in numbers:
        numbers["isolates_per_colo"] = np.maximum(np.round(numbers["isolates_per_colo"]), 1)
    if study.log is not None and "requests_per_month" in numbers:  # a log grows no denser
        today = study.requests_per_month
        numbers["requests_per_month"] = np.minimum(numbers["requests_per_month"], today)
    traces = _traces(study, numbers, seed)
    names = _simulable(model.names)
    raw = replace(model, corrections={}, surrogates={})
    simulated: dict[str, Mapping[str, Array]] = {}
    anchors: list[Anchor] = []
    surrogates: dict[tuple[str, str], _Fitted] = {}
    for option in model.options:
        if option.name not in contenders:
            continue
        truth = _simulated(study, option, traces, numbers, names)
        formula = _predicted(model, option, traces, numbers, names)
        simulated[option.name] = truth
        here = raw.values(option, {}, names)
        for name in names:
            found, surrogate = _held(
                model, option, name, formula[name], truth[name], numbers,
                _error(name, here[name][:1], np.array([measured[option.name][name]])),
            )  # fmt: skip
            anchors.append(found)
            if surrogate is not None:
                surrogates[option.name, name] = surrogate
    fitted = replace(model, surrogates=surrogates)
    return Anchoring(fitted, numbers, simulated, tuple(anchors), traces)


def _simulable(names: Sequence[str]) -> list[str]:
    """What a simulation tells: the bill of a cost, and not the hours."""
    counted = {"monthly_cost_usd": "bill_usd"}
    told = [counted.get(name, name) for name in names if name != "work_hours"]
    return list(dict.fromkeys(told))


def _with_work(
    model: Model, option: Option, known: Mapping[str, Array], numbers: Numbers, hours: Array
) -> dict[str, Array]:
    n = POINTS
    work = np.broadcast_to(model.work_usd(option, numbers), n)
    values = {name: np.broadcast_to(value, n) for name, value in known.items()}
    values |= {"work_hours": np.broadcast_to(hours, n)}
    if "bill_usd" in values:
        values["monthly_cost_usd"] = values["bill_usd"] + work
    return values


def _traces(study: Study, numbers: Numbers, seed: int) -> tuple[Trace, ...]:
    """The traffic of each point: this very one, or made anew where the traffic is drawn."""
    if "requests_per_month" not in numbers:
        return (_few(study.trace, seed),) * POINTS
    if study.log is not None:
        return tuple(_few(study.at_traffic(float(n)), seed) for n in numbers["requests_per_month"])
    return tuple(
        _few(generate(grown_workload(study.case.workload, study.case.growth, float(n)),
                      seed=study.seed + nth), seed)
        for nth, n in enumerate(numbers["requests_per_month"])
    )  # fmt: skip


def _few(trace: Trace, seed: int) -> Trace:
    """Some of the keys with all their requests, where there are too many; none of the giants."""
    if len(trace) <= MOST_REQUESTS:
        return trace
    asked = np.bincount(trace.key, minlength=len(trace.keys))
    order = np.random.default_rng([seed, 5]).permutation(len(asked))
    order = order[asked[order] <= MOST_REQUESTS // 4]
    if not len(order):
        return trace.only(slice(MOST_REQUESTS))
    enough = int(np.searchsorted(np.cumsum(asked[order]), MOST_REQUESTS)) + 1
    chosen = np.zeros(len(asked), bool)
    chosen[order[:enough]] = True
    return trace.only(chosen[trace.key])


def _platform(numbers: Numbers, nth: int) -> dict[str, float]:
    return {
        name: int(values[nth]) if name == "isolates_per_colo" else float(values[nth])
        for name, values in numbers.items()
        if name in Platform.model_fields
    }


def _simulated(
    study: Study, option: Option, traces: Sequence[Trace], numbers: Numbers, names: Sequence[str]
) -> dict[str, Array]:
    counted = _simulable(names)
    rows = []
    for nth, trace in enumerate(traces):
        platform = study.platform.model_copy(update=_platform(numbers, nth) | option.platform)
        result = replay_trace(trace, option.design, platform, seed=study.seed, span_s=study.span_s)
        rows.append(measure(study, option, result, counted))
    return {name: np.array([row[name] for row in rows]) for name in counted}


def _predicted(
    model: Model, option: Option, traces: Sequence[Trace], numbers: Numbers, names: Sequence[str]
) -> dict[str, Array]:
    """By the corrected formulas, for the same requests."""
    at = {name: values for name, values in numbers.items() if name != "requests_per_month"}
    if all(trace is traces[0] for trace in traces):
        return _of(model, traces[0]).values(option, at, names)
    rows = []
    for nth, trace in enumerate(traces):
        here = {name: values[nth : nth + 1] for name, values in at.items()}
        rows.append(_of(model, trace).values(option, here, names))
    return {name: np.concatenate([row[name] for row in rows]) for name in names}


def _of(model: Model, trace: Trace) -> Model:
    """The model of other requests of the same study."""
    study = replace(model.study)
    vars(study)["trace"] = trace
    return replace(model, study=study, surrogates={})


def _error(name: str, predicted: Array, simulated: Array) -> Array:
    apart = np.abs(predicted - simulated)
    if METRICS[name].unit == "ratio":
        return np.asarray(apart)
    return np.asarray(apart / np.maximum(np.abs(simulated), 1e-9))


def _held(
    model: Model, option: Option, name: str, formula: Array, truth: Array, numbers: Numbers,
    here: Array,
) -> tuple[Anchor, _Fitted | None]:  # fmt: skip
    tolerance = TOLERANCE.get(METRICS[name].unit, RELATIVE)
    errors, status, surrogate = _error(name, formula, truth), "formula", None
    if np.quantile(errors, COVERED) > tolerance:
        surrogate, errors = _fit(name, formula, truth, numbers)
        status = "fitted"
        if surrogate is None or np.quantile(errors, COVERED) > tolerance:
            status, surrogate = "withheld", None
            errors = _error(name, formula, truth)
    return Anchor(
        option=option.name, metric=name, here=float(here[0]), typical=float(np.median(errors)),
        worst=float(errors.max()), tolerance=tolerance, status=status,  # type: ignore[arg-type]
    ), surrogate  # fmt: skip


@dataclass(frozen=True)
class _Fitted:
    """The logarithm of simulation by formula, over a few of the numbers."""

    names: tuple[str, ...]
    centre: Array
    scale: Array
    surface: RBFInterpolator

    def __call__(self, numbers: Numbers) -> Array:
        n = max((np.size(values) for values in numbers.values()), default=1)
        columns = [
            np.broadcast_to(_place(numbers[name]), n)
            if name in numbers
            else np.full(n, self.centre[i])
            for i, name in enumerate(self.names)
        ]
        at = (np.column_stack(columns) - self.centre) / self.scale
        return np.asarray(self.surface(np.clip(at, -2.5, 2.5)))


def _place(values: Array) -> Array:
    return np.asarray(np.log(np.maximum(values, 1e-9)))


def _fit(name: str, formula: Array, truth: Array, numbers: Numbers) -> tuple[_Fitted | None, Array]:
    """The fit, and its errors at points that it did not see."""
    usable = (formula > 1e-9) & (truth > 1e-9)
    if not usable.all():
        return None, _error(name, formula, truth)
    left = np.log(truth / formula)
    names = _directions(left, numbers)
    if not names:
        return None, _error(name, formula, truth)
    places = np.column_stack([_place(numbers[each]) for each in names])
    centre, scale = places.mean(axis=0), places.std(axis=0)
    at = (places - centre) / scale
    unseen = np.empty(len(left))
    for nth in range(len(left)):
        others = np.arange(len(left)) != nth
        unseen[nth] = _surface(at[others], left[others])(at[nth : nth + 1])[0]
    fitted = _Fitted(tuple(names), centre, scale, _surface(at, left))
    return fitted, _error(name, formula * np.exp(unseen), truth)


def _surface(at: Array, values: Array) -> RBFInterpolator:
    return RBFInterpolator(at, values, kernel="linear", smoothing=0.1, degree=1)


def _directions(left: Array, numbers: Numbers) -> list[str]:
    """The numbers that the error goes with most."""
    strength = {
        name: abs(float(np.corrcoef(_place(values), left)[0, 1]))
        for name, values in numbers.items()
        if np.ptp(_place(values)) > 0 and name in (*Platform.model_fields, "requests_per_month")
    }
    known = {name: s for name, s in strength.items() if not np.isnan(s)}
    return sorted(known, key=lambda name: (-known[name], name))[:DIRECTIONS]
