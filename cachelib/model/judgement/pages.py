"""Loads of a page: requests that come together, each at an isolate of its own chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.engines.result import Result
from cachelib.model.engines.routing import Router
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.colos import geography
from cachelib.model.tiers.outcomes import L1


class Pages(NamedTuple):
    """`requests` of a page; on average over pages the `isolates` that these reach, and how many of
    them memory does not answer (`unanswered`); the time of the slowest of a page's, that half and
    95 in 100 pages have (`half_ms`, `most_ms`); and the time that half of all requests have."""

    requests: int
    isolates: float
    unanswered: float
    half_ms: float
    most_ms: float
    each_half_ms: float


def pages(study: Study, result: Result) -> Pages | None:
    """Of the loads of pages in a replay of the study's traffic; None where there are none.

    Of a sample of keys nobody knows them: it has parts of pages alone.
    """
    trace, each = study.trace, study.case.workload.page_requests
    if study.log is not None or each == 1 or study.sample.keys < 1:
        return None
    apart = (np.diff(trace.time_s) != 0) | (np.diff(trace.colo) != 0)
    first = np.concatenate([[0], np.flatnonzero(apart) + 1])
    first = first[np.diff(np.append(first, len(trace))) == each]  # else it was cut, or joined
    if not len(first):
        return None
    rows = first[:, None] + np.arange(each)
    runs = geography(trace.colos, result.platform).runs
    reached = np.sort(Router(result.platform, study.seed).route(trace, 0, runs)[rows], axis=1)
    slowest = result.latency_ms[rows].max(axis=1)
    return Pages(
        requests=each,
        isolates=float((np.diff(reached, axis=1) != 0).sum(axis=1).mean()) + 1,
        unanswered=float((result.tier[rows] != L1).sum(axis=1).mean()),
        half_ms=float(np.quantile(slowest, 0.5)),
        most_ms=float(np.quantile(slowest, 0.95)),
        each_half_ms=float(np.quantile(result.latency_ms[rows], 0.5)),
    )
