"""How long ways take, by data centre, from what the tiers say that they take."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.tier import InFront


def adds_up_to(
    takes: Iterable[str], platform: Platform, places: Geography
) -> float | npt.NDArray[np.float64]:
    """Milliseconds by colo, or the same everywhere, of what is named; see `Place.takes`."""
    total: float | npt.NDArray[np.float64] = 0.0
    for name in takes:
        total = total + getattr(places if hasattr(places, name) else platform, name)
    return total


def told_after_s(design: Design, platform: Platform, places: Geography) -> npt.NDArray[np.float64]:
    """Seconds from a change in the store until the isolates of each colo have heard of it."""
    takes = design.store.telling if design.listen and design.store else ()
    seconds: npt.NDArray[np.float64] = np.full(
        len(places.region), adds_up_to(takes, platform, places), np.float64
    )
    return seconds / 1e3


def uppers(design: Design, places: Geography) -> npt.NDArray[np.int64]:
    """By colo, the number of the copy behind that one's of what answers before the Worker runs."""
    of = design.front.in_front if design.front else None
    if of is None or not of.upper:
        return np.zeros(len(places.region), np.int64)
    named: npt.NDArray[np.int64] = getattr(places, of.upper)
    return named


def empties_every_s(of: InFront, platform: Platform) -> float:
    """Seconds between two deploys that empty it."""
    return platform.deploy_every_s if of.versioned else math.inf


def onward(design: Design, places: Geography) -> npt.NDArray[np.float64]:
    """Milliseconds by colo to where the Worker runs, from the last that is asked before it."""
    of = design.front.in_front if design.front else None
    ms: npt.NDArray[np.float64] = getattr(places, of.onward if of and of.onward else "to_worker")
    return ms
