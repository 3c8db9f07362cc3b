"""What the platform is documented to do, one behaviour a test, on traces of a few requests."""

import math
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from cachelib.model.engines.replay import replay
from cachelib.model.platforms.colos import UnknownColoError, rtt_ms
from cachelib.model.platforms.platform import Assumption, Fact, Platform, profile
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from tests.model.model import STEADY, run, trace

L1, L2, ORIGIN, WRITTEN, FAILED = range(5)


def tiers(result):
    return result.tier.tolist()


# KV


def test_kv_reads_of_missing_keys_are_billed_and_cached_in_other_colos():
    """LHR learns that the key is missing; SJC writes it; LHR's colo still says missing."""
    result = run("kv-only", "0 r k@LHR", "1 d k@LHR", "2 w k@SJC", "10 r k@LHR", "61 r k@LHR")
    assert tiers(result) == [ORIGIN, WRITTEN, WRITTEN, ORIGIN, L2]
    assert result.counts["kv_reads"] == 3
    assert result.counts["kv_missing_reads"] == 2


def test_kv_shows_a_write_at_once_in_its_own_colo_and_elsewhere_after_cache_ttl():
    result = run(
        "kv-only", "0 r k@SJC", "1 r k@SYD", "20 w k@SJC", "21 r k@SJC", "22 r k@SYD", "62 r k@SYD",
    )  # fmt: skip
    assert result.late.counts[0, 0] == 4
    assert result.stale_share[1] == pytest.approx(1 / 5)


def test_kv_regional_copies_serve_the_colos_around_and_keep_their_age():
    result = run("kv-only", "0 w k@SYD", "5 r k@LHR", "40 r k@FRA", "66 r k@FRA")
    assert result.reasons == {
        "write": 1, "L2 after KV central": 2, "L2 after KV in the region": 1,
    }  # fmt: skip


def test_kv_takes_one_write_a_second_of_a_key_and_refuses_the_rest():
    result = run("kv-only", "0 w k", "0.5 w k", "0.9 w j", "1 w k")
    assert (result.counts["kv_writes"], result.counts["kv_writes_refused"]) == (3, 1)


def test_kv_expiry_ends_a_value_however_long_a_colo_may_cache_it():
    result = run(
        "kv-only", "0 r k", "59 r k", "60 r k", design={"l2_ttl_s": 60.0}, kv_cache_ttl_s=3_600
    )
    assert tiers(result) == [ORIGIN, L2, ORIGIN]


def test_miniflare_has_neither_edge_cache_nor_write_limit():
    requests = ("0 r k@LHR", "1 w k@SJC", "1 w k@SJC", "2 r k@LHR")
    result = run("kv-only", *requests, profile="miniflare")
    assert result.reasons["L2 after KV central"] == 1
    assert result.counts["kv_writes_refused"] == 0
    assert result.stale_share[0] == 0


def test_stored_bytes_are_billed_from_the_write_to_the_expiry():
    result = run(
        "kv-only", "0 w k", "10 w k", design={"l2_ttl_s": 100.0}, span_s=1_000.0, size=5_000
    )
    assert result.byte_seconds == 5_000 * (10 + 100)


# Durable Objects, R2, Cache API


def test_an_object_lives_near_its_first_caller_and_never_moves():
    near = run("durable-object", "0 r k@SYD", "1 r k@SYD")
    far = run("durable-object", "0 r k@LHR", "1 r k@SYD")
    assert far.latency_ms[1] - near.latency_ms[1] > 200


def test_an_object_loses_its_memory_when_idle_and_reads_its_storage_on_return():
    result = run("durable-object", "0 r k", "5 r k", "15 r k", "25.1 r k")
    assert result.reasons == {
        "origin after object's storage": 1,
        "L2 after object's memory": 2,
        "L2 after object's storage": 1,
    }
    assert result.counts["do_rows_read"] == 2
    assert result.counts["do_requests"] == 4  # a miss among them, which the object loads


