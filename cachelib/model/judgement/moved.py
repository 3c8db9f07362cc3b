"""A study with one number at another value, to be decided as if the case said so."""

from __future__ import annotations

from typing import Any

from cachelib.model.case.case import Case
from cachelib.model.judgement.draws import moved
from cachelib.model.judgement.limits import limit_names
from cachelib.model.judgement.simulator import MOST_REQUESTS, TRAFFIC
from cachelib.model.judgement.study import Study


def study_at(study: Study, number: str, value: float) -> Study:
    """The same with an assumption, a limit's bound or the traffic at `value`; ranges reach there.

    Traffic grows as the case says, of which no fewer requests are taken than here; a log's can
    only be thinned.
    """
    if number == TRAFFIC:
        return study.grown(value, max(MOST_REQUESTS, len(study.trace)))
    if number.startswith("limit:"):
        return study.of_changed(criteria=_with_limit(study.case, number, value))
    assumed = moved(number, study.case.assumed[number], value)
    own: Any = study.case.assumptions
    return study.of_changed(assumptions=own.model_copy(update={number: assumed}))


def _with_limit(case: Case, number: str, value: float) -> Any:
    limits = limit_names(case.criteria)
    limit = limits[number]
    bound = "at_most" if limit.at_most is not None else "at_least"
    ends = {"low": min, "high": max}
    own = {end: getattr(limit, end) for end in ends}
    reach = {end: ends[end](known, value) for end, known in own.items() if known is not None}
    limits[number] = limit.model_copy(update={bound: value, **reach})
    return case.criteria.model_copy(update={"limits": tuple(limits.values())})
