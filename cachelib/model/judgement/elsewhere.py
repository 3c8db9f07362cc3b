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
from cachelib.model.judgement.knobs import Search, Tuned, grid_of
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.processors import each
from cachelib.model.judgement.ties import NOBODY, Standing, judged

BESIDE = 0.02  # of a flip's value: how far from it its two sides are looked at


@dataclass(frozen=True)
class Elsewhere:
    """The options that may be chosen, as they were tuned here."""

    model: Model
    tuned: Mapping[str, Tuned]

    @cached_property
    def _here(self) -> list[Search]:
        study = self.model.study
        return [
            Search(self.model, o, grid_of(study, self.tuned[o.name])) for o in self.model.options
        ]

    def standing(self, at: Mapping[str, float]) -> Standing:
        """The options judged at these numbers, as one draw."""
        found = each(lambda search: search.elsewhere(at).at_best(), self._here)
        stacked = {name: np.stack([told[name] for told in found]) for name in self.model.names}
        numbers = {name: np.array([value]) for name, value in at.items()}
        return judged(
            self.model.study.case.criteria, self.model.options, stacked, numbers,
            self.model.resolution or None,
        )  # fmt: skip

    def chosen(self, at: Mapping[str, float]) -> str | None:
        """The choice at these numbers; None where nothing keeps the limits."""
        first = int(self.standing(at).chosen[0])
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
                yield self._told(flip, *((here, there) if near < far else (there, here)))

    def _beside(self, flip: Flip, side: int) -> str | None:
        return self.chosen(_at(flip, side))

    def _told(self, flip: Flip, below: str | None, above: str | None) -> Flip:
        """Why it is so is another matter where other options are chosen than were searched for."""
        before, away = (below, above) if flip.at > flip.here else (above, below)
        known = (below, above) == (flip.before, flip.after)
        if known or before is None or away is None:
            return replace(flip, before=below, after=above)
        if limit := self._broken(flip, before):
            return replace(
                flip, before=below, after=above,
                cause="limit", metric=limit, option=before, other=None,
            )  # fmt: skip
        aim = self.model.study.case.criteria.aim
        return replace(
            flip, before=below, after=above, cause="score", metric=aim, option=away, other=before
        )

    def _broken(self, flip: Flip, name: str) -> str | None:
        """A limit that an option breaks beyond a flip, seen from here, whatever its settings."""
        there = self.standing(_at(flip, 1 if flip.at > flip.here else -1))
        place = there.names.index(name)
        return next((limit for limit, out in there.broken.items() if out[place].any()), None)


def _at(flip: Flip, side: int) -> dict[str, float]:
    """A little above a flip, or below."""
    return {flip.number: flip.at + side * BESIDE * abs(flip.at)}
