"""What a plan refuses that sells no more: what goes beyond a day's allowance fails.

A simulation knows how many requests each of its days had, and what else is used is taken to be as
uneven: a busy day fails more than a quiet one has left. Formulas take days as alike, and are
brought to that.
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


def refused(used: Mapping[str, Any], book: PriceBook, by_day: Sequence[int] = ()) -> dict[str, Any]:
    """By meter, the share of a month's usage that fails; floats, or arrays of draws.

    `by_day`: requests on some days, of whose kind a month's are; none for days that are alike. A
    request that is refused asks for nothing more.
    """
    ending = {name: meter for name, meter in book.of_plan().items() if meter.price is None}
    uneven = np.array(by_day or (1,), np.float64) / np.mean(by_day or (1,))

    def asked(name: str) -> Any:
        each = uneven if ending[name].per == "day" else np.ones_like(uneven)
        return np.asarray(used[name], np.float64)[..., None] * each

    def over(name: str, asked: Any) -> Any:
        return np.maximum(1 - float(ending[name].included) / np.maximum(asked, 1e-300), 0.0)

    def of_all(name: str, asked: Any) -> Any:
        failing = (over(name, asked) * asked).mean(axis=-1)
        share = failing / np.maximum(asked.mean(axis=-1), 1e-300)
        return np.where(share < LEAST, 0.0, share)

    there = [name for name in ending if name in used]
    doors = {name: asked(name) for name in there if name in DOORS}
    passed = 1 - sum((over(name, each) for name, each in doors.items()), np.zeros(1))
    others = {name: asked(name) * passed for name in there if name not in DOORS}
    return {name: of_all(name, each) for name, each in (doors | others).items()}


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
