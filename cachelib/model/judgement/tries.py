"""In which share of the draws settings keep the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.asking import Ask, Asking, Settings, ask
from cachelib.model.judgement.draws import Lots
from cachelib.model.judgement.limits import Flags, broken
from cachelib.model.judgement.model import Model, Numbers
from cachelib.model.judgement.options import Option

DRAWS = 48  # tell whether a share is far from the one that is wanted
MORE = 3  # times as many, where it is near to it
UNSURE = 0.08  # of a share of so few draws: as far as chance may take it

Said = dict[tuple[float, ...], Numbers]
"""What the formulas say over draws, by settings and how many draws they are."""


@dataclass(frozen=True)
class Tries:
    """An option over draws, with numbers of the case at other values (`at`).

    `lots`: where the draws lie, by how many they are, for all such values.
    """

    model: Model
    option: Option
    at: Mapping[str, Array]
    said: Said = field(default_factory=dict, repr=False)
    lots: dict[int, Lots] = field(default_factory=dict, repr=False)

    def shares(self, grid: Sequence[Settings]) -> Asking[list[float]]:
        """The share of draws in which each of these settings keeps the limits.

        Few draws tell whether it is far from the share that is wanted; near it, more are asked.
        """
        few = yield from self._kept(grid, self._few)
        wanted = self.model.study.case.criteria.sure
        near = [nth for nth, kept in enumerate(few) if abs(kept.mean() - wanted) <= UNSURE]
        if not near:
            return [float(kept.mean()) for kept in few]
        more = yield from self._kept([grid[nth] for nth in near], self._more)
        for nth, kept in zip(near, more, strict=True):
            few[nth] = np.append(few[nth], kept)
        return [float(kept.mean()) for kept in few]

    def _kept(self, grid: Sequence[Settings], numbers: Numbers) -> Asking[list[Flags]]:
        """By setting, in which of the draws it keeps the limits."""
        criteria = self.model.study.case.criteria
        names = [limit.metric for limit in criteria.limits]
        size = max((np.size(values) for values in numbers.values()), default=1)
        keys = [(*settings.values(), size) for settings in grid]
        new = {key: one for key, one in zip(keys, grid, strict=True) if key not in self.said}
        told = yield from ask(*(Ask(self.option, [one], numbers, names) for one in new.values()))
        self.said.update(zip(new, told, strict=True))
        found = []
        for key in keys:
            values = self.model.brought(self.option, self.said[key], numbers, names)
            failing = list(broken(criteria, values, numbers).values())
            found.append(np.broadcast_to(~np.any(failing, axis=0), size))
        return found

    @cached_property
    def _few(self) -> Numbers:
        return self._numbers(DRAWS, seed=0)

    @cached_property
    def _more(self) -> Numbers:
        return self._numbers((MORE - 1) * DRAWS, seed=1)

    def _numbers(self, draws: int, seed: int) -> Numbers:
        if draws not in self.lots:
            self.lots[draws] = Lots.over(self.model.study, [self.option], draws, seed)
        at = {name: float(value[0]) for name, value in self.at.items()}
        return {**self.at, **self.lots[draws].at(at)}
