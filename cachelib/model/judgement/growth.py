"""What grows with the traffic, as the case says: writes, keys, and how soon values change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cachelib.model.case.choices import Growth
from cachelib.model.case.grown import reads_per_write
from cachelib.model.formulas import Setting
from cachelib.model.formulas.setting import NEVER_S, Array, Keys

KINDS_OF_GROWTH = 24  # numbers of keys tried where many draws of traffic meet growing keys


def grown_numbers(
    at: Setting, growth: Growth, numbers: Mapping[str, Array]
) -> dict[str, float | Array]:
    """`numbers` with all that follows from their traffic, where they have any."""
    if "requests_per_month" not in numbers:
        return dict(numbers)
    factor = numbers["requests_per_month"] / np.asarray(at.numbers["requests_per_month"])
    more: dict[str, float | Array] = dict(numbers)
    here = float(np.asarray(at.numbers["reads_per_write"]))
    if growth.writes == "fixed" and here < NEVER_S:
        more["reads_per_write"] = np.vectorize(reads_per_write)(here, factor)
    if growth.value_life != "fixed":
        life = numbers.get("value_life_s", np.asarray(at.numbers["value_life_s"]))
        more["value_life_s"] = np.asarray(life) / factor
    return more


def key_factors(at: Setting, growth: Growth, numbers: Mapping[str, Array]) -> Array | None:
    """By how much the number of keys grows in each draw, on a grid; None where it does not."""
    if growth.keys == "fixed" or "requests_per_month" not in numbers:
        return None
    exact = numbers["requests_per_month"] / np.asarray(at.numbers["requests_per_month"])
    if np.unique(exact).size <= KINDS_OF_GROWTH:
        return np.asarray(exact, np.float64)
    low, high = float(exact.min()), float(exact.max())
    grid = np.geomspace(low, high, KINDS_OF_GROWTH)
    nearest: Array = grid[np.abs(np.log(exact)[:, None] - np.log(grid)).argmin(axis=1)]
    return nearest


def with_keys(at: Setting, factor: float) -> Setting:
    """The setting with so many times the keys, each asked for as much less."""
    keys = at.keys
    written = None if keys.written is None else keys.written / factor
    share, number, unasked = keys.share / factor, keys.number * factor, keys.unasked * factor
    return replace(at, keys=Keys(share, number, written, keys.every_s, unasked))


def in_words(growth: Growth, *, writes: bool = True) -> str:
    """What is taken to happen as requests grow. `writes`: whether anybody writes."""
    counts = ({"writes": growth.writes} if writes else {}) | {"keys": growth.keys}
    grow = [what for what, how in counts.items() if how != "fixed"]
    stay = [what for what in counts if what not in grow]
    told = [f"{' and '.join(grow)} grow in proportion"] if grow else []
    if growth.value_life == "fixed":
        stay.append("the life of values")
    else:
        told.append("the life of values shortens in proportion")
    if len(stay) == 1:
        told.append(f"{stay[0]} {'stay as they are' if stay[0] in counts else 'stays as it is'}")
    elif stay:
        told.append(f"{', '.join(stay[:-1])} and {stay[-1]} stay as they are")
    stated = growth.model_fields_set & {"writes", "keys", "value_life", "why"}
    return ", ".join(told) + ("" if stated else ": the case does not say what grows")
