"""Where a change of the choice lies by simulation, near to where formulas put it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from cachelib.model.judgement.elsewhere import Elsewhere
from cachelib.model.judgement.flip_error import with_errors
from cachelib.model.judgement.flips import Flip, short_of
from cachelib.model.judgement.simulator import TRAFFIC, Simulator
from cachelib.model.judgement.sweeps import Sweep

NEAR = 0.05  # of a flip's value: nearer to here by so much, the choice should be that before it
FAR = 0.02  # beyond it by so much, that behind it
FARTHER = 0.15  # or else by so much
SENTENCES = 3  # of the nearest changes: those that the first page tells
HALVES = 4  # of the way on which it changes, where formulas are as far off

AS_TOLD = ("isolates_per_colo", TRAFFIC)
"""Whole isolates lie on both sides of a change; and other traffic is another month, whose chance
is no smaller than what a place is off."""

Choosing = Callable[[float], str | None]
"""What a simulation chooses at a value of the flip's number."""


def placed(
    told: Sequence[Flip], asked: Sequence[Flip], sweeps: Iterable[Sweep], there: Elsewhere,
    simulator: Simulator, is_decided: Callable[[Flip], bool],
    is_none_beyond: Callable[[Flip], bool],
) -> tuple[list[Flip], list[Flip]]:  # fmt: skip
    """The flips `told` by formulas, those `asked` where a simulation has them; and the doubted.

    `is_decided`: for what a simulation with settings by formula has nowhere near, which may break
    a limit by chance where others keep it. `is_none_beyond`: that nothing keeps the limits is said
    of all settings, and a simulation of one of each option cannot say it.
    """
    of_number = {sweep.name: sweep for sweep in sweeps}
    found: dict[Flip, Flip] = {}
    for nth, flip in enumerate(asked):
        sweep = of_number[flip.number]

        def chosen(value: float, number: str = flip.number) -> str | None:
            return there.simulated(number, value, simulator)

        if flip.number in AS_TOLD:
            side = 1 if flip.at > flip.here else -1
            at = flip if chosen(flip.at + side * FAR * flip.size) == flip.away else None
        else:
            at = located(flip, sweep, _end(flip, sweep, told), chosen)
        if at is not None and at.away is None and nth < SENTENCES:
            is_so = is_none_beyond(at)
        else:
            is_so = at is not None or is_decided(flip)
        if is_so:
            found[flip] = replace(at or flip, simulated=True)
    doubted = [flip for flip in asked if flip not in found]
    kept = [found.get(flip, flip) for flip in short_of(doubted, told)]
    kept.sort(key=lambda flip: (flip.distance, flip.number, flip.at))
    return with_errors(kept, of_number, there), doubted


def _end(flip: Flip, sweep: Sweep, told: Iterable[Flip]) -> float:
    """Where the choice changes again beyond a flip, or else the number ends."""
    above = flip.at > flip.here
    along = [
        other.at
        for other in told
        if other.number == flip.number and (other.at > flip.at if above else other.at < flip.at)
        and (other.at > other.here) == above
    ]  # fmt: skip
    return (min if above else max)([*along, sweep.high if above else sweep.low])


def located(flip: Flip, sweep: Sweep, until: float, chosen: Choosing) -> Flip | None:
    """The flip where a simulation has it; None where it has none, or another.

    `until`: the value that it does not reach: where the choice changes again, or the number ends.
    """
    side = 1 if flip.at > flip.here else -1
    ends = flip.before, flip.after
    before, behind = ends if side > 0 else ends[::-1]
    size = flip.size
    beyond = min(FAR * size, abs(until - flip.at) / 2)
    points = [flip.here, *(flip.at + side * far for far in (-NEAR * size, beyond, FARTHER * size))]
    way = [at for at in points if side * (at - flip.here) >= 0 and side * (until - at) > 0]
    for near, far in pairwise(way):
        found = chosen(far)
        if found == behind:
            as_told = side * (flip.at - near) > 0 and side * (far - flip.at) > 0
            if as_told and near != flip.here:
                return flip  # as near as two looks can tell
            moved = _between(flip, sweep, near, far, before, chosen)
            return flip if as_told and moved is None else moved
        if found != before:
            return None
    return None


def _between(
    flip: Flip, sweep: Sweep, near: float, far: float, before: str | None, chosen: Choosing
) -> Flip | None:
    """None where it begins here: of what is chosen here, that simulation is no witness."""
    for _ in range(HALVES):
        middle = (near + far) / 2
        if chosen(middle) == before:
            near = middle
        else:
            far = middle
    if near == flip.here:
        return None
    at, assumed = (near + far) / 2, sweep.assumed
    inside = assumed is not None and assumed.low <= at <= assumed.high
    return replace(flip, at=at, inside=inside)
