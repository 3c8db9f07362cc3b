"""An option's settings searched by formula: a grid, finer where it is best, and how sure it is.

Corrections by what a simulation said do not ask the formulas anew, nor do numbers that no formula
sees.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from cachelib.model.case.designs import fault_of
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import Flags, bounds, broken, excess, limit_names
from cachelib.model.judgement.model import NO_FORMULA, Model, Numbers
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.study import Study

AS_NUMBERS = ("l1_ttl_s", "l2_ttl_s", "kv_cache_ttl_s")  # formulas take these as arrays
ROOM = 0.5  # twice as far from a limit as this share of it is no safer
ALIKE = 0.01  # of what is material, and of a limit: what settings may differ by and do alike
MOST_UNSURE, DRAWS = 12, 48  # settings tried over draws, where limits should hold in a share
BY_CHANCE = 2.5 / DRAWS  # of a share of draws: no less sure
FINER = 5  # steps between a setting and the next, when it is looked closer

SLACK = 0.25  # of what is material: what a setting may be worse by for having more room
CLOSER = 2  # times that it is looked closer
WHOLE = ("objects", "l1_max_entries")  # knobs that are numbers of things

Settings = dict[str, float]
Places = npt.NDArray[np.int64]
_NONE: Places = np.empty(0, np.int64)


class Search:
    """The grid of an option's settings, by formula; corrections do not ask the formulas anew."""

    def __init__(
        self,
        model: Model,
        option: Option,
        grid: list[Settings],
        at: Mapping[str, float] = MappingProxyType({}),
        like: Search | None = None,
        formula: Mapping[str, Array] = MappingProxyType({}),
        own: int | None = None,
    ) -> None:
        """`at`: numbers of the case at other values; `like`: a search whose formulas hold here;
        `formula`: what they say of the first settings, where that is known; `own`: a setting that
        stays wherever it does as well as the best."""
        self.model, self.option, self.grid = model, option, grid
        self.criteria = model.study.case.criteria
        self.at = {name: np.array([value]) for name, value in at.items()}
        self.hard = {
            name: limit for name, limit in limit_names(self.criteria).items() if limit.costs is None
        }
        self.formula: Mapping[str, Array] = like.formula if like else formula
        self.drawn: dict[tuple[float, ...], Numbers] = like.drawn if like else {}
        self.own: int | None = like.own if like else own
        self.coarse: int = like.coarse if like else len(grid)
        if missing := grid[self._known :]:
            more = over(model, option, missing, self.criteria.names(), self.at)
            known = self.formula
            self.formula = {
                name: np.concatenate([known[name], new]) if known else new
                for name, new in more.items()
            }
        self.values = model.brought(option, self.formula, self.at, self.criteria.names())

    @property
    def _known(self) -> int:
        return len(next(iter(self.formula.values()))) if self.formula else 0

    def corrected(self, nth: int, measured: Mapping[str, float]) -> Search:
        """The same search, with the formulas exact at one of its settings."""
        there = replace(self.model, options=(self.option.at(**self.grid[nth]),))
        anchored = there.anchored({self.option.name: measured})
        return Search(anchored, self.option, self.grid, like=self)

    def elsewhere(self, at: Mapping[str, float]) -> Search:
        """The same with other numbers of the case; formulas are asked again where they see one."""
        seen = any(not name.startswith(NO_FORMULA) for name in at)
        like = None if seen else self
        return Search(self.model, self.option, self.grid, at, like, own=self.own)

    def closer(self, best: int) -> Search:
        """The same with more settings around one of them: between it and the next of each knob."""
        at = {name: float(value[0]) for name, value in self.at.items()}
        return Search(self.model, self.option, [*self.grid, *self._around(best)], at, self)

    def _around(self, best: int) -> Iterator[Settings]:
        study = self.model.study
        for name, own in self.grid[best].items():
            if name in WHOLE or study.case.all_knobs[name].values:
                continue
            beside = np.flatnonzero(self._beside(best, name))
            if self._alike(best)[beside].all():
                continue  # turning it changes nothing
            tried = {self.grid[nth][name] for nth in beside}
            for value in between(own, tried):
                settings = {**self.grid[best], name: value}
                if possible(study, self.option.at(**settings)):
                    yield settings

    @property
    def least(self) -> float:
        """The least score of a setting that keeps the limits at these numbers."""
        return float(np.where(self._room() >= 0, self._scores(), np.inf).min())

    def at_best(self, unless_above: float = np.inf) -> Search:
        """The search of the best settings alone.

        It is looked closer once; not even that, nor is it asked how sure it is, where the score is
        above this anyhow.
        """
        found = self
        best = found._best_here(found.all)
        if found._scores()[best] <= unless_above:
            best = found.best(found.all)
            found = found.closer(best)
            best = found.best(found.all)
        return found._only(best)

    def _only(self, nth: int) -> Search:
        at = {name: float(value[0]) for name, value in self.at.items()}
        one = {name: values[nth : nth + 1] for name, values in self.formula.items()}
        return Search(self.model, self.option, [self.grid[nth]], at, formula=one)

    @property
    def all(self) -> Flags:
        """Every setting."""
        return np.ones(len(self.grid), bool)

    def _room(self) -> Array:
        """How far inside every limit each setting is; negative where one is broken."""
        over = self._over_limits()
        return np.asarray(-np.max(over, axis=0)) if over else np.full(len(self.grid), ROOM)

    def _over_limits(self) -> list[Array]:
        """By how much each setting is past each limit."""
        bound = bounds(self.criteria, self.at)
        return [
            excess(limit, self.values[limit.metric], bound[name])
            for name, limit in self.hard.items()
        ]

    def _scores(self) -> Array:
        from cachelib.model.judgement.ties import score_of

        score = score_of(self.criteria, self.values, self.at)
        # hours that nobody states are the same whatever the settings
        return np.where(np.isnan(score), self._without_hours(), score)

    def _without_hours(self) -> Array:
        names = {"monthly_cost_usd": "bill_usd"}
        counted = [name for name in names.values() if name in self.formula]
        more = self.model.brought(self.option, self.formula, self.at, counted)
        parts = [
            weight * (more[names[name]] if name in names else np.nan_to_num(self.values[name]))
            for name, weight in self.criteria.weights.items()
        ]
        return np.asarray(sum(parts, np.zeros(len(self.grid))))

    def best(self, allowed: Flags) -> int:
        """The setting that keeps the limits at the least score; of equals the roomiest.

        Of those, the one next to what is set today. Where none keeps the limits, the nearest miss.
        """
        kept = allowed & (self._room() >= 0)
        if not self._in_draws or not kept.any():
            return self._best_here(allowed)
        return self._roomiest(self._surest(kept))

    def _best_here(self, allowed: Flags) -> int:
        """The same, where it is enough that limits are kept at these numbers."""
        room = np.where(allowed, self._room(), -np.inf)
        return (
            self._roomiest(self._equal(room >= 0, SLACK))
            if (room >= 0).any()
            else self._nearest(room)
        )

    def _nearest(self, room: Array) -> int:
        """The nearest miss; of those as near, what breaks least besides at the least score."""
        near = room >= room.max() - ALIKE
        failing = np.sum([over > 0 for over in self._over_limits()], axis=0)
        near &= failing == failing[near].min()
        return int(np.argmin(np.where(self._equal(near), self._away, np.inf)))

    def _roomiest(self, equal: Flags) -> int:
        if self.own is not None and equal[self.own]:
            return self.own
        rank = np.round(np.minimum(self._room(), ROOM), 1)
        order = np.lexsort((np.arange(len(self.grid)), self._away, -rank))
        return int(next(i for i in order if equal[i]))

    @property
    def _in_draws(self) -> bool:
        """Whether limits should hold in a share of draws, so that few settings are looked at."""
        return bool(self.criteria.sure and self.hard)

    def as_today(self, best: int, allowed: Flags) -> int:
        """The same with every knob next to where it is today, of where that does as well."""
        if not self._in_draws:
            return best  # all settings were looked at
        kept = allowed & (self._room() >= 0)
        for name in self.grid[best]:
            nearer = kept & self._beside(best, name) & (self._away < self._away[best])
            for nth in sorted(np.flatnonzero(nearer).tolist(), key=self._away.__getitem__):
                if self._as_sure(best, np.arange(len(self.grid)) == nth, SLACK).any():
                    best = nth
                    break
        return best

    def _beside(self, best: int, name: str) -> Flags:
        """The settings in which this knob alone may be turned otherwise."""
        return np.array([_same_but(settings, self.grid[best], name) for settings in self.grid])

    @cached_property
    def _away(self) -> Array:
        """How far each setting is from what is set today."""
        now = self.model.study.case.settings
        return np.array([_away(settings, now) for settings in self.grid])

    def _equal(self, kept: Flags, slack: float = 1.0) -> Flags:
        """Those that do as well as the best, by a share of what is material."""
        score = np.where(kept, self._scores(), np.inf)
        best = float(score.min())
        return np.asarray(kept & (score <= best + slack * self.criteria.score_tolerance(best)))

    def _unlike(self, kept: Flags) -> Places:
        """Settings that keep the limits, the best first: of those that do alike, the one next to
        what is set today. Formulas tell them apart by their last digits, which say nothing."""
        score = np.where(kept, self._scores(), np.inf)
        grain = ALIKE * self.criteria.score_tolerance(float(score.min()))
        alike = np.column_stack(
            [np.round(score[kept] / grain), np.round(self._room()[kept] / ALIKE)]
        )
        order = np.lexsort((self._away[kept], -alike[:, 1], alike[:, 0]))
        _, first = np.unique(alike[order], axis=0, return_index=True)
        return np.flatnonzero(kept)[order[np.sort(first)]]

    def _surest(self, kept: Flags) -> Flags:
        """Of settings that keep the limits in the wanted share of draws, those as good as best."""
        is_coarse = np.arange(len(self.grid)) < self.coarse
        share = np.full(len(self.grid), -1.0)
        order = self._unlike(kept & is_coarse)
        tried = order[_evenly(len(order), MOST_UNSURE)]
        if self.at:  # in no time: this is asked a hundred times
            self._ask_by_halves(tried, share, self.criteria.sure)
        else:
            self._ask_from_the_best(tried, share)
        if self.own is not None and kept[self.own]:
            share[self.own] = self._share_kept(self.own)
        wanted = min(self.criteria.sure, float(share.max()))
        better = self._scores() < self._scores()[share >= max(wanted, 0.0)].min(initial=np.inf)
        self._ask_by_halves(self._unlike(kept & ~is_coarse & better), share, wanted)
        return self._equal(share >= min(self.criteria.sure, float(share.max())), SLACK)

    def _ask_from_the_best(self, order: Places, share: Array) -> None:
        """Until one is sure enough, and beyond it as long as the next is as good."""
        score, worse = self._scores(), np.inf
        for nth in order.tolist():
            if score[nth] > worse:
                break
            share[nth] = self._share_kept(nth)
            if share[nth] >= self.criteria.sure:
                worse = min(worse, score[nth] + self.criteria.score_tolerance(float(score[nth])))

    def _ask_by_halves(self, order: Places, share: Array, wanted: float) -> None:
        """The first that is sure enough, of settings close together: what is better is less so."""
        first, last = 0, len(order)
        while first < last:
            middle = (first + last) // 2
            nth = int(order[middle])
            share[nth] = self._share_kept(nth)
            first, last = (first, middle) if share[nth] >= wanted else (middle + 1, last)

    def _alike(self, best: int) -> Flags:
        """The settings that do the same as this one."""
        score, room = self._scores(), self._room()
        grain = ALIKE * self.criteria.score_tolerance(float(score[best]))
        alike: Flags = (np.abs(score - score[best]) <= grain) & (np.abs(room - room[best]) <= ALIKE)
        return alike

    def _share_kept(self, nth: int) -> float:
        """The share of draws in which a setting keeps the limits."""
        there, numbers = self.option.at(**self.grid[nth]), self._numbers_drawn
        names = [limit.metric for limit in self.criteria.limits]
        key = tuple(self.grid[nth].values())
        if key not in self.drawn:
            self.drawn[key] = self.model.by_formula(there, numbers, names)
        values = self.model.brought(there, self.drawn[key], numbers, names)
        failing = broken(self.criteria, values, numbers)
        return float(1 - np.mean(np.any(list(failing.values()), axis=0)))

    @cached_property
    def _numbers_drawn(self) -> Numbers:
        from cachelib.model.judgement.draws import draw

        at = {name: float(value[0]) for name, value in self.at.items()}
        fixed = {name: np.full(DRAWS, value) for name, value in at.items()}
        return fixed | draw(self.model.study, [self.option], DRAWS, seed=0, at=at)

    def flat(self, best: int, free: list[str], allowed: Flags) -> dict[str, tuple[float, float]]:
        """How far each knob may be turned, the others as they are, and do materially as well."""
        kept = (self._room() >= 0) & allowed
        beside = {name: self._beside(best, name) for name in free}
        if self._in_draws:
            near = np.any(list(beside.values()), axis=0) if beside else np.zeros_like(kept)
            good = self._as_sure(best, kept & near)
        else:
            good = self._equal(kept)
        ends = {}
        for name, along in beside.items():
            well = [self.grid[nth][name] for nth in np.flatnonzero(good & along)]
            well = well or [self.grid[best][name]]
            ends[name] = (min(well), max(well))
        return ends

    def _as_sure(self, best: int, kept: Flags, slack: float = 1.0) -> Flags:
        """Of these settings, those that do as well and keep the limits in as large a share."""
        score, alike = self._scores(), self._alike(best)
        material = self.criteria.score_tolerance(float(score[best]))
        as_well = score <= score[best] + slack * material
        unlike = np.flatnonzero(kept & as_well & ~alike)
        wanted = min(self.criteria.sure, self._share_kept(best)) - BY_CHANCE
        good: Flags = kept & alike
        good[unlike] = [self._share_kept(nth) >= wanted for nth in unlike.tolist()]
        return good


