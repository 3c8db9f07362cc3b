"""Redis or Valkey beside servers: one for all regions, or one in each, which hears of no other.

Both keep a value until it expires, and are written through. Of a node's memory, where the case says
how large it is (`redis_gb`), what was asked for longest ago is pushed out (`allkeys-lru`, exact
here and sampled there). Where a design reads from `replicas`, these hear of what is written to the
primary in its order, `redis_lag_ms` later; fail-over is not modelled. Each tells those who listen
of every write and deletion, as the library's `RedisStore` does with `announce`; the message goes to
Redis and on from there, which is taken as a round trip of the listener, and what then passes until
he has heard is an assumption. No message is lost: the library drops all of its memory when a
connection breaks. One in each region tells that region alone.

Every rule follows from what is declared here, in both engines, the formulas and the page. A node is
paid by the hour, whatever is asked of it; sources of times and prices stand in
`platforms/profiles/servers-redis.yaml` and `money/books/servers-redis.yaml`.
"""

from cachelib.model.tiers.tier import Place, Tier

REDIS = Tier(
    word="redis",
    label="Redis",
    phrase="Redis",
    scope="world",
    places=(Place("Redis", ("redis_ms", "to_redis")),),
    writing=("redis_write_ms", "to_redis"),
    counts={
        "redis_gets": "reads of Redis",
        "redis_sets": "writes to Redis",
        "redis_messages": "messages of changes in Redis",
    },
    numbers={
        "redis_ms": "time of a read in Redis",
        "redis_write_ms": "time of a write to Redis",
        "redis_failure": "share of the reads of Redis that fail",
        "redis_gb": "memory of a node of Redis for entries",
        "redis_entry_bytes": "what an entry of Redis takes beside its value",
        "redis_lag_ms": "time until a copy of Redis has heard of a write",
        "redis_message_ms": "time until a message of a change is heard, its way aside",
    },
    prefixes=("redis_",),
    room="redis_gb",
    beside="redis_entry_bytes",
    failure="redis_failure",
    erases=True,
    reads="redis_gets",
    writes="redis_sets",
    tells="redis_messages",
    telling=("redis_message_ms", "to_redis"),
    rented=("redis.node_hours", "redis_nodes"),
    by_room="redis.gb_hours",
    carried="zones.gb",
    lag="redis_lag_ms",
    copied=("redis_copies", "regions.gb"),
)

REDIS_PER_REGION = Tier(
    word="redis-per-region",
    label="Redis per region",
    phrase="Redis in each region",
    scope="colo",
    places=(Place("Redis in the region", ("redis_ms", "rtt_base_ms")),),
    writing=("redis_write_ms", "rtt_base_ms"),
    counts=REDIS.counts,
    numbers=REDIS.numbers,
    prefixes=REDIS.prefixes,
    room=REDIS.room,
    beside=REDIS.beside,
    failure=REDIS.failure,
    erases=True,
    reads=REDIS.reads,
    writes=REDIS.writes,
    tells=REDIS.tells,
    telling=("redis_message_ms", "rtt_base_ms"),
    rented=REDIS.rented,
    by_room=REDIS.by_room,
    carried=REDIS.carried,
    lag=REDIS.lag,
)
