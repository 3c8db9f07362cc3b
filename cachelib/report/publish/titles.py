"""Titles of the decision's charts: each states what its chart says of this case."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.flips import Swing
from cachelib.model.judgement.maps import Map
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.ties import NOBODY
from cachelib.report.language import capital
from cachelib.report.numbers import shown
from cachelib.report.publish.decision import aim, amount, called, in_a_sentence, score


def of_amounts(decision: Decision) -> str:
    """Which way what is minimised is better, and where choice and today stand."""
    better = "More is better" if decision.criteria.maximise else "Less is better"
    chosen, today = decision.chosen, decision.today
    if chosen is None:
        return better if decision.not_stated else f"{better}; each of these breaks a limit"
    mine = score(decision, amount(decision, chosen))
    if all(_is_as_good(decision, option) for option in decision.options):
        return f"{_span(decision)} with each option: no difference that counts"
    if chosen == today:
        return f"{better}: {mine} as it is today"
    if today is None or not math.isfinite(decision.score(today)):
        return f"{better}: {mine} for the choice"
    return f"{better}: {mine} for the choice, {score(decision, amount(decision, today))} today"


def _span(decision: Decision) -> str:
    """From the least to the most of what is minimised; one amount where they read the same."""
    amounts = [amount(decision, option) for option in decision.options]
    known = [each for each in amounts if math.isfinite(each)]
    low, high = (score(decision, edge(known)) for edge in (min, max))
    return low if low == high else f"{low} to {high}"


def _is_as_good(decision: Decision, option: Option) -> bool:
    """As the choice, in what is minimised; of what nobody states nothing is drawn."""
    mine = decision.score(decision.chosen) if decision.chosen else math.nan
    apart = abs(decision.score(option) - mine)
    return math.isnan(apart) or apart <= decision.criteria.tolerance(decision.criteria.aim, mine)


def of_shares(decision: Decision) -> str:
    """How often the choice is best or tied, and how often the next of the others is."""
    best = {name: sure.best.value for name, sure in decision.sureness.items()}
    first = decision.chosen.name if decision.chosen else max(best, key=best.__getitem__)
    who, often = called(decision, first), shown(best[first], "ratio")
    said = f"“{who}” is best or tied in {often} of the tries"
    others = {name: share for name, share in best.items() if name != first}
    if not others:
        return said
    other = max(others, key=others.__getitem__)
    next_best = others[other]
    if decision.chosen and next_best > best[first]:
        oftener, theirs = shown(next_best, "ratio"), called(decision, other)
        return f"“{theirs}” is best or tied in {oftener} of the tries, the choice in {often}"
    rest = f"no other in more than {shown(next_best, 'ratio')}" if next_best else "no other in any"
    return f"{said}, {rest}"


def of_swings(decision: Decision, rival: str, swings: Sequence[Swing]) -> str:
    """Which numbers, each alone, could make the rival the better one."""
    able = [swing for swing in swings if min(swing.low, swing.high) < 0]
    theirs, what = f"“{called(decision, rival)}”", aim(decision)
    if not able:
        return f"No number, alone within its range, makes {theirs} the better in {what}"
    if all(max(swing.low, swing.high) < 0 for swing in swings):
        return f"{theirs} is the better in {what}, whichever number here moves within its range"
    said = f"{capital(in_a_sentence(decision, able[0].name))} could make {theirs} the better"
    if len(able) == 1:
        return f"{said} in {what}, no other number could"
    return f"{said} in {what}; so could {len(able) - 1} more"


def of_rival(decision: Decision, rival: str) -> str:
    """Against which option numbers are held, and why it is not the next best, if so."""
    chosen = decision.chosen
    mine, theirs = (
        f"“{called(decision, name)}”" for name in (chosen.name if chosen else None, rival)
    )
    often = "which of the others is best or tied most often"
    second = next((option for option in decision.ranked if option != chosen), None)
    if second and second.name != rival:
        often += f" (the next best here, “{called(decision, second.name)}”, is so less often)"
        if decision.sureness[second.name].best.value >= decision.sureness[rival].best.value:
            often = "which of the others is best or tied as often as any"
    return f"By how much {theirs}, {often}, is worse than {mine}"


def of_map(decision: Decision, drawn: Map) -> str:
    """Who is chosen here, and in how much of the map."""
    chosen = decision.chosen
    here = drawn.names.index(chosen.name) if chosen else NOBODY
    share = shown(float((drawn.chosen == here).mean()), "ratio")
    who = f"“{called(decision, chosen.name)}” is chosen" if chosen else "Nothing keeps the limits"
    return f"{who} here, and in {share} of this map"


def of_lateness(least: float, most: float, patience: str) -> str:
    """How many answers are out of date; that none is, where none is."""
    if not most:
        return f"No answer is out of date {patience}"
    told = dict.fromkeys(shown(share, "ratio") for share in (least, most))
    return f"Out of date {patience}: {' to '.join(told)} of the answers"
