"""Keys that lie together in one value, by formula: what `tiers.joining` says, of kinds of key.

With keys in the order of their popularity and m values, a value at x between 0 and m has the keys
at x, x + m, x + 2m, …; kinds of key are spans of that order, so of values they are, too.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cachelib.model.formulas.setting import Array, Keys, Setting
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.joining import values


def each(at: Setting, design: Design) -> float:
    """How many keys lie in one value."""
    keys = float(at.keys.number.sum() + at.keys.unasked)
    return keys / values(keys, design.joined)


def joined(at: Setting, design: Design) -> Setting:
    """The setting as a design sees it: its values in the place of keys."""
    together = each(at, design)
    if together == 1:
        return at
    if at.keys.written is not None:  # a case that says so is refused before
        raise ValueError("joined: no formula says it where a schedule writes")
    numbers = {
        **at.numbers,
        "value_bytes": np.asarray(at.numbers["value_bytes"]) * together,
    }
    if design.write_only_if_changed:
        numbers["value_life_s"] = np.asarray(at.numbers["value_life_s"]) / together
    return replace(at, keys=_values(at.keys, together), numbers=numbers)


def _values(keys: Keys, together: float) -> Keys:
    ends: Array = np.cumsum(keys.number)
    every = ends[-1] + keys.unasked
    number = every / together
    edges = np.unique(np.concatenate([ends % number, [0.0, number]]))
    places = (edges[1:] + edges[:-1]) / 2 + number * np.arange(np.ceil(together))[:, None]
    kind = np.searchsorted(ends, places, side="right")
    share = np.append(keys.share, 0.0)[np.minimum(kind, len(ends))].sum(axis=0)
    there = share > 0
    return Keys(share[there], np.diff(edges)[there])
