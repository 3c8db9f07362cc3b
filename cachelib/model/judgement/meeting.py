"""Loads that others meet: how many more there are for taking time, and from which traffic on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cachelib.model.formulas import Setting, estimate
from cachelib.model.formulas.meeting import met
from cachelib.model.judgement.growth import grown_numbers, with_keys
from cachelib.model.judgement.model import Model
from cachelib.model.tiers.design import Design

MATERIAL = 0.01  # of the loads
REACH = 10_000.0  # times the traffic at which it is looked for
STEPS = 65


@dataclass(frozen=True)
class Added:
    """The option whose loads grow most for taking time: by what share here, and at how many
    requests a month that begins to count; None where it never does."""

    name: str
    share: float
    counts_from: float | None


def loads_added(model: Model) -> Added | None:
    """None where loads take no time, or no formula says it of any option."""
    shares = {
        o.name: here for o in model.options if (here := _share(model, o.design, 1.0)) is not None
    }
    if not shares or not model.study.platform.origin_ms:
        return None
    name = max(shares, key=lambda each: (shares[each], each))
    return Added(name, shares[name], _counts_from(model, model.option(name).design))


def _share(model: Model, design: Design, factor: float) -> float | None:
    at = _grown(model, factor)
    found = met(estimate(design, at).flows, at["origin_ms"].ravel() / 1e3)
    return None if found is None else float(found.added[0])


def _grown(model: Model, factor: float) -> Setting:
    at, growth = model.setting, model.study.case.growth
    traffic = {"requests_per_month": np.array([at["requests_per_month"].item() * factor])}
    more = with_keys(at, factor) if growth.keys != "fixed" else at
    return more.but(**grown_numbers(at, growth, traffic))


def _counts_from(model: Model, design: Design) -> float | None:
    factors = np.geomspace(1 / REACH, REACH, STEPS)
    shares = np.array([_share(model, design, float(factor)) or 0.0 for factor in factors])
    first = int(np.argmax(shares >= MATERIAL))
    if shares[first] < MATERIAL:
        return None
    at = factors[first]
    if first:
        low, high = shares[first - 1], shares[first]
        way = (MATERIAL - low) / (high - low)
        at = factors[first - 1] * (factors[first] / factors[first - 1]) ** way
    return float(model.setting["requests_per_month"].item() * at)
