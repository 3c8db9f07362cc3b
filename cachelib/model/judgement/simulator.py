"""The options simulated at any numbers: what formulas are held against, and speaks where they fail.

A part of the traffic stands for all, so what it says is brought to what all of it says at the
case's own numbers: the recommendation's table and every simulated point then tell one story.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cachelib.model.case.names import IN_WHOLES
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.growth import grown_numbers
from cachelib.model.judgement.intervals import half_of_one, half_width
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Correction, Model, Numbers
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.processors import each
from cachelib.model.judgement.study import SEEDS, Study
from cachelib.model.judgement.taken import NoTrafficError
from cachelib.model.judgement.ties import Standing, judged
from cachelib.model.platforms.platform import Platform

MOST_REQUESTS = 150_000  # of a simulated point; beyond, a part stands for all
TRAFFIC = "requests_per_month"
OTHERS = 1_000  # from here on, months that are none of the points'


@dataclass(frozen=True)
class Simulator:
    """`measured`: by option and metric, what the whole traffic says at the case's numbers."""

    model: Model
    measured: Mapping[str, Mapping[str, float]]
    _studies: dict[float, Study] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """What a simulation tells of what decides: the bill of a cost, and not the hours."""
        counted = {"monthly_cost_usd": "bill_usd"}
        told = [counted.get(name, name) for name in self.model.names if name != "work_hours"]
        return list(dict.fromkeys(told))

    def values(self, option: Option, numbers: Numbers) -> dict[str, Array]:
        """Metrics of an option at `numbers`, each of shape (points,)."""
        corrections, points = self._corrections(option, TRAFFIC in numbers), _points(numbers)
        for point in points:  # made by one thread
            self._study_at(point)
        rows = each(lambda point: self._simulated(option, point), points)
        found = {}
        for name in self.names:
            right = corrections[name]
            found[name] = right.applied(np.array([row[name] for row in rows]))
        return found

    def standing(
        self, numbers: Numbers, known: Mapping[str, Mapping[str, Array]] | None = None
    ) -> Standing:
        """All options judged there; `known`: by option, what was simulated already."""
        model, found = self.model, []
        for option in model.options:
            values = (known or {}).get(option.name) or self.values(option, numbers)
            found.append(self._with_work(option, values, numbers))
        return self._judged(found, numbers)

    def _judged(self, found: Sequence[Mapping[str, Array]], numbers: Numbers) -> Standing:
        model = self.model
        stacked = {name: np.stack([told[name] for told in found]) for name in model.names}
        return judged(
            model.study.case.criteria, model.options, stacked, numbers, model.resolution or None
        )

    def set_anew(self, settings: Mapping[str, Mapping[str, float]], numbers: Numbers) -> Standing:
        """All options judged at one point, each at other `settings`, by its name."""
        found = []
        for option in self.model.options:
            self._corrections(option, TRAFFIC in numbers)  # a part's, of it as it is set here
            there = option.at(**settings[option.name])
            found.append(self._with_work(there, self.values(there, numbers), numbers))
        return self._judged(found, numbers)

    def _with_work(
        self, option: Option, known: Mapping[str, Array], numbers: Numbers
    ) -> dict[str, Array]:
        hours = numbers.get(f"hours:{option.name}", np.asarray(option.hours_value))
        by_chance = self.model.by_chance
        values = {name: by_chance(option, name, v, numbers) for name, v in known.items()}
        values["work_hours"] = hours
        if "bill_usd" in values:
            values["monthly_cost_usd"] = values["bill_usd"] + self.model.work_usd(option, numbers)
        n = len(_points(numbers))
        return {name: np.broadcast_to(value, n) for name, value in values.items()}

    def _simulated(self, option: Option, point: Mapping[str, Array]) -> dict[str, float]:
        return self._replayed(self._study_at(point), option, point)

    def _replayed(
        self, study: Study, option: Option, point: Mapping[str, Array]
    ) -> dict[str, float]:
        platform: dict[str, Any] = {**_platform(self.model, point), **option.platform}
        result = study.replay(option.design, **platform)
        return measure(study, option, result, self.names)

    def _study_at(self, point: Mapping[str, Array]) -> Study:
        return self._study(float(point[TRAFFIC][0])) if TRAFFIC in point else self._part

    def _study(self, requests_per_month: float) -> Study:
        if requests_per_month not in self._studies:
            nth = len(self._studies)
            try:
                made = self.model.study.grown(requests_per_month, MOST_REQUESTS, nth)
            except NoTrafficError:  # so few that none was made: there is nothing to tell of them
                made = self._part
            self._studies[requests_per_month] = made
        return self._studies[requests_per_month]

    @cached_property
    def _part(self) -> Study:
        return self.model.study.part(MOST_REQUESTS)

    @cached_property
    def _said(self) -> dict[tuple[str, bool], dict[str, list[float]]]:
        return {}

    def _of_parts(self, option: Option, of_any_traffic: bool) -> dict[str, list[float]]:
        """By metric, what such parts say at the case's numbers."""
        if (option.name, of_any_traffic) not in self._said:
            parts = self._parts_here if of_any_traffic else [self._part]
            runs = [self._replayed(part, option, {}) for part in parts]
            self._said[option.name, of_any_traffic] = {
                name: [run[name] for run in runs] for name in self.names
            }
        return self._said[option.name, of_any_traffic]

    def _corrections(self, option: Option, of_any_traffic: bool) -> dict[str, Correction]:
        """From what such a part says at the case's numbers to what all of it says.

        Traffic that varies is made anew at each point, and each time it is chance what it says:
        of several, what is no more than chance corrects nothing.
        """
        whole = self.measured[option.name]
        return {
            name: _between(name, parts, whole[name])
            for name, parts in self._of_parts(option, of_any_traffic).items()
        }

    def chance(self, option: Option, numbers: Numbers) -> dict[str, float]:
        """By metric, half the interval around what one such part says."""
        parts = self._of_parts(option, TRAFFIC in numbers)
        return {name: half_of_one(values) for name, values in parts.items()}

    @cached_property
    def _parts_here(self) -> list[Study]:
        """Parts of months of the case's own traffic, each another."""
        study = self.model.study
        rate = study.requests_per_month
        return [study.grown(rate, MOST_REQUESTS, OTHERS + nth) for nth in range(SEEDS)]


def _between(name: str, parts: Sequence[float], whole: float) -> Correction:
    """From the mean of what parts say, as far as that is more than chance."""
    return Correction.between(name, float(np.mean(parts)), whole, half_width(parts))


def _points(numbers: Numbers) -> Sequence[dict[str, Array]]:
    """The numbers of each point, arrays of one."""
    n = max((np.size(values) for values in numbers.values()), default=1)
    full = {name: np.broadcast_to(values, n) for name, values in numbers.items()}
    return [{name: values[i : i + 1] for name, values in full.items()} for i in range(n)]


def _platform(model: Model, point: Mapping[str, Array]) -> dict[str, float]:
    """The platform's numbers there, with what grows with the traffic."""
    grown = grown_numbers(model.setting, model.study.case.growth, point)
    own = {
        name: float(np.asarray(value).ravel()[0])
        for name, value in grown.items()
        if name in Platform.model_fields
    }
    return own | {name: max(1, round(own[name])) for name in IN_WHOLES & own.keys()}
