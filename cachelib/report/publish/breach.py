"""What breaking a limit counts as in regret, in words."""

from __future__ import annotations

from cachelib.model.judgement.decision import Decision
from cachelib.model.judgement.regret import breach
from cachelib.report.publish import decision as words


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
    return (
        "to break a limit counts as much as to choose the dearest option that keeps them all"
        f" (on average {words.gap(decision, float(taken.mean()))} above the best), since the case"
        " does not say what it costs"
    )
