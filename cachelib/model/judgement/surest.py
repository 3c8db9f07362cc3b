"""Of settings that keep the limits, the best that does so in the wanted share of draws.

How sure a setting is, is asked over draws, which costs much: of all that keep the limits few are
asked, then those around the best of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.asking import Asking, abreast
from cachelib.model.judgement.limits import Flags
from cachelib.model.judgement.tries import DRAWS, MORE

MOST = 12  # settings asked before those around the best
BY_CHANCE = 2.5 / (MORE * DRAWS)  # of a share of so many draws: no less sure
SLACK = 0.25  # of what is material: what a setting may be worse by for having more room

Places = npt.NDArray[np.int64]


class Settings(Protocol):
    """Settings of an option, as a search has them."""

    @property
    def grid(self) -> Sequence[Mapping[str, float]]: ...
    @property
    def own(self) -> int | None: ...
    @property
    def coarse(self) -> int: ...
    @property
    def at(self) -> Mapping[str, Array]: ...
    @property
    def scores(self) -> Array: ...
    def equal(self, kept: Flags, slack: float) -> Flags: ...
    def unlike_of(self, kept: Flags) -> Places: ...
    def beside(self, best: int, name: str) -> Flags: ...
    def next_to(self, best: int, kept: Flags) -> Places: ...
    def shares_kept(self, places: Places) -> Asking[list[float]]: ...


def surest(search: Settings, kept: Flags, sure: float) -> Asking[Flags]:
    """Of the settings `kept`, those as good as the best that is sure enough: in this share."""
    return _Surest(search, kept, np.full(len(search.grid), -1.0), sure).found()


@dataclass(frozen=True)
class _Surest:
    """`share`: of draws in which each setting keeps the limits; -1 where that was not asked."""

    search: Settings
    kept: Flags
    share: Array
    sure: float

    def found(self) -> Asking[Flags]:
        search, own = self.search, self.search.own
        if own is not None and self.kept[own]:
            yield from self._ask(np.array([own]))
            if self.share[own] >= self.sure and search.equal(self.kept, SLACK)[own]:
                stays: Flags = np.arange(len(search.grid)) == own
                return stays  # whatever else does as well
        is_coarse = np.arange(len(search.grid)) < search.coarse
        yield from self._look_around(self.kept & is_coarse)
        yield from self._turn_each(self.kept & is_coarse)
        least = search.scores[self.share >= self._wanted].min(initial=np.inf)
        finer = search.unlike_of(self.kept & ~is_coarse & (search.scores < least))
        yield from self._ask_by_halves(finer, self._wanted)
        return search.equal(self.share >= self._wanted, SLACK)

    def _look_around(self, kept: Flags) -> Asking[None]:
        """A few of all; elsewhere in no time, since that is asked a hundred times: from where it
        is set here, if that is sure there, each knob is turned."""
        order = self.search.unlike_of(kept)
        tried = order[_evenly(len(order), MOST)]
        if not self.search.at:
            yield from self._ask(tried)
        elif self.share.max() < self.sure:
            yield from self._ask_by_halves(tried, self.sure)
        if self.share.max() < self.sure:
            yield from self._climb(kept)

    def _climb(self, kept: Flags) -> Asking[None]:
        """From the surest, each knob turned a step either way, until none is surer or one will do.

        Those on both sides of a setting may be less sure than it: of a short life the bill breaks
        its limit, of a long one what is out of date.
        """
        before, surest = -1, int(self.share.argmax())
        while surest != before and self.share[surest] < self.sure:
            beside = self.search.next_to(surest, kept)
            yield from self._ask(beside[self.share[beside] < 0])
            before, surest = surest, int(self.share.argmax())

    def _turn_each(self, kept: Flags) -> Asking[None]:
        """Each knob turned from the best that is sure enough, until none of them betters it.

        What was tried lies far apart: of a better setting, one knob may be between two of them.
        """
        search, best, before = self.search, self._best, None
        while best != before:
            better = kept & (self.share < 0) & (search.scores < search.scores[best])
            orders = [
                search.unlike_of(better & search.beside(best, name)) for name in search.grid[best]
            ]
            wanted = self._wanted
            yield from abreast(self._ask_by_halves(order, wanted) for order in orders)
            best, before = self._best, best

    def _ask_by_halves(self, order: Places, wanted: float) -> Asking[None]:
        """The first that is sure enough, of settings close together: what is better is less so."""
        first, last = 0, len(order)
        while first < last:
            middle = (first + last) // 2
            yield from self._ask(order[[middle]])
            is_sure = self.share[order[middle]] >= wanted
            first, last = (first, middle) if is_sure else (middle + 1, last)

    def _ask(self, places: Places) -> Asking[None]:
        self.share[places] = yield from self.search.shares_kept(places)

    @property
    def _best(self) -> int:
        """The best of those that are sure enough."""
        sure = self.share >= self._wanted
        return int(np.argmin(np.where(sure, self.search.scores, np.inf)))

    @property
    def _wanted(self) -> float:
        return wanted(self.share, self.sure)


def wanted(share: Array, sure: float) -> float:
    """The share of draws that is asked for; where none has it, the largest, as far as chance can
    tell: a hair of it is not worth a dearer setting."""
    most = float(share.max())
    return sure if most >= sure else max(most - BY_CHANCE, 0.0)


def _evenly(number: int, most: int) -> Places:
    """Places spread evenly over so many, the first and the last among them."""
    if not number:
        return np.empty(0, np.int64)
    return np.unique(np.linspace(0, number - 1, most).astype(np.int64))
