"""Miss ratio curves against a plain LRU, the golden counts, and their own error."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cachelib.model.engines.mrc import miss_ratio_curve
from cachelib.model.traffic.logs import LogStream, read_log
from cachelib.model.traffic.trace import Trace


def trace(keys):
    n = len(keys)
    return Trace(
        time_s=np.arange(n, dtype=np.float64),
        key=np.array(keys, np.int32),
        colo=np.zeros(n, np.int16),
        op=np.zeros(n, np.uint8),
        size=np.zeros(n, np.int32),
        keys=[str(k) for k in range(max(keys, default=-1) + 1)],
        colos=[""],
    )


def lru_hits(keys, size):
    held, hits = OrderedDict(), 0
    for key in keys:
        hits += key in held
        held[key] = True
        held.move_to_end(key)
        if len(held) > size:
            held.popitem(last=False)
    return hits


@pytest.mark.parametrize(
    ("name", "hits"),
    [
        ("nasa-1995-08-01.clf.gz", [20_067, 28_196]),
        ("cloudphysics.oracleGeneral.bin", [13_657, 19_049, 34_434]),
    ],
)
def test_golden_hits_of_real_traces(traces, name, hits):
    curve = miss_ratio_curve([read_log(traces / name)], [100, 1_000, 10_000][: len(hits)])
    assert curve.hits.tolist() == hits


def test_pieces_give_the_curve_of_the_whole(traces):
    path = traces / "nasa-1995-08-01.clf.gz"
    whole = miss_ratio_curve([read_log(path)])
    pieces = miss_ratio_curve(LogStream(path, rows=2_048))
    assert np.array_equal(whole.hits, pieces.hits)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(1, 100))
def test_every_size_equals_a_real_lru(keys, piece):
    pieces = [trace(keys[i : i + piece]) for i in range(0, len(keys), piece)]
    sizes = list(range(1, 33))
    assert miss_ratio_curve(pieces, sizes).hits.tolist() == [lru_hits(keys, s) for s in sizes]


def test_a_sample_comes_near_and_knows_how_near():
    rng = np.random.default_rng(5)
    keys = trace((50_000 * rng.random(500_000) ** 3).astype(np.int32))
    exact = miss_ratio_curve([keys], [1_000, 10_000, 50_000])
    sampled = miss_ratio_curve([keys], [1_000, 10_000, 50_000], sample_rate=0.1)
    off = np.abs(sampled.hit_ratio - exact.hit_ratio)
    assert (off < 0.04).all()
    assert (off < 5 * sampled.error).all()
    assert sampled.as_dict()["curve"][0]["standard_error"] > 0


def test_default_sizes_reach_from_one_entry_to_all_keys():
    curve = miss_ratio_curve([trace([0, 1, 2, 0, 1, 2])])
    assert curve.entries.tolist() == [1, 2, 3]
    assert curve.hits.tolist() == [0, 0, 3]


@pytest.mark.parametrize(("sizes", "rate"), [([0], 1.0), ([5], 0.0), ([5], 1.5)])
def test_impossible_sizes_and_rates_are_errors(sizes, rate):
    with pytest.raises(ValueError, match="must be"):
        miss_ratio_curve([trace([1])], sizes, sample_rate=rate)