def possible(study: Study, option: Option) -> bool:
    """Whether the platform takes an option as it is set, and it is not set in vain."""
    design = option.design
    in_vain = design.policy == "soft-hard" and design.refresh_after_s > design.hard_ttl_s
    cached_s = option.platform.get("kv_cache_ttl_s", np.inf)
    return (
        not in_vain
        and cached_s >= study.platform.kv_min_cache_ttl_s
        and fault_of(design, study.platform) is None
    )


def between(own: float, tried: Collection[float]) -> list[float]:
    """Values of a knob between its own and the next that were tried, on either side."""
    below, above = [v for v in tried if v < own], [v for v in tried if v > own]
    ends = [max(below)] if below else []
    ends += [min(above)] if above else []
    steps = [float(f"{v:.3g}") for end in ends for v in np.geomspace(own, end, FINER + 1)[1:-1]]
    return sorted({step for step in steps if step not in tried and step != own})


def _evenly(number: int, most: int) -> Places:
    """Places spread evenly over so many, the first and the last among them."""
    return np.unique(np.linspace(0, number - 1, most).astype(np.int64)) if number else _NONE


def _away(settings: Settings, now: Mapping[str, float]) -> float:
    """How far settings are from those of today, as ratios."""
    return sum(abs(math.log(v / now[name])) for name, v in settings.items() if name in now)


