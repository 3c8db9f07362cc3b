"""Which design to choose: limits first, then the least of what is to be minimised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cachelib.model.case.case import Criteria
from cachelib.model.engines.result import Result
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd
from cachelib.model.money.prices import monthly_bill

Metrics = Mapping[str, float]

LABELS = {
    "hit_ratio": "hit ratio",
    "origin_loads_per_month": "loads from the origin a month",
    "mean_ms": "mean time to answer",
    "p50_ms": "median time to answer",
    "p95_ms": "95th percentile of the time to answer",
    "p99_ms": "99th percentile of the time to answer",
    "late_share": "share of late answers",
    "error_share": "share of failed reads",
    "bill_usd": "monthly bill",
    "monthly_cost_usd": "monthly cost with work written off",
}
SIGNS = {"USD": "$", "ms": "ms"}
HEADS = {
    "hit_ratio": "hit ratio",
    "origin_loads_per_month": "loads a month",
    "p50_ms": "p50",
    "p95_ms": "p95",
    "late_share": "late",
    "bill_usd": "bill",
    "monthly_cost_usd": "cost",
}
UNITS = {
    "hit ratio": "ratio", "loads a month": "loads", "p50": "ms", "p95": "ms", "late": "ratio",
    "bill": "USD", "cost": "USD",
}  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What became of one design."""

    design: str
    metrics: Metrics
    broken: tuple[str, ...]

    @property
    def stands(self) -> bool:
        return not self.broken


@dataclass(frozen=True)
class Choice:
    """The designs that keep every limit, best first, and those that are out."""

    ranked: tuple[Verdict, ...]
    out: tuple[Verdict, ...]

    @property
    def winner(self) -> str | None:
        return self.ranked[0].design if self.ranked else None

    @property
    def runner_up(self) -> Verdict | None:
        """Who is next: the second of those that stand, or else the first that is out."""
        return self.ranked[1] if len(self.ranked) > 1 else next(iter(self.out), None)


def measure(study: Study, name: str, result: Result) -> Metrics:
    """A simulated design as the metrics that criteria may name, per 30-day month."""
    bill = float(monthly_bill(result).charged)
    return {
        "hit_ratio": result.hit_ratio,
        "origin_loads_per_month": result.per_month()["origin_loads"],
        "mean_ms": result.tally.latency.mean,
        "p50_ms": result.quantile_ms(0.5),
        "p95_ms": result.quantile_ms(0.95),
        "p99_ms": result.quantile_ms(0.99),
        "late_share": result.stale_share[study.case.criteria.late_after_s],
        "error_share": result.failures / max(result.reads, 1),
        "bill_usd": bill,
        "monthly_cost_usd": bill + float(_work_usd(study, name)[0]),
    }


def predict(study: Study, name: str, **numbers: float | Array) -> dict[str, Array]:
    """The same by formula, shape (draws,), at other numbers if given; only what criteria need."""
    criteria, design = study.case.criteria, study.case.design(name)
    at = study.setting.but(**numbers)
    month = study.estimate(name, **numbers)
    bill = monthly_usd(design, month, at)
    metrics = {
        "hit_ratio": month.hit_ratio,
        "origin_loads_per_month": month.counts["origin_loads"],
        "mean_ms": month.waits.mean_ms,
        "late_share": month.flows.late_share(criteria.late_after_s),
        "error_share": month.origin * at["origin_failure"].ravel(),
        "bill_usd": bill,
        "monthly_cost_usd": bill + _work_usd(study, name, **numbers),
    }
    wanted = {criteria.minimise, *(limit.metric for limit in criteria.limits)}
    for q in wanted & {"p50_ms", "p95_ms", "p99_ms"}:
        metrics[q] = month.waits.quantile_ms(int(q[1:3]) / 100)
    return metrics


def _work_usd(study: Study, name: str, **numbers: float | Array) -> Array:
    """The hours that a design takes, written off: $ a month."""
    criteria, assumed = study.case.criteria, study.case.assumed
    hours = criteria.hours.get(name)
    worked = numbers.get(f"hours:{name}", hours.value if hours else 0.0)
    rate = numbers.get("hourly_rate_usd", assumed["hourly_rate_usd"].value)
    return np.atleast_1d(np.asarray(worked) * np.asarray(rate) / criteria.written_off_months)


def choose(measured: Mapping[str, Metrics], criteria: Criteria) -> Choice:
    """Rank the designs by `criteria`."""
    verdicts = [
        Verdict(name, metrics, _broken(metrics, criteria)) for name, metrics in measured.items()
    ]
    verdicts.sort(key=lambda verdict: verdict.metrics[criteria.minimise])
    return Choice(
        ranked=tuple(verdict for verdict in verdicts if verdict.stands),
        out=tuple(verdict for verdict in verdicts if not verdict.stands),
    )


def _broken(metrics: Metrics, criteria: Criteria) -> tuple[str, ...]:
    return tuple(
        limit.metric for limit in criteria.limits if not limit.kept_by(metrics[limit.metric])
    )


def table(choice: Choice) -> pd.DataFrame:
    """All designs, best first, with their metrics and what became of them."""
    rows = [
        {"design": verdict.design}
        | {head: verdict.metrics[name] for name, head in HEADS.items()}
        | {"verdict": _in_words(verdict, choice)}
        for verdict in (*choice.ranked, *choice.out)
    ]
    return pd.DataFrame(rows).set_index("design")


def _in_words(verdict: Verdict, choice: Choice) -> str:
    if verdict.broken:
        return "out: " + ", ".join(HEADS.get(metric, metric) for metric in verdict.broken)
    return "recommended" if verdict.design == choice.winner else "stands"


def gain(choice: Choice, criteria: Criteria) -> float | None:
    """By what share the winner undercuts the runner-up in what is minimised; None without both."""
    if not choice.ranked or choice.runner_up is None:
        return None
    second = choice.runner_up.metrics[criteria.minimise]
    return 1 - choice.ranked[0].metrics[criteria.minimise] / second if second else None


def axis(metric: str) -> str:
    """A metric's label with its unit, as an axis says it."""
    sign = SIGNS.get(unit(metric))
    return LABELS[metric] + (f", {sign}" if sign else "")


def unit(metric: str) -> Literal["USD", "ms", "ratio", "loads", ""]:
    """The unit that a metric's name ends in."""
    endings: dict[str, Literal["USD", "ms", "ratio", "loads"]] = {
        "_usd": "USD", "_ms": "ms", "_ratio": "ratio", "_share": "ratio", "_per_month": "loads",
    }  # fmt: skip
    return next((unit for ending, unit in endings.items() if metric.endswith(ending)), "")
