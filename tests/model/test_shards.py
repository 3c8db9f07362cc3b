"""A run in shards of keys against the same run in one: equal to the bit."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachelib.model.engines import replay as engine
from cachelib.model.engines.replay import nearer, replay, replay_pieces, worth
from cachelib.model.engines.shards import running
from cachelib.model.engines.shards.binding import binding_of
from cachelib.model.engines.shards.keeping import going_on
from cachelib.model.engines.shards.spool import SpooledShards
from cachelib.model.platforms.colos import geography
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.traffic.trace import Trace
from tests.conftest import examples
from tests.model.test_twin import COLOS, designs, fitting, one_of, platforms, request_tables, taken

KV = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)


def everything(result):
    """All that a result says, to the bit."""
    tally = result.tally
    sums = [each for h in (tally.latency, tally.age, tally.late) for each in (h.counts, h.total)]
    arrays = [result.code, result.latency_ms, tally.codes, *sums]
    return dict(result.counts), result.byte_seconds, [array.tolist() for array in arrays]


def kept_and_read_again(folder, tasks, run):
    """All shares as they come back from files, after a run that ended before its last."""
    for nth, _ in enumerate(going_on(folder, run)(tasks), 1):
        if nth == len(tasks):
            break
    return going_on(folder, lambda left: run(left[:0]))(tasks)


def spooled(tmp_path_factory, trace, cut, run):
    """The run with its shards in files, which it reads like a worker far away."""
    design, platform, seed, shards = run
    folder = tmp_path_factory.mktemp("spool")
    pieces = [taken(trace, slice(cut)), taken(trace, slice(cut, None))]
    last = float(trace.time_s[-1])
    with ThreadPoolExecutor(2) as pool:
        work = SpooledShards(
            design, platform, seed, shards, pool, folder,
            lambda tasks: ((task, pickle.loads(pickle.dumps(task)).run()) for task in tasks),  # noqa: S301
        )  # fmt: skip
        run = work.runner
        work.runner = lambda tasks: kept_and_read_again(tmp_path_factory.mktemp("kept"), tasks, run)
        row = 0
        for piece in pieces:
            if len(piece):
                work.take(piece, row, geography(piece.colos, platform))
                row += len(piece)
        return work.finish(max(last, float(trace.time_s[0]) + max(trace.span_s, 1.0)), last)


@pytest.mark.timeout(400)
@settings(
    max_examples=examples(20, by_night=60), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    st.one_of(designs(), designs(listening=True)), platforms(),
    one_of("random", "round-robin", "hash"), request_tables(),
    st.integers(0, 9), st.integers(1, 9), one_of(1, 2), st.integers(1, 300),
    one_of(1, 40, 1 << 22),
)  # fmt: skip
def test_any_number_of_shards_gives_the_same_bits(
    tmp_path_factory,
    monkeypatch,
    design,
    platform,
    routing,
    trace,
    seed,
    shards,
    jobs,
    cut,
    at_once,
):
    monkeypatch.setattr(running, "AT_ONCE", at_once)
    platform = fitting(platform, design).model_copy(update={"routing": routing})
    whole = replay(trace, design, platform, seed=seed)
    parts = replay(trace, design, platform, seed=seed, shards=shards, jobs=jobs)
    assert everything(parts) == everything(whole)
    assert parts.as_dict() == whole.as_dict()
    pieces = [taken(trace, slice(cut)), taken(trace, slice(cut, None))]
    (piecewise,) = replay_pieces(pieces, [design], platform, seed=seed, shards=shards, jobs=jobs)
    assert piecewise.as_dict() == whole.as_dict()
    assert piecewise.byte_seconds == whole.byte_seconds
    run = design, platform, seed, shards
    counts, byte_seconds, tally = spooled(tmp_path_factory, trace, cut, run)
    assert (counts, byte_seconds) == (whole.counts, whole.byte_seconds)
    assert tally.codes.tolist() == whole.tally.codes.tolist()
    assert tally.latency.total.tolist() == whole.tally.latency.total.tolist()


HASHED = Platform(routing="hash", isolates_per_colo=4)
SPREAD = Platform(routing="random", isolates_per_colo=4)


@pytest.mark.parametrize(
    ("design", "platform", "by"),
    [
        (Design(name="x", tiers=("memory", "kv")), SPREAD, "key"),
        (Design(name="x", tiers=("durable-object",)), SPREAD, "key"),
        (Design(name="x", tiers=("durable-object",), objects=7), SPREAD, "object"),
        (Design(name="x", tiers=("memory", "kv"), objects=7), SPREAD, "key"),
        (Design(name="x", tiers=("memory", "kv"), l1_max_entries=9), SPREAD, "run"),
        (Design(name="x", tiers=("memory", "kv"), l1_max_entries=9), HASHED, "isolate"),
        (Design(name="x", tiers=("workers-cache", "kv")), SPREAD, "key"),
        (Design(name="x", tiers=("workers-cache", "memory", "kv")), SPREAD, "run"),
    ],
)
def test_a_shard_is_the_least_that_a_design_leaves_together(design, platform, by):
    found = binding_of(design, platform)
    assert found.by == by
    assert (by == "run") == (", since" in found.words and found.words.startswith("whole"))


def test_a_long_trace_gives_the_same_bits_on_two_processors():
    rng = np.random.default_rng(1)
    trace = requests(rng, 50_000, 500)
    design = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)
    whole, parts = (
        replay(trace, design, Platform(value_life_s=600), jobs=jobs, shards=shards)
        for jobs, shards in ((1, None), (2, 8))
    )
    assert whole.l1_hits > 0 < whole.l2_hits
    assert everything(parts) == everything(whole)


@pytest.mark.parametrize(
    ("jobs", "requests", "shards"),
    [(1, 10**9, None), (2, 10, 8), (2, 4_000_000, 15), (2, 10**9, 64), (16, 10**9, 64)],
)
def test_more_requests_are_worth_more_shards(jobs, requests, shards):
    assert worth(jobs, requests) == shards


@pytest.mark.parametrize(
    ("remembered", "requests", "shards"),
    [
        (1_000, 10**9, None), (1 << 17, 10**9, None), (10**8, 1 << 17, None),
        (1 << 20, 10**9, 64), (1 << 20, 1 << 20, 16), (10**8, math.inf, 256),
    ],
)  # fmt: skip
def test_what_does_not_lie_near_is_replayed_in_shards_that_do(remembered, requests, shards):
    assert nearer(remembered, requests) == shards


def test_one_processor_replays_many_keys_in_shards_to_the_same_bits(monkeypatch):
    trace = requests(np.random.default_rng(3), 3_000, 300)
    platform = Platform(value_life_s=600, isolates_per_colo=2, isolate_life_s=300)
    whole = replay(trace, KV, platform)
    pieces = [taken(trace, slice(start, start + 500)) for start in range(0, 3_000, 500)]
    begun = []
    monkeypatch.setattr(engine, "WORTH_SHARING", 1_200)
    monkeypatch.setattr(engine, "NEAR", 1_000)
    monkeypatch.setattr(engine, "A_SHARD", 100)
    monkeypatch.setattr(engine, "REQUESTS_A_SHARD", 100)
    monkeypatch.setattr(running.Shards, "begin", noting(begun, running.Shards.begin))
    assert everything(replay(trace, KV, platform)) == everything(whole)
    (piecewise,) = replay_pieces(pieces, [KV], platform)
    assert piecewise.as_dict() == whole.as_dict()
    assert begun == [24, 24]
    bounded = KV.model_copy(update={"l1_max_entries": 2})
    replay(trace, bounded, platform)
    assert len(begun) == 2, "its keys stay together, so that nothing would be won"


def noting(begun, begin):
    def noted(self, requests):
        begun.append(self.parting.shards)
        begin(self, requests)

    return noted


def requests(rng, n, keys):
    return Trace(
        time_s=np.sort(rng.uniform(0, 3_600, n)),
        key=(keys * rng.random(n) ** 3).astype(np.int32),
        colo=rng.integers(0, len(COLOS), n).astype(np.int16),
        op=(rng.random(n) < 0.01).astype(np.uint8),
        size=rng.integers(0, 5_000, n).astype(np.int32),
        keys=[f"k{i}" for i in range(keys)],
        colos=COLOS,
    )
