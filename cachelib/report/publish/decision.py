"""A decision in words: what is called what, what changes the choice and why, and what it gains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.case.labels import label, unit_of
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Flip
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.ties import SAME_WORK
from cachelib.model.platforms.platform import Platform
from cachelib.report import language
from cachelib.report.language import capital, duration, exactly, listed
from cachelib.report.numbers import Unit, apart, beside, give_or_take, look_alike, of, shown

_NOUN = re.compile(r"(?:CPU time|life|limit|neurons|number|share|spread|time)\b")
SHOWN = (
    "hit_ratio", "p50_ms", "p95_ms", "late_share", "bill_usd", "origin_loads_per_month",
    "error_share",
)  # fmt: skip


def called(decision: Decision, name: str | None) -> str:
    """An option as readers know it."""
    return capital(decision.study.case.words(name)) if name else ""


def named(decision: Decision, number: str) -> str:
    """A number of the case as readers know it."""
    kind, _, of = number.partition(":")
    if kind == "hours" and of:
        return f"the work for “{called(decision, of)}”"
    return decision.study.told(label(number))


def in_a_sentence(decision: Decision, number: str) -> str:
    """The same with the article that English wants before a noun, and not before "how long"."""
    said = named(decision, number)
    return f"the {said}" if _NOUN.match(said) else said


def marks(decision: Decision) -> dict[str, str]:
    """What charts say beside the choice and beside what is there today, by the option's name."""
    chosen, today = decision.chosen, decision.today
    if chosen and chosen == today:
        return {chosen.name: "chosen, as today"}
    marked = {"chosen": chosen, "today": today}
    return {option.name: word for word, option in marked.items() if option}


def with_unit(decision: Decision, number: str) -> str:
    """The same with its unit, for an axis."""
    unit = unit_said(decision, number)
    said = {"USD": "$", "requests": "requests a month", "sigma": ""}.get(unit, unit)
    return f"{named(decision, number)}, {said}" if said else named(decision, number)


def choice(decision: Decision, name: str | None) -> str:
    return called(decision, name) or "nothing keeps the limits"


def value(number: float, unit: str) -> str:
    """A number of any kind with its unit: seconds as people count them, traffic by the month."""
    if unit == "s":
        return duration(number)
    if unit == "requests":
        return f"{shown(float(f'{number:.3g}'))}\u00a0requests a month"
    if unit == "hours":
        return f"{shown(number)}\u00a0h"
    if unit in ("ratio", "USD", "ms", "isolates", "times"):
        return shown(number, unit)  # type: ignore[arg-type]
    said = shown(float(f"{number:.3g}"))
    return said if unit in ("", "sigma", "ratio") else f"{said}\u00a0{of(unit, number)}"


def two_values(one: float, two: float, unit: str) -> tuple[str, str]:
    """Two of a kind that are compared: never rounded to the same."""
    told = value(one, unit), value(two, unit)
    if one == two or not look_alike(*told):
        return told
    return apart(one, two, "" if unit == "sigma" else unit)  # type: ignore[arg-type]


def told_of(decision: Decision) -> list[str]:
    """The metrics of options that are told: what decides, then what readers ask for besides."""
    criteria = decision.criteria
    first = [*criteria.weights, *(limit.metric for limit in criteria.limits)]
    wanted = dict.fromkeys([*first, *SHOWN, *criteria.names()])
    return [name for name in wanted if METRICS[name].measured]


def in_order(decision: Decision) -> list[Option]:
    """The choice first, then what ranks behind it; what breaks a limit last, the widest miss."""
    ranked = decision.ranked
    rest = [option for option in decision.options if option not in ranked]
    return [*ranked, *sorted(rest, key=lambda option: decision.farness(option.name))]


def settings(option: Option) -> str:
    """What its knobs are set to, in words."""
    return "; ".join(
        f"{label(name)} {setting(number, name)}" for name, number in sorted(option.settings.items())
    )


def setting(number: float, knob: str) -> str:
    """To all its places, so that who sets it so gets what was judged."""
    return exactly(number) if knob_unit(knob) == "s" else value(number, knob_unit(knob))


def knob_unit(name: str) -> str:
    return "s" if name.endswith("_s") else "GB" if name.endswith("_gb") else ""


def work(option: Option) -> str:
    """Hours with their range, or that nobody says."""
    if option.hours is None:
        return "not stated"
    return language.work(option.hours.value, option.hours.low, option.hours.high)


def gap(decision: Decision, number: float) -> str:
    """A difference of it."""
    return shown(number, gap_unit(decision))


def score(decision: Decision, number: float) -> str:
    """An amount of what is minimised."""
    return shown(number, score_unit(decision))


def amount(decision: Decision, option: Option) -> float:
    """What an option has of what is to be least or most: scores of the latter are below zero."""
    return decision.score(option) * (-1 if decision.criteria.maximise else 1)


def score_unit(decision: Decision) -> Unit:
    """The unit of what is minimised; of a weighted sum, dollars, in which its rates are given."""
    criteria = decision.criteria
    return "USD" if criteria.weigh else METRICS[criteria.aim].unit


def gap_unit(decision: Decision) -> Unit:
    """The unit of differences of it: those of shares are points."""
    unit = score_unit(decision)
    return "points" if unit == "ratio" else unit


AXES: dict[Unit, tuple[str, float]] = {"USD": (", $", 1), "ms": (", ms", 1), "s": (", s", 1),
                                       "ratio": (", %", 100)}  # fmt: skip
"""What an axis says after its label, and by what numbers are multiplied for it."""


def axis(decision: Decision) -> tuple[str, float]:
    """The label of an axis of what is minimised, and by what its numbers are multiplied."""
    said, factor = AXES.get(score_unit(decision), ("", 1))
    return f"{aim(decision)}{said}", factor


