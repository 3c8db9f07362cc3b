"""What would flip the choice: every number, every change, with its cause and how far it is.

A choice can change only where a limit begins to be broken or two options' values become (or cease
to be) equal. So those points are found, each on its own, and the choice is asked between them: a
window however narrow is not stepped over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.case.names import IN_WHOLES
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.draws import ranges
from cachelib.model.judgement.limits import bounds, excess, limit_names
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.sweeps import Moving, Sweep, grid_of, sweeps
from cachelib.model.judgement.ties import NOBODY, Standing, judged, score_noise, score_of

SECTIONS, ROUNDS = 17, 5  # of a cell, to find where in it a value is crossed
TRIED = 7  # crossings, for a change of the choice at one of them
BESIDE = 1e-6  # of a flip's value: how far from it its two sides are looked at
SIMULATED = 6  # of the nearest: those that a simulation must choose, too
BOTH_SIDES = 0.05  # of a flip's value: how far from it a decision is made anew

Cause = Literal["limit", "score", "secondary"]


@dataclass(frozen=True)
class Flip:
    """Where the choice changes as one number grows; None where nothing keeps the limits.

    `cause`: a limit that `option` begins or ceases to break, or a score (or secondary metric) at
    which `option` and `other` part. `inside`: within the assumption's own range. `ties`: beyond
    it, what is chosen on this side does as well as what is chosen there. `simulated`: beyond it a
    simulation chooses the same. `error`: half of the 95 % interval of `at`, in its unit; None where
    it is not known.
    """

    number: str
    at: float
    here: float
    before: str | None
    after: str | None
    cause: Cause
    metric: str
    option: str
    other: str | None
    inside: bool
    ties: bool = False
    simulated: bool = False
    error: float | None = None

    @property
    def distance(self) -> float:
        """How far from here: as a factor, at least 1; of a limit's share, of it or of what it
        leaves: from 99.5 to 99.95 % is a factor of ten."""
        far = _factor(self.at, self.here)
        return max(far, _factor(1 - self.at, 1 - self.here)) if is_share(self.number) else far

    @property
    def size(self) -> float:
        """What small parts of `at` are parts of."""
        return size(self.number, self.at)

    @property
    def sides(self) -> tuple[float, float]:
        """Values as far from it as a decision is made anew."""
        far = BOTH_SIDES * self.size
        if self.size < abs(self.at):
            return self.at - far, self.at + far
        return self.at / (1 + BOTH_SIDES), self.at * (1 + BOTH_SIDES)

    @property
    def away(self) -> str | None:
        """What would be chosen beyond it, seen from here."""
        return self.after if self.at > self.here else self.before


def is_share(number: str) -> bool:
    """Whether it is the limit of a share."""
    metric = number.removeprefix("limit:")
    return metric != number and METRICS[metric].unit == "ratio"


def size(number: str, value: float) -> float:
    """What small parts of a value are parts of: of a limit of a share near to all, its rest.

    Between 99.5 and 99.9 % lies as much as between 0.5 and 0.1 %.
    """
    return 1 - value if is_share(number) and value > 1 / 2 else abs(value)


def _factor(one: float, other: float) -> float:
    return max(one / other, other / one) if one > 0 and other > 0 else float("inf")


class _Crossing(NamedTuple):
    at: float
    cell: int
    cause: Cause
    metric: str
    option: int
    other: int | None
    side: int


def flips(model: Model, sweep: Sweep, values: Moving | None = None) -> list[Flip]:
    """Every change of the choice over a sweep, in its order; `values`: where they are known."""
    if not sweep.low < sweep.high:
        return []
    values = values or Moving(model, [sweep])
    grid = grid_of(sweep)
    standing = _standing(model, values, sweep, grid)
    crossings = sorted(_crossings(model, sweep, grid, standing), key=lambda each: each.at)
    if not crossings:
        return []
    places = np.array([crossing.at for crossing in crossings])
    edges = np.concatenate([[grid[0]], places, [grid[-1]]])
    # asked exactly: straight lines are good enough to find the points, not to judge between them
    between = _standing(model, values, sweep, (edges[:-1] + edges[1:]) / 2)
    found: list[Flip] = []
    chosen = [None if i == NOBODY else model.options[i].name for i in between.chosen.tolist()]
    for nth in np.flatnonzero(np.diff(between.chosen)).tolist():
        change = chosen[nth], chosen[nth + 1]
        flip = _nearby(model, values, sweep, grid, crossings, nth, change)
        if flip and not any(np.isclose(flip.at, other.at, rtol=1e-6) for other in found):
            found.append(flip)
    return sorted(found, key=lambda flip: flip.at)


def _nearby(
    model: Model,
    values: Moving,
    sweep: Sweep,
    grid: Array,
    crossings: list[_Crossing],
    nth: int,
    change: tuple[str | None, str | None],
) -> Flip | None:
    """The flip at a crossing, or at one beside it where bent lines have moved the two.

    Of several, the one that is the `change` between what was chosen on the two sides.
    """
    another = None
    nearest_first = sorted(range(len(crossings)), key=lambda each: abs(each - nth))
    for each in nearest_first[:TRIED]:
        flip = _flip(model, values, sweep, grid, crossings[each])
        if flip is not None and (flip.before, flip.after) == change:
            return flip
        another = another or flip
    return another


def _standing(model: Model, values: Moving, sweep: Sweep, at: Array) -> Standing:
    found = [values.at(option, sweep, at) for option in model.options]
    stacked = {name: np.stack([each[name] for each in found]) for name in model.names}
    return judged(
        model.study.case.criteria, model.options, stacked, {sweep.name: at},
        model.resolution or None,
    )  # fmt: skip


def _crossings(model: Model, sweep: Sweep, grid: Array, standing: Standing) -> Iterable[_Crossing]:
    """Every point where something could change, by straight lines between the grid's points."""
    numbers = {sweep.name: grid}
    for key, row in _functions(model, standing.values, numbers).items():
        cause, metric, option, other, side = key
        for cell in np.flatnonzero(np.signbit(row[:-1]) != np.signbit(row[1:])):
            one, two = row[cell], row[cell + 1]
            if not (np.isfinite(one) and np.isfinite(two)) or one == two:
                continue
            share = one / (one - two)
            at = grid[cell] + share * (grid[cell + 1] - grid[cell])
            yield _Crossing(float(at), int(cell), cause, metric, option, other, side)


