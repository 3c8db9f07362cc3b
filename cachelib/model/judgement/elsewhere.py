"""What would be chosen at other numbers, each option set anew for them.

Flips are searched with every option as it is set here. But a knob is the reader's to turn: where
the choice stays once all are set anew, it is a setting that must change there, not the choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from cachelib.model.judgement.flips import Flip, nearest
from cachelib.model.judgement.knobs import Settings, Tuned, grid_of, set_anew
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.ties import NOBODY, judged

BESIDE = 0.02  # of a flip's value: how far from it its two sides are looked at


@dataclass(frozen=True)
class Elsewhere:
    """The options that may be chosen, as they were tuned here."""

    model: Model
    tuned: Mapping[str, Tuned]

    @cached_property
    def _grids(self) -> dict[str, list[Settings]]:
        study = self.model.study
        return {o.name: grid_of(study, self.tuned[o.name]) for o in self.model.options}

    def chosen(self, at: Mapping[str, float]) -> str | None:
        """The choice at these numbers; None where nothing keeps the limits."""
        found = [set_anew(self.model, o, self._grids[o.name], at) for o in self.model.options]
        stacked = {name: np.stack([each[name] for each in found]) for name in self.model.names}
        numbers = {name: np.array([value]) for name, value in at.items()}
        standing = judged(
            self.model.study.case.criteria, self.model.options, stacked, numbers,
            self.model.resolution or None,
        )  # fmt: skip
        first = int(standing.chosen[0])
        return None if first == NOBODY else self.model.options[first].name

    def confirmed(self, found: Sequence[Flip], chosen: str) -> Iterator[Flip]:
        """The flips that stay flips, each with what is then chosen on its two sides.

        From here to the nearest flip of a number it must be `chosen`, else that lies elsewhere.
        """
        first = {(flip.number, flip.at) for flip in nearest(found)}
        for flip in found:
            near, far = (-1, 1) if flip.at > flip.here else (1, -1)
            is_first = (flip.number, flip.at) in first
            there = self._beside(flip, far)
            if is_first and there == chosen:
                continue
            here = self._beside(flip, near)
            if here != there and (here == chosen or not is_first):
                yield self._told(flip, *((here, there) if near < far else (there, here)), chosen)

    def _beside(self, flip: Flip, side: int) -> str | None:
        return self.chosen({flip.number: flip.at + side * BESIDE * abs(flip.at)})

    def _told(self, flip: Flip, below: str | None, above: str | None, chosen: str) -> Flip:
        """Why it is so is another matter where another option is chosen than was searched for."""
        same = (below, above) == (flip.before, flip.after)
        away = above if flip.at > flip.here else below
        if same or (flip.cause == "limit" and flip.option == chosen) or away is None:
            return replace(flip, before=below, after=above)
        aim = self.model.study.case.criteria.aim
        return replace(
            flip, before=below, after=above, cause="score", metric=aim, option=away, other=chosen
        )
