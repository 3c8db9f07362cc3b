"""How much of a number is chance: intervals over seeds, or over blocks of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from cachelib.model.engines.random import mixed
from cachelib.model.engines.result import Result
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.all_keys import by_formula
from cachelib.model.judgement.failures import failed_reads
from cachelib.model.judgement.hotter_keys import hotter
from cachelib.model.judgement.metrics import measure
from cachelib.model.judgement.options import Option, simulate
from cachelib.model.judgement.processors import each
from cachelib.model.judgement.study import MOST_RESEEDED, Study
from cachelib.model.money.prices import monthly_bill
from cachelib.model.tiers.outcomes import CODES, FOUND, WRITTEN

BLOCKS = 10
KEY_GROUPS = 20
TOTALS = ("origin_loads_per_month", "bill_usd", "monthly_cost_usd", "busiest_load")
"""Metrics that hang on how many requests there are, which some keys tell of others badly."""
BILLS = ("bill_usd", "monthly_cost_usd")
EQUAL = 1e-12  # values that differ by less, relatively, differ by rounding


def half_width(values: Sequence[float], confidence: float = 0.95) -> float:
    """Half of Student's interval of the mean; 0 of fewer than two, and of what is not known."""
    known = np.array(values, np.float64)
    if len(known) < 2 or np.isnan(known).any():
        return 0.0
    if np.ptp(known) <= EQUAL * abs(float(known.mean())):
        return 0.0
    error = float(known.std(ddof=1)) / math.sqrt(len(known))
    return error * float(stdtrit(len(known) - 1, (1 + confidence) / 2))


def half_of_one(values: Sequence[float]) -> float:
    """Half the interval around what one of them says, where that is told and not their mean."""
    return half_width(values) * math.sqrt(len(values))


def resolution(
    study: Study, options: Sequence[Option], names: Sequence[str],
    measured: Mapping[str, Mapping[str, float]],
) -> dict[str, Array]:  # fmt: skip
    """By metric, half the 95 % interval of each option's value, shape (options,).

    Another seed is another month of the same kind; of traffic too long to be made again, so many
    requests of it, whose spread is as much larger as they are shorter. Of a log, blocks of time
    stand for months. Where some keys stand for all, how unlike these they are counts, too.
    """
    each(lambda other: other.trace, study.again)  # made once, and not by each of the options
    if study.log is not None:
        found = _of_a_log(study, options, names, measured)
    elif len(study.trace) <= MOST_RESEEDED:
        others = study.again
        found = each(lambda o: _spread(_runs(others, o, names, [measured[o.name]])), options)
    else:
        part, n = study.again[0], MOST_RESEEDED
        runs = each(lambda o: _runs(study.again, o, names, []), options)
        found = [_spread_of_more(of_one, part, n, study) for of_one in runs]
    unlike = [_of_chosen_keys(study, option, names) for option in options]
    return {
        name: np.hypot([half[name] for half in found], [half[name] for half in unlike])
        for name in names
    }


def _of_chosen_keys(study: Study, option: Option, names: Sequence[str]) -> dict[str, float]:
    """How far formulas are apart for all keys and for those that are simulated in their place."""
    if study.sample.keys == 1:
        return dict.fromkeys(names, 0.0)
    some, every = by_formula(study, option, names)
    return {name: float(np.nan_to_num(abs(some[name] - every[name])[0])) for name in names}


def _of_a_log(
    study: Study,
    options: Sequence[Option],
    names: Sequence[str],
    measured: Mapping[str, Mapping[str, float]],
) -> list[dict[str, float]]:
    """Blocks of its time; and seeds, for what a log does not say: when values change."""
    part, found = study.again[0], []
    for option in options:
        blocks = _by_blocks(study, option, names, measured[option.name])
        runs = _runs(study.again, option, names, [])
        seeds = _spread_of_more(runs, part, len(part.trace), study)
        found.append({name: math.hypot(blocks[name], seeds[name]) for name in names})
    return found


def _spread(runs: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: half_of_one(values) for name, values in runs.items()}


def _spread_of_more(
    runs: Mapping[str, Sequence[float]], part: Study, requests: int, whole: Study
) -> dict[str, float]:
    """The spread of all the traffic, from that of parts of it of so many `requests`.

    It is as much smaller as there are more requests. But how often answers are out of date hangs
    on when values change, those of a few keys above all, which are in every part: more requests
    in the same time tell no more of that.
    """
    by_number = math.sqrt(requests / len(whole.trace))
    by_time = math.sqrt(min(1.0, part.trace.span_s / whole.trace.span_s))
    return {
        name: half * (by_time if name == "late_share" else by_number)
        for name, half in _spread(runs).items()
    }


def _runs(
    others: Sequence[Study],
    option: Option,
    names: Sequence[str],
    known: Sequence[Mapping[str, float]],
) -> dict[str, list[float]]:
    runs = [*known, *(measure(study, option, simulate(study, option), names) for study in others)]
    return {name: [run[name] for run in runs] for name in names}


