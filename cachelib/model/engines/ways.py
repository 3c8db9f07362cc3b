"""How long ways take, by data centre, from what the tiers say that they take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.colos import Geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design


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
