"""What breaking a limit counts as in regret, in words."""

from __future__ import annotations

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.regret import breach
from cachelib.report.numbers import shown
from cachelib.report.publish import decision as words

OFTEN = 0.05  # of the tries in which a limit is broken
MUCH = 0.25  # of the variance of that, explained by one number


def in_words(decision: Decision) -> str | None:
    """What was taken, and why that; None where the case has no limit that could be broken."""
    criteria = decision.criteria
    if all(limit.costs is not None for limit in criteria.limits):
        return None
    if criteria.broken_limit is not None:
        counts = words.gap(decision, criteria.broken_limit)
        return f"to break a limit counts as {counts} beside that, as the case says"
    taken = breach(criteria, decision.standing)[decision.standing.ranked.any(axis=0)]
    if not len(taken):
        return None
    if words.gap(decision, float(taken.mean())) == words.gap(decision, 0.0):
        return (
            "to break a limit counts as nothing, since the case does not say what it costs, and"
            " the options that keep them all do equally well"
        )
    return (
        "to break a limit counts as much as to choose the dearest option that keeps them all"
        f" (on average {words.gap(decision, float(taken.mean()))} above the best), since the case"
        " does not say what it costs"
    )


def mostly(decision: Decision) -> str | None:
    """Which limit the choice breaks most often, and which number decides that, if one does."""
    if decision.chosen is None or not decision.standing.broken:
        return None
    nth = [option.name for option in decision.options].index(decision.chosen.name)
    often = {name: float(flags[nth].mean()) for name, flags in decision.standing.broken.items()}
    limit = max(often, key=lambda name: often[name])
    if often[limit] < OFTEN:
        return None
    said = decision.study.told(METRICS[limit.split(":")[1]].label)
    any_of_them = np.any([flags[nth] for flags in decision.standing.broken.values()], axis=0)
    if often[limit] > float(any_of_them.mean()) - 1e-9:
        told = f"always that of the {said}"
    else:
        told = f"most often that of the {said} (in {shown(often[limit], 'ratio')})"
    by = max(decision.worths, key=lambda worth: worth.breaks.get(limit, 0.0), default=None)
    if by is None or by.breaks.get(limit, 0.0) < MUCH:
        return told
    return f"{told}, which depends on {words.in_a_sentence(decision, by.name)}"
