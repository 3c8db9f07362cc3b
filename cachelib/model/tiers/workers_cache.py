"""Workers Cache: answers before the Worker runs, from the data centre or a tier that all share.

Sources: developers.cloudflare.com/workers/cache, its pages on cache keys, purging and limitations,
and /cache/how-to/purge-cache, read 2026-11-26. What they say and is counted: only reads go through
it; a miss asks the upper tier, fills both, and runs the Worker where both miss; every request is
billed, CPU only where the Worker runs, and so are requests for static assets and calls through
service bindings, which are free without it (`workers_cache_assets`, `workers_cache_calls`: what a
case does not say is not counted); the Worker's version is part of the key, so that it is empty
after each deploy. What stands behind, memory too, hears of reads only when both tiers miss.

What is assumed: where the upper tier lies, since no document says it (`workers_cache_upper_at`);
the Worker says with each answer how long its value may still live, and `stale-if-error=0`; for
`stale_while_revalidate_s` longer, where the design says so, an answer that has ended is served at
once, and a refresh goes in the background: to the upper tier, which runs the Worker once, whoever
asks, unless it has a newer answer (that such a run is no request of its own is assumed); a
write is seen when older answers end, unless the design purges on each (`purge_on_write`): five
purges a minute are allowed on every plan, twenty-five at once; one that is refused is not tried
again, and one that is taken is heard of at once everywhere, but by loads under way. Where
loads take time, one run of the Worker answers all who ask for its key meanwhile, in its data centre
and, through the upper tier, in all others; if it fails, they fail with it.

Rules: `Front` in `engines/reference/front.py`, `engines/compiled/front.py`,
`formulas/front.py`. The local runtime has none.
"""

from cachelib.model.tiers.tier import InFront, Place, Tier

WORKERS_CACHE = Tier(
    word="workers-cache",
    label="Workers Cache",
    phrase="Workers Cache",
    scope="colo and world",
    in_front=InFront(
        hits="workers_cache_hits",
        refreshes="workers_cache_refreshes",
        purges="workers_cache_purges",
        refused="workers_cache_purges_refused",
        every="workers_cache_purge_every_s",
        burst="workers_cache_purge_burst",
        versioned=True,
        besides=("workers_cache_assets", "workers_cache_calls"),
    ),
    places=(
        Place("Workers Cache in the colo", ("workers_cache_ms",)),
        Place("Workers Cache's upper tier", ("workers_cache_ms", "to_upper")),
    ),
    writing=(),  # it is the answer to a read that fills it
    counts={
        "workers_cache_hits": "requests answered by Workers Cache",
        "workers_cache_refreshes": "runs of the Worker that refresh Workers Cache",
        "workers_cache_purges": "purges of Workers Cache",
        "workers_cache_purges_refused": "purges of Workers Cache that were refused",
    },
    numbers={
        "workers_cache_ms": "time of Workers Cache",
        "workers_cache_purge_every_s": "time after which one more purge is allowed",
        "workers_cache_purge_burst": "purges allowed at once",
        "workers_cache_assets": "requests for static assets, for each request",
        "workers_cache_calls": "calls through service bindings, for each request",
    },
    prefixes=("workers_cache_", "deploy_"),
    erases=True,
)
