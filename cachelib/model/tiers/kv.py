"""Workers KV: a central store, and caches of it in every data centre and region.

What is read often is fetched anew in the background before its copy ends: so it is documented, but
not how long before. `kv_refresh_share` says it, and is nothing until a case does: the shipped times
were fitted to reads of a KV that did what it does, and would be fitted anew with it.

Source: developers.cloudflare.com/kv/concepts/how-kv-works, /kv/api and /kv/platform/pricing, read
2026-11-23. Rules: `KeyValue` in `engines/reference/kv.py`, `read_kv` in
`engines/compiled/stores.py`, `formulas/kv_copies.py` and `_kv_ways` in `formulas/waits.py`,
`KvStore` in the Worker.
"""

from cachelib.model.tiers.tier import Place, Tier

KV = Tier(
    word="kv",
    label="Workers KV",
    phrase="Workers KV",
    scope="world",
    places=(
        Place("KV in the colo", ("kv_read_ms",), "kv_near_jitter"),
        Place("KV in the region", ("kv_read_ms", "to_region"), "kv_far_jitter"),
        Place(
            "KV central",
            ("kv_read_ms", "to_region", "to_central", "kv_central_ms"),
            "kv_far_jitter",
        ),
    ),
    writing=("kv_write_ms", "to_region", "to_central"),
    counts={
        "kv_reads": "KV reads",
        "kv_missing_reads": "KV reads that found nothing",
        "kv_refreshes": "copies that KV fetched anew by itself",
        "kv_writes": "KV writes",
        "kv_writes_refused": "KV writes refused",
        "kv_deletes": "KV deletes",
        "kv_lists": "KV lists",
    },
    numbers={
        "kv_read_ms": "time of a read in KV's nearest cache",
        "kv_central_ms": "time of KV's central store",
        "kv_near_jitter": "spread of the times of KV's nearest cache",
        "kv_far_jitter": "spread of the times of KV beyond its nearest cache",
        "kv_write_ms": "time of a write to KV",
        "kv_refresh_share": "last part of a copy's life in which a read lets KV fetch it anew",
        "kv_failure": "share of KV's reads that fail",
        "kv_writes_a_day": "writes to KV that are allowed a day",
    },
    prefixes=("kv_",),
    failure="kv_failure",
    meters={
        "kv.reads": "kv_reads",
        "kv.writes": "kv_writes",
        "kv.deletes": "kv_deletes",
        "kv.lists": "kv_lists",
    },
    needed=("kv.reads",),
    stored="kv.stored",
    erases=True,
    parted=True,
    shortest="kv_min_ttl_s",
    lists=True,
    listing="kv.lists",
)
