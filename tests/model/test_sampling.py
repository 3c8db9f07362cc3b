"""A part of the traffic that stands for all: what it says of the whole, key by key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cachelib.model.case.case import load_case
from cachelib.model.judgement.study import Study
from cachelib.model.traffic import sampling
from cachelib.model.traffic.sampling import Sample, representatives, sample_of, trace_part
from cachelib.model.traffic.trace import Trace

MONTH_S = 30 * 86_400.0
MANY_KEYS = {"requests_per_month": 400_000, "keys": 20_000, "zipf": 0.9}
FEW_KEYS = {"requests_per_month": 400_000, "keys": 100}


def study(**given: Any) -> Study:
    return Study(load_case("trading-sentiment", given))


@pytest.mark.parametrize("given", [MANY_KEYS, FEW_KEYS], ids=["many keys", "few keys"])
def test_a_part_says_of_the_whole_what_the_whole_says(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = study(**given)
    assert whole.sample == Sample()
    everything = whole.replay("l1-kv")
    monkeypatch.setattr(sampling, "MOST_REQUESTS", 80_000)
    part = study(**given)
    assert 60_000 < len(part.trace) < 100_000
    found = part.replay("l1-kv")
    assert part.requests_per_month == pytest.approx(whole.requests_per_month, rel=0.05)
    assert found.hit_ratio == pytest.approx(everything.hit_ratio, abs=0.03)
    for count in ("origin_loads", "kv_reads", "kv_writes", "requests"):
        assert found.per_month()[count] == pytest.approx(everything.per_month()[count], rel=0.1)
    assert found.per_month()["stored_gb_months"] == pytest.approx(
        everything.per_month()["stored_gb_months"], rel=0.25
    )
    assert part.estimate("l1-kv").hit_ratio[0] == pytest.approx(
        whole.estimate("l1-kv").hit_ratio[0], abs=0.02
    )
    assert part.sample.in_words.endswith("for all")


def test_fifty_million_requests_are_a_few_and_whole_days_are_taken_of_few_keys() -> None:
    many, few = sample_of(5e7, 200_000, MONTH_S), sample_of(5e7, 100, MONTH_S)
    assert (many.time, many.keys) == (1.0, 0.04)
    assert (few.keys, few.time * 30) == (1.0, 1.0)
    assert sample_of(sampling.MOST_REQUESTS, 5, MONTH_S) == Sample()
    assert many.in_words == "4 % of the keys, chosen by popularity, stand for all"
    assert few.in_words == "3.3 % of the time stands for all"
    assert Sample(2 / 3, 0.5).in_words == (
        "67 % of the keys, chosen by popularity, in 50 % of the time stand for all"
    )
    assert not Sample().in_words


def test_keys_that_stand_for_all_are_as_popular_as_all() -> None:
    weights = np.arange(1, 10_001, dtype=float) ** -1.0
    chosen = representatives(weights, 0.05)
    assert len(set(chosen.tolist())) == 500
    assert weights[chosen].sum() == pytest.approx(0.05 * weights.sum(), rel=0.1)


def test_of_a_log_whole_keys_are_taken() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    trace = Trace(
        time_s=np.sort(rng.uniform(0, MONTH_S, n)),
        key=(rng.zipf(1.3, n) % 500).astype(np.int32),
        colo=np.zeros(n, np.int16), op=np.zeros(n, np.uint8), size=np.zeros(n, np.int32),
        keys=[str(key) for key in range(500)], colos=["FRA"],
    )  # fmt: skip
    part = trace_part(trace, Sample(keys=0.2))
    taken = set(part.key.tolist())
    assert len(part) == sum(int((trace.key == key).sum()) for key in taken)
    assert len(taken) == pytest.approx(0.2 * len(set(trace.key.tolist())), abs=1)
