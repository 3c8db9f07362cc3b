"""Loads that others meet: how many more there are for taking time, and from which traffic on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cachelib.model.formulas import Setting, estimate
from cachelib.model.formulas.meeting import met
from cachelib.model.judgement.growth import grown_numbers, with_keys
from cachelib.model.judgement.model import Model
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.kv import KV

MATERIAL = 0.01  # of the loads
REACH = 10_000.0  # times the traffic at which it is looked for
STEPS = 65


@dataclass(frozen=True)
class Added:
    """An option's loads that are added for taking time: the share here, and at how many requests a
    month it begins to count; None where it never does. `is_least`: it may be more."""

    name: str
    share: float
    counts_from: float | None
    is_least: bool


def loads_added(model: Model) -> Added | None:
    """Of the option that gets the most more, if it counts there, else the greatest share.

    None where loads take no time, or no formula says it of any option.
    """
    found = {o.name: more for o in model.options if (more := _added(model, o.design, 1.0))}
    if not found or not model.study.platform.load_ms:
        return None
    counting = [name for name, (share, _) in found.items() if share >= MATERIAL]
    name = max(counting or found, key=lambda each: (found[each][bool(counting)], each))
    design = model.option(name).design
    return Added(name, found[name][0], _counts_from(model, design), is_least=KV in design.stores)


def _added(model: Model, design: Design, factor: float) -> tuple[float, float] | None:
    """The share of the loads that is added, and how many a month that are."""
    at = _grown(model, factor)
    month = estimate(design, at)
    found = met(month.flows, month.waits.load_ms / 1e3)
    if found is None:
        return None
    share = float(found.added[0])
    return share, share * float(month.counts["origin_loads"][0])


def _grown(model: Model, factor: float) -> Setting:
    at, growth = model.setting, model.study.case.growth
    traffic = {"requests_per_month": np.array([at["requests_per_month"].item() * factor])}
    more = with_keys(at, factor) if growth.keys != "fixed" else at
    return more.but(**grown_numbers(at, growth, traffic))


def _counts_from(model: Model, design: Design) -> float | None:
    factors = np.geomspace(1 / REACH, REACH, STEPS)
    added = [_added(model, design, float(factor)) for factor in factors]
    shares = np.array([share for share, _ in filter(None, added)])
    first = int(np.argmax(shares >= MATERIAL))
    if shares[first] < MATERIAL:
        return None
    at = factors[first]
    if first:
        low, high = shares[first - 1], shares[first]
        way = (MATERIAL - low) / (high - low)
        at = factors[first - 1] * (factors[first] / factors[first - 1]) ** way
    return float(model.setting["requests_per_month"].item() * at)
