"""What an isolate's memory finds, by formula, and how long it has room for it.

Formulas and sources are those of `closed_forms`; what is derived here says so where it stands.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from cachelib.model.formulas import lives
from cachelib.model.formulas.room import pushed_out_after, share_left
from cachelib.model.formulas.setting import NEVER_S, Array, Setting
from cachelib.model.tiers.design import Design


class Isolates(Protocol):
    """What is asked for here of `Flows`, which needs this file."""

    design: Design
    at: Setting
    total: Array
    isolates: Array
    l1_ttl: Array

    @property
    def asked_of_isolate(self) -> Array: ...
    @property
    def split(self) -> Array: ...
    @property
    def lost(self) -> Array: ...
    def l1_life(self) -> Array: ...


def missed(flows: Isolates) -> Array:
    """The share of reads that it has not: with room for all, a load for each 1 + hits reads."""
    at, asked = flows.at, flows.asked_of_isolate
    alone = flows.total / flows.isolates  # all keys' requests at one isolate
    if flows.design.expiry == "sliding":
        others = np.maximum(alone - asked, 0)
        ttl = np.minimum(flows.l1_ttl, pushed_out_s(flows))
        held = lives.seen_within(asked, others, ttl, flows.lost, at["isolate_idle_s"])
        return np.asarray(np.maximum(1 - held, 1e-12))
    arrivals = lives.arrivals(alone, flows.l1_life(), at["isolate_idle_s"])
    return 1 - among(flows, asked / alone * arrivals)


def among(flows: Isolates, hits: Array) -> Array:
    """The share that it finds, where it would so many for each load with room for all.

    Of those that come within the value's life, those are left before the first gap in which it is
    pushed out; see `room`.
    """
    found: Array = hits / (1 + hits)
    pushed_out = pushed_out_s(flows)
    if (pushed_out == NEVER_S).all():
        return found
    left = lives.arrivals(flows.asked_of_isolate, flows.l1_life(), pushed_out)
    return found * np.minimum(share_left(left, hits), 1.0)


def pushed_out_s(flows: Isolates) -> Array:
    """Seconds after which it pushes out what nobody asks it for, shape (draws, colos or 1, 1)."""
    # where a key is one isolate's, those of a data centre share the keys
    entries = has_room_for(flows.at, flows.design) * flows.isolates / flows.split
    return pushed_out_after(flows.at, entries, flows.asked_of_isolate)


def has_room_for(at: Setting, design: Design) -> Array:
    """Entries: of the memory that the platform gives, or of what the design sets itself."""
    most = np.minimum(at["isolate_memory_mb"] * 1e6, design.l1_max_bytes or NEVER_S)
    each = np.maximum(at["value_bytes"] + at["key_bytes"], 1.0)
    return np.minimum(most / each, design.l1_max_entries or NEVER_S)


def wanted_mb(flows: Isolates) -> Array:
    """MB of keys and values that the fullest isolate is asked for within the life of a copy."""
    asked, each = flows.asked_of_isolate, flows.at["value_bytes"] + flows.at["key_bytes"]
    within = -np.expm1(-asked * flows.l1_life()) @ flows.at.keys.number
    share = flows.split / flows.isolates  # of a data centre's keys, where each is one isolate's
    return np.asarray((within[:, :, None] * share * each / 1e6).max(axis=(1, 2)))
