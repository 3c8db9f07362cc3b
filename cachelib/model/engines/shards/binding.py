"""What binds keys together in a design, so that one shard must have them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cachelib.model.platforms.platform import Platform, room_of
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.kv import KV

By = Literal["key", "object", "isolate", "run"]
WORDS: dict[By, str] = {
    "key": "by key",
    "object": "by object, since the keys of one object share its queue",
    "isolate": "by isolate, since the keys of one isolate share its bounded memory",
    "run": "whole",
}


@dataclass(frozen=True)
class Binding:
    """The least that may be a shard; `many`, how many of these there are, None for one a key."""

    by: By
    many: int | None = None
    why: str = ""

    @property
    def words(self) -> str:
        return WORDS[self.by] + (f", since {self.why}" if self.why else "")

    def units(self, names: Sequence[str], first: int) -> npt.NDArray[np.int64]:
        """The unit of each key, of which the first has the number `first`."""
        if self.many is None:
            return np.arange(first, first + len(names), dtype=np.int64)
        many = self.many
        return np.array([crc32(name.encode()) % many for name in names], np.int64)


def binding_of(design: Design, platform: Platform) -> Binding:
    """What must stay together of a design's keys on a platform."""
    objects = design.objects if design.l2 == DURABLE_OBJECT.word else None
    if design.front and is_mortal(design, platform):
        return Binding("run", 1, "what is kept before the Worker decides when isolates are lost")
    if design.purge_on_write:
        return Binding("run", 1, "purges are allowed so many for all keys together")
    if design.l2 == KV.word and platform.kv_writes_a_day < math.inf:
        return Binding("run", 1, "writes to KV are allowed so many a day for all keys together")
    if platform.has_rate:
        return Binding("run", 1, "all keys wait for their turn at the origin")
    if any(room_of(tier, platform) < math.inf for tier in design.stores):
        return Binding(
            "run", 1, "all keys push each other out of a store that has room for so many"
        )
    if design.l1 and (design.l1_max_entries or design.l1_max_bytes):
        many = platform.isolates_per_colo > 1 and not platform.is_scaled
        if platform.routing != "hash" or not many:
            return Binding("run", 1, "all keys push each other out of a bounded memory")
        if objects is not None:
            return Binding("run", 1, "keys share bounded memories and objects, each with others")
        return Binding("isolate", platform.isolates_per_colo)
    return Binding("key") if objects is None else Binding("object", objects)


def is_mortal(design: Design, platform: Platform) -> bool:
    """Whether there is a memory that can be lost."""
    ends = (platform.isolate_idle_s, platform.isolate_life_s, platform.deploy_every_s)
    return design.l1 and min(ends) < math.inf
