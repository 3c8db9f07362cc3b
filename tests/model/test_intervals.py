"""How much of a number is chance: over seeds, blocks of time and groups of keys, by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cachelib.model.engines.result import Result
from cachelib.model.judgement import intervals
from cachelib.model.judgement.hotter_keys import hotter
from cachelib.model.judgement.intervals import half_width, resolution
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import Option, options, simulate
from cachelib.model.judgement.study import Study
from cachelib.model.tiers.outcomes import FAILED, L1, L2, ORIGIN, WRITTEN, code_of
from cachelib.model.traffic.account import Account
from tests.model.cases import of, requests, small

T4, T9, T19 = 2.7764451052, 2.262157, 2.093024
"""Student's t for 95 % of 5, 10 and 20 values."""


def option(study: Study, name: str = "l1-only") -> Option:
    return next(each for each in options(study) if each.name == name)


def student(values: Any, t: float) -> float:
    """Around the mean of the values."""
    return of_one(values, t) / math.sqrt(len(values))


def of_one(values: Any, t: float) -> float:
    """Around each of them."""
    return float(t * np.std(values, ddof=1))


def at_most(requests: int, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no more requests be made anew with each seed."""
    for module in ("intervals", "study"):
        name = f"cachelib.model.judgement.{module}.MOST_RESEEDED"
        monkeypatch.setattr(name, requests)
    vars(study).pop("again", None)


def ended(study: Study, tiers: list[int], ms: list[float] | None = None) -> Result:
    """A result whose requests ended so."""
    result = study.replay("l1-only")
    code = np.array([code_of(tier, 0) for tier in tiers], result.code.dtype)
    times = np.array(ms or [1.0] * len(tiers), np.float32)
    return replace(result, code=code, latency_ms=times)


def by_blocks(
    study: Study, result: Result, here: Mapping[str, float], monkeypatch: pytest.MonkeyPatch
) -> dict[str, float]:
    monkeypatch.setattr(intervals, "simulate", lambda *_: result)
    return intervals._by_blocks(study, option(study), list(here), here)


def test_half_an_interval_is_student_s_of_the_confidence_asked_for() -> None:
    assert half_width([1.0, 2, 3], 0.9) == pytest.approx(2.919986 / math.sqrt(3))
    assert half_width([1.0, 3.0]) == pytest.approx(12.706205 / math.sqrt(2) * math.sqrt(2))
    assert half_width([]) == 0
    assert half_width([-5.0, -5.0 - 1e-13]) == 0
    assert half_width([0.0, 1e-9]) > 0


# -- seeds ---------------------------------------------------------------------------------


def test_of_a_generated_month_it_is_that_of_five_months() -> None:
    study = small(seed=4, workload={"requests_per_month": 3_000})
    some = options(study)[:2]
    names = ["hit_ratio", "bill_usd"]
    measured = {o.name: measure(study, o, simulate(study, o), names) for o in some}
    found = resolution(study, some, names, measured)
    for name in names:
        for nth, each in enumerate(some):
            months = []
            for seed in (4, 5, 6, 7, 8):
                other = small(seed=seed, workload={"requests_per_month": 3_000})
                months.append(measure(other, each, simulate(other, each), [name])[name])
            assert found[name][nth] == pytest.approx(of_one(months, T4), abs=1e-9)
    assert found["hit_ratio"][0] > 0


def test_of_a_hundred_intervals_at_most_a_few_miss_the_mean_of_all_months() -> None:
    names = ["hit_ratio", "mean_ms", "bill_usd", "late_share"]
    prices = {"origin.calls": 5_000}
    told, halves = [], []
    for seed in range(25):
        study = small(seed=seed, workload={"requests_per_month": 3_000}, prices=prices)
        one = option(study, "l1-kv")
        values = measure(study, one, simulate(study, one), names)
        found = resolution(study, [one], names, {"l1-kv": values})
        told.append([values[name] for name in names])
        halves.append([found[name][0] for name in names])
    missed = np.abs(told - np.mean(told, axis=0)) > np.array(halves)
    assert (np.std(told, axis=0) > 0).all()
    assert missed.sum() <= 8, "5 of 100 are expected; of the mean's intervals 22 would miss"


def test_of_a_month_too_long_to_be_made_again_it_is_that_of_shorter_ones_scaled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = small(seed=4)
    at_most(10_000, study, monkeypatch)
    one = [option(study)]
    found = resolution(study, one, ["mean_ms"], {})["mean_ms"][0]
    parts = []
    for seed in (5, 6, 7, 8, 9):
        part = small(seed=seed).grown(20_000, 10_000)
        parts.append(measure(part, one[0], simulate(part, one[0]), ["mean_ms"])["mean_ms"])
    assert found == pytest.approx(of_one(parts, T4) * math.sqrt(10_000 / len(study.trace)))
    at_most(len(study.trace), study, monkeypatch)
    measured = {"l1-only": {"mean_ms": 1e6}}  # of months as long, it is itself one of five
    assert resolution(study, one, ["mean_ms"], measured)["mean_ms"][0] > 1e5


def log_of(n: int = 2_000, reading: dict[str, Any] | None = None, **account: Any) -> Study:
    rng = np.random.default_rng(3)
    trace = requests(np.sort(rng.uniform(0, 86_400, n)).tolist(), (rng.zipf(1.5, n) % 400).tolist())
    told = Account("csv", "w", n, n, **account)
    return of(replace(trace, account=told), reading=reading)


def test_of_a_log_it_is_that_of_blocks_and_of_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    study = log_of()
    one = [option(study, "l1-kv")]
    monkeypatch.setattr(intervals, "_by_blocks", lambda *_: {"late_share": 0.01})
    measured = {"l1-kv": {"late_share": 0.1}}
    found = resolution(study, one, ["late_share"], measured)["late_share"][0]
    runs = []
    for seed in (1, 2, 3, 4, 5):
        other = study.reseeded(seed)
        runs.append(measure(other, one[0], simulate(other, one[0]))["late_share"])
    assert np.ptp(runs) > 0
    assert found == pytest.approx(math.hypot(0.01, of_one(runs, T4)))
    at_most(500, study, monkeypatch)
    part = study.part(500)
    runs = []
    for seed in (1, 2, 3, 4, 5):
        other = part.reseeded(seed)
        runs.append(measure(other, one[0], simulate(other, one[0]))["late_share"])
    found = resolution(study, one, ["late_share"], measured)["late_share"][0]
    scaled = of_one(runs, T4) * math.sqrt(part.trace.span_s / study.trace.span_s)
    assert found == pytest.approx(math.hypot(0.01, scaled))


# -- blocks of time ------------------------------------------------------------------------

TWENTY = [L1, L2, L1, ORIGIN, ORIGIN, FAILED, L2, ORIGIN, L1, L1, L1, L2, ORIGIN, ORIGIN,
          L1, ORIGIN, ORIGIN, L1, L1, ORIGIN]  # fmt: skip
BY_TWO = [1, 0.5, 0, 0.5, 1, 1, 0, 0.5, 0.5, 0.5]
"""The shares of hits in ten blocks of two."""


def twenty(**given: Any) -> Study:
    return of(requests(list(range(20)), [0] * 20), **given)


def test_what_is_told_by_request_varies_as_its_blocks_do(monkeypatch: pytest.MonkeyPatch) -> None:
    study = twenty()
    ms = [float(10 * (nth // 2) ** 2 + 2 * (nth % 2)) for nth in range(20)]
    here = {"hit_ratio": 0.6, "mean_ms": 9.0, "p50_ms": 9.0, "p95_ms": 9.0, "p99_ms": 9.0,
            "error_share": 0.1, "availability": 0.9}  # fmt: skip
    found = by_blocks(study, ended(study, TWENTY, ms), here, monkeypatch)
    assert found["hit_ratio"] == pytest.approx(student(BY_TWO, T9))
    first = [10.0 * nth**2 for nth in range(10)]
    for name, share in (("mean_ms", 1), ("p50_ms", 1), ("p95_ms", 1.9), ("p99_ms", 1.98)):
        blocks = [at + share for at in first]
        assert found[name] == pytest.approx(student(blocks, T9), rel=1e-5), name
    failed = [0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0]
    assert found["error_share"] == found["availability"] == pytest.approx(student(failed, T9))


def test_what_is_not_varies_as_the_misses_do_and_work_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = twenty()
    here = {"hit_ratio": 0.6, "bill_usd": 20.0, "monthly_cost_usd": 50.0, "work_hours": 7.0,
            "origin_loads_per_month": 1_000.0, "late_share": math.nan}  # fmt: skip
    found = by_blocks(study, ended(study, TWENTY), here, monkeypatch)
    relative = student(BY_TWO, T9) / 0.4
    assert found["monthly_cost_usd"] == found["bill_usd"] == 0  # the plan's minimum is no chance
    assert found["origin_loads_per_month"] == pytest.approx(1_000 * relative)
    assert (found["work_hours"], found["late_share"]) == (0, 0)
    alone = by_blocks(study, ended(study, TWENTY), {"monthly_cost_usd": 50.0}, monkeypatch)
    assert alone["monthly_cost_usd"] == 0


def test_blocks_in_which_nobody_reads_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    study = twenty()
    tiers = [WRITTEN, WRITTEN, *TWENTY[2:]]
    found = by_blocks(study, ended(study, tiers), {"hit_ratio": 0.5}, monkeypatch)
    assert found["hit_ratio"] == pytest.approx(student(BY_TWO[1:], 2.306004))
    half_written = [WRITTEN, L2, WRITTEN, *TWENTY[3:]]
    blocks = [1, 0, *BY_TWO[2:]]
    found = by_blocks(study, ended(study, half_written), {"hit_ratio": 0.5}, monkeypatch)
    assert found["hit_ratio"] == pytest.approx(student(blocks, T9))


def test_where_all_is_answered_from_caches_nothing_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    study = twenty()
    here = {"hit_ratio": 1.0, "bill_usd": 20.0}
    assert by_blocks(study, ended(study, [L1] * 20), here, monkeypatch) == {
        "hit_ratio": 0, "bill_usd": 0,
    }  # fmt: skip


# -- samples -------------------------------------------------------------------------------

BY_KEY = {"sample_rate": 0.1, "sampled_by": "key"}


def test_keys_fall_into_twenty_groups_of_much_the_same_size() -> None:
    keys = np.arange(4_000, dtype=np.int32)
    group = intervals._groups(keys)
    assert np.array_equal(group, intervals._groups(keys))
    assert np.bincount(group).min() > 130
    assert len(np.bincount(group)) == intervals.KEY_GROUPS == 20


def without_each_group(study: Study, hit: Any) -> float:
    """The error of a hit ratio from leaving out one group of keys after the other."""
    group = intervals._groups(study.trace.key)
    there = sorted(set(group.tolist()))
    ratios = [float(hit[group != each].mean()) for each in there]
    n = len(there)
    return math.sqrt((n - 1) / n * sum((r - np.mean(ratios)) ** 2 for r in ratios))


def test_a_sample_of_keys_errs_as_its_groups_differ_and_by_keys_hotter_than_any() -> None:
    study = log_of(reading=BY_KEY)
    result = study.replay("l1-only")
    hit = result.tier == L1
    assert len(set(intervals._groups(study.trace.key).tolist())) == 20
    within = without_each_group(study, hit) * math.sqrt(0.9) * T19
    asked = np.bincount(study.trace.key)
    unseen = hotter(asked, 0.1, np.bincount(study.trace.key, weights=hit)).of_hits
    found = intervals._of_a_sample(study, result)
    assert found == pytest.approx(min(math.hypot(within, unseen), max(hit.mean(), 1 - hit.mean())))
    groups = np.bincount(intervals._groups(study.trace.key), minlength=20)
    rate = student(groups, T19) / groups.mean() * math.sqrt(0.9)
    of_rate = math.hypot(rate, hotter(asked, 0.1).of_requests)
    assert intervals._of_the_rate(study) == pytest.approx(of_rate)


def test_the_error_of_many_keys_alike_is_small() -> None:
    """A third of them is never found; which group has how many of these is chance."""
    rng = np.random.default_rng(6)
    trace = requests(list(range(3_000)), rng.integers(0, 300, 3_000).tolist())
    study = of(replace(trace, account=Account("csv", "w", 3_000, 3_000)), reading=BY_KEY)
    tiers = np.where(trace.key % 3 == 0, ORIGIN, L1)
    within = without_each_group(study, tiers == L1) * math.sqrt(0.9) * T19
    found = intervals._by_keys(study, ended(study, tiers.tolist()))
    assert within < found < within + 0.1 < 0.3


def test_an_error_is_no_greater_than_what_there_is_to_err_by() -> None:
    """Two keys, one of which is always found: any share from none to all may be the truth."""
    keys = [0, 1]
    groups = intervals._groups(np.array(keys, np.int32))
    assert groups[0] != groups[1]
    study = of(replace(requests(list(range(20)), keys * 10), account=Account("csv", "w", 20, 20)),
               reading=BY_KEY)  # fmt: skip
    assert intervals._by_keys(study, ended(study, [L1, ORIGIN] * 10)) == 0.5
    tiers = [L1, ORIGIN] * 5 + [L1, L2] * 5
    assert intervals._by_keys(study, ended(study, tiers)) == 0.75
    alone = of(replace(requests(list(range(20)), [0] * 20), account=Account("csv", "w", 20, 20)),
               reading=BY_KEY)  # fmt: skip
    assert intervals._by_keys(alone, ended(alone, [L1, ORIGIN] * 10)) == 0.5


def test_writes_are_no_misses_of_a_sample() -> None:
    read, also_written = (
        of(requests(list(range(20 * times)), list(range(20)) * times), reading=BY_KEY)
        for times in (1, 2)
    )
    tiers = [L1, ORIGIN] * 10
    with_writes = ended(also_written, [*tiers, *[WRITTEN] * 20])
    alone = intervals._by_keys(read, ended(read, tiers))
    assert 0 < alone == intervals._by_keys(also_written, with_writes)


def test_a_sample_by_request_errs_as_the_reader_says_and_a_whole_log_does_not() -> None:
    by_request = log_of(reading={"sample_rate": 0.1}, sampling_error=0.07)
    assert intervals._of_a_sample(by_request, by_request.replay("l1-only")) == 0.07
    assert intervals._of_the_rate(by_request) == 0
    for whole in (log_of(sampling_error=0.07), twenty(reading=BY_KEY)):  # without an account: made
        assert intervals._of_a_sample(whole, whole.replay("l1-only")) == 0
        assert intervals._of_the_rate(whole) == 0


def test_what_a_sample_does_not_tell_widens_what_depends_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hit ratio by 0.3, misses by as much of them; what counts requests by 0.4 of it, too."""
    study = twenty()
    monkeypatch.setattr(intervals, "_of_a_sample", lambda *_: 0.3)
    monkeypatch.setattr(intervals, "_of_the_rate", lambda *_: 0.4)
    here = {"hit_ratio": 0.6, "late_share": 0.2, "bill_usd": 20.0, "origin_loads_per_month": 50.0,
            "monthly_cost_usd": 60.0, "work_hours": 5.0}  # fmt: skip
    found = by_blocks(study, ended(study, TWENTY), here, monkeypatch)
    assert found["hit_ratio"] == pytest.approx(math.hypot(student(BY_TWO, T9), 0.3))
    own = student(BY_TWO, T9) / 0.4
    assert found["late_share"] == pytest.approx(0.2 * math.hypot(own, 0.75))
    loads = found["origin_loads_per_month"]
    assert loads == pytest.approx(50 * math.hypot(own, 0.75, 0.4))
    assert found["work_hours"] == 0


def test_where_all_keys_are_simulated_none_stand_for_others() -> None:
    study = small(workload={"requests_per_month": 500})
    assert intervals._of_chosen_keys(study, option(study), ["hit_ratio"]) == {"hit_ratio": 0}


def test_a_bill_varies_by_what_more_use_would_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """$3 whatever happens, and $2 for as much use as there is."""
    study = twenty()
    result = ended(study, TWENTY)

    def bill(used: Result, _: object) -> SimpleNamespace:
        return SimpleNamespace(charged=3 + 2 * result.span_s / used.span_s)

    monkeypatch.setattr(intervals, "monthly_bill", bill)
    found = by_blocks(study, result, {"hit_ratio": 0.6, "bill_usd": 5.0}, monkeypatch)
    assert found["bill_usd"] == pytest.approx(2 * student(BY_TWO, T9) / 0.4)