def minimised(criteria: Criteria) -> str:
    """A metric, or the weighted sum of several."""
    if not criteria.weigh:
        return METRICS[criteria.aim].label
    parts = (f"{shown(rate)} × {METRICS[name].label}" for name, rate in criteria.weigh.items())
    return "weighted sum of " + " and ".join(parts)


def aim(decision: Decision) -> str:
    """What is to be least, or most, in words."""
    return decision.study.told(minimised(decision.criteria))


def unit_said(decision: Decision, number: str) -> str:
    known = decision.study.case.assumed.get(number)
    return decision.study.told(unit_of(number, plain_unit(known.unit) if known else ""))


def plain_unit(unit: str) -> str:
    """An assumption's unit as metrics name theirs: a share is a ratio, a ratio so many times."""
    return {"share": "ratio", "ratio": "times"}.get(unit, unit)


def limit_said(limit: Limit) -> str:
    """`share of out-of-date answers at most 15 %`."""
    metric = METRICS[limit.metric]
    side = "at most" if limit.at_most is not None else "at least"
    return f"{metric.label} {side} {beside(metric.label, limit.bound, metric.unit)}"


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
    third = flip.number.removeprefix("hours:")
    if third != flip.number and third not in (flip.before, flip.after):
        near = flip.before if flip.at > flip.here else flip.after
        other = f", which then is better than “{called(decision, near)}”," if near else ""
        return f"does as well as “{called(decision, third)}”{other} in {what}"
    if flip.ties:
        return f"does as well in {what}, and what breaks ties speaks for it"
    return f"is better in {what}, by enough to count"


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
    flip = reached(min(ways, key=lambda flip: flip.distance))
    if missed := _missed_by_chance(decision, flip.away):
        return f"“{called(decision, flip.away)}”, of which it is too close to tell: {missed}"
    side = "above" if flip.at > flip.here else "below"
    side = "at" if is_counted(flip.number) else side
    there, here = two_values(flip.at, flip.here, _unit_besides(decision, flip.number))
    return (
        f"“{called(decision, flip.away)}”, with {in_a_sentence(decision, flip.number)} {side}"
        f" {there} instead of {here}"
    )


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
        f" where {shown(miss.limit.bound, METRICS[name].unit)} is the limit"
        for miss in missed for name in [miss.limit.metric]
    ])  # fmt: skip


def ties_in_words(decision: Decision) -> str | None:
    """`“A” and “B”`; None where nothing ties with the choice."""
    return _quoted(decision, [option.name for option in decision.ties]) or None


def rivals_in_words(decision: Decision) -> str | None:
    """What is best or tied most often beside the choice: all of those equally often."""
    if not decision.rivals:
        return None
    mine = decision.chosen and decision.chosen.name
    often = {name: shown(s.best.value, "ratio") for name, s in decision.sureness.items()}
    most = often[decision.rivals[0]]
    alike = [name for name in often if often[name] == most and name != mine]
    return f"{_quoted(decision, alike)} {'is' if len(alike) == 1 else 'are'}"


def _quoted(decision: Decision, names: Sequence[str]) -> str:
    return listed([f"“{called(decision, name)}”" for name in names])


def tie_broken_by(decision: Decision) -> str | None:
    """Why the choice, of what does equally well."""
    chosen, ties = decision.chosen, decision.ties
    if chosen is None or not ties:
        return None
    alive = list(ties)
    for name in decision.criteria.then:
        worse = [o for o in alive if _worse(decision, name, o, chosen)]
        alive = [o for o in alive if o not in worse]
        if not alive:
            return {"work": "it takes the least work", "today": "it is what you have",
                    "simplicity": "it is the simplest"}.get(
                name, decision.study.told(f"its {METRICS[name].label} is the best of them")
                if name in METRICS else name
            )  # fmt: skip
    return "it is what you have" if chosen.is_today else "nothing tells them apart"


def _worse(decision: Decision, name: str, option: Option, chosen: Option) -> bool:
    if name == "work":
        mine, theirs = chosen.hours_value, option.hours_value
        return bool(np.isnan(theirs) and not np.isnan(mine)) or theirs > mine + SAME_WORK
    if name == "today":
        return chosen.is_today and not option.is_today
    if name == "simplicity":
        return option.simplicity > chosen.simplicity
    metric = METRICS[name]
    ahead = metric.sign * (
        decision.measured[option.name][name] - decision.measured[chosen.name][name]
    )
    return ahead > decision.criteria.tolerance(name, decision.measured[chosen.name][name])


def _unit_besides(decision: Decision, number: str) -> str:
    """The unit, where the number's own name does not say it: neurons of a call are neurons."""
    unit = unit_said(decision, number)
    return "" if unit and named(decision, number).startswith(unit) else unit


def _from_here(flip: Flip, now: str) -> str:
    """`now 4 h: 57 % less`: where a number stands, and how far from that its flip is."""
    here = f"now {now}"
    if flip.here <= 0 or flip.at <= 0:
        return here
    ratio = flip.at / flip.here
    if ratio >= 2:
        far = f"{shown(float(f'{ratio:.2g}'))} times as much"
    else:
        far = f"{shown(float(f'{abs(ratio - 1):.2g}'), 'ratio')} {'more' if ratio > 1 else 'less'}"
    return f"{here}: {far}{'' if flip.inside else ', beyond the range of the case'}"


def in_sentences(decision: Decision, most: int = 3) -> list[str]:
    """What would change the answer, the nearest first: the number, how far, to what and why."""
    told = []
    for flip in map(reached, decision.next_flips[:most]):
        there, now = two_values(flip.at, flip.here, _unit_besides(decision, flip.number))
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
