"""Whole keys in the place of all: exact for each key, and an error that holds."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from cachelib.cli import main
from cachelib.model.engines.replay import replay
from cachelib.model.engines.shards.sample import SampleError, sampled_pieces
from cachelib.model.engines.shards.shard import Shard
from cachelib.model.judgement.sampled import with_errors
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from tests.model.test_shards import requests
from tests.model.test_twin import taken

KV = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=60.0, l2_ttl_s=300.0)
PLATFORM = Platform(isolates_per_colo=2, isolate_idle_s=100)


def told(result):
    return result.as_dict() | {"writes": result.writes}


def numbers(tree, at=()):
    if set(tree) == {"estimate", "plus_or_minus"}:
        yield at, tree["estimate"], tree["plus_or_minus"]
        return
    for name, each in tree.items():
        if isinstance(each, dict):
            yield from numbers(each, (*at, name))


def test_all_keys_are_no_estimate():
    trace = requests(np.random.default_rng(1), 5_000, 200)
    (found,) = sampled_pieces([trace], [KV], PLATFORM, 1.0, seed=3)
    whole = replay(trace, KV, PLATFORM, seed=3)
    assert found.result.counts == whole.counts
    assert found.result.l1_hits == whole.l1_hits
    assert found.result.byte_seconds == pytest.approx(whole.byte_seconds)
    assert found.requests == len(trace)


@pytest.mark.parametrize("objects", [None, 2_000])
def test_counts_lie_within_their_errors(objects):
    design = KV
    if objects:
        design = Design(name="x", tiers=("durable-object",), objects=objects, l2_ttl_s=300.0)
    checked = outside = 0
    for seed in range(5):
        trace = requests(np.random.default_rng(seed), 20_000, 4_000)
        whole = replay(trace, design, PLATFORM, seed=seed)
        pieces = [taken(trace, slice(9_999)), taken(trace, slice(9_999, None))]
        (found,) = sampled_pieces(pieces, [design], PLATFORM, 0.1, seed=seed)
        for name in ("l1_hits", "l2_hits", "origin_loads", "hit_ratio", "stored_gb_months"):
            said = with_errors(found, told)[name]
            checked += 1
            outside += abs(said["estimate"] - getattr(whole, name)) > said["plus_or_minus"]
    assert checked == 25
    assert outside <= 3, "of 100 samples 95 are to hold"


def test_an_error_is_no_excuse():
    """It is small where the sample is good: a third of many keys tells the hit ratio."""
    trace = requests(np.random.default_rng(1), 60_000, 4_000)
    (found,) = sampled_pieces([trace], [KV], PLATFORM, 0.3)
    said = with_errors(found, told)
    assert 0 < said["hit_ratio"]["plus_or_minus"] < 0.1
    assert said["requests"] == {"estimate": 60_000, "plus_or_minus": 0.0}
    assert all(error >= 0 for _, _, error in numbers(said))


def test_keys_that_are_bound_together_are_not_sampled():
    bounded = Design(name="x", tiers=("memory",), l1_max_entries=10)
    with pytest.raises(SampleError, match="x: some of its keys say nothing of the others"):
        sampled_pieces([], [bounded], PLATFORM, 0.1)


def test_too_few_keys_are_told():
    trace = requests(np.random.default_rng(3), 500, 5)
    with pytest.raises(SampleError, match="of 5 keys; with fewer than 100"):
        sampled_pieces([trace], [KV], PLATFORM, 0.01)


def test_the_command_says_an_error_beside_each_number(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["time,key", *(f"{i / 10},/k{i * i % 997}" for i in range(5_000))]))
    words = ["replay", str(log), "--l2-ttl", "20", "--sample", "0.3", "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["requests"] == 5_000
    assert set(found["l1_hits"]) == {"estimate", "plus_or_minus"}
    assert set(found["designs"][0]["hit_ratio"]) == {"estimate", "plus_or_minus"}
    bill = found["designs"][0]["bill_per_month"]
    assert bill["plan"] == "paid"
    assert 0 < bill["metered"]["plus_or_minus"] < bill["metered"]["estimate"]
    assert "30 per cent, chosen at random" in found["sample"]["says"]


def test_a_shard_is_told_of_no_more_keys_than_it_has(monkeypatch):
    """What it remembers has room for each: two hundred with room for all took 11 GB."""
    told_of = []
    take = Shard.take

    def noted(self, part, places, tally):
        told_of.append(len(part.trace.keys))
        return take(self, part, places, tally)

    monkeypatch.setattr(Shard, "take", noted)
    trace = requests(np.random.default_rng(2), 20_000, 4_000)
    sampled_pieces([trace], [KV], PLATFORM, 0.1)
    chosen = sampled_pieces([trace], [KV], PLATFORM, 0.1)[0].keys
    assert sum(told_of) // 2 == chosen < 500
