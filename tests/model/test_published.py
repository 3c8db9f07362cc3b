"""How widely times vary, each tier's by its own; and what was published of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.random import LATENCY, key_of, mix
from cachelib.model.engines.replay import replay
from cachelib.model.engines.tally import _normal
from cachelib.model.judgement.published import compared
from cachelib.model.judgement.study import Study
from cachelib.model.platforms.platform import Platform
from cachelib.model.platforms.published import published
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import SHARED
from cachelib.report.experiments.parameters import settle
from tests.conftest import crossed
from tests.model.model import STEADY, trace

UNLIKE = {
    "jitter": 0.2, "kv_near_jitter": 0.9, "kv_far_jitter": 0.5, "rtt_base_ms": 0.0,
    "kv_read_ms": 4.0, "kv_central_ms": 60.0, "kv_central_at": ("FRA",), "origin_ms": 300.0,
}  # fmt: skip
KV = Design(name="x", tiers=("memory", "kv"), l1_ttl_s=1.0, l2_ttl_s=1e6)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_each_read_varies_as_where_it_ended_does(engine: Any) -> None:
    """Worked out anew from what is drawn: from memory, KV near and far, and with a load."""
    platform = Platform(**STEADY | UNLIKE | {"l1_ms": 1.0})
    asked = trace("0 r k@FRA", "0.5 r k@FRA", "30 r k@FRA", "200 r k@FRA")
    result = replay(asked, KV, platform, seed=3, engine=engine)
    drawn = [float(_normal()[mix(key_of(3, LATENCY) ^ row) >> 52]) for row in range(4)]
    load = (364 * 0.2 + 64 * 0.3 + 1 * 0.2) / 365
    near, far = (4 * 0.9 + 1 * 0.2) / 5, (64 * 0.5 + 1 * 0.2) / 65
    medians, sigmas = [365, 1, 5, 65], [load, 0.2, near, far]
    worked_out = np.array(medians) * np.exp(np.array(sigmas) * drawn)
    assert result.latency_ms.tolist() == pytest.approx(worked_out.tolist(), rel=1e-5)


@cache
def month() -> Study:
    return settle({"case": "trading-sentiment", "requests_per_month": 1_500_000}).study


def here(**numbers: Any) -> Study:
    return month().of_changed(platform=month().case.platform | numbers)


def told(study: Study, design: Design) -> tuple[list[float], list[float]]:
    """The mean and quantiles of the times of reads, as simulated and by formula."""
    result, waits = study.replay(design), study.estimate(design).waits
    shares = (0.5, 0.95, 0.99)
    simulated = [float(result.read_latency_ms.mean()), *map(result.quantile_ms, shares)]
    return simulated, [float(each[0]) for each in (waits.mean_ms, *map(waits.quantile_ms, shares))]


@pytest.mark.parametrize(
    ("tiers", "after_ms"),
    crossed([("kv",), ("memory", "kv"), ("cache-api", "kv")], [None, 8.0, 90.0]),
)
def test_the_formulas_vary_as_the_simulation_does(tiers: Any, after_ms: float | None) -> None:
    """What spreads of their own change; how often KV answers from where is told elsewhere."""
    design = Design(name="x", tiers=tiers, l1_ttl_s=120, l2_ttl_s=36_000, hedge_after_ms=after_ms)
    numbers = UNLIKE | {"rtt_base_ms": 1.0, "jitter": 0.3}
    even, uneven = (
        told(here(**numbers | {"kv_near_jitter": near, "kv_far_jitter": far}), design)
        for near, far in ((0.3, 0.3), (0.6, 1.0))
    )
    simulated, by_formula = (np.array(uneven[n]) / even[n] for n in (0, 1))
    assert by_formula == pytest.approx(simulated, rel=0.05)
    if after_ms is None:
        assert simulated[-1] > 1.1


def test_draws_of_the_spreads_are_the_same_as_one_at_a_time() -> None:
    study, design = here(), KV.model_copy(update={"hedge_after_ms": 20.0})
    for each in (KV, design):
        for name in ("kv_near_jitter", "kv_far_jitter", "jitter"):
            many = study.estimate(each, **{name: np.array([0.1, 1.1])}).waits
            alone = [study.estimate(each, **{name: one}).waits for one in (0.1, 1.1)]
            for told in (lambda w: w.mean_ms, lambda w: w.quantile_ms(0.95)):
                assert told(many) == pytest.approx([float(told(one)[0]) for one in alone], rel=1e-6)
            if each is KV:
                assert many.mean_ms[0] < many.mean_ms[1]


def test_every_figure_is_of_something_that_there_is() -> None:
    numbers = Platform().numbers
    for figure in published().figures:
        assert figure.tier in SHARED
        assert {*figure.takes, figure.spread} <= {*numbers}
        assert {*figure.among} <= {*published().readers}


def squares(**numbers: float) -> float:
    """How far the model is from the figures of KV to which its numbers were fitted."""
    found = [each for each in compared(Platform(**numbers), ["kv"]) if each.figure.fitted]
    return float(sum(np.log(each.ms / each.figure.ms) ** 2 for each in found))


def test_the_numbers_are_where_published_figures_put_them() -> None:
    fitted = squares()
    one_for_all = squares(kv_near_jitter=0.3, kv_far_jitter=0.3)
    assert fitted < one_for_all / 1.5
    for name, times in (("kv_near_jitter", 2), ("kv_far_jitter", 2), ("kv_central_ms", 4)):
        number = getattr(Platform(), name)
        assert squares(**{name: number * times}) > fitted, name
        assert squares(**{name: number / times}) > fitted, name


def test_what_was_published_of_readers_everywhere_is_met_in_the_tails() -> None:
    first = [each for each in compared(Platform(), ["kv"]) if "77,500" in each.figure.what]
    tails = [each for each in first if each.figure.share > 0.5 and not each.figure.among]
    assert len(tails) == 2
    assert all(abs(each.off) < 0.2 for each in tails)


def test_far_readers_wait_longest_as_was_published() -> None:
    of_some = [each for each in compared(Platform(), ["kv"]) if each.figure.among]
    said, modelled = zip(*((each.figure.ms, each.ms) for each in of_some), strict=True)
    assert len(of_some) == 8
    assert np.corrcoef(np.argsort(np.argsort(said)), np.argsort(np.argsort(modelled)))[0, 1] > 0.7


def test_a_figure_of_one_look_up_is_of_just_what_it_takes() -> None:
    platform = Platform(cache_api_ms=3.0, jitter=0.4)
    (cached,) = compared(platform, ["cache-api"])
    assert cached.ms == pytest.approx(3.0)
    assert cached.off == pytest.approx(3 / 7 - 1)
