"""The memory of an isolate: a map that ends with it. Its rules are the library's own `TieredCache`.

The compiled twin of that is `engines/compiled/tiers.py`; in the Worker it is `memory.js`.
"""

from cachelib.model.tiers.tier import Tier

MEMORY = Tier(
    word="memory",
    label="Memory",
    phrase="the memory of each isolate",
    scope="isolate",
    places=(),  # how a request ended says it
    writing=("l1_ms",),
    counts={
        "isolates_lost_idle": "isolates lost while idle",
        "isolates_lost_random": "isolates lost at random",
        "isolates_lost_deploy": "isolates lost by a deploy",
    },
    numbers={
        "isolates_per_colo": "isolates in each data centre",
        "sticky_readers": "readers at a time in each data centre, each with one isolate",
        "sticky_requests": "requests of a reader who stays with an isolate",
        "isolate_idle_s": "idle time after which an isolate is lost",
        "isolate_life_s": "life of an isolate",
        "deploy_every_s": "time between two deploys",
        "deploy_takes_s": "time until a deploy has replaced all isolates",
        "isolate_requests_per_s": "requests a second for which there is one isolate",
        "isolates_at_least": "fewest isolates in each data centre",
        "isolates_scaled_every_s": "time after which the number of isolates is set anew",
        "isolate_memory_mb": "memory that an isolate has for values",
        "l1_ms": "time of a look-up in memory",
    },
    prefixes=("l1_", "isolate_", "isolates_", "deploy_", "sticky_"),
)
