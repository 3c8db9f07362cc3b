"""Knobs are decided: each option's best settings within what the case allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from cachelib.model.case.choices import WHOLE
from cachelib.model.judgement.all_keys import of_all_keys
from cachelib.model.judgement.asking import Asking, Settings, answered
from cachelib.model.judgement.intervals import resolution
from cachelib.model.judgement.limits import Flags, misses
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option, knobs_of, possible, simulate
from cachelib.model.judgement.search import CLOSER, Search, search
from cachelib.model.judgement.study import Study

ROUNDS = 5  # of search, simulation and search again with what the simulation said


@dataclass(frozen=True)
class LessSure:
    """An option's best settings at the best guesses alone, however seldom they keep the limits.

    `saves`: by how much they do better, in what is minimised; `kept`, `kept_as_set`: the share of
    tries in which they keep the limits, and in which the settings do that were taken.
    """

    option: Option
    saves: float
    kept: float
    kept_as_set: float


@dataclass(frozen=True)
class Tuned:
    """An option at its best settings, simulated there.

    `flat`: for each knob that was free, the least and the greatest setting that does materially
    as well; `tried`: how many settings the search saw. `keeps`: whether the simulation says that
    it keeps every limit; `refuted`: the settings of which it says that they break one, and
    `refuted_from`: how far inside limits formulas say that they lie (see `Search`).
    """

    option: Option
    measured: Mapping[str, float]
    keeps: bool
    flat: Mapping[str, tuple[float, float]]
    tried: int
    refuted: frozenset[int] = frozenset()
    refuted_from: Mapping[str, float] = field(default_factory=dict)
    less_sure: LessSure | None = None


def tune(study: Study, option: Option, names: Sequence[str]) -> Tuned:
    """Search over formulas, confirmed by simulation; what is there stays as it is set."""
    return answered(Model(study, (option,)), _tuned(study, option, names))


def _tuned(study: Study, option: Option, names: Sequence[str]) -> Asking[Tuned]:
    free = {} if option.is_today else _free(study, option)
    grid = list(_allowed(study, option, free))
    runs = _Runs(study, names)
    coarse = yield from search(Model(study, (option,)), option, grid)
    found, best = yield from _settled(coarse, runs)
    for _ in range(CLOSER):
        closer = yield from runs.correct(found, best).closer(best)
        if len(closer.grid) == len(found.grid):
            break
        found, best = yield from _settled(closer, runs)
    best = _or_as_today(found, best, runs)
    found = yield from found.across(best)
    allowed = runs.not_refuted(len(found.grid))
    flat = yield from found.flat(best, list(free), allowed)
    less_sure = yield from _less_sure(found, best, allowed)
    return Tuned(
        option=option.at(**found.grid[best]),
        measured=runs.told[best],
        keeps=_all_kept(study, runs.told[best]),
        flat=flat,
        tried=len(found.grid),
        refuted=frozenset(np.flatnonzero(~allowed).tolist()),
        refuted_from=runs.correct(found, best).refuted_by(runs.told, best),
        less_sure=less_sure,
    )


def _less_sure(found: Search, best: int, allowed: Flags) -> Asking[LessSure | None]:
    """What it costs to be as sure; None where it costs nothing that counts."""
    nth, scores = found.best_here(allowed), found.scores
    saves = float(scores[best] - scores[nth])
    criteria = found.criteria
    if not criteria.sure or saves <= criteria.score_tolerance(float(scores[nth])):
        return None
    kept, as_set = yield from found.shares_kept([nth, best])
    return LessSure(found.option.at(**found.grid[nth]), saves, kept, as_set)


@dataclass
class _Runs:
    """What simulations said of an option: `told`, metrics by setting.

    `chance`: by metric, half an interval relative to its value, of the first setting.
    """

    study: Study
    names: Sequence[str]
    told: dict[int, Mapping[str, float]] = field(default_factory=dict)
    chance: dict[str, float] = field(default_factory=dict)

    def run(self, found: Search, nth: int) -> None:
        study, there = self.study, found.option.at(**found.grid[nth])
        measured = measure(study, there, simulate(study, there), self.names)
        self.told[nth] = of_all_keys(study, there, measured)
        if not self.chance and study.case.criteria.sure:
            self.chance = self._chance(there, self.told[nth])

    def _chance(self, there: Option, told: Mapping[str, float]) -> dict[str, float]:
        names = [name for name in self.names if told[name] > 0]
        halves = resolution(self.study, [there], names, {there.name: told})
        return {name: float(halves[name][0]) / told[name] for name in names}

    def correct(self, found: Search, nth: int) -> Search:
        """The search, corrected by what a simulation of one of its settings said."""
        told = self.told[nth]
        halves = {name: share * told[name] for name, share in self.chance.items()}
        return found.corrected(nth, told, halves)

    def keeps(self, nth: int) -> bool:
        return _all_kept(self.study, self.told[nth])

    def not_refuted(self, n: int) -> Flags:
        """False for settings of which a simulation says that they break a limit."""
        return np.array([nth not in self.told or self.keeps(nth) for nth in range(n)])

    @property
    def best_seen(self) -> int:
        """Of simulated settings, the best that keeps every limit; else the nearest miss."""
        criteria = self.study.case.criteria

        def rank(nth: int) -> tuple[float, float]:
            told = self.told[nth]
            missed = sum(np.log1p(miss.excess) for miss in misses(criteria, "", told))
            score = sum(w * np.nan_to_num(told[name]) for name, w in criteria.weights.items())
            return round(float(missed), 2), float(score)

        return min(self.told, key=rank)


def _settled(found: Search, runs: _Runs) -> Asking[tuple[Search, int]]:
    """The best setting, simulated, and the search corrected by what that says."""
    for _ in range(ROUNDS):
        allowed = runs.not_refuted(len(found.grid))
        best = yield from found.best(allowed)
        best = yield from found.as_today(best, allowed)
        if best in runs.told:
            break
        runs.run(found, best)
        found = runs.correct(found, best)
    return found, best if runs.keeps(best) else runs.best_seen


def _or_as_today(found: Search, best: int, runs: _Runs) -> int:
    """Of what breaks a limit anyhow, set anew it comes no less near to it than as it is set."""
    today = {name: found.option.settings[name] for name in found.grid[0]}
    if runs.keeps(best) or today not in found.grid:
        return best
    if (as_today := found.grid.index(today)) not in runs.told:
        runs.run(found, as_today)
    return runs.best_seen


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
    free = {name: knobs[name].settings for name in names if name not in option.notes.settings}
    return {name: _whole(tried) if name in WHOLE else tried for name, tried in free.items()}


def _whole(settings: Sequence[float]) -> list[float]:
    """Of numbers of things, those between which a range is cut up."""
    return sorted({float(round(value)) for value in settings})


def _allowed(
    study: Study, option: Option, free: Mapping[str, Sequence[float]]
) -> Iterator[Settings]:
    """Every combination that the platform takes; as it is set today, if it takes none."""
    names = list(free)
    kept = 0
    for values in product(*free.values()):
        settings = dict(zip(names, values, strict=True))
        if possible(study, option.at(**settings)):
            kept += 1
            yield settings
    if not kept:
        study.platform.check(option.design)  # says what is wrong with it
        yield {name: option.settings[name] for name in names}


def _all_kept(study: Study, measured: Mapping[str, float]) -> bool:
    limits = study.case.criteria.limits
    return all(limit.kept_by(measured[limit.metric]) for limit in limits if limit.costs is None)
