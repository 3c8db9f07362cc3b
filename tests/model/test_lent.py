"""Whole replays by the workers of a cluster that a process was lent: to the bits of one at home."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from cachelib.model.engines.replay import replay
from cachelib.model.engines.shards import lent as lending
from cachelib.model.engines.shards import spool
from cachelib.model.engines.shards.cluster import ClusterError, Workers, connected
from cachelib.model.engines.shards.lent import LENT, Borrowed, borrowed, lent, workers
from cachelib.model.engines.shards.packing import read_trace, write_trace
from cachelib.model.judgement.processors import each
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design, DesignError
from cachelib.model.traffic.trace import Trace
from tests.model.test_shards import everything, requests

pytestmark = pytest.mark.filterwarnings("default")  # of Dask's own, about its own

L1_KV = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)
OBJECTS = Design(name="y", tiers=("durable-object",), objects=3, l2_ttl_s=300.0)
PLATFORM = Platform(isolates_per_colo=3, value_life_s=600, isolate_idle_s=40)


def made(seed: int = 1, n: int = 20_000) -> Trace:
    return requests(np.random.default_rng(seed), n, 300)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def cluster(said: list[str]) -> Iterator[Workers]:
    pytest.importorskip("distributed", reason="no cluster without the extra 'cluster'")
    with connected(None, 2, None, said.append) as found:
        yield found


@pytest.fixture
def at_hand(
    cluster: Workers, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workers]:
    """This process is itself one that was lent the cluster, and thinks all worth it."""
    monkeypatch.setattr(lending, "WORTH_SENDING", 1_000)
    with lent(cluster, said.append):
        yield cluster


@pytest.mark.parametrize("design", [L1_KV, OBJECTS])
@pytest.mark.parametrize("has_lives", [False, True])
def test_a_worker_gives_the_bits_of_a_replay_at_home(
    at_hand: Workers, said: list[str], design: Design, has_lives: bool
) -> None:
    trace = made()
    if has_lives:
        trace = replace(trace, ttl_s=np.where(trace.key % 3 == 0, 30.0, 0.0).astype(np.float32))
    assert workers() == 2
    asked = list(range(5))
    by_workers = each(lambda seed: replay(trace, design, PLATFORM, seed=seed, span_s=9e4), asked)
    for seed, result in zip(asked, by_workers, strict=True):
        at_home = replay(trace, design, PLATFORM, seed=seed, span_s=9e4, jobs=1)
        assert everything(result) == everything(at_home)
        assert result.as_dict() == at_home.as_dict()
    there = borrowed(len(trace))
    assert there is not None
    assert len(list(there.folder.iterdir())) == 1  # the requests were written once


def test_how_many_replays_the_workers_did_is_told(
    cluster: Workers, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lending, "WORTH_SENDING", 1_000)
    with lent(cluster, said.append):
        for seed in range(3):
            replay(made(), L1_KV, PLATFORM, seed=seed)
        replay(made(n=900), L1_KV, PLATFORM)  # not worth a task
    assert said[-1] == "3 replays done by 2 workers"
    assert LENT not in os.environ
    assert borrowed(10**6) is None


def lost_once(trace: Trace, flag: Path) -> int:
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return len(trace)


def test_a_replay_whose_worker_is_lost_is_done_by_another(at_hand: Workers, tmp_path: Path) -> None:
    there = borrowed(1_000)
    assert there is not None
    assert there.replayed(lost_once, made(), flag=tmp_path / "lost") == 20_000
    assert (tmp_path / "lost").exists()


def always_lost(trace: Trace) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_replay_that_costs_worker_after_worker_ends_with_what_to_do(at_hand: Workers) -> None:
    there = borrowed(1_000)
    assert there is not None
    with pytest.raises(ClusterError, match="too little memory; start them with more"):
        there.replayed(always_lost, made())


def test_workers_of_another_version_are_refused(
    at_hand: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SOURCES", "another")
    with pytest.raises(spool.DifferentVersionsError, match="cachelib's model is"):
        replay(made(), L1_KV, PLATFORM)


def test_a_design_that_the_platform_cannot_have_is_refused_as_at_home(at_hand: Workers) -> None:
    wrong = L1_KV.model_copy(update={"l2_ttl_s": 1.0})
    for jobs in (None, 1):
        with pytest.raises(DesignError):
            replay(made(), wrong, PLATFORM, jobs=jobs)


def test_a_cluster_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="no cluster without the extra 'cluster'")
    monkeypatch.setattr("cachelib.model.engines.shards.cluster.PATIENCE_S", 0.5)
    with pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1: the cluster is gone"):
        Borrowed("tcp://127.0.0.1:1", str(tmp_path), 2)


def test_what_a_replay_asks_of_a_trace_comes_back_from_its_file() -> None:
    trace = made()
    packed = BytesIO()
    write_trace(packed, trace)
    packed.seek(0)
    found = read_trace(packed)
    for column in ("time_s", "key", "colo", "op", "size"):
        there, here = getattr(found, column), getattr(trace, column)
        assert there.dtype == here.dtype
        assert (there == here).all()
    assert (found.keys, found.colos, found.ttl_s) == (trace.keys, trace.colos, trace.ttl_s)
