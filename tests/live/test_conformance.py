"""The simulation equals the real runtime, count by count; a wrong one does not.

A request costs some milliseconds there: `CACHELIB_EXAMPLES=4` sends four times as many.
"""

from functools import cache

import numpy as np
import pytest

from cachelib.live import driver
from cachelib.live.conformance import conformance
from cachelib.live.replay import as_local, can_run, run
from cachelib.live.result import run_designs
from cachelib.live.runtime import LiveError
from cachelib.model.case.case import load_case
from cachelib.model.engines.reference.kv import KeyValue
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.logs import read_log
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace
from tests.conftest import examples

pytestmark = pytest.mark.usefixtures("local_runtime")

SEED = 1
BATCH = 400
"""Of the driver's messages here, so that few requests are several."""
RUNNABLE = [name for name, design in BUILT_IN.items() if can_run(design)]


@cache
def study() -> Study:
    return Study(load_case("trading-sentiment"))


@cache
def case_trace() -> Trace:
    return study().trace.only(slice(examples(400)))


@pytest.fixture(scope="module")
def day(traces) -> Trace:
    """A sixth of the keys, each with all its requests."""
    log = read_log(traces / "nasa-1995-08-01.logpush.ndjson.gz").only(slice(examples(3_000)))
    some = log.only(log.key % 6 == 0)
    assert len(some) > BATCH
    return some


def rows_of(result, design: str) -> list:
    rows = [row for row in result.conformance if row.design == design]
    assert rows
    return rows


def differences(rows) -> list:
    return [row for row in rows if not row.equal]


@pytest.fixture(scope="module")
def of_the_case(local_runtime):
    """Every design, one after another on one instance of the runtime, as a report runs them."""
    designs = map(study().case.design, RUNNABLE)
    return run_designs(case_trace(), designs, study().platform, seed=SEED)


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_default_case_conforms(of_the_case, name):
    assert differences(rows_of(of_the_case, name)) == []


@pytest.fixture(scope="module")
def of_the_day(local_runtime, day):
    platform = study().platform.model_copy(update={"isolates_per_colo": 1})
    designs = map(study().case.design, RUNNABLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "BATCH", BATCH)
        return run_designs(day, designs, platform, seed=SEED)


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_day_of_a_web_site_conforms(of_the_day, name):
    assert differences(rows_of(of_the_day, name)) == []


TTL = {"l1_ttl_s": 120.0, "l2_ttl_s": 400.0}
SOFT = {"policy": "soft-hard", "soft_ttl_s": 100.0}
CLEANED = {"policy": "clean-up", "clean_up_every_s": 500}
LAYERED = ("memory", "cache-api", "kv")
CHANGED = {"policy": "refresh", "write_only_if_changed": True}


POLICIES = [
    Design(name="a fresh life in L1", l2="kv", expiry="independent", **TTL),
    Design(name="a life renewed by hits", l2="kv", expiry="sliding", **TTL),
    Design(name="the same in few bytes", l2="r2", expiry="sliding", l1_max_bytes=20_000, **TTL),
    Design(name="few entries", l2="kv", l1_max_entries=3, **TTL),
    Design(name="few bytes", l2="kv", l1_max_bytes=20_000, **TTL),
    Design(name="fewer bytes than a value", l2="kv", l1_max_bytes=5_000, **TTL),
    Design(name="old values served", l2="kv", **SOFT, **TTL),
    Design(name="old values from R2", l2="r2", **SOFT, **TTL),
    Design(name="cleaned up", l2="kv", **CLEANED, **TTL),
    Design(name="three objects", l2="durable-object", objects=3, **TTL),
    Design(name="colo caches", l2="cache-api", **TTL),
    Design(name="colo caches and KV", tiers=LAYERED, **TTL),
    Design(name="and a life of its own", tiers=LAYERED, expiry="independent", **TTL),
    Design(name="and old values served", tiers=LAYERED, **SOFT, **TTL),
    Design(name="and only what changed", tiers=LAYERED, **CHANGED, **TTL),
    Design(name="and cleaned up", tiers=LAYERED, **CLEANED, **TTL),
    Design(name="before objects", tiers=("cache-api", "durable-object"), objects=3, **TTL),
    Design(name="before R2", tiers=("memory", "cache-api", "r2"), **TTL),
    Design(name="only what changed", l2="kv", **CHANGED, **TTL),
    Design(name="only what changed, no L1", l2="kv", l1=False, **CHANGED, **TTL),
    Design(name="only what changed, in R2", l2="r2", **CHANGED, **TTL),
    Design(name="only what changed, in objects", l2="durable-object", **CHANGED, **TTL),
    Design(name="only what changed, by colo", l2="cache-api", **CHANGED, **TTL),
    Design(
        name="only what changed, and lives",
        l2="kv",
        expiry="independent",
        **SOFT | {"write_only_if_changed": True},
        **TTL | {"l1_ttl_s": 1_000.0},
    ),
]


