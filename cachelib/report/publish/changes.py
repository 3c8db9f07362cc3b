"""What would change the choice, in words: the number, how far, to what and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip, is_share
from cachelib.model.judgement.limits import limit_names
from cachelib.model.platforms.platform import Platform
from cachelib.report.language import listed
from cachelib.report.numbers import give_or_take, given, rounded, shown
from cachelib.report.publish.decision import (
    aim,
    called,
    in_a_sentence,
    limit_said,
    named,
    two_values,
    unit_said,
    value,
)

SHORT = ("s", "ms", "ratio", "USD", "hours")
"""Units that are told once more beside an error, since what they count would else be unclear."""


def cause(decision: Decision, flip: Flip) -> str:
    """Why the choice is one below that value and another above it."""
    if flip.cause != "limit":
        beyond = "above" if flip.at > flip.here else "below"
        return f"{beyond} it “{called(decision, flip.away)}” {_does_better(decision, flip)}"
    limit = _limit_of(decision, flip)
    one = called(decision, flip.option)
    side = {flip.before: "below", flip.after: "above"}.get(flip.option)
    if side is None:
        return f"there “{one}” begins or ceases to keep {limit}"
    return f"only {side} it “{one}” keeps {limit}"


def _limit_of(decision: Decision, flip: Flip) -> str:
    """The limit that decides; where it is the number that changes, its bound here says nothing."""
    if flip.number == flip.metric:
        return "it"
    limit = limit_names(decision.criteria)[flip.metric]
    return f"the limit: {decision.study.told(limit_said(limit))}"


def _does_better(decision: Decision, flip: Flip) -> str:
    """What is said of the choice beyond a flip, held against the one before it: in what is
    minimised, or in a single metric."""
    by_score = flip.cause == "score"
    what = aim(decision) if by_score else decision.study.told(METRICS[flip.metric].label)
    near = flip.before if flip.at > flip.here else flip.after
    if third := _third(flip, near):
        other = f", which then is better than “{called(decision, near)}”," if near else ""
        return f"does as well as “{called(decision, third)}”{other} in {what}"
    if flip.ties:
        return f"does as well in {what}, and what breaks ties speaks for it"
    return f"is better in {what}, by enough to count"


def _third(flip: Flip, near: str | None) -> str | None:
    """What the choice beyond does as well as, where it is that which has passed the choice before:
    whose work changes, or what parts from that choice."""
    of_work = flip.number.removeprefix("hours:")
    if of_work != flip.number and of_work not in (flip.before, flip.after):
        return of_work
    pair = {flip.option, flip.other}
    return next(iter(pair - {near}), None) if near in pair and flip.away not in pair else None


def _reason(decision: Decision, flip: Flip) -> str:
    """The same, told from here to there."""
    chosen = flip.before if flip.at > flip.here else flip.after
    if chosen != (decision.chosen and decision.chosen.name):
        return "where just before it " + (
            f"“{called(decision, chosen)}” is" if chosen else "none is"
        )
    if flip.cause == "limit" and flip.option in (chosen, flip.away):
        keeps = "breaks" if flip.option == chosen else "keeps"
        return f"since “{called(decision, flip.option)}” then {keeps} {_limit_of(decision, flip)}"
    if flip.cause != "limit":
        return f"since it then {_does_better(decision, flip)}"
    return f"since {cause(decision, flip)}"


def is_counted(number: str) -> bool:
    """Whether it counts things: there are five isolates or six, and never 5.33."""
    known = Platform.model_fields.get(number)
    return known is not None and known.annotation is int


def reached(flip: Flip) -> Flip:
    """The flip at a value that the number can have: of things, at the next number of them."""
    if not is_counted(flip.number):
        return flip
    return replace(flip, at=float(np.ceil(flip.at) if flip.at > flip.here else np.floor(flip.at)))


def would_keep(decision: Decision) -> str | None:
    """What number, changed least, would let some option keep the limits; None if none is known."""
    if decision.chosen is not None:
        return None
    ways = [flip for flip in decision.flips if flip.away is not None]
    if not ways:
        return None
    flip = reached(min(ways, key=lambda flip: (not flip.simulated, flip.distance)))
    if missed := _missed_by_chance(decision, flip.away):
        return f"“{called(decision, flip.away)}”, of which it is too close to tell: {missed}"
    side = "above" if flip.at > flip.here else "below"
    side = "at" if is_counted(flip.number) else side
    there, here = two_values(flip.at, flip.here, _unit_besides(decision, flip.number))
    error = error_said(decision, flip)
    return (
        f"“{called(decision, flip.away)}”, with {in_a_sentence(decision, flip.number)} {side}"
        f" {there}{error and f' (give or take {error}, by chance)'} instead of {here}"
    )


def there_and_here(decision: Decision, flip: Flip, unit: str) -> tuple[str, str]:
    """Where the choice changes, and where the number is: a limit as the case has it, in full."""
    there, here = two_values(flip.at, flip.here, unit)
    limited = limit_names(decision.criteria).get(flip.number)
    return (there, given(limited.bound, METRICS[limited.metric].unit)) if limited else (there, here)


def error_said(decision: Decision, flip: Flip) -> str:
    """How far chance may have moved the place, to two digits; nothing where that is not known."""
    if not flip.error or is_counted(flip.number):
        return ""
    unit, error = unit_said(decision, flip.number), rounded(flip.error, 2)
    if unit == "ratio":
        return shown(error, "points")
    return value(error, unit) if unit in SHORT else shown(error)


def _missed_by_chance(decision: Decision, name: str | None) -> str:
    """By how little an option misses its limits, if by no more than chance does; else nothing."""
    missed = decision.missed.get(name or "", [])
    nth = next((i for i, option in enumerate(decision.options) if option.name == name), 0)
    limited = {miss.limit.metric for miss in missed}
    half = {name: float(decision.resolution[name][nth]) for name in limited}
    if any(abs(miss.value - miss.limit.bound) > half[miss.limit.metric] for miss in missed):
        return ""
    return listed([
        f"its {decision.study.told(METRICS[name].label)} is"
        f" {give_or_take(miss.value, half[name], METRICS[name].unit)}"
        f" where {given(miss.limit.bound, METRICS[name].unit)} is the limit"
        for miss in missed for name in [miss.limit.metric]
    ])  # fmt: skip


def _unit_besides(decision: Decision, number: str) -> str:
    """The unit, where the number's own name does not say it: neurons of a call are neurons."""
    unit = unit_said(decision, number)
    return "" if unit and named(decision, number).startswith(unit) else unit


