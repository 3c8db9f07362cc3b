"""How much an isolate's memory has room for, whatever the design says of it itself."""

from __future__ import annotations

import math

from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace


def bounded(design: Design, platform: Platform, trace: Trace) -> Design:
    """The design within the memory that the platform gives, in bytes of keys and values.

    It stays as it is where that has room for all that is asked for: then nothing is pushed out, and
    keys need not be simulated together.
    """
    most = platform.isolate_memory_mb * 1e6
    if not design.l1 or most == math.inf or not len(trace):
        return design
    if len(trace.keys) * (int(trace.size.max()) + max(map(len, trace.keys))) <= most:
        return design
    return design.model_copy(
        update={"l1_max_bytes": min(int(most), design.l1_max_bytes or int(most))}
    )
