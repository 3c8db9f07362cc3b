"""Knobs are decided: each option's best settings within what the case allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from cachelib.model.judgement.all_keys import of_all_keys
from cachelib.model.judgement.asking import Asking, Settings, answered
from cachelib.model.judgement.limits import Flags, misses
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.options import Option, knobs_of, simulate
from cachelib.model.judgement.search import CLOSER, Search, possible, search
from cachelib.model.judgement.study import Study

ROUNDS = 5  # of search, simulation and search again with what the simulation said


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
    return answered(Model(study, (option,)), _tuned(study, option, names))


def _tuned(study: Study, option: Option, names: Sequence[str]) -> Asking[Tuned]:
    free = {} if option.is_today else _free(study, option)
    grid = list(_allowed(study, option, free))
    simulated: dict[int, Mapping[str, float]] = {}
    coarse = yield from search(Model(study, (option,)), option, grid)
    found, best = yield from _settled(study, coarse, simulated, names)
    for _ in range(CLOSER):
        closer = yield from found.corrected(best, simulated[best]).closer(best)
        if len(closer.grid) == len(found.grid):
            break
        found, best = yield from _settled(study, closer, simulated, names)
    found = yield from found.across(best)
    allowed = _not_refuted(study, simulated, len(found.grid))
    flat = yield from found.flat(best, list(free), allowed)
    return Tuned(
        option=option.at(**found.grid[best]),
        measured=simulated[best],
        keeps=_all_kept(study, simulated[best]),
        flat=flat,
        tried=len(found.grid),
        refuted=frozenset(np.flatnonzero(~allowed).tolist()),
    )


def _settled(
    study: Study, found: Search, simulated: dict[int, Mapping[str, float]], names: Sequence[str]
) -> Asking[tuple[Search, int]]:
    """The best setting, simulated, and the search corrected by what that says."""
    for _ in range(ROUNDS):
        allowed = _not_refuted(study, simulated, len(found.grid))
        best = yield from found.best(allowed)
        best = yield from found.as_today(best, allowed)
        if best in simulated:
            break
        there = found.option.at(**found.grid[best])
        told = measure(study, there, simulate(study, there), names)
        simulated[best] = of_all_keys(study, there, told)
        found = found.corrected(best, simulated[best])
    if not _all_kept(study, simulated[best]):
        best = _best_seen(study, simulated)
    return found, best


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
        if possible(study, option.at(**settings)):
            kept += 1
            yield settings
    if not kept:
        study.platform.check(option.design)  # says what is wrong with it
        yield {name: option.settings[name] for name in names}


def _all_kept(study: Study, measured: Mapping[str, float]) -> bool:
    limits = study.case.criteria.limits
    return all(limit.kept_by(measured[limit.metric]) for limit in limits if limit.costs is None)


def _best_seen(study: Study, simulated: Mapping[int, Mapping[str, float]]) -> int:
    """Of simulated settings, the best that keeps every limit; else the nearest miss."""
    criteria = study.case.criteria

    def rank(nth: int) -> tuple[float, float]:
        missed = sum(np.log1p(miss.excess) for miss in misses(criteria, "", simulated[nth]))
        score = sum(w * np.nan_to_num(simulated[nth][name]) for name, w in criteria.weights.items())
        return round(float(missed), 2), float(score)

    return min(simulated, key=rank)


def _not_refuted(study: Study, simulated: Mapping[int, Mapping[str, float]], n: int) -> Flags:
    """False for settings of which the simulation says that they break a limit."""
    out = {nth for nth, measured in simulated.items() if not _all_kept(study, measured)}
    return np.array([nth not in out for nth in range(n)])
