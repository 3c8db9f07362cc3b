"""How long an access to each tier takes in the local runtime, beside what the model assumes."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from cachelib.live.runtime import Runtime

VALUE_BYTES = 2_000


class Access(NamedTuple):
    """An access, how many make one sample, the assumption (a field of `Platform`) and the tier (by
    its word in a case) that it is of."""

    name: str
    times: int
    assumption: str
    words: str
    tier: str


ACCESSES = (  # what writes comes before what reads
    Access("l1", 20_000, "l1_ms", "memory, read", "memory"),
    Access("kv_write", 5, "kv_write_ms", "KV, write", "kv"),
    Access("kv_read", 5, "kv_read_ms", "KV, read", "kv"),
    Access("do_write", 20, "do_write_ms", "Durable Object, write", "durable-object"),
    Access(
        "do_memory", 20, "do_memory_ms", "Durable Object, read from its memory", "durable-object"
    ),
    Access(
        "do_storage", 20, "do_storage_ms", "Durable Object, read from its storage", "durable-object"
    ),
    Access("r2_write", 5, "r2_write_ms", "R2, write", "r2"),
    Access("r2_read", 5, "r2_ms", "R2, read", "r2"),
    Access("cache_api_write", 5, "cache_api_ms", "Cache API, write", "cache-api"),
    Access("cache_api", 5, "cache_api_ms", "Cache API, read", "cache-api"),
)


def measure(samples: int = 100) -> pd.DataFrame:
    """`access`, `ms`, `times` and `assumption`, with `samples` rows for each access.

    A sample is the mean of `times` accesses one after the other, as the runtime's clock has whole
    milliseconds. Nothing else runs meanwhile.
    """
    rows = []
    with Runtime({"designs": {"isolates": 1}}) as runtime:
        for access in ACCESSES:
            asked = {"access": access.name, "times": access.times, "value": "x" * VALUE_BYTES}
            means = runtime.post({"measure": {**asked, "samples": samples}})
            rows += [(access.name, ms, access.times, access.assumption) for ms in means]
    return pd.DataFrame(rows, columns=["access", "ms", "times", "assumption"])
