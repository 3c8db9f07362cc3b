"""An option's settings searched by formula: a grid, finer where it is best, and how sure it is.

What must ask the formulas is a task (`asking`), so that many searches ask at once. Corrections by
what a simulation said do not ask anew, nor do numbers that no formula sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from cachelib.model.case.choices import WHOLE
from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.asking import Ask, Asking, Settings, ask
from cachelib.model.judgement.draws import Lots
from cachelib.model.judgement.limits import Flags, bounds, excess, limit_names
from cachelib.model.judgement.model import NO_FORMULA, Model, Numbers
from cachelib.model.judgement.options import Option, between, possible
from cachelib.model.judgement.surest import BY_CHANCE, SLACK, surest
from cachelib.model.judgement.tries import Said, Tries

ROOM = 0.5  # twice as far from a limit as this share of it is no safer
ALIKE = 0.01  # of what is material, and of a limit: what settings may differ by and do alike
CLOSER = 2  # times that it is looked closer
FAR = 0.25  # of a limit: missed by more, no setting between two steps keeps it

Places = npt.NDArray[np.int64]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Search:
    """The settings of an option that were looked at, and what the formulas say of each.

    `formula`: by metric, shape (settings,). `at`: numbers of the case at other values. `own`: a
    setting that stays wherever it does as well as the best. `coarse`: how many of the settings
    were there before it was looked closer. `tried_by`: the model that says in which draws limits
    are kept, if another. `drawn`: by setting, what is said of it over draws; `lots`: those.
    `refuted_from`: by limit, how far inside it formulas say that settings lie of which a simulation
    said here that they break it, as an excess: what comes as near breaks it, too.
    """

    model: Model
    option: Option
    grid: list[Settings]
    formula: Mapping[str, Array]
    at: Mapping[str, Array] = field(default_factory=dict)
    own: int | None = None
    coarse: int = 0
    tried_by: Model | None = None
    drawn: Said = field(default_factory=dict, repr=False)
    lots: dict[int, Lots] = field(default_factory=dict, repr=False)
    refuted_from: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def criteria(self) -> Criteria:
        return self.model.study.case.criteria

    @cached_property
    def hard(self) -> dict[str, Limit]:
        named = limit_names(self.criteria)
        return {name: limit for name, limit in named.items() if limit.costs is None}

    @cached_property
    def values(self) -> dict[str, Array]:
        """By metric, each setting's: the formulas, corrected, with the work."""
        return self.model.brought(self.option, self.formula, self.at, self.criteria.names())

    def corrected(self, nth: int, measured: Values, chance: Values) -> Search:
        """The same search, with the formulas exact at one of its settings; in draws, but for
        chance."""
        there = replace(self.model, options=(self.option.at(**self.grid[nth]),))
        said, half = {self.option.name: measured}, {self.option.name: chance}
        return replace(self, model=there.anchored(said), tried_by=there.anchored(said, half))

    def elsewhere(self, at: Mapping[str, float]) -> Asking[Search]:
        """The same with other numbers of the case; formulas are asked again where they see one."""
        numbers = {name: np.array([value]) for name, value in at.items()}
        if all(name.startswith(NO_FORMULA) for name in at):
            return replace(self, at=numbers)
        found = yield from search(self.model, self.option, self.grid, numbers, self.own)
        return replace(
            found, tried_by=self.tried_by, lots=self.lots, refuted_from=self.refuted_from
        )

    def closer(self, best: int) -> Asking[Search]:
        """The same with more settings around one of them: between it and the next of each knob.

        Where that keeps no limits, around what comes nearest to it, however far from today's.
        """
        keeps = self._room[best] >= 0
        return self._with_more(self._around(best if keeps else int(np.argmin(self._misses))))

    def across(self, best: int) -> Asking[Search]:
        """The same with each knob of one of the settings turned to every value that was tried."""
        turned = ({**self.grid[best], name: value} for name in self.grid[best]
                  for value in sorted(self._tried(name)))  # fmt: skip
        return self._with_more(turned)

    def _with_more(self, settings: Iterable[Settings]) -> Asking[Search]:
        known = {tuple(one.values()) for one in self.grid}
        more = [
            one
            for one in settings
            if tuple(one.values()) not in known
            and possible(self.model.study, self.option.at(**one))
        ]
        if not more:
            return self
        (found,) = yield from ask(Ask(self.option, more, self.at, self.criteria.names()))
        formula = {name: np.concatenate([old, found[name]]) for name, old in self.formula.items()}
        return replace(self, grid=[*self.grid, *more], formula=formula)

    def _around(self, best: int) -> Iterator[Settings]:
        knobs = self.model.study.case.all_knobs
        for name, own in self.grid[best].items():
            if name in WHOLE or knobs[name].values:
                continue
            beside = np.flatnonzero(self.beside(best, name))
            if len(beside) > 1 and self._alike(best)[beside].all():
                continue  # turning it changes nothing
            for value in between(own, self._tried(name), knobs[name].unit):
                yield {**self.grid[best], name: value}

    def _tried(self, name: str) -> set[float]:
        return {settings[name] for settings in self.grid}

    @property
    def least(self) -> float:
        """The least score of a setting that keeps the limits at these numbers."""
        return float(np.where(self._room >= 0, self.scores, np.inf).min())

    def at_best(self, unless_above: float = np.inf) -> Asking[Search]:
        """The search of the best settings alone.

        It is looked closer once; not even that, nor is it asked how sure it is, where scores are
        above this all around, or a limit is missed by far.
        """
        found = self
        best = found.best_here(found.all)
        if found._least_around(best) <= unless_above and found._room[best] > -FAR:
            best = yield from found.best(found.all)
            found, best = yield from found._closer_still(best)
        return found.only(best)

    def _least_around(self, best: int) -> float:
        """The least score of a setting and of those next to it: what lies between goes no lower."""
        return float(self.scores[[best, *self.next_to(best, self.all)]].min())

    def next_to(self, best: int, kept: Flags) -> Places:
        """Of the settings `kept`, those a step from this one: one knob turned, either way."""
        found: list[int] = []
        for nth, name in enumerate(self.grid[best]):
            beside = np.flatnonzero(self.beside(best, name) & kept)
            away = self._table[beside, nth] - self._table[best, nth]
            sides = (np.where(side, np.abs(away), np.inf) for side in (away < 0, away > 0))
            found += [int(beside[far.argmin()]) for far in sides if np.isfinite(far).any()]
        return np.array(found, np.int64)

    def _closer_still(self, best: int) -> Asking[tuple[Search, int]]:
        """Looked closer around the best, and once more if that keeps no limits yet, or if a step
        to the next setting still counts: two options may lie no farther apart."""
        found = self
        for _ in range(CLOSER):
            found = yield from found.closer(best)
            best = yield from found.best(found.all)
            if found._room[best] >= 0 and found._is_fine(best):
                break
        return found, best

    def _is_fine(self, best: int) -> bool:
        """Whether the next settings on either side do as well, by what counts."""
        score = float(self.scores[best])
        apart = np.abs(self.scores[self.next_to(best, self.all)] - score)
        return bool((apart <= self.criteria.score_tolerance(score)).all())

    def only(self, nth: int) -> Search:
        """The search of one of the settings alone."""
        return replace(self._of(np.array([nth])), own=None)

    def _of(self, places: Places) -> Search:
        """The search of some of the settings."""
        formula = {name: values[places] for name, values in self.formula.items()}
        grid = [self.grid[place] for place in places]
        return replace(self, grid=grid, formula=formula, coarse=len(grid))

    def unlike(self, there: Search) -> Search:
        """The search of one of all that do alike, here and `there`; its own setting stays first."""
        told = np.column_stack([self._told_apart, there._told_apart])
        order = np.concatenate([[0], 1 + np.argsort(self._away[1:], kind="stable")])
        _, first = np.unique(told[order], axis=0, return_index=True)
        return self._of(np.sort(order[first]))

    @property
    def _told_apart(self) -> Array:
        """What settings do, as far as it is told apart: shape (settings, limits and score)."""
        score = self.scores
        grain = ALIKE * self.criteria.score_tolerance(float(score.min()))
        over = [np.round(by / ALIKE) for by in self._over_limits]
        return np.column_stack([*over, np.round(score / grain)])

    @property
    def all(self) -> Flags:
        """Every setting."""
        return np.ones(len(self.grid), bool)

    @cached_property
    def _room(self) -> Array:
        """How far inside every limit each setting is; negative where one is broken."""
        over = self._over_limits
        return np.asarray(-np.max(over, axis=0)) if over else np.full(len(self.grid), ROOM)

    @cached_property
    def _over_limits(self) -> list[Array]:
        """By how much each setting is past each limit, or past where a simulation refuted some."""
        bound = bounds(self.criteria, self.at)
        return [
            excess(limit, self.values[limit.metric], bound[name]) - self.refuted_from.get(name, 0.0)
            for name, limit in self.hard.items()
        ]

    def refuted_by(self, told: Mapping[int, Values], best: int) -> dict[str, float]:
        """`refuted_from`, of what simulations `told` of settings; none that the `best` would be."""
        found: dict[str, float] = {}
        for (name, limit), over in zip(self.hard.items(), self._over_limits, strict=True):
            out = [nth for nth, values in told.items() if not limit.kept_by(values[limit.metric])]
            inside = [float(over[nth]) for nth in out if over[best] < over[nth] < 0]
            if inside:
                found[name] = min(inside)
        return found

    @cached_property
    def scores(self) -> Array:
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

    def best(self, allowed: Flags) -> Asking[int]:
        """The setting that keeps the limits at the least score; of equals the roomiest.

        Of those, the one next to what is set today. Where none keeps the limits, the nearest miss.
        """
        kept = allowed & (self._room >= 0)
        if not self._in_draws or not kept.any():
            return self.best_here(allowed)
        return self._roomiest((yield from surest(self, kept, self.criteria.sure)))

    def best_here(self, allowed: Flags) -> int:
        """The same, where it is enough that limits are kept at these numbers."""
        kept = allowed & (self._room >= 0)
        return self._roomiest(self.equal(kept, SLACK)) if kept.any() else self._nearest()

    def _nearest(self) -> int:
        """The nearest miss, over all limits; of those as near, the one next to today's.

        Refuted ones are none the farther: what a simulation said of them is what formulas say.
        """
        near = self._misses <= self._misses.min() + ALIKE
        return int(np.argmin(np.where(self.equal(near), self._away, np.inf)))

    @cached_property
    def _misses(self) -> Array:
        """By how much each setting misses, over all limits."""
        over = [np.log1p(np.maximum(over, 0)) for over in self._over_limits]
        return np.asarray(np.sum(over, axis=0)) if over else np.zeros(len(self.grid))

    def _roomiest(self, equal: Flags) -> int:
        if self.own is not None and equal[self.own]:
            return self.own
        rank = np.round(np.minimum(self._room, ROOM), 1)
        order = np.lexsort((np.arange(len(self.grid)), self._away, -rank))
        return int(next(i for i in order if equal[i]))

    @property
    def _in_draws(self) -> bool:
        """Whether limits should hold in a share of draws, so that few settings are looked at."""
        return bool(self.criteria.sure and self.hard)

    def as_today(self, best: int, allowed: Flags) -> Asking[int]:
        """The same with every knob next to where it is today, of where that does as well."""
        if not self._in_draws:
            return best  # all settings were looked at
        kept = allowed & (self._room >= 0)
        for name in self.grid[best]:
            nearer = kept & self.beside(best, name) & (self._away < self._away[best])
            as_well = yield from self._as_sure(best, nearer, SLACK)
            if as_well.any():
                best = int(np.argmin(np.where(as_well, self._away, np.inf)))
        return best

    def beside(self, best: int, name: str) -> Flags:
        """The settings in which this knob alone may be turned otherwise."""
        others = [nth for nth, knob in enumerate(self.grid[best]) if knob != name]
        beside: Flags = (self._table == self._table[best])[:, others].all(axis=1)
        return beside

    @cached_property
    def _table(self) -> Array:
        """The settings, shape (settings, knobs)."""
        rows = [list(settings.values()) for settings in self.grid]
        return np.array(rows, np.float64).reshape(len(self.grid), -1)

    @cached_property
    def _away(self) -> Array:
        """How far each setting is from what is set today, as ratios."""
        now = self.model.study.case.settings
        known = [nth for nth, name in enumerate(self.grid[0]) if name in now]
        today = np.array([now[name] for name in self.grid[0] if name in now])
        away: Array = np.abs(np.log(self._table[:, known] / today)).sum(axis=1)
        return away

    def equal(self, kept: Flags, slack: float = 1.0) -> Flags:
        """Those that do as well as the best, by a share of what is material."""
        score = np.where(kept, self.scores, np.inf)
        best = float(score.min())
        return np.asarray(kept & (score <= best + slack * self.criteria.score_tolerance(best)))

    def unlike_of(self, kept: Flags) -> Places:
        """Settings that keep the limits, the best first: of those that do alike, the one next to
        what is set today. Formulas tell them apart by their last digits, which say nothing."""
        score = self.scores[kept]
        grain = ALIKE * self.criteria.score_tolerance(float(score.min(initial=np.inf)))
        alike = np.column_stack([np.round(score / grain), np.round(self._room[kept] / ALIKE)])
        order = np.lexsort((self._away[kept], -alike[:, 1], alike[:, 0]))
        first: Flags = np.append(True, np.diff(alike[order], axis=0).any(axis=1))[: len(order)]
        return np.flatnonzero(kept)[order[first]]

    def _alike(self, best: int) -> Flags:
        """The settings that do the same as this one."""
        score, room = self.scores, self._room
        grain = ALIKE * self.criteria.score_tolerance(float(score[best]))
        alike: Flags = (np.abs(score - score[best]) <= grain) & (np.abs(room - room[best]) <= ALIKE)
        return alike

    @cached_property
    def _tries(self) -> Tries:
        return Tries(self.tried_by or self.model, self.option, self.at, self.drawn, self.lots)

    def shares_kept(self, places: Sequence[int] | Places) -> Asking[list[float]]:
        """The share of draws in which each of these settings keeps the limits."""
        return self._tries.shares([self.grid[nth] for nth in places])

    def flat(
        self, best: int, free: list[str], allowed: Flags
    ) -> Asking[dict[str, tuple[float, float]]]:
        """How far each knob may be turned, the others as they are, and do materially as well."""
        kept = (self._room >= 0) & allowed
        beside = {name: self.beside(best, name) for name in free}
        if self._in_draws:
            near = np.any(list(beside.values()), axis=0) if beside else np.zeros_like(kept)
            good = yield from self._as_sure(best, kept & near)
        else:
            good = self.equal(kept)
        ends = {}
        for name, along in beside.items():
            well = [self.grid[nth][name] for nth in np.flatnonzero(good & along)]
            well = well or [self.grid[best][name]]
            ends[name] = (min(well), max(well))
        return ends

    def _as_sure(self, best: int, kept: Flags, slack: float = 1.0) -> Asking[Flags]:
        """Of these settings, those that do as well and keep the limits in as large a share."""
        score, alike = self.scores, self._alike(best)
        material = self.criteria.score_tolerance(float(score[best]))
        as_well = score <= score[best] + slack * material
        unlike = np.flatnonzero(kept & as_well & ~alike)
        mine, *others = yield from self.shares_kept([best, *unlike.tolist()])
        good: Flags = kept & alike
        good[unlike] = np.array(others) >= min(self.criteria.sure, mine) - BY_CHANCE
        return good


def search(
    model: Model,
    option: Option,
    grid: list[Settings],
    at: Numbers = MappingProxyType({}),
    own: int | None = None,
) -> Asking[Search]:
    """The search of an option's settings."""
    (formula,) = yield from ask(Ask(option, grid, at, model.names))
    return Search(model, option, grid, formula, at, own, len(grid))
