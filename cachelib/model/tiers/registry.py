"""Every tier there is, in the order in which readers meet them; what is derived of all follows."""

from __future__ import annotations

from cachelib.model.tiers.cache_api import CACHE_API
from cachelib.model.tiers.cloudfront import CLOUDFRONT
from cachelib.model.tiers.durable_object import DURABLE_OBJECT
from cachelib.model.tiers.dynamodb import DAX, DYNAMODB
from cachelib.model.tiers.kv import KV
from cachelib.model.tiers.memory import MEMORY
from cachelib.model.tiers.r2 import R2
from cachelib.model.tiers.redis import REDIS, REDIS_PER_REGION
from cachelib.model.tiers.workers_cache import WORKERS_CACHE

ALL = {
    tier.word: tier
    for tier in (
        MEMORY, KV, DURABLE_OBJECT, R2, CACHE_API, WORKERS_CACHE, REDIS, REDIS_PER_REGION,
        DYNAMODB, DAX, CLOUDFRONT,
    )
}  # fmt: skip
"""By its word in a case."""

SHARED = {word: tier for word, tier in ALL.items() if tier is not MEMORY}
"""What is shared by isolates."""

STORES = {word: tier for word, tier in SHARED.items() if not tier.in_front}
"""What may stand behind an isolate's memory."""

FRONTS = tuple(tier.in_front for tier in SHARED.values() if tier.in_front)
"""How what may stand before the Worker answers there."""

LABELS = {name: words for tier in ALL.values() for name, words in tier.numbers.items()}
"""What their numbers are called where people read."""

METERS = {meter: count for tier in ALL.values() for meter, count in tier.meters.items()}
"""Of price books: what charges by a count, and which."""

STORED = {word: tier.stored for word, tier in ALL.items() if tier.stored}
"""What charges for what a tier holds."""

TOLD = {
    name
    for tier in ALL.values()
    for name in tier.telling
    if name in tier.numbers and not any(name in place.takes for place in tier.places)
}
"""Numbers that only a message of a change takes."""

LAGS = {tier.lag for tier in ALL.values() if tier.lag}
"""Numbers of copies that answer reads."""

PURGED = {name for t in ALL.values() if t.in_front for name in (t.in_front.every, t.in_front.burst)}
"""Numbers that only what is purged on writes takes."""

FAILURES = tuple(dict.fromkeys(tier.failure for tier in STORES.values() if tier.failure))
"""The platform's numbers that say how often a tier fails."""


def owners(number: str) -> set[str]:
    """The tiers, by their words, that a number of the platform is of: by how its name begins."""
    return {word for word, tier in ALL.items() if number.startswith(tier.prefixes)}
