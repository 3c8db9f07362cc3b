"""The compiled twin against the reference: the same count, for every design, to the request."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.engines.compiled import Compiled
from cachelib.model.engines.reference import Reference
from cachelib.model.engines.replay import replay
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import ALL, STORES
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.trace import Purges, Trace, in_one_place
from tests.conftest import examples

COLOS = ["SJC", "LHR", "FRA", "SYD"]
NEVER = math.inf
COLO = [word for word, tier in STORES.items() if tier.scope == "colo"]
FRONTS = [word for word, tier in ALL.items() if tier.in_front]
NEAR = (*FRONTS, "memory", *COLO)
TELLING = [word for word, tier in STORES.items() if tier.tells]
WORLD = [word for word, tier in STORES.items() if tier.scope == "world"]


def one_of(*values):
    return st.sampled_from(values)


@st.composite
def designs(draw, *, listening=False):
    near = draw(one_of(*((word,) for word in (*FRONTS, *COLO)), (), ()))
    if draw(st.booleans()):
        near = tuple(sorted((*near, "memory"), key=list(NEAR).index))
    base = Design(name="drawn", tiers=(*near, *draw(one_of((), *((word,) for word in WORLD)))))
    if listening:
        base = Design(name="drawn", tiers=("memory", draw(one_of(*TELLING))), listen=True)
    kv_only = ["clean-up"] if base.l2 == "kv" else []
    others = [] if base.front or listening else ["soft-hard", "refresh", *kv_only]
    policy = draw(one_of("hard", *others))
    slides = ["sliding"] if base.l1 and policy in ("hard", "clean-up") else []
    alone = base.front or listening
    expiries = ["inherited"] if alone else ["inherited", "independent", *slides]
    alone = base.tiers in (("durable-object",), ("memory", "durable-object"))
    alarm = alone and policy == "hard" and draw(st.booleans())
    in_memory = alone and policy == "hard" and not alarm  # what else is refused: `tiers.in_objects`
    return base.model_copy(
        update={
            "l1_ttl_s": draw(one_of(None, 5.0, 30.0, 90.0)),
            "l2_ttl_s": draw(one_of(None, 60.0, 100.0, 300.0)),
            "l1_max_entries": draw(one_of(None, 1, 2, 5)),
            "l1_max_bytes": draw(one_of(None, None, 40, 100, 300)),
            "expiry": draw(one_of(*expiries)),
            "policy": policy,
            "soft_ttl_s": draw(one_of(10.0, 40.0)),
            "clean_up_every_s": draw(one_of(20.0, 200.0)),
            "write_only_if_changed": draw(st.booleans()),
            "objects": None if alarm else draw(one_of(None, 1, 3)),
            "object_alarm": alarm,
            "object_loads": base.l2 != "durable-object" or draw(st.booleans()),
            "object_storage": not in_memory or draw(st.booleans()),
            "replicas": draw(one_of(0, 2)) if any(tier.lag for tier in base.stores) else 0,
            "stale_while_revalidate_s": draw(one_of(None, 10.0, 80.0)) if base.front else None,
            "purge_on_write": base.front is not None and draw(st.booleans()),
        }
    )


@st.composite
def platforms(draw):
    return Platform(
        profile=draw(one_of("cloudflare-workers", "miniflare")),
        isolates_per_colo=draw(one_of(1, 2, 5)),
        isolate_idle_s=draw(one_of(20.0, 100.0, NEVER)),
        isolate_life_s=draw(one_of(30.0, 300.0, NEVER)),
        deploy_every_s=draw(one_of(50.0, NEVER)),
        deploy_takes_s=draw(one_of(0.0, 40.0)),
        isolate_requests_per_s=draw(one_of(NEVER, NEVER, 0.05, 1.0)),
        isolates_scaled_every_s=draw(one_of(10.0, 100.0)),
        kv_cache_ttl_s=draw(one_of(0.0, 30.0, 60.0)),
        caches_per_colo=draw(one_of(1, 1, 3)),
        kv_refresh_share=draw(one_of(0.0, 0.5, 0.9)),
        kv_writes_a_day=draw(one_of(1, 5, NEVER)),
        kv_write_gap_s=draw(one_of(0.0, 1.0, 20.0)),
        do_requests_per_s=draw(one_of(1_000.0, 0.5, 0.1)),
        do_writes_per_s=draw(one_of(350.0, 0.2)),
        do_idle_s=draw(one_of(1.0, 10.0, NEVER)),
        do_queue_s=draw(one_of(1.0, 10.0)),
        workers_cache_purge_every_s=draw(one_of(1.0, 12.0, 200.0)),
        workers_cache_purge_burst=draw(one_of(1, 25)),
        cloudfront_purge_every_s=draw(one_of(1.0, 200.0)),
        cloudfront_purge_burst=draw(one_of(1, 25)),
        cloudfront_regional_at=draw(one_of(("FRA",), ("FRA", "SJC"), ("SIN", "LHR", "IAD"))),
        redis_lag_ms=draw(one_of(0.0, 300.0, 20_000.0)),
        redis_message_ms=draw(one_of(0.0, 300.0, 20_000.0)),
        origin_failure=draw(one_of(0.0, 0.3)),
        origin_requests_per_s=draw(one_of(NEVER, NEVER, 0.02, 0.5)),
        origin_queue_s=draw(one_of(0.0, 5.0, 100.0)),
        value_life_s=draw(one_of(20.0, 200.0, NEVER)),
        redis_gb=draw(one_of(NEVER, NEVER, 90e-9, 200e-9, 600e-9)),
        isolate_memory_mb=draw(one_of(NEVER, NEVER, 150e-6, 400e-6)),
        redis_entry_bytes=draw(one_of(0, 30)),
        worker_at=draw(one_of((), (), ("FRA",), ("SYD", "IAD"))),
    )


def fitting(platform, design):
    """The platform as the design allows it: some things are not modelled beside each other."""
    at_once = {"deploy_takes_s": 0.0, "isolate_requests_per_s": NEVER} if design.front else {}
    roomy = {"redis_gb": NEVER} if design.replicas else {}
    joined = (design.joined or 1) > 1
    patient = {"origin_requests_per_s": NEVER} if joined or design.hedge_after_ms else {}
    return platform.model_copy(update=at_once | roomy | patient)


@st.composite
def request_tables(draw, *, purged=False):
    rng = np.random.default_rng(draw(st.integers(0, 9_999)))
    n, keys = draw(st.integers(1, 300)), draw(one_of(1, 3, 20))
    changing = rng.random(n) < draw(one_of(0.0, 0.1, 0.5))
    span_s = draw(one_of(10.0, 300.0, 2_000.0, 200_000.0))
    rounds = draw(one_of(0, 0, 1, 7)) if purged else 0
    purges = Purges(
        np.sort(rng.uniform(-0.1 * span_s, 1.1 * span_s, rounds).round(1)),
        rng.integers(0, len(COLOS), rounds).astype(np.int16),
        rng.integers(1, keys + 1, rounds),
    )
    return Trace(
        time_s=np.sort(rng.uniform(0, span_s, n).round(1)),
        key=(keys * rng.random(n) ** 2).astype(np.int32),
        colo=rng.integers(0, len(COLOS), n).astype(np.int16),
        op=np.where(changing, rng.integers(1, 3, n), 0).astype(np.uint8),
        size=rng.integers(0, 60, n).astype(np.int32),
        keys=[f"k{i}" for i in range(keys)],
        colos=COLOS,
        ttl_s=draw(one_of(None, rng.choice([0, 70, 200], n).astype(np.float32))),
        purges=purges,
    )


@pytest.mark.timeout(400)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(designs(), platforms(), request_tables(purged=True), st.integers(0, 9), st.integers(1, 300))
def test_both_engines_agree_on_every_request_and_every_count(design, platform, trace, seed, cut):
    both_engines_agree(design, platform, trace, seed, cut)


@pytest.mark.timeout(400)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    designs(listening=True),
    platforms(),
    request_tables(purged=True),
    st.integers(0, 9),
    st.integers(1, 300),
)
def test_both_engines_agree_on_what_memory_is_told(design, platform, trace, seed, cut):
    both_engines_agree(design, platform, trace, seed, cut)


def both_engines_agree(design, platform, trace, seed, cut):
    platform = fitting(platform, design)
    places = geography(COLOS, platform)
    rng = np.random.default_rng(seed)
    isolate = places.runs[trace.colo] * platform.isolates_per_colo + rng.integers(
        0, platform.isolates_per_colo, len(trace)
    )
    isolate = isolate.astype(np.int32)
    reference, compiled = Reference(design, platform, seed), Compiled(design, platform, seed)
    whole = reference.run(trace, isolate, 0, places)
    parts = [(part, part.start or 0) for part in (slice(cut), slice(min(cut, len(trace)), None))]
    pieces = [compiled.run(taken(trace, p), isolate[p], row, places) for p, row in parts]
    for name, expected, *got in zip(whole._fields, whole, *pieces, strict=True):
        assert np.array_equal(expected, np.concatenate(got)), name
    end = float(trace.time_s[-1]) + 50
    counts, byte_seconds = reference.finish(end)
    twin_counts, twin_byte_seconds = compiled.finish(end)
    assert twin_counts == counts
    assert twin_byte_seconds == byte_seconds


def taken(trace, part):
    columns = (getattr(trace, name)[part] for name in ("time_s", "key", "colo", "op", "size"))
    lives = None if trace.ttl_s is None else trace.ttl_s[part]
    return Trace(*columns, trace.keys, trace.colos, ttl_s=lives, purges=trace.purges)


@cache
def log(path):
    return read_log(path)


IDEAL = {"profile": "miniflare", "isolates_per_colo": 4, "routing": "round-robin"}


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(
    ("expiry", "golden"),
    [("independent", (6_072, 12_010, 12_887)), ("inherited", (5_747, 12_296, 12_926))],
)
def test_golden_counts_of_a_real_day(traces, engine, expiry, golden):
    trace = in_one_place(log(traces / "nasa-1995-08-01.clf.gz"))
    design = BUILT_IN["l1-kv"].model_copy(
        update={"l1_ttl_s": 60.0, "l2_ttl_s": 300.0, "expiry": expiry}
    )
    result = replay(trace, design, Platform(**IDEAL), engine=engine)
    assert (result.l1_hits, result.l2_hits, result.origin_loads) == golden


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(
    ("file", "entries", "hits"),
    [
        ("nasa-1995-08-01.clf.gz", 100, 20_067),
        ("nasa-1995-08-01.clf.gz", 1_000, 28_196),
        ("cloudphysics.oracleGeneral.bin", 100, 13_657),
        ("cloudphysics.oracleGeneral.bin", 1_000, 19_049),
        ("cloudphysics.oracleGeneral.bin", 10_000, 34_434),
    ],
)
def test_golden_lru_hits(traces, engine, file, entries, hits):
    trace = in_one_place(log(traces / file))
    design = BUILT_IN["l1-only"].model_copy(update={"l1_max_entries": entries})
    platform = Platform(profile="miniflare", isolates_per_colo=1)
    assert replay(trace, design, platform, engine=engine).l1_hits == hits


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(
    ("expiry", "ttl", "hits"),
    [
        ("inherited", 1, 343),
        ("inherited", 60, 11_767),
        ("inherited", 300, 18_043),
        ("inherited", 3_600, 25_227),
        ("sliding", 60, 14_395),
        ("sliding", 300, 20_370),
    ],
)
def test_golden_ttl_hits(traces, engine, expiry, ttl, hits):
    trace = in_one_place(log(traces / "nasa-1995-08-01.clf.gz"))
    design = BUILT_IN["l1-only"].model_copy(update={"l1_ttl_s": float(ttl), "expiry": expiry})
    platform = Platform(**IDEAL | {"isolates_per_colo": 1})
    assert replay(trace, design, platform, engine=engine).l1_hits == hits


@pytest.mark.parametrize(
    ("isolates", "l1_ttl", "entries"), [(1, 5, None), (7, 60, 3), (40, 900, 50)]
)
def test_inherited_expiry_loads_what_one_cache_of_the_l2_ttl_would(
    traces, isolates, l1_ttl, entries
):
    trace = in_one_place(log(traces / "nasa-1995-08-01.clf.gz"))
    design = BUILT_IN["l1-kv"].model_copy(
        update={"l1_ttl_s": float(l1_ttl), "l2_ttl_s": 300.0, "l1_max_entries": entries}
    )
    platform = Platform(profile="miniflare", isolates_per_colo=isolates)
    assert replay(trace, design, platform).origin_loads == 30_969 - 18_043


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("tiers", [("memory", "cache-api", "kv"), ("cache-api", "r2")])
def test_inherited_expiry_holds_through_all_tiers_in_many_data_centres(traces, engine, tiers):
    trace = log(traces / "nasa-1995-08-01.clf.gz")
    colos = np.arange(len(trace)) % len(COLOS)
    trace = replace(trace, colo=colos.astype(np.int16), colos=COLOS)
    design = Design(name="x", tiers=tiers, l1_ttl_s=900.0, l2_ttl_s=300.0)
    result = replay(trace, design, Platform(**IDEAL), engine=engine)
    assert result.origin_loads == 30_969 - 18_043
    assert result.age.quantile(1) < 300 * 1.008  # a bin is 0.8 per cent wide