def _same_but(one: Settings, other: Settings, name: str) -> bool:
    return all(one[knob] == other[knob] for knob in one if knob != name)


def over(
    model: Model,
    option: Option,
    grid: list[Settings],
    names: Sequence[str],
    at: Numbers = MappingProxyType({}),
) -> dict[str, Array]:
    """By formula at every setting; TTLs as arrays, other knobs one after another."""
    found: dict[str, Array] = {}
    rest: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for nth, settings in enumerate(grid):
        others = tuple((k, v) for k, v in settings.items() if k not in AS_NUMBERS)
        rest.setdefault(others, []).append(nth)
    for others, places in rest.items():
        swept = [name for name in grid[places[0]] if name in AS_NUMBERS]
        there = _open(option.at(**dict(others)), swept)
        numbers = {**at, **{name: np.array([grid[i][name] for i in places]) for name in swept}}
        for name, values in model.by_formula(there, numbers, names).items():
            found.setdefault(name, np.empty(len(grid)))[places] = values
    return found


def _open(option: Option, names: Sequence[str]) -> Option:
    """The option with these knobs left to the numbers."""
    own = {name: None for name in names if name.endswith("_ttl_s") and name != "kv_cache_ttl_s"}
    settings = {name: v for name, v in option.settings.items() if name not in names}
    return replace(option, design=option.design.model_copy(update=own), settings=settings)
