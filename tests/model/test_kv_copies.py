"""Where KV finds a value, by formula, against the compiled engine."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from cachelib.model.engines.result import Result
from cachelib.model.formulas import Estimate
from cachelib.model.tiers.built_in import BUILT_IN
from cachelib.model.tiers.outcomes import KV_LOCAL, KV_REGIONAL
from cachelib.report.experiments.parameters import settle

TTLS = {"l1_ttl_s": 300.0, "l2_ttl_s": 3_600.0}
EVERY = [
    (name, requests, share, caches, kept_s)
    for name in ("kv-only", "l1-kv")
    for requests in (2_000_000, 20_000_000)
    for share, caches, kept_s in (
        (0.0, 1, 60), (0.5, 1, 60), (0.9, 1, 60), (0.0, 4, 60), (0.5, 4, 60), (0.2, 3, 300),
    )
]  # fmt: skip
everywhere = pytest.mark.parametrize(("name", "requests", "share", "caches", "kept_s"), EVERY)


@cache
def both(
    name: str, requests: int, share: float, caches: int, kept_s: float
) -> tuple[Result, Estimate]:
    study = settle({
        "requests_per_month": requests, "seed": 3, "reads_per_write": 100,
        "growth.writes": "in proportion", "kv_refresh_share": share, "caches_per_colo": caches,
        "kv_cache_ttl_s": kept_s,
    }).study  # fmt: skip
    design = BUILT_IN[name].model_copy(update=TTLS)
    return study.replay(design), study.estimate(design)


@everywhere
def test_as_many_reads_find_it_in_their_data_centre_and_in_its_region(
    name: str, requests: int, share: float, caches: int, kept_s: float
) -> None:
    result, month = both(name, requests, share, caches, kept_s)
    flows = month.flows
    found, copies = flows.asked - flows.loaded, flows.kv_copies
    near = flows.share(found * (1 - copies.past_colo))[0]
    regional = flows.share(found * (copies.past_colo - copies.central))[0]
    for depth, told in ((KV_LOCAL, near), (KV_REGIONAL, regional)):
        simulated = (result.depth == depth).sum() / result.reads
        assert told == pytest.approx(simulated, abs=0.035), depth


@everywhere
def test_as_late_and_as_slow(
    name: str, requests: int, share: float, caches: int, kept_s: float
) -> None:
    result, month = both(name, requests, share, caches, kept_s)
    assert month.late_share(60)[0] == pytest.approx(result.stale_share[60], abs=0.035)
    assert month.waits.quantile_ms(0.95)[0] == pytest.approx(result.quantile_ms(0.95), rel=0.11)


def test_a_kv_without_caches_asks_the_central_store_each_time() -> None:
    study = settle({"requests_per_month": 2_000_000}).study
    copies = study.estimate("kv-only", kv_cache_ttl_s=0.0).flows.kv_copies
    assert np.allclose(copies.central, 1)
    assert np.allclose(copies.past_colo, 1)
