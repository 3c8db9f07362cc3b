"""What both engines say of each request, and what they count."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Where a request ended ...
L1, L2, ORIGIN, WRITTEN, FAILED = range(5)
TIERS = ("L1", "L2", "origin", "write", "failed")
# ... and how deep into L2 it looked on its way.
NO_L2, KV_LOCAL, KV_REGIONAL, KV_CENTRAL, DO_MEMORY, DO_STORAGE, CACHE_API, R2 = range(8)
DEPTHS = (
    "", "KV in the colo", "KV in the region", "KV central",
    "object's memory", "object's storage", "Cache API", "R2",
)  # fmt: skip
CODES = len(TIERS) * len(DEPTHS)  # a request's code: tier × 8 + depth

COUNTS = (
    "origin_loads", "origin_failures", "refreshes", "l2_unchanged",
    "kv_reads", "kv_missing_reads", "kv_writes", "kv_writes_refused", "kv_deletes", "kv_lists",
    "do_requests", "do_rows_read", "do_rows_written", "do_overloaded",
    "r2_class_a", "r2_class_b", "cache_api_gets", "cache_api_puts",
    "isolates_lost_idle", "isolates_lost_random", "isolates_lost_deploy",
)  # fmt: skip


class Outcomes(NamedTuple):
    """One row for each request.

    `extra_ms` is the way to a Durable Object and the wait for it; `age_s` the time since the
    served value was loaded; `late_s` the time since it was superseded at the origin, 0 if not.
    """

    code: npt.NDArray[np.uint8]
    extra_ms: npt.NDArray[np.float32]
    age_s: npt.NDArray[np.float32]
    late_s: npt.NDArray[np.float32]