def _from_here(flip: Flip, now: str) -> str:
    """`now 4 h: 57 % less`: where a number stands, and how far from that its flip is.

    That chance alone may put it on either side is said, too.
    """
    here = f"now {now}"
    if flip.here <= 0 or flip.at <= 0:
        return here
    ratio = flip.at / flip.here
    if is_share(flip.number):  # of 99.5 %, 99.95 % is no half of a percent more
        far = f"{shown(abs(flip.at - flip.here), 'points')} {'more' if ratio > 1 else 'less'}"
    elif ratio >= 2:
        far = f"{shown(rounded(ratio, 2))} times as much"
    else:
        far = f"{shown(rounded(abs(ratio - 1), 2), 'ratio')} {'more' if ratio > 1 else 'less'}"
    told = f"{here}: {far}{'' if flip.inside else ', beyond the range of the case'}"
    if flip.error is not None and flip.error >= abs(flip.at - flip.here):
        return f"{told}, no farther than chance may move it"
    return told


def in_sentences(decision: Decision, most: int = 3) -> list[str]:
    """What would change the answer, the nearest first: the number, how far, to what and why."""
    told = []
    for flip in map(reached, decision.next_flips[:most]):
        there, now = there_and_here(decision, flip, _unit_besides(decision, flip.number))
        above = flip.at > flip.here
        then = called(decision, flip.after if above else flip.before)
        what = f"“{then}” would be the choice" if then else "nothing would keep the limits"
        beyond = f"{'more' if above else 'less'} than {there}"
        if is_counted(flip.number):
            beyond = f"{there} or {'more' if above else 'fewer'}"
        told.append(
            f"If {in_a_sentence(decision, flip.number)} were {beyond}"
            f" ({_from_here(flip, now)}), {what},"
            f" {_reason(decision, flip)}.{_farther(decision, flip)}"
        )
    return told


def _farther(decision: Decision, flip: Flip) -> str:
    """Where the choice changes again on the same side, so that nobody takes it to stay."""
    above = flip.at > flip.here
    behind = [
        reached(other)
        for other in decision.flips
        if other.number == flip.number
        and (other.at > other.here) == above
        and (other.at > flip.at if above else other.at < flip.at)
    ]
    if not behind:
        return ""
    again = min(behind, key=lambda other: other.distance)
    there, _ = two_values(again.at, flip.at, _unit_besides(decision, flip.number))
    then = called(decision, again.away)
    what = f"it would be “{then}”" if then else "nothing would keep the limits"
    return f" {'Above' if above else 'Below'} {there}, {what}."
