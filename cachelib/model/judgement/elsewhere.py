"""What would be chosen at other numbers, each option set anew for them.

Flips are searched with every option as it is set here. But a knob is the reader's to turn: where
the choice stays once all are set anew, it is a setting that must change there, not the choice; and
what is set anew may be chosen where, as it is set here, it never is. So the flips that were found
are places to look at, with the ends of every number that moves anything, and where two of those
that follow one another differ in the choice, it is found where it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.asking import Asking, Settings, abreast, answered
from cachelib.model.judgement.flips import Flip, size
from cachelib.model.judgement.knobs import Tuned, grid_of
from cachelib.model.judgement.limits import broken
from cachelib.model.judgement.model import NO_FORMULA, WORK, Model
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.search import Search, search
from cachelib.model.judgement.simulator import TRAFFIC, Simulator
from cachelib.model.judgement.sweeps import Moving, Sweep
from cachelib.model.judgement.ties import NOBODY, Standing, judged, score_noise, score_of
from cachelib.model.judgement.ways import Span, Step, halfway, on_side, outwards, spans_of

JUST = 0.002  # of a flip's value: beyond it by so little, the choice is asked once more
HALVES = 6  # of the way between two values, at most, to find where on it the choice changes
CLOSE = 0.005  # of a value: two so close are not told apart
MOST = 3  # changes between two values that are looked at
SLIVER = 0.03  # of a number: what is chosen in no more than that is not told

Done = TypeVar("Done")
Names = frozenset[str]


@dataclass(frozen=True)
class Elsewhere:
    """The options that may be chosen, as they were tuned here.

    `here`: what is chosen here, by a simulation. `tried_by`: the model that says how sure settings
    are, as it did here: what a simulation said counts as far as it is more than chance.
    """

    model: Model
    tried_by: Model
    tuned: Mapping[str, Tuned]
    moving: Moving
    here: str | None = None
    _known: dict[tuple[str, float, Names], Standing] = field(default_factory=dict, repr=False)
    _ends: dict[tuple[str, bool], list[Search]] = field(default_factory=dict, repr=False)
    _settings: dict[tuple[str, float], dict[str, Settings]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def _grids(self) -> list[Search]:
        """Each option's settings to search, those that it has here the first of them."""
        return self._answered(abreast(map(self._searched, self.model.options)))

    def _searched(self, option: Option) -> Asking[Search]:
        tuned = self.tuned[option.name]
        own, grid = self._own(option), grid_of(self.model.study, tuned)
        every = [own, *(settings for settings in grid if settings != own)]
        found = yield from search(self.model, option, every, own=0)
        return replace(found, tried_by=self.tried_by, refuted_from=tuned.refuted_from)

    def _own(self, option: Option) -> Settings:
        known = grid_of(self.model.study, self.tuned[option.name])[0]
        return {name: option.settings[name] for name in known}

    @cached_property
    def _here(self) -> list[Search]:
        """Each option as it is set here."""
        return [grid.only(0) for grid in self._grids]

    def _answered(self, task: Asking[Done]) -> Done:
        return answered(self.model, task)

    def standing(self, number: str, value: float) -> Standing:
        """The options judged with one number at this value, as one draw."""
        return self._answered(self._standing(number, value))

    def standings(self, places: Iterable[tuple[str, float, Names]]) -> list[Standing]:
        """The same at many such values at once, of some options each."""
        return self._answered(abreast(self._standing(*place) for place in places))

    def chosen(self, number: str, value: float) -> str | None:
        """The choice there; None where nothing keeps the limits."""
        return self._told_apart(self.standing(number, value), number, value)

    def _standing(self, number: str, value: float, among: Names | None = None) -> Asking[Standing]:
        if value == self.moving.here.get(number):
            number, value = self._somewhere  # with every number at its own value, it is one place
        known = number, value, self._all if among is None else among
        if known not in self._known:
            self._known[known] = yield from self._judged(*known)
        return self._known[known]

    @cached_property
    def _all(self) -> Names:
        return frozenset(option.name for option in self.model.options)

    def _chosen(self, number: str, value: float, among: Names | None = None) -> Asking[str | None]:
        there = yield from self._standing(number, value, among)
        return self._told_apart(there, number, value)

    def _told_apart(self, there: Standing, number: str, value: float) -> str | None:
        """What is chosen there; what is chosen here, where formulas choose but what they choose in
        its place here, and tell the two no better apart."""
        first = self._first(there)
        if first in (None, self.here) or self.here is None or number not in self.moving.here:
            return first
        near = self.standing(number, self.moving.here[number])
        if self._first(near) != first:
            return first
        now, then = (_Lead.of(each, first, self.here) for each in (near, there))
        parted = then.by - now.by > self._counts(then.score) or then.broken - now.broken
        return first if parted else self.here

    @staticmethod
    def _first(standing: Standing) -> str | None:
        first = int(standing.chosen[0])
        return None if first == NOBODY else standing.options[first].name

    def _judged(self, number: str, value: float, among: Names) -> Asking[Standing]:
        at, options = {number: value}, self.model.options
        places = [nth for nth, option in enumerate(options) if option.name in among]
        searched = yield from abreast(self._grid(nth, at) for nth in places)
        if among == self._all and not self._is_here(at):
            self._ends.setdefault((number, self._side(number, value)), searched)
        grids = dict(zip(places, searched, strict=True))
        first, *rest = sorted(places, key=lambda nth: grids[nth].least)
        found = {first: (yield from grids[first].at_best())}
        # above it, an option cannot be chosen: how sure it is need not be asked
        bar = self._as_good_as(self._told(found[first]), at)
        best = yield from abreast(grids[nth].at_best(unless_above=bar) for nth in rest)
        found |= dict(zip(rest, best, strict=True))
        in_order = [found[nth] for nth in places]
        if among == self._all:
            self._settings[number, value] = {one.option.name: one.grid[0] for one in in_order}
        return self._together(in_order, at)

    def _told(self, best: Search) -> Mapping[str, Array]:
        """What is said of an option at its best; nothing of what is no option beside today's."""
        if self._is_as_today(best):
            return {name: np.full(1, np.nan) for name in best.values}
        return best.values

    def _is_as_today(self, best: Search) -> bool:
        if best.option.name != self._anew:
            return False
        today = self.tuned[self.model.study.case.today_name or ""].option
        return best.option.at(**best.grid[0]).settings == today.settings

    @cached_property
    def _anew(self) -> str | None:
        return self.model.study.case.set_anew

    def _grid(self, nth: int, at: Mapping[str, float]) -> Asking[Search]:
        """The settings that an option may have there: those it has here, if no others could do
        better."""
        (number,) = at
        grid = self._grids[nth]
        if self._is_here(at):
            return replace(grid, at=_arrays(at))
        searched = number.startswith("limit:") or (
            not number.startswith(NO_FORMULA) and self.moving.moves(number, grid.option.name)
        )
        if not searched:
            return (yield from self._here[nth].elsewhere(at))
        end = self._ends.get((number, self._side(number, at[number])))
        # between here and there, one stands for all that do alike in both places
        return (yield from (grid.unlike(end[nth]) if end else grid).elsewhere(at))

    @cached_property
    def _somewhere(self) -> tuple[str, float]:
        """A number at the value that it has here, which stands for all of them."""
        return next(iter(self.moving.here.items()))

    def _is_here(self, at: Mapping[str, float]) -> bool:
        return all(value == self.moving.here.get(name) for name, value in at.items())

    def _side(self, number: str, value: float) -> bool:
        """On which side of where a number is now this value lies."""
        return value > self.moving.here.get(number, 0.0)

    def _as_good_as(self, told: Mapping[str, Array], at: Mapping[str, float]) -> float:
        """The score above which no option is as good as this one; none if it breaks a limit."""
        criteria, numbers = self.model.study.case.criteria, _arrays(at)
        score = float(score_of(criteria, told, numbers)[0])
        if np.isnan(score) or any(out.any() for out in broken(criteria, told, numbers).values()):
            return np.inf
        return score + 2 * self._counts(score)

    def _counts(self, score: float) -> float:
        """By how much scores have to part before that counts."""
        criteria = self.model.study.case.criteria
        noise = score_noise(criteria, self.model.resolution)
        return criteria.score_tolerance(score) + float(np.max(noise, initial=0.0))

    def _together(self, found: Sequence[Search], at: Mapping[str, float]) -> Standing:
        some = self.model.only([best.option.name for best in found])
        told = [self._told(best) for best in found]
        stacked = {name: np.stack([each[name] for each in told]) for name in some.names}
        return judged(
            some.study.case.criteria, some.options, stacked, _arrays(at), some.resolution or None
        )

    def flips(self, found: Sequence[Flip], looked_at: Sequence[Sweep]) -> list[Flip]:
        """Every change of the choice from here, the nearest first; `found`: with settings held.

        `looked_at`: the numbers of which the ends are looked at, too, if they move anything.
        Where formulas choose another option here than a simulation does, they cannot tell the two
        apart, and a change from one to the other is none, until they part by more than here.
        """
        ways = [
            (sweep, side)
            for sweep in looked_at
            if self.moving.matters(sweep.name, self.model.options)
            for side in (-1, 1)
        ]
        if ways:
            self.standing(*self._somewhere)  # asked for by each
        changes = self._answered(abreast(self._changes(*way, on_side(*way, found)) for way in ways))
        return sorted(chain(*changes), key=lambda flip: (flip.distance, flip.number, flip.at))

    def can_be_simulated(self, flip: Flip) -> bool:
        """Not what no simulation sees, nor denser traffic than a log's."""
        is_log = flip.number == TRAFFIC and self.model.study.log is not None
        return not (is_log or flip.number.startswith(WORK))

    def simulated(self, number: str, value: float, simulator: Simulator) -> str | None:
        """What a simulation chooses there, with the settings that formulas find to be best."""
        self.standing(number, value)
        told = simulator.set_anew(self._settings[number, value], _arrays({number: value}))
        return self._first(told)

    def _changes(self, sweep: Sweep, side: int, found: Sequence[Flip]) -> Asking[list[Flip]]:
        """The changes of the choice on one side of a number, outwards; what is chosen in a sliver
        is left out, but for what keeps limits that nothing nearer keeps."""
        steps: list[Step] = []
        for step in (yield from self._steps(sweep, side, found)):
            if steps and self._is_sliver(sweep.name, steps[-1], step):
                step = step._replace(near=steps.pop().near)
            steps.append(step)
        changes, before = [], self.here
        for step in steps:
            away = self.chosen(sweep.name, step.far)
            if away != before:
                changes.append(self._flip(sweep, step, before, away))
            before = away
        return changes

    def _is_sliver(self, number: str, first: Step, second: Step) -> bool:
        close = abs(second.at - first.at) <= SLIVER * size(number, second.at)
        return close and self.chosen(number, first.near) is not None

    def _steps(self, sweep: Sweep, side: int, found: Sequence[Flip]) -> Asking[list[Step]]:
        """Where the choice changes, outwards."""
        spans = list(spans_of(sweep, side, found))
        if spans:  # the end first, of which all that lies before it knows what does alike
            yield from self._standing(sweep.name, spans[-1].far)
        chosen = yield from abreast(self._chosen(sweep.name, span.far) for span in spans)
        nearer = [self.here, *chosen]
        steps = yield from abreast(
            self._within(sweep, span, *ends)
            for span, ends in zip(spans, pairwise(nearer), strict=True)
        )
        return list(chain(*steps))

    def _within(
        self, sweep: Sweep, span: Span, chosen: str | None, beyond: str | None
    ) -> Asking[list[Step]]:
        """Where on the way from one value to another the choice changes, by halves."""
        steps: list[Step] = []
        near = span.near
        if span.flip is not None and outwards(span.flip) == (chosen, beyond):
            just = span.flip.at + np.copysign(JUST, span.far - span.near) * span.flip.size
            if (yield from self._chosen(sweep.name, just)) == beyond:
                return [Step(span.near, span.far, span.flip.at)]
            near = just  # set anew, the choice stands a little longer
        while chosen != beyond and len(steps) < MOST:
            still, changed = yield from self._change(sweep.name, near, span.far, chosen, beyond)
            steps.append(Step(still, changed, halfway(sweep.name, still, changed)))
            near, chosen = changed, (yield from self._chosen(sweep.name, changed))
        return steps

    def _change(
        self, number: str, still: float, changed: float, chosen: str | None, beyond: str | None
    ) -> Asking[tuple[float, float]]:
        """Two values, close together, between which the choice ceases to be the one `chosen`.

        All options are judged only where those two change places; if another comes between, it is
        looked for on this side of there.
        """
        near = still
        for _ in range(MOST):
            pair = self._beside(chosen, beyond)
            still, there = yield from self._halved(number, (still, changed), chosen, pair)
            behind = yield from self._chosen(number, there)
            if behind == chosen:
                still = there
                continue
            changed = there
            if behind == beyond:
                break
            still, beyond = near, behind
        return still, changed

    def _halved(
        self, number: str, ends: tuple[float, float], chosen: str | None, among: Names
    ) -> Asking[tuple[float, float]]:
        still, changed = ends
        for _ in range(HALVES):
            if abs(changed - still) <= CLOSE * size(number, changed):
                break
            middle = halfway(number, still, changed)
            if (yield from self._chosen(number, middle, among)) == chosen:
                still = middle
            else:
                changed = middle
        return still, changed

    def _beside(self, *names: str | None) -> Names:
        """Those named; with what is chosen here, what formulas choose in its place."""
        more = (self._instead,) if self.here in names else ()
        return frozenset(name for name in (*names, *more) if name is not None)

    @cached_property
    def _instead(self) -> str | None:
        """What formulas choose here."""
        return self._first(self.standing(*self._somewhere))

    def _flip(self, sweep: Sweep, step: Step, before: str | None, away: str | None) -> Flip:
        """A change of the choice, and why it is another beyond."""
        below, above = (before, away) if step.near < step.far else (away, before)
        aim, assumed = self.model.study.case.criteria.aim, sweep.assumed
        third = self._third(before, away, sweep.name, step.far)
        flip = Flip(
            number=sweep.name, at=step.at, here=sweep.here, before=below, after=above,
            cause="score", metric=aim, option=before if third and before else away or "",
            other=third or before,
            inside=assumed is not None and assumed.low <= step.at <= assumed.high,
            ties=before is not None and self._ties(before, sweep.name, step.far),
        )  # fmt: skip
        for name, value in ((before, step.far), (away, step.near)):
            if name is not None and (limit := self._broken(name, sweep.name, value)):
                return replace(flip, cause="limit", metric=limit, option=name, other=None)
        return flip

    def _third(self, before: str | None, away: str | None, number: str, value: float) -> str | None:
        """What does best there, if that is neither of the two and they alone would tie: then it is
        that one which is better than the one before, and the other does as well as it."""
        if before is None or away is None or self._ties(before, number, value):
            return None
        two = self._answered(self._standing(number, value, frozenset((before, away))))
        if not two.tied[two.names.index(before)].all():
            return None
        every = self.standing(number, value)
        return every.names[int(np.where(every.ranked[:, 0], every.score[:, 0], np.inf).argmin())]

    def _ties(self, name: str, number: str, value: float) -> bool:
        """Whether an option does as well as what is chosen there."""
        there = self.standing(number, value)
        return bool(there.tied[there.names.index(name)].all())

    def _broken(self, name: str, number: str, value: float) -> str | None:
        """A limit that an option breaks there, whatever its settings."""
        there = self.standing(number, value)
        place = there.names.index(name)
        return next((limit for limit, out in there.broken.items() if out[place].any()), None)


class _Lead(NamedTuple):
    """What formulas choose beside another option: its score, by how much it leads, and which
    limits the other breaks."""

    score: float
    by: float
    broken: frozenset[str]

    @classmethod
    def of(cls, standing: Standing, first: str, other: str) -> _Lead:
        best, place = (standing.names.index(name) for name in (first, other))
        score = float(standing.score[best, 0])
        broken = (name for name, out in standing.broken.items() if out[place].any())
        return cls(score, float(standing.score[place, 0]) - score, frozenset(broken))


def _arrays(at: Mapping[str, float]) -> dict[str, Array]:
    return {name: np.array([value]) for name, value in at.items()}