def test_requests_beyond_an_objects_rate_queue_and_then_fail():
    requests = ["0 w k", *(f"{100 + i / 10} r k" for i in range(30))]
    result = run("durable-object", *requests, do_requests_per_s=1, do_queue_s=5)
    waits = np.diff(result.latency_ms[1:6])
    assert waits == pytest.approx([900] * 4, rel=2e-3)
    assert result.counts["do_overloaded"] > 0


def test_objects_may_be_shared_by_keys():
    apart = run("durable-object", "0 w a", "0 w b", do_writes_per_s=1)
    shared = run("durable-object", "0 w a", "0 w b", do_writes_per_s=1, design={"objects": 1})
    assert apart.latency_ms[1] < 100
    assert shared.latency_ms[1] > 1_000


def test_the_cache_api_is_shared_inside_a_colo_only():
    result = run(
        "l1-cache-api", "0 r k@LHR", "1 r k@LHR", "2 r k@SJC", isolates_per_colo=2
    )  # the second request reaches the second isolate
    assert tiers(result) == [ORIGIN, L2, ORIGIN]


def test_r2_counts_writes_as_class_a_and_reads_as_class_b():
    result = run("l1-r2", "0 r k", "1 r k", "2 r j", isolates_per_colo=2)
    assert (result.counts["r2_class_a"], result.counts["r2_class_b"]) == (2, 3)


# Isolates


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"isolate_idle_s": 50.0}, "idle"),
        ({"isolate_life_s": 1e-3}, "random"),
        ({"deploy_every_s": 60.0}, "deploy"),
    ],
)
def test_an_isolate_that_is_lost_forgets(numbers, reason):
    result = run("l1-only", "0 r k", "100 r k", **numbers)
    assert tiers(result) == [ORIGIN, ORIGIN]
    assert result.counts[f"isolates_lost_{reason}"] == 1


def test_isolates_share_nothing_and_colos_neither():
    result = run("l1-only", "0 r k@LHR", "1 r k@LHR", "2 r k@LHR", "3 r k@SJC", isolates_per_colo=2)
    assert tiers(result) == [ORIGIN, ORIGIN, L1, ORIGIN]


def test_routing_by_hash_brings_a_key_to_one_isolate():
    result = run("l1-only", *(f"{i} r k" for i in range(9)), isolates_per_colo=4, routing="hash")
    assert result.l1_hits == 8


# Expiry policies


def test_the_clean_up_routine_lists_deletes_and_makes_no_hit():
    design = {"policy": "clean-up", "l1_ttl_s": 60.0, "l2_ttl_s": 60.0, "clean_up_every_s": 450.0}
    result = run("l1-kv", "0 r k", "100 r k", "1000 r k", design=design)
    assert tiers(result) == [ORIGIN, ORIGIN, ORIGIN]
    assert (result.counts["kv_lists"], result.counts["kv_deletes"]) == (2, 1)
    assert result.counts["kv_missing_reads"] == 2


def test_refresh_serves_the_old_value_and_loads_in_the_background():
    result = run(
        "l1-kv-fixed", "0 r k", "100 r k", "101 r k", design={"l1_ttl_s": 300.0, "l2_ttl_s": 60.0}
    )
    assert tiers(result) == [ORIGIN, L1, L1]
    assert (result.origin_loads, result.counts["refreshes"]) == (2, 1)


def test_soft_and_hard_ttl():
    design = {"policy": "soft-hard", "soft_ttl_s": 30.0, "l2_ttl_s": 100.0, "l1_ttl_s": 300.0}
    result = run("l1-kv", "0 r k", "40 r k", "200 r k", design=design)
    assert tiers(result) == [ORIGIN, L1, ORIGIN]
    assert result.counts["refreshes"] == 1


def test_what_has_not_changed_is_not_written_again_when_asked_so():
    design = {"l2_ttl_s": 60.0, "write_only_if_changed": True}
    result = run("l1-kv-fixed", "0 r k", "100 r k", design=design)
    assert (result.counts["kv_writes"], result.counts["l2_unchanged"]) == (1, 1)