_Key = tuple[Cause, str, int, int | None, int]


def _functions(
    model: Model, values: Mapping[str, Array], numbers: Mapping[str, Array],
    only: _Key | None = None,
) -> dict[_Key, Array]:  # fmt: skip
    """What changes sign where a choice may change; each of shape (values,)."""
    criteria = model.study.case.criteria
    found: dict[_Key, Array] = {}
    at = bounds(criteria, numbers)
    for name, limit in limit_names(criteria).items():
        if limit.costs is None:
            over = excess(limit, values[limit.metric], at[name])
            for i in range(len(model.options)):
                found["limit", name, i, None, 0] = over[i]
    compared: list[tuple[Cause, str, Array]] = [
        ("score", criteria.aim, score_of(criteria, values, numbers))
    ]
    compared += [
        ("secondary", name, METRICS[name].sign * values[name])
        for name in criteria.then
        if name in METRICS
    ]
    for cause, metric, value in compared:
        noise = _noise(model, cause, metric)
        for i in range(len(model.options)):
            for j in range(i):
                best = np.minimum(np.abs(value[i]), np.abs(value[j]))
                room = np.maximum(_room(model, metric, best), np.hypot(noise[i], noise[j]))
                for side in (-1, 1):
                    found[cause, metric, i, j, side] = value[i] - value[j] + side * room
    return found if only is None else {only: found[only]}


def _room(model: Model, metric: str, best: Array) -> Array:
    own = model.study.case.criteria.material.get(metric)
    if own is not None:
        return np.full_like(best, own)
    return np.maximum(METRICS[metric].material, METRICS[metric].relative * best)


def _noise(model: Model, cause: str, metric: str) -> Array:
    none = np.zeros(len(model.options))
    if not model.resolution:
        return none
    if cause == "score":
        return np.broadcast_to(score_noise(model.study.case.criteria, model.resolution), none.shape)
    return model.resolution.get(metric, none)


def _flip(
    model: Model, values: Moving, sweep: Sweep, grid: Array, crossing: _Crossing
) -> Flip | None:
    """The crossing refined, if the choice does change there."""
    other = crossing.other
    at = _refined(model, values, sweep, grid, crossing)
    step = max(abs(at) * BESIDE, np.ptp(grid) * 1e-12)
    sides = _standing(model, values, sweep, np.array([at - step, at + step])).chosen
    before, after = (None if i == NOBODY else model.options[i].name for i in sides.tolist())
    if before == after:
        return None
    assumed = sweep.assumed
    return Flip(
        number=sweep.name, at=at, here=sweep.here, before=before, after=after,
        cause=crossing.cause, metric=crossing.metric, option=model.options[crossing.option].name,
        other=None if other is None else model.options[other].name,
        inside=assumed is not None and assumed.low <= at <= assumed.high,
    )  # fmt: skip


