"""Means over seeds, with confidence intervals, and beside them what the formulas say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cachelib.model.engines.result import Result
from cachelib.model.judgement.decision import predict
from cachelib.model.judgement.study import Study
from cachelib.model.money.prices import monthly_bill

UNITS: dict[str, Literal["ratio", "USD"]] = {
    "hit ratio": "ratio", "± ratio": "ratio", "by formula": "ratio",
    "bill": "USD", "± bill": "USD", "bill by formula": "USD",
}  # fmt: skip

EQUAL = 1e-12  # values that differ by less, relatively, differ by rounding


class Interval(NamedTuple):
    """A mean, and the bounds that hold the true one with the stated confidence."""

    mean: float
    low: float
    high: float


def metrics(result: Result) -> dict[str, float]:
    """A result as numbers: a month's counts, hit ratio, latency, staleness, and the bill."""
    bill = monthly_bill(result)
    latency = result.tally.latency
    return {
        **result.per_month(),
        "hit_ratio": result.hit_ratio,
        **{f"p{q}_ms": latency.quantile(q / 100) for q in (50, 90, 95, 99)},
        "mean_ms": latency.mean,
        **{f"late_{s}_s_share": share for s, share in result.stale_share.items()},
        "metered_usd": float(bill.metered),
        "charged_usd": float(bill.charged),
    }


def over_seeds(
    replayed: Callable[[int], Result], seeds: Iterable[int], confidence: float = 0.95
) -> dict[str, Interval]:
    """Every metric's mean over `replayed(seed)`, with Student's interval; at least two seeds."""
    runs = [metrics(replayed(seed)) for seed in seeds]
    if len(runs) < 2:
        raise ValueError("a confidence interval needs two seeds or more")
    return {name: _interval([run[name] for run in runs], confidence) for name in runs[0]}


def beside_formula(study: Study, seeds: Iterable[int]) -> pd.DataFrame:
    """Hit ratio and bill of the case's designs: mean, half the 95 % interval, and by formula.

    Another seed is other traffic of the same kind; of a log, other losses of isolates. The
    formulas take requests as Poisson, which those of a log need not be.
    """
    studies, rows = {seed: study.reseeded(seed) for seed in seeds}, []
    for name in study.case.design_names:
        found = over_seeds(partial(_replayed, studies, name), studies)
        predicted = predict(study, name)
        ratio, bill = found["hit_ratio"], found["charged_usd"]
        rows.append({
            "design": name,
            "hit ratio": ratio.mean, "± ratio": ratio.high - ratio.mean,
            "by formula": float(predicted["hit_ratio"][0]),
            "bill": bill.mean, "± bill": bill.high - bill.mean,
            "bill by formula": float(predicted["bill_usd"][0]),
        })  # fmt: skip
    return pd.DataFrame(rows).set_index("design")


def _replayed(studies: Mapping[int, Study], name: str, seed: int) -> Result:
    return studies[seed].replay(name)


def _interval(values: Sequence[float], confidence: float) -> Interval:
    mean = float(np.mean(values))
    alike = np.ptp(values) <= EQUAL * abs(mean)
    error = 0.0 if alike else float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = error * float(student.ppf((1 + confidence) / 2, len(values) - 1))
    return Interval(mean, mean - half, mean + half)
