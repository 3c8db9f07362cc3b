"""Ties in words: what does equally well, and what decides among it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cachelib.model.case.criteria import Criteria
from cachelib.model.case.labels import label
from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.ties import SAME_WORK
from cachelib.report.language import listed
from cachelib.report.numbers import shown
from cachelib.report.publish.decision import aim, called, gap, setting
from cachelib.report.publish.decision import value as amount


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
            two = len(ties) == 1
            return {"work": f"it takes {'less work' if two else 'the least work of these'}",
                    "today": "it is what you have",
                    "simplicity": "it is simpler" if two else "it is the simplest of these"}.get(
                name, decision.study.told(f"its {METRICS[name].label} is the best of them")
                if name in METRICS else name
            )  # fmt: skip
    if chosen.is_today:
        return "it is what you have"
    by = decision.study.told(breaks_ties(decision.criteria))
    nothing = f"nothing that breaks ties here ({by}) tells them apart"
    said = nothing if by else "nothing breaks ties here"
    return f"{said}, and its name in the case is first in the alphabet"


def less_sure(decision: Decision) -> str | None:
    """What it costs that the settings of the choice keep the limits as often as is wanted."""
    chosen = decision.chosen
    other = chosen and decision.tuned[chosen.name].less_sure
    if not chosen or not other:
        return None
    changed = {name: v for name, v in other.option.settings.items() if chosen.settings[name] != v}
    told = "; ".join(f"{label(name)} {setting(v, name)}" for name, v in sorted(changed.items()))
    return (
        f"set otherwise ({told}), its {aim(decision)} would be better by about"
        f" {gap(decision, other.saves)},"
        f" and it would keep the limits in {shown(other.kept, 'ratio')} of tries instead of"
        f" {shown(other.kept_as_set, 'ratio')}"
    )


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


def breaks_ties(criteria: Criteria) -> str:
    """What decides among options that do equally well, in its order."""
    own = {
        "work": f"less work ({amount(60 * SAME_WORK, 'minutes')} more or less count as none)",
        "today": "what is there already",
        "simplicity": "the simpler design",
    }
    told = [own.get(name) or f"a better {METRICS[name].label}" for name in criteria.then]
    return ", then ".join(told)
