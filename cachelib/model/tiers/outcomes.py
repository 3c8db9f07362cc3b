"""What both engines say of each request, and what they count."""

from __future__ import annotations

from typing import Any, NamedTuple

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
PLACES = len(DEPTHS)
CODES = len(TIERS) * PLACES
CODE_TYPE = np.min_scalar_type(CODES - 1)


def code_of(tier: int, depth: int) -> int:
    """A request's code: where it ended and how deep it looked, in one small number."""
    return tier * PLACES + depth


def tier_of(code: Any) -> Any:
    """Where a request ended, of one code or an array of them."""
    return code // PLACES


COUNT_WORDS = {
    "origin_loads": "loads from the origin",
    "origin_failures": "failed loads from the origin",
    "refreshes": "refreshes in the background",
    "l2_unchanged": "writes left out as unchanged",
    "kv_reads": "KV reads",
    "kv_missing_reads": "KV reads that found nothing",
    "kv_writes": "KV writes",
    "kv_writes_refused": "KV writes refused",
    "kv_deletes": "KV deletes",
    "kv_lists": "KV lists",
    "do_requests": "requests of Durable Objects",
    "do_rows_read": "rows read by Durable Objects",
    "do_rows_written": "rows written by Durable Objects",
    "do_overloaded": "requests that Durable Objects refused",
    "r2_class_a": "R2 writes (class A)",
    "r2_class_b": "R2 reads (class B)",
    "cache_api_gets": "Cache API reads",
    "cache_api_puts": "Cache API writes",
    "isolates_lost_idle": "isolates lost while idle",
    "isolates_lost_random": "isolates lost at random",
    "isolates_lost_deploy": "isolates lost by a deploy",
}
"""What is counted, and how a reader calls it."""
COUNTS = tuple(COUNT_WORDS)


class Outcomes(NamedTuple):
    """One row for each request.

    `extra_ms` is the way to a Durable Object and the wait for it; `age_s` the time since the
    served value was loaded; `late_s` the time since it was superseded at the origin, 0 if not.
    """

    code: npt.NDArray[np.unsignedinteger]
    extra_ms: npt.NDArray[np.float32]
    age_s: npt.NDArray[np.float32]
    late_s: npt.NDArray[np.float32]
