"""The rules of the audit, one a file."""

from cachelib.evidence.rule import Rule
from cachelib.evidence.rules import (
    binding_not_configured,
    binding_not_used,
    do_single_id,
    global_state,
    kv_cache_ttl_never_set,
    kv_cleanup_loop,
    kv_error_swallowed,
    kv_get_in_loop,
    kv_manual_expiry_check,
    kv_put_without_expiration,
    kv_read_modify_write,
    kv_ttl_under_minimum,
    kv_write_awaited,
    kv_write_rate,
    l1_promotion_fresh_ttl,
    l1_ttl_longer_than_l2,
    l1_unbounded,
    no_single_flight,
)

RULES: tuple[Rule, ...] = (
    kv_put_without_expiration.RULE,
    kv_ttl_under_minimum.RULE,
    kv_cleanup_loop.RULE,
    kv_manual_expiry_check.RULE,
    kv_read_modify_write.RULE,
    kv_get_in_loop.RULE,
    kv_cache_ttl_never_set.RULE,
    kv_write_rate.RULE,
    kv_write_awaited.RULE,
    kv_error_swallowed.RULE,
    l1_unbounded.RULE,
    l1_ttl_longer_than_l2.RULE,
    l1_promotion_fresh_ttl.RULE,
    no_single_flight.RULE,
    global_state.RULE,
    do_single_id.RULE,
    binding_not_configured.RULE,
    binding_not_used.RULE,
)
