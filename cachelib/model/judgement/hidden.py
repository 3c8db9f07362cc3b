"""What KV sees of a design's reads: none that memory in front answers, and so it is colder."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cachelib.model.engines.result import Result
from cachelib.model.judgement import subject
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.kv import KV
from cachelib.model.tiers.outcomes import KV_LOCAL, depths


class Seen(NamedTuple):
    """Of the reads that reached KV, the share that met a copy in their own data centre; and how
    many copies a month KV fetched anew by itself since they were read in time."""

    near: float
    anew: float

    @classmethod
    def of(cls, result: Result) -> Seen:
        reached = int(np.isin(result.depth, depths(KV)).sum())
        near = int((result.depth == KV_LOCAL).sum())
        return cls(near / max(reached, 1), result.per_month()["kv_refreshes"])


def hidden(study: Study, design: Design) -> tuple[Seen, Seen] | None:
    """With memory in front of KV and without; None where KV fetches nothing anew, or has none."""
    if design.l2 != KV.word or not (design.l1 and study.platform.kv_refresh_share):
        return None
    alone, behind = subject.alone_and_behind_memory(design)
    return Seen.of(study.replay(behind)), Seen.of(study.replay(alone))
