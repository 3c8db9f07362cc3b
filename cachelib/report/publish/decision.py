"""A decision in words: what is called what, what changes the choice and why, and what it gains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from cachelib.model.case.choices import Knob
from cachelib.model.case.criteria import Criteria, Limit
from cachelib.model.case.labels import label, unit_of
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.options import Option
from cachelib.report import language
from cachelib.report.language import capital, duration, exactly
from cachelib.report.numbers import Unit, apart, beside, look_alike, of, rounded, shown

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


def marks(decision: Decision, *, out: bool = False) -> dict[str, str]:
    """What charts say beside options, by name: the choice, what is there today, and what is out."""
    return {
        option.name: ", ".join(filter(None, _marks(decision, option, out=out)))
        for option in decision.options
    }


def _marks(decision: Decision, option: Option, *, out: bool) -> Iterator[str]:
    if option == decision.chosen:
        yield "chosen"
    if option == decision.today:
        yield "as today" if option == decision.chosen else "today"
    if out and option.name in decision.missed:
        yield "out"


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
        return f"{shown(rounded(number, 3))}\u00a0requests a month"
    if unit == "hours":
        return f"{shown(number)}\u00a0h"
    if unit in ("ratio", "USD", "ms", "isolates", "times"):
        return shown(number, unit)  # type: ignore[arg-type]
    said = shown(rounded(number, 3))
    return said if unit in ("", "sigma", "ratio") else f"{said}\u00a0{of(unit, number)}"


def two_values(one: float, two: float, unit: str) -> tuple[str, str]:
    """Two of a kind that are compared: never rounded to the same."""
    told = value(one, unit), value(two, unit)
    if unit == "s" and look_alike(*told):
        told = exactly(one), exactly(two)
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


def settings(option: Option, knobs: Mapping[str, Knob] = MappingProxyType({})) -> str:
    """What its knobs are set to, in words; of one at the end of what it may be, that it is."""
    return "; ".join(
        f"{label(name)} {setting(number, name)}{at_an_end(number, knobs.get(name))}"
        for name, number in sorted(option.settings.items())
    )


def at_an_end(number: float, knob: Knob | None) -> str:
    """` (the most that the case allows)`: beyond it an option might do better."""
    allowed = knob.settings if knob else []
    if len(allowed) < 2 or allowed[0] < number < allowed[-1]:
        return ""
    least = number <= allowed[0]
    return f" (the {'least' if least else 'most'} that the case allows)"


def setting(number: float, knob: str) -> str:
    """To all its places, so that who sets it so gets what was judged."""
    return exactly(number) if knob_unit(knob) == "s" else value(number, knob_unit(knob))


def knob_unit(name: str) -> str:
    """By how its name ends: of a number of things, none."""
    units = {"_s": "s", "_ms": "ms", "_gb": "GB"}
    return next((unit for end, unit in units.items() if name.endswith(end)), "")


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
