"""What a simulated month that begins with empty caches leaves out, by how long values live."""

from __future__ import annotations

import math

from cachelib.model.judgement.study import Study
from cachelib.report.language import duration
from cachelib.report.publish.outcome import Outcome

LITTLE = 0.02  # of the time that is simulated: a life that hardly outlasts its beginning


def long_lives(study: Study, outcome: Outcome | None) -> str:
    """`live for up to 20 days of these 30 days`: of the longest life as the options are set;
    nothing where it is short."""
    longest, span = _longest(study, outcome), 86_400 * study.days
    if longest <= LITTLE * span:
        return ""
    lives = f"live for up to {duration(longest)}" if longest < math.inf else "may live for ever"
    return f"{lives}{' of' if longest < span else ', longer than'} these {duration(span)}"


def _longest(study: Study, outcome: Outcome | None) -> float:
    designs = [study.design(name) for name in study.case.design_names]
    lives = [life for each in designs if each.l1 for life in [each.l1_ttl_s] if life]
    lives += [each.hard_ttl_s for each in designs if each.shared]
    for option in outcome.options if outcome else ():
        lives += [option.settings.get(name, 0.0) for name in ("l1_ttl_s", "l2_ttl_s")]
    return max(lives, default=0.0)
