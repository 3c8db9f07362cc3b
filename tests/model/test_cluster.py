"""Shards as tasks of a Dask cluster on this machine: the bits of a run at home, or a clear no."""

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.replay import replay_pieces
from cachelib.model.engines.shards import spool
from cachelib.model.engines.shards.cluster import (
    ALLOCATION,
    SHARDS_A_WORKER,
    WORKING,
    ClusterError,
    connected,
    not_lost_again,
)
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from tests.model.test_shards import requests

pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own, about its own

DESIGNS = [
    Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0),
    Design(name="y", tiers=("durable-object",), objects=3, l2_ttl_s=300.0),
]
PLATFORM = Platform(isolates_per_colo=3, value_life_s=600, isolate_idle_s=40)


def test_a_cluster_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"cachelib-decisions\[cluster\]"), local():
        pass


def local(say=lambda words: None, workers=2):
    return connected(None, workers, None, say)


@pytest.fixture
def trace():
    pytest.importorskip("distributed", reason="no cluster without the extra 'cluster'")
    return requests(np.random.default_rng(1), 20_000, 300)


def told(results):
    return [(result.as_dict(), result.byte_seconds) for result in results]


def test_a_cluster_gives_the_bits_of_a_run_at_home_though_a_worker_is_lost(trace):
    said = []

    def killing(words):
        said.append(words)
        if words.startswith("1 of"):
            os.kill(next(iter(cluster.client.run(os.getpid).values())), signal.SIGKILL)

    with local(killing) as cluster:
        results = replay_pieces([trace], DESIGNS, PLATFORM, cluster=cluster, shards=6, say=killing)
    assert told(results) == told(replay_pieces([trace], DESIGNS, PLATFORM))
    assert said[0].startswith("dashboard: http://127.0.0.1:")
    assert "6 of 6 shards are replayed" in said


def test_local_workers_keep_memory_for_the_next_shard(trace):
    import dask

    before = dict(dask.config.get("distributed.nanny.pre-spawn-environ"))
    with local(workers=1) as cluster:
        (found,) = cluster.client.run(lambda: dict(os.environ)).values()
    assert {name: int(found[name]) for name in ALLOCATION} == ALLOCATION
    assert found["OMP_NUM_THREADS"] == "1"
    assert dask.config.get("distributed.nanny.pre-spawn-environ") == before


def test_workers_of_another_version_are_refused(trace, monkeypatch):
    theirs = spool.SOURCES
    monkeypatch.setattr(spool, "SOURCES", "another")
    with (
        pytest.raises(ClusterError, match=f"model is {theirs} there and another here"),
        local(workers=1),
    ):
        pass


def test_a_task_itself_refuses_a_worker_that_came_later_with_another_version(tmp_path, monkeypatch):
    tasks = []

    def keeping(given):
        tasks.extend(given)
        return ((task, task.run()) for task in given)

    made = requests(np.random.default_rng(1), 100, 5)
    with ThreadPoolExecutor(1) as pool:
        work = spool.SpooledShards(DESIGNS[0], PLATFORM, 1, 2, pool, tmp_path, keeping)
        work.take(made, 0, spool.geography(made.colos, PLATFORM))
        work.finish(5_000.0, float(made.time_s[-1]))
    monkeypatch.setattr(spool, "SOURCES", "another")
    with pytest.raises(spool.DifferentVersionsError, match="there and"):
        tasks[0].run()


def test_an_address_where_nobody_answers_is_told(trace, monkeypatch):
    monkeypatch.setattr("cachelib.model.engines.shards.cluster.PATIENCE_S", 0.5)
    with (
        pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1: no scheduler with workers"),
        connected("tcp://127.0.0.1:1", None, None, lambda words: None),
    ):
        pass


@pytest.fixture
def log(tmp_path):
    lines = [f"{i / 10},/k{i * i % 50}" for i in range(2_000)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["time,key", *lines]))
    return path


def run(*words):
    return CliRunner().invoke(main, ["replay", *map(str, words)])


def counts(done):
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    return [{k: v for k, v in each.items() if k != "shards"} for each in found["designs"]]


ASKED = ("--l1-ttl", 5, "--l2-ttl", 20, "--designs", "l1-kv,l1-only", "--json")


def test_the_command_gives_the_same_on_two_processors_and_says_how(log):
    alone, both = run(log, *ASKED), run(log, *ASKED, "--jobs", 2)
    assert counts(both) == counts(alone)
    assert json.loads(both.stdout)["designs"][0]["shards"] == "by key"


def test_the_command_gives_the_same_on_a_cluster_and_tells_of_it_apart(log, trace):
    alone, cluster = run(log, *ASKED), run(log, *ASKED, "--cluster", 1)
    assert counts(cluster) == counts(alone)
    assert "dashboard: http" in cluster.stderr
    assert f"{SHARDS_A_WORKER} of {SHARDS_A_WORKER} shards are replayed" in cluster.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--jobs", 2, "--cluster", 1), "give one of"),
        (("--jobs", 2, "--engine", "reference"), "one after the other"),
    ],
)
def test_what_cannot_go_together_is_wrong_usage(log, words, says):
    done = run(log, *words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_lost_worker_has_longer_to_come_back_than_a_busy_machine_takes():
    """Dask's own 15 s are over before a worker has begun anew where four others are at work."""
    dask = pytest.importorskip("dask", reason="no cluster without the extra 'cluster'")
    with local():
        given = dask.config.get("distributed.deploy.lost-worker-timeout")
        waits = dask.config.get("distributed.scheduler.no-workers-timeout")
    assert 60 <= given < waits


def test_where_no_worker_is_left_it_ends_with_what_to_do(monkeypatch):
    pytest.importorskip("distributed", reason="no cluster without the extra 'cluster'")
    monkeypatch.setitem(WORKING, "distributed.scheduler.no-workers-timeout", "1s")
    with local() as cluster:
        cluster.client.cluster.scale(0)
        with pytest.raises(ClusterError, match="no worker is left"), not_lost_again():
            cluster.client.submit(len, [1]).result(timeout=60)