def _refined(model: Model, values: Moving, sweep: Sweep, grid: Array, crossing: _Crossing) -> float:
    other = crossing.other
    low, high = float(grid[crossing.cell]), float(grid[crossing.cell + 1])
    places = [crossing.option] if other is None else sorted({crossing.option, other})
    some = model.only([model.options[i].name for i in places])
    own = places.index(crossing.option)
    key: _Key = (
        crossing.cause, crossing.metric, own, None if other is None else places.index(other),
        crossing.side,
    )  # fmt: skip
    for _ in range(ROUNDS):
        tried = np.linspace(low, high, SECTIONS)
        found = [values.at(option, sweep, tried) for option in some.options]
        stacked = {name: np.stack([each[name] for each in found]) for name in some.names}
        row = _functions(some, stacked, {sweep.name: tried}, key)[key]
        cells = np.flatnonzero(np.signbit(row[:-1]) != np.signbit(row[1:]))
        if not len(cells):
            break
        low, high = float(tried[cells[0]]), float(tried[cells[0] + 1])
    return (low + high) / 2


class Searched(NamedTuple):
    """The flips, nearest first; the numbers that were looked through, and what they move."""

    flips: list[Flip]
    sweeps: list[Sweep]
    values: Moving


def searched(model: Model) -> Searched:
    """All numbers looked through, each option as it is set."""
    looked_at = [sweep for sweep in sweeps(model) if sweep.low < sweep.high]
    values = Moving(model, looked_at)
    found = [flip for sweep in looked_at for flip in flips(model, sweep, values)]
    found.sort(key=lambda flip: (flip.distance, flip.number, flip.at))
    return Searched(found, looked_at, values)


def nearest(found: Iterable[Flip]) -> list[Flip]:
    """Of flips, those nearest first, the first of each number on either side."""
    seen: dict[tuple[str, bool], Flip] = {}
    for flip in found:
        seen.setdefault((flip.number, flip.at > flip.here), flip)
    return list(seen.values())


def short_of(doubted: Iterable[Flip], found: Iterable[Flip]) -> list[Flip]:
    """Flips that do not rest on a doubted one: neither it nor what is farther along its number."""
    ends = {(flip.number, flip.at > flip.here): abs(flip.at - flip.here) for flip in doubted}
    return [
        flip
        for flip in found
        if abs(flip.at - flip.here) < ends.get((flip.number, flip.at > flip.here), np.inf)
    ]


def told_first(found: Iterable[Flip], most: int | None = SIMULATED) -> list[Flip]:
    """The nearest flip of each number on either side, those within its range first; the nearest of
    all is among them."""
    order = sorted(nearest(found), key=lambda flip: (not flip.inside, flip.distance))
    closest = min(order, key=lambda flip: flip.distance, default=None)
    first = order[:most]
    return first if closest is None or closest in first else [*first, closest]


def beside(flip: Flip, most: float = np.inf) -> tuple[float, float] | None:
    """Values on both sides of a flip, to decide anew there; None where there are none.

    Of some there are whole ones; `most`: as far as the number can grow.
    """
    low, high = flip.sides
    if flip.number in IN_WHOLES:
        low, high = float(np.floor(flip.at)), float(np.ceil(flip.at))
    high = min(high, most)
    return (low, high) if low < flip.at < high else None


@dataclass(frozen=True)
class Swing:
    """By how much a rival is worse than the choice, with one number at its low and at its high."""

    name: str
    low: float
    high: float


def tornado(model: Model, choice: str, rival: str) -> list[Swing]:
    """One assumption at a time from its low to its high; the widest swing first."""
    pair = model.only([choice, rival])
    sign = 1 if pair.options[0].name == choice else -1
    swings = []
    for name, number in ranges(model.study, pair.options).items():
        ends = {name: np.array([number.low, number.high])}
        score = pair.standing(ends).score
        low, high = (sign * (score[1] - score[0])).tolist()
        if abs(high - low) > 1e-6 * max(abs(low), 1e-9):
            swings.append(Swing(name, low, high))
    return sorted(swings, key=lambda swing: (-abs(swing.high - swing.low), swing.name))