def test_a_refresh_compares_with_what_its_reader_had_at_hand_and_not_with_a_read_of_l2():
    """The second isolate holds the first version, and L2 the second, which the refresh loads."""
    design = {"l2_ttl_s": 60.0, "write_only_if_changed": True}
    result = run(
        "l1-kv-fixed", "0 r k", "1 r k", "20 w k", "90 r k", design=design, isolates_per_colo=2
    )
    assert (result.counts["kv_writes"], result.counts["l2_unchanged"]) == (3, 0)


def test_independent_expiry_serves_older_values_than_inherited():
    requests = ("0 r k", "50 r k", "70 r k")
    design = {"l1_ttl_s": 30.0, "l2_ttl_s": 60.0}
    inherited = run("l1-kv", *requests, design=design, isolates_per_colo=1)
    independent = run("l1-kv", *requests, design=design | {"expiry": "independent"})
    assert tiers(inherited) == [ORIGIN, L2, ORIGIN]
    assert tiers(independent) == [ORIGIN, L2, L1]


def test_a_request_may_ask_for_a_life_of_its_own():
    requests = replace(
        trace("0 w a", "0 w b", "80 r a", "80 r b"), ttl_s=np.float32([100, 0, 0, 0])
    )
    design = BUILT_IN["kv-only"].model_copy(update={"l2_ttl_s": 60.0})
    result = replay(requests, design, Platform(**STEADY))
    assert tiers(result) == [WRITTEN, WRITTEN, L2, ORIGIN]


def test_a_sliding_ttl_serves_a_key_that_is_asked_often_for_ever_however_stale():
    design = {"expiry": "sliding", "l1_ttl_s": 30.0, "l2_ttl_s": 60.0}
    requests = ["0 r k@LHR", "1 w k@SJC", *(f"{20 * i} r k@LHR" for i in range(1, 50))]
    result = run("l1-kv", *requests, "1011 r k@LHR", design=design)
    assert tiers(result) == [ORIGIN, WRITTEN, *[L1] * 49, ORIGIN]
    assert result.late.quantile(1) == pytest.approx(979, rel=0.01)


# The origin, latency


def test_a_failed_origin_gives_no_value_and_stores_none():
    result = run("l1-kv", "0 r k", "1 r k", origin_failure=1)
    assert tiers(result) == [FAILED, FAILED]
    assert result.counts["kv_writes"] == 0
    assert result.failures == result.counts["origin_failures"] == 2


def test_values_change_at_the_stated_rate():
    requests = [f"{i} r k" for i in range(0, 20_000, 10)]
    result = run("origin-only", *requests, value_life_s=100.0)
    assert result.stale_share[0] == 0
    cached = run("l1-only", *requests, value_life_s=100.0, design={"l1_ttl_s": 100.0})
    assert 0.2 < cached.stale_share[0] < 0.5


def test_a_request_pays_for_every_tier_that_it_passed():
    numbers = {"l1_ms": 1, "kv_read_ms": 10, "kv_central_ms": 100, "origin_ms": 1_000}
    result = run("l1-kv", "0 r k@IAD", "1 r k@IAD", rtt_base_ms=0, **numbers)
    assert result.latency_ms.tolist() == [1_111, 1]


def test_round_trips_follow_great_circles():
    platform = Platform(path_factor=1.5, rtt_base_ms=1)
    (london, sydney), _ = rtt_ms(["LHR", "SYD"], ["CDG", "SYD"], platform)
    assert london == pytest.approx(1 + 2 * 347 * 1.5 / 200, rel=0.01)
    assert sydney == pytest.approx(1 + 2 * 17_020 * 1.5 / 200, rel=0.01)


def test_quantiles_are_those_of_the_requests_within_one_per_cent():
    result = run("l1-kv", *(f"{i} r k{i % 7}@LHR" for i in range(500)), jitter=0.5)
    for q in (0.5, 0.9, 0.99):
        assert result.tally.latency.quantile(q) == pytest.approx(
            np.quantile(result.latency_ms, q, method="lower"), rel=0.011
        )
    assert set(result.latency_by_region) == {"weur"}


