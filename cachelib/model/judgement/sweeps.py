"""Every number that may change, and what of the options moves with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cachelib.model.case.grown import FEWEST_READS
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.draws import CHANCE, ranges
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Assumption, Platform

POINTS = 49
TRAFFIC = 100.0  # traffic is looked at so many times up and down
MOST_REQUESTS = 1e9


class Sweep(NamedTuple):
    """A number and the values over which it is let grow; `here`: its value in the case."""

    name: str
    low: float
    high: float
    here: float
    assumed: Assumption | None


def sweeps(model: Model) -> list[Sweep]:
    """Every number that may change: what is drawn, and traffic."""
    study = model.study
    found = [
        _sweep(name, number)
        for name, number in ranges(study, model.options).items()
        if name not in ("requests_per_month", CHANCE)
    ]
    limits = limit_names(study.case.criteria)
    drawn = {sweep.name for sweep in found}
    found += [
        Sweep(name, *_within(name, limit.bound / 2, limit.bound * 2), limit.bound, None)
        for name, limit in limits.items()
        if name not in drawn and limit.bound > 0
    ]
    here = study.requests_per_month
    low, high = here * _least(study), min(here * TRAFFIC, max(MOST_REQUESTS, here))
    traffic = ranges(study, model.options).get("requests_per_month")
    return [Sweep("requests_per_month", low, high, here, traffic), *found]


def _least(study: Study) -> float:
    """How far down traffic is looked at: no further than writes that stay leave some to read."""
    reads = study.reads_per_write
    if reads is None or study.case.growth.writes != "fixed":
        return 1 / TRAFFIC
    return max(1 / TRAFFIC, (1 + FEWEST_READS) / (1 + reads))


def _sweep(name: str, number: Assumption) -> Sweep:
    """Twice as far as the range; no further than the number can be."""
    low, high = _within(name, number.low / 2, number.high * 2)
    if name in Platform.model_fields:
        for limit in Platform.model_fields[name].metadata:
            low = max(low, getattr(limit, "ge", low) or 0)
            high = min(high, getattr(limit, "le", high))
    if name == "isolates_per_colo":
        low = max(low, 1.0)
    return Sweep(name, low, high, number.value, number)


def _within(name: str, low: float, high: float) -> tuple[float, float]:
    """Of a limit, no further than what it limits can be: no share is more than all."""
    if not name.startswith("limit:"):
        return low, high
    metric = METRICS[name.split(":")[1]]
    return max(low, metric.low), min(high, metric.high)


def grid_of(sweep: Sweep, points: int = POINTS) -> Array:
    """Values to look at, evenly in the logarithm where the number is positive; here among them."""
    even = (
        np.geomspace(sweep.low, sweep.high, points)
        if sweep.low > 0
        else np.linspace(sweep.low, sweep.high, points)
    )
    inside = sweep.low < sweep.here < sweep.high
    return np.union1d(even, [sweep.here]) if inside else even


class Moving:
    """The options' values along sweeps. What a sweep's number does not move is computed once.

    What it moves is looked for at its least, in its middle and at its most, all other numbers as
    they are; one look at all numbers costs as much as one at each.
    """

    def __init__(self, model: Model, looked_at: Sequence[Sweep]) -> None:
        self.model = model
        self.here = {sweep.name: sweep.here for sweep in looked_at}
        self._here = {o.name: model.values(o, {}, model.names) for o in model.options}
        numbers = {}
        for nth, sweep in enumerate(looked_at):
            numbers[sweep.name] = np.full(3 * len(looked_at), sweep.here)
            numbers[sweep.name][3 * nth : 3 * nth + 3] = grid_of(sweep)[[0, POINTS // 2, -1]]
        self._moved: dict[tuple[str, str], list[str]] = {}
        self._mattering: set[tuple[str, str]] = set()
        for option in model.options:
            values = model.values(option, numbers, model.names)
            for nth, sweep in enumerate(looked_at):
                three = {name: values[name][3 * nth : 3 * nth + 3] for name in model.names}
                moved = [name for name in model.names if _varies(three[name])]
                self._moved[option.name, sweep.name] = moved
                if any(self._counts(option, name, three[name]) for name in moved):
                    self._mattering.add((option.name, sweep.name))

    def _counts(self, option: Option, name: str, values: Array) -> bool:
        here = float(self._here[option.name][name][0])
        counts = self.model.study.case.criteria.tolerance(name, here)
        return bool((np.abs(values - here) > counts).any())

    def moves(self, number: str, option: str) -> bool:
        """Whether it moves anything that decides of an option."""
        return bool(self._moved[option, number])

    def movers(self, option: str, metric: str) -> list[str]:
        """The numbers that move a metric of an option; of a bill, those that move its cost."""
        names = {metric, *(["monthly_cost_usd"] if metric == "bill_usd" else [])}
        return [
            number
            for (name, number), moved in self._moved.items()
            if name == option and names.intersection(moved)
        ]

    def matters(self, number: str, options: Sequence[Option]) -> bool:
        """Whether it moves, by what counts, anything that decides of one of these."""
        moved = any((option.name, number) in self._mattering for option in options)
        return moved or number.startswith("limit:")

    def at(self, option: Option, sweep: Sweep, values: Array) -> dict[str, Array]:
        """The metrics that decide, each of shape (values,)."""
        here = self._here[option.name]
        found = {name: np.broadcast_to(value, values.shape) for name, value in here.items()}
        if moved := self._moved[option.name, sweep.name]:
            found |= self.model.values(option, {sweep.name: values}, moved)
        return found


def _varies(values: Array) -> bool:
    return not float(np.ptp(values)) <= 1e-12 * abs(float(values[0]))
