"""Of what all keys share, as much as those share that are simulated in place of all."""

from __future__ import annotations

from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import FRONTS


def of_platform(platform: Platform, keys: float, asked: float) -> Platform:
    """`keys`: the share of the keys that are simulated; `asked`: of the requests of a second."""
    shared = {
        "isolate_requests_per_s": platform.isolate_requests_per_s * asked,
        "isolate_memory_mb": platform.isolate_memory_mb * keys,
        **{of.every: getattr(platform, of.every) / keys for of in FRONTS},
        "kv_writes_a_day": platform.kv_writes_a_day * keys,
        "redis_gb": platform.redis_gb * keys,
        "origin_requests_per_s": platform.origin_requests_per_s * keys,
    }
    return platform.model_copy(update=shared)


def of_design(design: Design, keys: float) -> Design:
    """With room in memory for that share of the entries that it has room for."""
    bounds = {"l1_max_entries": design.l1_max_entries, "l1_max_bytes": design.l1_max_bytes}
    shared = {name: max(1, round(most * keys)) for name, most in bounds.items() if most}
    return design.model_copy(update=shared)
