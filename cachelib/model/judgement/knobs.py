"""Knobs are decided: each option's best settings within what the case allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from cachelib.model.case.designs import fault_of
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.limits import Flags, bounds, excess, limit_names, misses
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import NO_FORMULA, Model, Numbers
from cachelib.model.judgement.options import Option, knobs_of, simulate
from cachelib.model.judgement.study import Study

ROUNDS = 5  # of search, simulation and search again with what the simulation said
AS_NUMBERS = ("l1_ttl_s", "l2_ttl_s", "kv_cache_ttl_s")  # formulas take these as arrays
ROOM = 0.5  # twice as far from a limit as this share of it is no safer
ALIKE = 0.01  # of what is material, and of a limit: what settings may differ by and do alike
MOST_UNSURE, DRAWS = 12, 48  # settings tried over draws, where limits should hold in a share

Settings = dict[str, float]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tuned:
    """An option at its best settings, simulated there.

    `flat`: for each knob that was free, the least and the greatest setting that does materially
    as well; `tried`: how many settings the search saw. `keeps`: whether the simulation says that
    it keeps every limit; `refuted`: the settings of which it says that they break one.
    """

    option: Option
    measured: Mapping[str, float]
    keeps: bool
    flat: Mapping[str, tuple[float, float]]
    tried: int
    refuted: frozenset[int] = frozenset()


def tune(study: Study, option: Option, names: Sequence[str]) -> Tuned:
    """Search over formulas, confirmed by simulation; what is there stays as it is set."""
    free = {} if option.is_today else _free(study, option)
    grid = list(_allowed(study, option, free))
    simulated: dict[int, Mapping[str, float]] = {}
    found = Search(Model(study, (option,)), option, grid)
    for _ in range(ROUNDS):
        best = found.best(_not_refuted(study, simulated, len(grid)))
        if best in simulated:
            break
        there = option.at(**grid[best])
        simulated[best] = measure(study, there, simulate(study, there), names)
        found = found.corrected(best, simulated[best])
    keeping = [nth for nth, measured in simulated.items() if _all_kept(study, measured)]
    if best not in keeping:
        best = keeping[-1] if keeping else _nearest_miss(study, simulated)
    return Tuned(
        option=option.at(**grid[best]),
        measured=simulated[best],
        keeps=_all_kept(study, simulated[best]),
        flat=found.flat(best, list(free), _not_refuted(study, simulated, len(grid))),
        tried=len(grid),
        refuted=frozenset(np.flatnonzero(~_not_refuted(study, simulated, len(grid))).tolist()),
    )


def grid_of(study: Study, tuned: Tuned) -> list[Settings]:
    """The settings that an option may be given, those aside of which a simulation says that they
    break a limit; what is there stays as it is set."""
    free = {} if tuned.option.is_today else _free(study, tuned.option)
    every = list(_allowed(study, tuned.option, free))
    kept = [settings for nth, settings in enumerate(every) if nth not in tuned.refuted]
    return kept or every


def _free(study: Study, option: Option) -> dict[str, list[float]]:
    """The settings to try of each knob that is not held."""
    knobs = study.case.all_knobs
    names = knobs_of(study.case.design(option.name), knobs)
    return {name: knobs[name].settings for name in names if name not in option.notes.settings}


def _allowed(
    study: Study, option: Option, free: Mapping[str, Sequence[float]]
) -> Iterator[Settings]:
    """Every combination that the platform takes, as set today first, so that there is one."""
    names = list(free)
    kept = 0
    for values in product(*free.values()):
        settings = dict(zip(names, values, strict=True))
        if _possible(study, option.at(**settings)):
            kept += 1
            yield settings
    if not kept:
        study.platform.check(option.design)  # says what is wrong with it
        yield {name: option.settings[name] for name in names}


def _possible(study: Study, option: Option) -> bool:
    design = option.design
    in_vain = design.policy == "soft-hard" and design.refresh_after_s > design.hard_ttl_s
    cached_s = option.platform.get("kv_cache_ttl_s", np.inf)
    return (
        not in_vain
        and cached_s >= study.platform.kv_min_cache_ttl_s
        and fault_of(design, study.platform) is None
    )


def _all_kept(study: Study, measured: Mapping[str, float]) -> bool:
    limits = study.case.criteria.limits
    return all(limit.kept_by(measured[limit.metric]) for limit in limits if limit.costs is None)


def _nearest_miss(study: Study, simulated: Mapping[int, Mapping[str, float]]) -> int:
    """Of settings that break a limit each, the one whose widest miss is the narrowest."""
    widest = {
        nth: misses(study.case.criteria, "", measured)[0].excess
        for nth, measured in simulated.items()
    }
    return min(widest, key=lambda nth: widest[nth])


def _not_refuted(study: Study, simulated: Mapping[int, Mapping[str, float]], n: int) -> Flags:
    """False for settings of which the simulation says that they break a limit."""
    out = {nth for nth, measured in simulated.items() if not _all_kept(study, measured)}
    return np.array([nth not in out for nth in range(n)])


class Search:
    """The grid of an option's settings, by formula; corrections do not ask the formulas anew."""

    def __init__(
        self,
        model: Model,
        option: Option,
        grid: list[Settings],
        before: Search | None = None,
        at: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.model, self.option, self.grid = model, option, grid
        self.criteria = model.study.case.criteria
        self.at = {name: np.array([value]) for name, value in at.items()}
        self.hard = {
            name: limit for name, limit in limit_names(self.criteria).items() if limit.costs is None
        }
        names = self.criteria.names()
        self.formula: dict[str, Array] = (
            before.formula if before else _over(model, option, grid, names, self.at)
        )
        self.drawn: dict[int, Numbers] = before.drawn if before else {}
        self.values = model.brought(option, self.formula, self.at, names)

    def corrected(self, nth: int, measured: Mapping[str, float]) -> Search:
        """The same search, with the formulas exact at one of its settings."""
        there = replace(self.model, options=(self.option.at(**self.grid[nth]),))
        anchored = there.anchored({self.option.name: measured})
        return Search(anchored, self.option, self.grid, before=self)

    def elsewhere(self, at: Mapping[str, float]) -> Search:
        """The same with other numbers of the case; formulas are asked again where they see one."""
        seen = any(not name.startswith(NO_FORMULA) for name in at)
        return Search(self.model, self.option, self.grid, before=None if seen else self, at=at)

    def at_best(self) -> dict[str, Array]:
        """By formula, what the best settings do; each of shape (1,)."""
        best = self.best(np.ones(len(self.grid), bool))
        return {name: values[best : best + 1] for name, values in self.values.items()}

    def _room(self) -> Array:
        """How far inside every limit each setting is; negative where one is broken."""
        bound = bounds(self.criteria, self.at)
        over = [
            excess(limit, self.values[limit.metric], bound[name])
            for name, limit in self.hard.items()
        ]
        return np.asarray(-np.max(over, axis=0)) if over else np.full(len(self.grid), ROOM)

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
        room = np.where(allowed, self._room(), -np.inf)
        if not (room >= 0).any():
            return int(np.argmax(np.where(np.isfinite(room), room, -1e300)))
        equal = self._equal(room >= 0)
        if self._in_draws:
            equal = self._surest(room >= 0)
        rank = np.round(np.minimum(room, ROOM), 1)
        order = np.lexsort((np.arange(len(self.grid)), self._away, -rank))
        best = int(next(i for i in order if equal[i]))
        return self._as_today(best, room >= 0) if self._in_draws and not self.at else best

    @property
    def _in_draws(self) -> bool:
        """Whether limits should hold in a share of draws, so that few settings are looked at."""
        return bool(self.criteria.sure and self.hard)

    def _as_today(self, best: int, kept: Flags) -> int:
        """The same with every knob next to where it is today, of where that does as well."""
        for name in self.grid[best]:
            nearer = kept & self._beside(best, name) & (self._away < self._away[best])
            for nth in sorted(np.flatnonzero(nearer).tolist(), key=self._away.__getitem__):
                if self._as_sure(best, np.arange(len(self.grid)) == nth).any():
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

    def _equal(self, kept: Flags) -> Flags:
        """Those that do materially as well as the best."""
        score = np.where(kept, self._scores(), np.inf)
        best = float(score.min())
        return np.asarray(kept & (score <= best + self._material(best)))

    def _material(self, score: float) -> float:
        """By how much a score must be above this one to count as worse."""
        aim = self.criteria.aim
        weight = abs(self.criteria.weights[aim])
        return float(self.criteria.tolerance(aim, score / weight) * weight)

    def _unlike(self, kept: Flags) -> Places:
        """Settings that keep the limits, the best first: of those that do alike, the one next to
        what is set today. Formulas tell them apart by their last digits, which say nothing."""
        score = np.where(kept, self._scores(), np.inf)
        grain = ALIKE * self._material(float(score.min()))
        alike = np.column_stack(
            [np.round(score[kept] / grain), np.round(self._room()[kept] / ALIKE)]
        )
        order = np.lexsort((self._away[kept], -alike[:, 1], alike[:, 0]))
        _, first = np.unique(alike[order], axis=0, return_index=True)
        return np.flatnonzero(kept)[order[np.sort(first)]]

    def _surest(self, kept: Flags) -> Flags:
        """Of settings that keep the limits in the wanted share of draws, those as good as best."""
        order = self._unlike(kept)
        tried = order[np.unique(np.linspace(0, len(order) - 1, MOST_UNSURE).astype(int))]
        share = np.full(len(self.grid), -1.0)
        share[tried] = self._shares_kept(tried)
        return self._equal(share >= min(self.criteria.sure, float(share.max())))

    def _shares_kept(self, places: Places) -> Array:
        """The share of draws in which each of these settings keeps the limits."""
        from cachelib.model.judgement.draws import draw
        from cachelib.model.judgement.limits import broken

        numbers = draw(self.model.study, [self.option], DRAWS, seed=0)
        numbers |= {name: np.full(DRAWS, value[0]) for name, value in self.at.items()}
        names = [limit.metric for limit in self.criteria.limits]
        shares = []
        for nth in places.tolist():
            there = self.option.at(**self.grid[nth])
            if nth not in self.drawn:
                self.drawn[nth] = self.model.by_formula(there, numbers, names)
            values = self.model.brought(there, self.drawn[nth], numbers, names)
            failing = broken(self.criteria, values, numbers)
            shares.append(float(1 - np.mean(np.any(list(failing.values()), axis=0))))
        return np.array(shares)

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

    def _as_sure(self, best: int, kept: Flags) -> Flags:
        """Of these settings, those that do as well and keep the limits in as large a share."""
        score, room = self._scores(), self._room()
        material = self._material(float(score[best]))
        worse = score - score[best]
        alike = (np.abs(worse) <= ALIKE * material) & (np.abs(room - room[best]) <= ALIKE)
        unlike = np.flatnonzero(kept & (worse <= material) & ~alike)
        wanted = min(self.criteria.sure, float(self._shares_kept(np.array([best]))[0]))
        good: Flags = kept & alike
        good[unlike] = self._shares_kept(unlike) >= wanted
        return good


def _away(settings: Settings, now: Mapping[str, float]) -> float:
    """How far settings are from those of today, as ratios."""
    return sum(abs(math.log(v / now[name])) for name, v in settings.items() if name in now)


def _same_but(one: Settings, other: Settings, name: str) -> bool:
    return all(one[knob] == other[knob] for knob in one if knob != name)


def _over(
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