def test_the_same_seed_gives_the_same_result_and_another_another():
    requests = [f"{i} r k{i % 5}@LHR" for i in range(200)]
    numbers = {"isolates_per_colo": 3, "routing": "random", "jitter": 0.3}
    a, b, c = (run("l1-kv", *requests, seed=seed, **numbers) for seed in (1, 1, 2))
    assert np.array_equal(a.latency_ms, b.latency_ms)
    assert not np.array_equal(a.latency_ms, c.latency_ms)


def test_months_scale_what_was_counted():
    result = run("kv-only", "0 r k", "1 r k", span_s=2_592_000 / 4)
    assert result.per_month()["kv_reads"] == 8


# What contradicts itself


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"time_s": np.array([5.0, 1.0])}, "time_s"),
        ({"time_s": np.array([0.0, math.nan])}, "time_s"),
        ({"size": np.array([1, -1], np.int32)}, "size"),
    ],
)
def test_an_impossible_trace_is_an_error_that_names_the_column(change, key):
    with pytest.raises(ValueError, match=key):
        replay(replace(trace("0 r k", "1 r k"), **change), BUILT_IN["l1-kv"], Platform())


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"kv_cache_ttl_s": 29}, "kv_cache_ttl_s"),
        ({"isolates_per_colo": 0}, "isolates_per_colo"),
        ({"origin_failure": 1.2}, "origin_failure"),
        ({"do_requests_per_s": 0}, "do_requests_per_s"),
        ({"path_factor": 0.5}, "path_factor"),
        ({"l1_ms": math.nan}, "l1_ms"),
        ({"isolate": 3}, "isolate"),
        ({"profile": "lambda"}, "profile"),
    ],
)
def test_an_impossible_platform_is_an_error_that_names_the_key(numbers, key):
    with pytest.raises(ValidationError, match=key):
        Platform(**numbers)


def test_kv_expires_nothing_before_a_minute():
    with pytest.raises(ValueError, match="l2_ttl_s: KV expires nothing before 60 s"):
        run("l1-kv", "0 r k", design={"l2_ttl_s": 30.0})


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"policy": "soft-hard"}, "soft_ttl_s"),
        ({"policy": "clean-up", "tiers": ("memory", "r2")}, "policy"),
        ({"expiry": "sliding", "l1": False}, "expiry"),
        ({"expiry": "sliding", "policy": "refresh"}, "expiry"),
    ],
)
def test_an_impossible_design_is_an_error_that_names_the_key(given, key):
    with pytest.raises(ValidationError, match=key):
        Design(name="mine", **given)


def test_an_unknown_colo_is_an_error_with_the_nearest():
    with pytest.raises(UnknownColoError, match="colos: 'LHX' is no IATA code"):
        run("l1-kv", "0 r k@LHX")


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("design", BUILT_IN)
@pytest.mark.parametrize(
    "requests", [(), ("5 r k",), tuple(f"{i} r k" for i in range(5)), ("0 r a", "1 r b", "2 r c")]
)
def test_no_request_one_request_one_key_and_all_keys_unique(engine, design, requests):
    result = run(design, *requests, engine=engine)
    answered = result.l1_hits + result.l2_hits + result.failures + result.origin_loads
    assert result.requests == answered == len(requests)
    assert result.as_dict()["requests"] == len(requests)


def test_every_number_without_a_source_is_an_assumption_with_a_range():
    for name, number in profile("cloudflare-workers").items():
        assert name in Platform.model_fields
        if isinstance(number, Assumption):
            nothing = {0, Platform.model_fields[name].default}  # until a case says it
            assert number.low < number.high or number.high in nothing, name
            assert number.why
        else:
            assert isinstance(number, Fact)
            assert number.source


def test_a_design_is_a_few_words_in_a_case():
    design = Design(name="mine", l2="kv", l1_max_entries=10, policy="refresh", l2_ttl_s=600)
    result = replay(trace("0 r k", "1 r k"), design, Platform(**STEADY))
    assert result.l1_hits == 1
