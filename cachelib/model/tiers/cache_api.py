"""The Cache API: every data centre has its own, shared by its isolates and by nobody else.

Source: developers.cloudflare.com/workers/runtime-apis/cache, read 2026-11-23. Nothing of it is
billed. Its rules are those of every tier that follows from its description; `CacheApiStore` in
the Worker.
"""

from cachelib.model.tiers.tier import Place, Tier

CACHE_API = Tier(
    word="cache-api",
    label="Cache API",
    phrase="the Cache API",
    scope="colo",
    places=(Place("Cache API", ("cache_api_ms",)),),
    writing=("cache_api_ms",),
    counts={
        "cache_api_gets": "Cache API reads",
        "cache_api_puts": "Cache API writes",
    },
    numbers={
        "cache_api_ms": "time of the Cache API",
        "cache_api_failure": "share of the Cache API's reads that fail",
    },
    prefixes=("cache_api_",),
    failure="cache_api_failure",
    erases=True,
    parted=True,
    reads="cache_api_gets",
    writes="cache_api_puts",
)
