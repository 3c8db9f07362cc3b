"""What both engines say of each request, and what they count."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.kv import KV
from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.registry import SHARED
from cachelib.model.tiers.tier import Tier

# Where a request ended ...
L1, L2, ORIGIN, WRITTEN, FAILED, WAITED, RACED = range(7)
TIERS = ("L1", "L2", "origin", "write", "failed", "waited", "raced")
FOUND = (L1, L2, RACED)
# ... and how deep into the shared tiers it looked on its way: the last place where it did.
DEPTHS = ("", *(place.words for tier in SHARED.values() for place in tier.places))


def depths(tier: Tier) -> range:
    """The numbers of a tier's places."""
    first = DEPTHS.index(tier.places[0].words)
    return range(first, first + len(tier.places))


NO_L2 = 0
KV_LOCAL, KV_REGIONAL, KV_CENTRAL = depths(KV)
DO_MEMORY, DO_STORAGE = depths(DURABLE_OBJECT)

PLACES = len(DEPTHS)
CODES = len(TIERS) * PLACES
Codes = npt.NDArray[np.unsignedinteger]
CODE_TYPE = np.min_scalar_type(CODES - 1)


def code_of(tier: int, depth: int) -> int:
    """A request's code: where it ended and how deep it looked, in one small number."""
    return tier * PLACES + depth


def tier_of(code: Any) -> Any:
    """Where a request ended, of one code or an array of them."""
    return code // PLACES


def place_of(depth: int) -> Tier | None:
    """The tier that a place is in; None for no place."""
    found = (tier for tier in SHARED.values() if DEPTHS[depth] in (p.words for p in tier.places))
    return next(found, None)


COUNT_WORDS = {
    "origin_loads": "loads from the origin",
    "origin_failures": "failed loads from the origin",
    "origin_waits": "loads that waited for their turn at the origin",
    "refreshes": "refreshes in the background",
    "l2_unchanged": "writes left out as unchanged",
    **{name: words for tier in SHARED.values() for name, words in tier.counts.items()},
    **MEMORY.counts,
}
"""What is counted, and how a reader calls it."""
COUNTS = tuple(COUNT_WORDS)


class Outcomes(NamedTuple):
    """One row for each request.

    `extra_ms` is the way to a Durable Object and the wait for it, or for another's load; `age_s`
    the time since the served value was loaded; `late_s` the time since it was superseded at the
    origin when it was asked for, 0 if not.
    """

    code: Codes
    extra_ms: npt.NDArray[np.float32]
    age_s: npt.NDArray[np.float32]
    late_s: npt.NDArray[np.float32]
