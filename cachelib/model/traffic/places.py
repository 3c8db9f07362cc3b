"""Requests that name no data centre, spread over those of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cachelib.model.traffic.trace import Trace


def spread(trace: Trace, weights: Mapping[str, float], *, seed: int) -> Trace:
    """The trace with each unplaced request in a data centre drawn by `weights`, IATA code: weight.

    The same seed draws the same places. Requests that name theirs stay there.
    """
    unnamed = [code for code, name in enumerate(trace.colos) if not name]
    if not unnamed:
        return trace
    rows = np.flatnonzero(np.isin(trace.colo, unnamed))
    if not len(rows) or not sum(weights.values()):
        return trace
    names = [*trace.colos, *(name for name in weights if name not in trace.colos)]
    place = {name: code for code, name in enumerate(names)}
    share = np.array(list(weights.values()), np.float64)
    chosen = np.random.default_rng([seed, 3]).choice(len(share), len(rows), p=share / share.sum())
    colo = trace.colo.copy()
    colo[rows] = np.array([place[name] for name in weights], np.int16)[chosen]
    return _compact(replace(trace, colo=colo, colos=names))


def _compact(trace: Trace) -> Trace:
    """Without data centres that nobody asks."""
    used = np.flatnonzero(np.bincount(trace.colo, minlength=len(trace.colos)))
    code = np.zeros(len(trace.colos), np.int16)
    code[used] = np.arange(len(used), dtype=np.int16)
    return replace(trace, colo=code[trace.colo], colos=[trace.colos[i] for i in used])
