"""Durable Objects: each in one place near its first caller, with memory and storage behind it.

Source: developers.cloudflare.com/durable-objects, read 2026-11-23. Rules: `DurableObjects` in
`engines/reference/others.py`, `read_object` in `engines/compiled/stores.py`, `_object_ways` in
`formulas/waits.py`, `ObjectStore` in the Worker. The way to an object and the wait for it come on
top of what its places take.
"""

from cachelib.model.tiers.tier import Place, Tier

DURABLE_OBJECT = Tier(
    word="durable-object",
    label="Durable Objects",
    phrase="Durable Objects",
    scope="world",
    places=(
        Place("object's memory", ("do_memory_ms",)),
        Place("object's storage", ("do_storage_ms",)),
    ),
    writing=("do_write_ms",),
    counts={
        "do_requests": "requests of Durable Objects",
        "do_rows_read": "rows read by Durable Objects",
        "do_rows_written": "rows written by Durable Objects",
        "do_overloaded": "requests that Durable Objects refused",
        "do_alarms": "alarms of Durable Objects",
        "do_loads": "loads that Durable Objects wait for",
    },
    numbers={
        "do_memory_ms": "time of an object that answers from memory",
        "do_storage_ms": "time of an object that answers from storage",
        "do_write_ms": "time of a write to an object",
        "do_failure": "share of the reads of an object that fail",
        "do_writes_per_s": "writes that an object takes a second",
        "do_queue_s": "how long an object lets requests queue",
        "do_active_ms": "time for which a request keeps an object active",
    },
    prefixes=("do_",),
    failure="do_failure",
    meters={
        "do.requests": "do_requests",
        "do.rows_read": "do_rows_read",
        "do.rows_written": "do_rows_written",
    },
    needed=("do.requests", "do.rows_read"),
    stored="do.stored",
)