def _by_blocks(
    study: Study, option: Option, names: Sequence[str], here: Mapping[str, float]
) -> dict[str, float]:
    """The spread of blocks of time; what is not told by request varies as the hits do."""
    result = simulate(study, option)
    time_s = study.trace.time_s
    inner = np.linspace(time_s[0], time_s[-1], BLOCKS + 1)[1:-1]
    edges = [0, *np.searchsorted(time_s, inner).tolist(), len(time_s)]
    told: dict[str, list[float]] = {name: [] for name in names}
    hits: list[float] = []
    for start, end in pairwise(edges):
        block = _block(result, slice(start, end))
        if block is None:
            continue
        hits.append(block["hit_ratio"])
        for name in names:
            told[name].append(block.get(name, math.nan))
    missed = max(1 - here.get("hit_ratio", float(np.mean(hits))), 1e-9)
    relative, sampled = half_width(hits) / missed, _of_a_sample(study, result) / missed
    asked = _of_the_rate(study)
    found = {}
    for name in names:
        by_request = told[name] and not np.isnan(told[name]).any()
        of_blocks, of_sample, of_rate = (
            _varying(name, here, missed, part, study, result)
            for part in (relative, sampled, asked * (name in TOTALS))
        )
        own = half_width(told[name]) if by_request else of_blocks
        found[name] = math.hypot(own, of_sample, of_rate)
    return found


def _of_a_sample(study: Study, result: Result) -> float:
    """Half the interval of the hit ratio, for the requests that are not in the log."""
    account, reading = study.trace.account, study.case.log
    if account is None or reading.rate >= 1:
        return 0.0
    return _by_keys(study, result) if reading.sampled_by == "key" else account.sampling_error


def _of_the_rate(study: Study) -> float:
    """Half the interval of the number of requests, relative to it, where keys are a sample.

    Each group of keys is as good a sample as another; what they are asked for differs.
    """
    reading = study.case.log
    if study.trace.account is None or reading.rate >= 1 or reading.sampled_by != "key":
        return 0.0
    asked = np.bincount(_groups(study.trace.key), minlength=KEY_GROUPS)
    within = half_width(asked.tolist()) / float(asked.mean()) * math.sqrt(1 - reading.rate)
    return math.hypot(within, hotter(np.bincount(study.trace.key), reading.rate).of_requests)


def _groups(key: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """The group of keys that each request's belongs to."""
    return (mixed(key.astype(np.uint64)) % np.uint64(KEY_GROUPS)).astype(np.int64)


def _by_keys(study: Study, result: Result) -> float:
    """The spread of groups of keys, each left out once, as much as were left out of the log."""
    read = result.tier != WRITTEN
    group = _groups(study.trace.key[read])
    hit = np.isin(result.tier[read], FOUND)
    asked = np.bincount(group, minlength=KEY_GROUPS).astype(np.float64)
    hits = np.bincount(group, weights=hit, minlength=KEY_GROUPS)
    some = (asked > 0) & (asked < asked.sum())
    if some.sum() < 2:
        return 0.5
    without = (hits.sum() - hits[some]) / (asked.sum() - asked[some])
    n = int(some.sum())
    error = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    rate = study.case.log.rate
    within = error * math.sqrt(1 - rate) * float(stdtrit(n - 1, 0.975))
    by_key = study.trace.key[read]
    found = hotter(np.bincount(by_key), rate, np.bincount(by_key, weights=hit))
    share = float(hits.sum() / asked.sum())
    return min(math.hypot(within, found.of_hits), max(share, 1 - share))


def _block(result: Result, rows: slice) -> dict[str, float] | None:
    tier, ms = result.tier[rows], result.latency_ms[rows]
    read = tier != WRITTEN
    if not read.any():
        return None
    hit = np.isin(tier, FOUND)
    failed = failed_reads(result, np.bincount(result.code[rows], minlength=CODES))
    return {
        "hit_ratio": float(hit.sum() / read.sum()),
        "error_share": failed,
        "availability": 1 - failed,
        "mean_ms": float(ms[read].mean()),
        "p50_ms": float(np.quantile(ms[read], 0.5)),
        "p95_ms": float(np.quantile(ms[read], 0.95)),
        "p99_ms": float(np.quantile(ms[read], 0.99)),
    }


def _varying(
    name: str, here: Mapping[str, float], missed: float, part: float, study: Study, result: Result
) -> float:
    """How far a metric moves with so large a part of the misses more; work does not.

    Hits are what is not missed. Of a bill only what is charged by use moves, beyond allowances
    and minimum: an hour of a node costs what it costs.
    """
    if name == "hit_ratio":
        return part * missed
    if name in BILLS:
        more = replace(result, span_s=result.span_s / (1 + part))
        return abs(
            float(monthly_bill(more, study.book).charged - monthly_bill(result, study.book).charged)
        )
    value = here[name]
    return 0.0 if name == "work_hours" or math.isnan(value) else part * abs(value)
