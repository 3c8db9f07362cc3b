"""What a plan refuses that sells no more: what goes beyond a day's allowance fails.

Days are taken as alike, so that busier ones fail more, and this is the least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cachelib.model.money.prices import DAYS, DOORS
from cachelib.model.platforms.books import PriceBook
from cachelib.model.platforms.calls import OF_A_CALL
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design

WRITES = "kv.writes"
LEAST = 1e-3
"""Of a day's usage: beyond less than that it is chance, of which days differ by more."""


def held_to(platform: Platform, book: PriceBook) -> Platform:
    """The platform, with no more writes to KV a day than the plan allows."""
    meter = book.of_plan().get(WRITES)
    if meter is None or meter.price is not None:
        return platform
    most = min(platform.kv_writes_a_day, float(meter.included) / DAYS)
    return platform.model_copy(update={"kv_writes_a_day": most})


def refused(used: Mapping[str, Any], book: PriceBook) -> dict[str, Any]:
    """By meter, the share of a month's usage that fails; floats, or arrays of draws.

    A request that is refused asks for nothing more.
    """
    ending = {name: meter for name, meter in book.of_plan().items() if meter.price is None}

    def over(name: str, passed: Any) -> Any:
        asked = np.asarray(used[name], np.float64) * passed
        share = 1 - float(ending[name].included) / np.maximum(asked, 1e-300)
        return np.where(share < LEAST, 0.0, share)

    there = [name for name in ending if name in used]
    doors = {name: over(name, 1.0) for name in there if name in DOORS}
    passed = 1 - sum(doors.values(), np.zeros(1))
    return doors | {name: over(name, passed) for name in there if name not in DOORS}


def failed_with(
    failed: Any, design: Design, asked: Sequence[Any], loaded: Any, refused: Mapping[str, Any]
) -> Any:
    """The share of the reads that fail, of which `failed` do so for other reasons.

    `asked`: the share that looks into each of the design's stores, and `loaded` into the origin.
    Where the design turns to the origin instead of a store, only what the origin refuses fails.
    """
    of_a_call = [refused.get(name, 0.0) for each in OF_A_CALL.values() for name in each.meters]
    lost = failed + max_of(of_a_call) * loaded
    if design.unreachable == "error":
        for tier, share in zip(design.stores, asked, strict=True):
            lost = lost + max_of([refused.get(name, 0.0) for name in tier.needed]) * share
    door = max_of([refused.get(name, 0.0) for name in DOORS])
    return door + (1 - door) * np.minimum(lost, 1.0)


def max_of(shares: Sequence[Any]) -> Any:
    most: Any = 0.0
    for share in shares:
        most = np.maximum(most, share)
    return most
