"""A design on a platform as numbers, which is how the kernels take it."""

from __future__ import annotations

import math
from typing import get_type_hints

import numpy as np

from cachelib.model.engines.compiled.state import (
    NO_BOUND,
    OF_THEIR_OWN,
    PLAIN_STORE,
    TO_ALL,
    TO_COLO,
    Rules,
)
from cachelib.model.engines.random import CACHES, CHANGES, FAILURES, ISOLATES, key_of
from cachelib.model.engines.ways import empties_every_s
from cachelib.model.platforms.platform import Platform, is_sized, room_of
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.outcomes import NO_L2, depths
from cachelib.model.tiers.tier import Tier

RULES = np.dtype(list(get_type_hints(Rules).items()))
"""One place in memory, of which a call hands on the address. Where each handed on sixty numbers,
one more of them made loads that take time seven times as slow."""


def rules_of(design: Design, platform: Platform, seed: int) -> np.record:
    """A design on a platform, as the kernels take it."""
    rules = np.array([tuple(_as_numbers(design, platform, seed))], RULES)
    return rules.view(np.recarray)[0]  # type: ignore[no-any-return]


def _store(design: Design) -> int:
    if design.store is None or design.store is design.colo_cache:
        return 0
    return OF_THEIR_OWN.get(design.store.word, PLAIN_STORE)


def _tells(design: Design) -> int:
    if not design.listen or design.store is None:
        return 0
    return TO_COLO if design.store.scope == "colo" else TO_ALL


def _depth(tier: Tier | None) -> int:
    return depths(tier)[-1] if tier else NO_L2


def _erases(tier: Tier | None) -> bool:
    return tier is not None and tier.erases


def _deletes(design: Design) -> bool:
    """Whether the store that all share is charged for a deletion as for a write."""
    return _store(design) == PLAIN_STORE and design.store is not None and bool(design.store.deletes)


def _room(tier: Tier | None, platform: Platform) -> int:
    most = math.inf if tier is None else room_of(tier, platform)
    return NO_BOUND if most == math.inf else int(most)


def _lag_s(tier: Tier | None, design: Design, platform: Platform) -> float:
    return platform.lag_s(tier) if tier and design.replicas else 0.0


def _as_numbers(design: Design, platform: Platform, seed: int) -> Rules:
    of = design.front.in_front if design.front else None
    return Rules(
        front=design.front is not None,
        in_colo=depths(design.front)[0] if design.front else NO_L2,
        behind=_depth(design.front),
        empties_every=empties_every_s(of, platform) if of else math.inf,
        stale=design.stale_while_revalidate_s or 0.0,
        purges=design.purge_on_write,
        purge_every=getattr(platform, of.every) if of else math.inf,
        most_purges=getattr(platform, of.burst) if of else 1,
        l1=design.l1,
        colo_cache=design.colo_cache is not None,
        caches=platform.caches_per_colo if any(tier.parted for tier in design.stores) else 1,
        parted=design.colo_cache is not None and design.colo_cache.parted,
        store=_store(design),
        colo_depth=_depth(design.colo_cache),
        depth=_depth(design.store),
        erases=design.object_alarm or (design.policy != "clean-up" and _erases(design.store)),
        deletes=_deletes(design),
        colo_room=_room(design.colo_cache, platform),
        store_room=_room(design.store, platform) if _store(design) == PLAIN_STORE else NO_BOUND,
        colo_copied=_lag_s(design.colo_cache, design, platform) > 0,
        store_copied=_store(design) == PLAIN_STORE and _lag_s(design.store, design, platform) > 0,
        lag_s=max((_lag_s(tier, design, platform) for tier in design.stores), default=0.0),
        beside=platform.redis_entry_bytes,
        sized=is_sized(design, platform),
        l1_ttl=design.l1_ttl_s or math.inf,
        hard_ttl=design.hard_ttl_s,
        soft_ttl=design.refresh_after_s,
        inherited=design.expiry == "inherited",
        sliding=design.expiry == "sliding",
        only_if_changed=design.write_only_if_changed,
        tells=_tells(design),
        told=design.policy != "clean-up",
        clean_up_every=design.clean_up_every_s if design.policy == "clean-up" else math.inf,
        max_entries=design.l1_max_entries or NO_BOUND,
        max_bytes=design.l1_max_bytes or NO_BOUND,
        bounded=bool(design.l1_max_entries or design.l1_max_bytes),
        idle=platform.isolate_idle_s,
        life=platform.isolate_life_s,
        deploy_every=platform.deploy_every_s,
        deploy_takes=platform.replaced_in_s,
        isolates=platform.isolates_per_colo,
        cache_ttl=platform.kv_cache_ttl_s,
        early=platform.kv_refresh_share * platform.kv_cache_ttl_s,
        write_gap=platform.kv_write_gap_s,
        writes_a_day=platform.kv_writes_a_day,
        read_s=1 / platform.do_requests_per_s,
        write_s=1
        / (platform.do_writes_per_s if design.object_storage else platform.do_requests_per_s),
        queue_s=platform.do_queue_s,
        object_idle=platform.do_idle_s,
        object_storage=design.object_storage,
        object_loads=design.loads_in_objects,
        object_alarm=design.object_alarm,
        failure=platform.origin_failure,
        origin_each_s=1 / platform.origin_requests_per_s,
        origin_queue_s=platform.origin_queue_s,
        value_life=platform.value_life_s,
        load_s=platform.load_s,
        joins=design.joins,
        failure_key=np.uint64(key_of(seed, FAILURES)),
        life_key=np.uint64(key_of(seed, ISOLATES)),
        change_key=np.uint64(key_of(seed, CHANGES)),
        cache_key=np.uint64(key_of(seed, CACHES)),
    )