@pytest.fixture(scope="module")
def mixed(local_runtime):
    """Reads, writes and deletes under every policy. What is too long a key is hashed."""
    return [
        run_designs(
            mixed_trace(odd_keys=odd_keys),
            [design for design in POLICIES if (design.l1_max_bytes is None) == odd_keys],
            Platform(isolates_per_colo=2),
            seed=SEED,
        )
        for odd_keys in (True, False)
    ]


@pytest.mark.parametrize("design", POLICIES, ids=lambda design: design.name)
def test_reads_writes_and_deletes_conform_under_every_policy(mixed, design):
    rows = rows_of(mixed[design.l1_max_bytes is not None], design.name)
    assert differences(rows) == []
    metrics = {row.metric for row in rows}
    assert ("kv_lists" in metrics) == (design.policy == "clean-up")
    assert ("refreshes" in metrics) == (design.policy in ("soft-hard", "refresh"))
    assert ("l2_unchanged" in metrics) == design.write_only_if_changed
    assert ("stale answers" in metrics) == bool(design.l1 or design.colo_cache)


def mixed_trace(*, odd_keys: bool, requests: int = examples(400), keys: int = 12) -> Trace:
    odd = ["..", "/" + "long" * 200] if odd_keys else ["/a", "/b"]
    rng = np.random.default_rng(SEED)
    return Trace(
        time_s=np.sort(rng.uniform(0, 5_000, requests)),
        key=rng.integers(0, keys, requests).astype(np.int32),
        ttl_s=rng.choice([0, 0, 75, 700], requests).astype(np.float32),
        colo=rng.integers(0, 3, requests).astype(np.int16),
        op=rng.choice([READ, WRITE, DELETE], requests, p=[0.8, 0.12, 0.08]).astype(np.uint8),
        size=rng.integers(0, 9_000, requests).astype(np.int32),
        keys=[*odd, *(f"/ключ {i}?x=1&y" for i in range(keys - 2))],
        colos=["SJC", "LHR", "NRT"],
    )


# Deliberately wrong models: mistakes that such a simulation could well make.

PROMOTING = Design(name="promoting", l2="kv", **TTL)
LOCAL = as_local(Platform(isolates_per_colo=2))


@pytest.fixture(scope="module")
def live(local_runtime):
    return run(mixed_trace(odd_keys=True), PROMOTING, LOCAL, seed=SEED)


def compared(live, design) -> dict[str, bool]:
    """Whether each count of a live run is what the reference makes of another design."""
    trace = mixed_trace(odd_keys=True)
    result = replay(trace, design, LOCAL, seed=SEED, engine="reference")
    return {row.metric: row.equal for row in conformance(live, result)}


def test_the_right_model_conforms(live):
    assert all(compared(live, PROMOTING).values())


def test_a_model_with_a_fresh_ttl_on_promotion_does_not_conform(live):
    equal = compared(live, PROMOTING.model_copy(update={"expiry": "independent"}))
    assert not equal["requests answered by the same tier"]
    assert not equal["origin_loads"]


def test_a_model_that_does_not_count_reads_of_missing_keys_does_not_conform(live, monkeypatch):
    read = KeyValue.get

    def uncounted(self, key, now):
        stored = read(self, key, now)
        self.world.counts["kv_reads"] -= stored is None
        return stored

    monkeypatch.setattr(KeyValue, "get", uncounted)
    equal = compared(live, PROMOTING)
    assert not equal["kv_reads"]
    assert equal["requests answered by the same tier"]


def test_more_isolates_than_a_machine_holds_are_refused():
    platform = study().platform.model_copy(update={"isolates_per_colo": 500})
    with pytest.raises(LiveError, match="at most 256"):
        run(case_trace(), BUILT_IN["l1-only"], as_local(platform))


@pytest.mark.parametrize(
    ("name", "lacks"), [("workers-cache-kv", "Workers Cache"), ("memory-redis", "Redis")]
)
def test_a_cache_that_the_local_runtime_lacks_is_said(name, lacks):
    design = BUILT_IN[name].model_copy(update=TTL)
    with pytest.raises(LiveError, match=f"the local runtime has no {lacks}"):
        run_designs(case_trace(), [design], study().platform)


def test_the_result_lists_what_it_does_not_confirm():
    result = run_designs(case_trace().only(slice(5)), [BUILT_IN["l1-only"]], study().platform)
    said = result.as_dict()
    assert said["conforms"]
    assert {"design", "metric", "observed", "simulated"} == said["conformance"][0].keys()
    whats = " ".join(each["what"] for each in said["not_checked"])
    for word in (
        "caches",
        "eventual consistency",
        "negative look-ups",
        "one write a second",
        "Workers Cache",
    ):
        assert word in whats
    assert all(each["source"] for each in said["not_checked"])
