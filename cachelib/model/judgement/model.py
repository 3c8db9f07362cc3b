"""The one model behind recommendation, sureness, flips and panel.

Formulas at any numbers, brought to what the simulation says at the case's own numbers, with all
that grows with the traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas import Setting, grouped
from cachelib.model.formulas.quadrature import few
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.draws import CHANCE
from cachelib.model.judgement.growth import grown_numbers, key_factors, with_keys
from cachelib.model.judgement.metrics import Month, predict, spread_usd
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.processors import each
from cachelib.model.judgement.study import Study
from cachelib.model.judgement.surface import Surface
from cachelib.model.judgement.ties import Standing, judged

AT_ONCE = 1 << 16  # numbers of an array, of which some fit a processor's cache
SPANS = 16  # of keys of like popularity, where a quadrature does not say it
TINY = 1e-9
Z95 = 1.96
WORK = ("hours:", "hourly_rate_usd")
NO_FORMULA = ("limit:", *WORK)
"""How the names of numbers begin that no formula sees; no simulation sees those of work."""
_WITHOUT_WORK = {"monthly_cost_usd": "bill_usd"}  # what the formulas see of it

Numbers = Mapping[str, Array]


@dataclass(frozen=True)
class Correction:
    """How a formula's value is brought to the simulation's: odds, a factor, or a difference."""

    kind: str
    amount: float

    def applied(self, value: Array) -> Array:
        if self.kind == "odds":
            odds = self.amount * value
            return np.asarray(odds / (1 - value + odds))
        return np.asarray(value * self.amount if self.kind == "factor" else value + self.amount)

    @classmethod
    def between(
        cls, metric: str, predicted: float, measured: float, chance: float = 0.0
    ) -> Correction:
        """The one that brings `predicted` to `measured`, as far as that is more than `chance`.

        What is taken off is that of James and Stein's estimator, its positive part: all within
        half an interval, ever less beyond.
        """
        if np.isnan(measured) or np.isnan(predicted):
            return cls("difference", 0.0)
        apart = measured - predicted
        if abs(apart) <= chance:
            return cls("difference", 0.0)
        measured -= chance**2 / apart if chance else 0.0
        if METRICS[metric].unit == "ratio":
            if TINY < predicted < 1 - TINY and TINY < measured < 1 - TINY:
                return cls("odds", measured / (1 - measured) / (predicted / (1 - predicted)))
        elif abs(predicted) > TINY and measured > 0:
            return cls("factor", measured / predicted)
        return cls("difference", measured - predicted)


@dataclass(frozen=True)
class Model:
    """Options at settled settings, and every metric of them at any numbers.

    `corrections`: by option and metric. `surrogates`: further factors found from simulations.
    `resolution`: by metric, half the interval of each option's value.
    """

    study: Study
    options: tuple[Option, ...]
    corrections: Mapping[tuple[str, str], Correction] = field(default_factory=dict)
    surrogates: Mapping[tuple[str, str], Surface] = field(default_factory=dict)
    resolution: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def setting(self) -> Setting:
        """The study's, its keys as a few kinds.

        What lies together in one value goes by the order of popularity, which a quadrature has
        not; and two shares, of reads and of writes, are more than it can follow.
        """
        at = self.study.setting
        if at.keys.written is None and not self._may_join:
            return replace(at, keys=few(at.keys))
        if len(at.keys.share) <= SPANS:
            return at
        number = at.keys.number.astype(int)
        share, written, every_s = (
            None if column is None else np.repeat(column, number)
            for column in (at.keys.share, at.keys.written, at.keys.every_s)
        )
        assert share is not None  # noqa: S101
        keys = grouped(share, written, every_s, SPANS)._replace(unasked=at.keys.unasked)
        return replace(at, keys=keys)

    @cached_property
    def least_usd(self) -> float:
        """What the plan charges whatever is used, below which no correction brings a bill."""
        book = self.study.book
        return float(book.plans[book.plan].minimum)

    @property
    def _may_join(self) -> bool:
        case = self.study.case
        return "joined" in case.all_knobs or any(
            case.design(name).joined for name in case.option_names
        )

    @property
    def names(self) -> list[str]:
        """The metrics that decide."""
        return self.study.case.criteria.names()

    def option(self, name: str) -> Option:
        return next(option for option in self.options if option.name == name)

    def only(self, names: Sequence[str]) -> Model:
        """The same model of some of the options."""
        places = [i for i, option in enumerate(self.options) if option.name in names]
        return replace(
            self,
            options=tuple(self.options[i] for i in places),
            resolution={name: noise[places] for name, noise in self.resolution.items()},
        )

    def values(self, option: Option, numbers: Numbers, names: Sequence[str]) -> dict[str, Array]:
        """Metrics of an option at `numbers`, arrays of draws; each of shape (draws,)."""
        return self.brought(option, self.by_formula(option, numbers, names), numbers, names)

    def by_formula(
        self, option: Option, numbers: Numbers, names: Sequence[str]
    ) -> dict[str, Array]:
        """What the formulas say, of a cost its bill alone; for `brought` to correct."""
        n = max((np.size(values) for values in numbers.values()), default=1)
        counted = list(dict.fromkeys(_WITHOUT_WORK.get(name, name) for name in names))
        size = max(1, AT_ONCE // (len(self.setting.weights) * len(self.setting.keys.share)))
        pieces = [
            self._piece(option, _some(numbers, i, size), min(size, n - i), counted)
            for i in range(0, n, size)
        ]
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in counted}

    def formula(self, numbers: Numbers, names: Sequence[str]) -> dict[str, dict[str, Array]]:
        """What the formulas say of each option."""
        said = each(lambda option: self.by_formula(option, numbers, names), self.options)
        return {option.name: told for option, told in zip(self.options, said, strict=True)}

    def brought(
        self, option: Option, formula: Numbers, numbers: Numbers, names: Sequence[str]
    ) -> dict[str, Array]:
        """The formulas' values, brought to what the simulation says, with the work."""
        work = self.work_usd(option, numbers) if "monthly_cost_usd" in names else 0.0
        found = {}
        for name in names:
            counted = _WITHOUT_WORK.get(name, name)
            right = self._corrected(option, counted, formula[counted], numbers)
            right = self.by_chance(option, counted, right, numbers)
            right = np.maximum(right, self.least_usd) if counted == "bill_usd" else right
            found[name] = right + work if name in _WITHOUT_WORK else right
        return found

    def _piece(
        self, option: Option, numbers: Numbers, n: int, names: Sequence[str]
    ) -> dict[str, Array]:
        at, growth = self.setting, self.study.case.growth
        factors = key_factors(at, growth, numbers)
        if factors is None:
            return self._raw(option, at, grown_numbers(at, growth, numbers), names, n)
        found = {name: np.empty(n) for name in names}
        for factor in np.unique(factors):
            here = np.broadcast_to(factors == factor, n)
            some = {name: np.broadcast_to(v, n)[here] for name, v in numbers.items()}
            grown = grown_numbers(at, growth, some)
            more = with_keys(at, float(factor))
            for name, value in self._raw(option, more, grown, names, int(here.sum())).items():
                found[name][here] = value
        return found

    def work_usd(self, option: Option, numbers: Numbers) -> Array:
        """The option's work as dollars a month, hours and rate drawn if they are."""
        hours = numbers.get(f"hours:{option.name}", np.asarray(option.hours_value))
        rate = numbers.get("hourly_rate_usd", np.asarray(self.setting.numbers["hourly_rate_usd"]))
        return spread_usd(self.study, hours, rate)

    def _raw(
        self, option: Option, at: Setting, numbers: Mapping[str, float | Array],
        names: Sequence[str], n: int,
    ) -> dict[str, Array]:  # fmt: skip
        known = {
            name: v
            for name, v in numbers.items()
            if not name.startswith("limit:") and name != CHANCE
        }
        month = Month(self.study, option, at.but(**known))
        return {name: np.broadcast_to(v, n) for name, v in predict(month, names).items()}

    def _corrected(self, option: Option, name: str, value: Array, numbers: Numbers) -> Array:
        correction = self.corrections.get((option.name, name))
        value = value if correction is None else correction.applied(value)
        surrogate = self.surrogates.get((option.name, name))
        if surrogate is not None:
            value = value * np.exp(surrogate(numbers))
            value = np.minimum(value, 1.0) if METRICS[name].unit == "ratio" else value
        return value

    def by_chance(self, option: Option, name: str, value: Array, numbers: Numbers) -> Array:
        """What another log would have said: so many standard errors better, all options alike."""
        if CHANCE not in numbers or name not in self.resolution:
            return value
        place = [one.name for one in self.options].index(option.name)
        error = float(self.resolution[name][place]) / Z95
        moved = value - METRICS[name].sign * error * numbers[CHANCE]
        return np.clip(moved, 0.0, 1.0 if METRICS[name].unit == "ratio" else np.inf)

    def standing(self, numbers: Numbers, formula: Mapping[str, Numbers] | None = None) -> Standing:
        """All options at `numbers`, judged; `formula`: by option, what formulas say, if known."""
        known = formula or self.formula(numbers, self.names)
        found = [self.brought(o, known[o.name], numbers, self.names) for o in self.options]
        stacked = {name: np.stack([values[name] for values in found]) for name in self.names}
        return judged(
            self.study.case.criteria, self.options, stacked, numbers, self.resolution or None
        )

    def anchored(
        self,
        measured: Mapping[str, Mapping[str, float]],
        chance: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> Model:
        """The same, exact at the case's numbers: `measured` by option and metric.

        Where half an interval is known (`chance`, likewise), as far as that is more than chance.
        """
        raw = replace(self, corrections={}, surrogates={})
        corrections = {}
        for option in self.options:
            names = [
                name for name in measured[option.name] if name not in ("work_hours", *_WITHOUT_WORK)
            ]
            at, halves = raw.values(option, {}, names), chance.get(option.name, {})
            for name in names:
                corrections[option.name, name] = Correction.between(
                    name, float(at[name][0]), measured[option.name][name], halves.get(name, 0.0)
                )
        return replace(self, corrections=corrections)


def _some(numbers: Numbers, first: int, size: int) -> dict[str, Array]:
    """A piece of the draws; a number that all of them share stays one, and costs but one."""
    return {
        name: values if np.size(values) == 1 else values[first : first + size]
        for name, values in numbers.items()
    }
