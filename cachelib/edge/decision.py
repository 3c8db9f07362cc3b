"""Which design to choose: limits first, then the least of what is to be minimised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cachelib.edge.case import Criteria
from cachelib.edge.result import MONTH_S, Result
from cachelib.edge.study import Study

Metrics = Mapping[str, float]

LABELS = {
    "hit_ratio": "hit ratio",
    "origin_loads_per_month": "loads from the origin a month",
    "mean_ms": "mean time to answer, ms",
    "p50_ms": "median time to answer, ms",
    "p95_ms": "95th percentile of the time to answer, ms",
    "p99_ms": "99th percentile of the time to answer, ms",
}
UNITS = {"hit ratio": "ratio", "loads a month": "loads"} | dict.fromkeys(
    ("mean", "p50", "p95", "p99"), "ms"
)
HEADS = {
    "hit_ratio": "hit ratio",
    "origin_loads_per_month": "loads a month",
    "mean_ms": "mean",
    "p50_ms": "p50",
    "p95_ms": "p95",
    "p99_ms": "p99",
}


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


def measure(result: Result, span_s: float) -> Metrics:
    """One simulated run as the metrics that criteria may name; loads are per 30-day month,
    latencies those of reads."""
    waited = result.read_latency_ms
    p50, p95, p99 = np.percentile(waited, (50, 95, 99))
    return {
        "hit_ratio": result.hit_ratio,
        "origin_loads_per_month": result.origin_loads * MONTH_S / span_s,
        "mean_ms": float(waited.mean()),
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "p99_ms": float(p99),
    }


def repeat(study: Study, designs: Sequence[str], repetitions: int) -> list[dict[str, Metrics]]:
    """Each repetition's metrics by design; a repetition is another seed of traffic and routing."""
    return [
        {name: measure(again.replay(name), again.span_s) for name in designs}
        for nth in range(repetitions)
        for again in [replace(study, seed=study.seed + nth)]
    ]


def mean(runs: Sequence[Mapping[str, Metrics]]) -> dict[str, Metrics]:
    """The mean of every metric over the repetitions, by design."""
    return {
        design: {name: float(np.mean([run[design][name] for run in runs])) for name in metrics}
        for design, metrics in runs[0].items()
    }


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


def agreement(
    runs: Sequence[Mapping[str, Metrics]], criteria: Criteria, winner: str | None
) -> float:
    """The share of repetitions whose own choice is `winner`."""
    return float(np.mean([choose(run, criteria).winner == winner for run in runs]))


def table(choice: Choice) -> pd.DataFrame:
    """All designs, best first, with their metrics and what became of them."""
    rows = [
        {"design": verdict.design, **verdict.metrics, "verdict": _in_words(verdict, choice)}
        for verdict in (*choice.ranked, *choice.out)
    ]
    return pd.DataFrame(rows).set_index("design").rename(columns=HEADS)


def _in_words(verdict: Verdict, choice: Choice) -> str:
    if verdict.broken:
        return "out: " + ", ".join(HEADS[metric] for metric in verdict.broken)
    return "recommended" if verdict.design == choice.winner else "stands"


def gain(choice: Choice, criteria: Criteria) -> float | None:
    """By what share the winner undercuts the runner-up in what is minimised; None without both."""
    if not choice.ranked or choice.runner_up is None:
        return None
    second = choice.runner_up.metrics[criteria.minimise]
    return 1 - choice.ranked[0].metrics[criteria.minimise] / second if second else None
