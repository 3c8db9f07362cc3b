"""Every metric measured by simulation and predicted by formula: two columns of one registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import numpy as np

from cachelib.model.case.metrics import METRICS
from cachelib.model.engines.result import Result
from cachelib.model.formulas import Estimate, Setting, estimate
from cachelib.model.formulas.joining import joined
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.allowances import failed_with, refused
from cachelib.model.judgement.failures import asked_and_loaded, failed_reads, failed_share
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.policies import WRITTEN
from cachelib.model.judgement.policies import designs as policies
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd, usage
from cachelib.model.money.prices import calls_of, monthly_bill, used_of
from cachelib.model.tiers.registry import FAILURES
from cachelib.model.traffic.generator import MONTH_S

Values = Mapping[str, float]


class Month:
    """One option's month by formula, at numbers that may be draws; what is asked is computed."""

    def __init__(self, study: Study, option: Option, at: Setting) -> None:
        self.study, self.option = study, option
        self.at = at.but(**option.platform)

    @cached_property
    def estimate(self) -> Estimate:
        return estimate(self.option.design, self.at)

    @cached_property
    def bill(self) -> Array:
        return monthly_usd(self.option.design, self.estimate, self.at, book=self.study.book)

    @property
    def hours(self) -> Array:
        """Hours of work, drawn if they are among the numbers; NaN where nobody says."""
        stated = self.at.numbers.get(f"hours:{self.option.name}", self.option.hours_value)
        return np.atleast_1d(np.asarray(stated, np.float64))

    @property
    def failed(self) -> Array:
        """The share of the reads that get no answer."""
        found, at = self.estimate, self.at
        rate = {name: at[name].ravel() for name in ("origin_failure", *FAILURES)}
        design, book = self.option.design, self.study.book
        failed: Array = failed_share(design, found.asked, found.origin, rate)
        beyond = refused(usage(design, found, at), book)
        return np.asarray(failed_with(failed, design, found.asked, found.origin, beyond))

    def of(self, design: str) -> Month:
        """Another design's month at the same numbers, to compare with."""
        return Month(self.study, Option(self.study.case.design(design), {}), self.at)


def spread_usd(study: Study, hours: Array | float, rate: Array | float) -> Array:
    """Hours of work as dollars a month."""
    months = study.case.criteria.written_off_months
    return np.atleast_1d(np.asarray(hours) * np.asarray(rate) / months)


def _cost(month: Month) -> Array:
    rate = month.at.numbers.get("hourly_rate_usd", 0.0)
    return month.bill + spread_usd(month.study, month.hours, np.asarray(rate))


def _loads_saved(month: Month) -> Array:
    calls = calls_of(month.estimate.counts)
    return np.asarray(1 - calls / calls_of(month.of("l1-only").estimate.counts))


FREE = {"origin_ms": 0.0, "origin_trips": 0.0, "load_cpu_ms": 0.0}
"""A load that takes no time, and so is no slower than a hit."""


def _l2_speed_up(month: Month) -> Array:
    hit = Month(month.study, month.option, month.at.but(**FREE))
    without = month.of("origin-only").estimate.waits.quantile_ms(0.5)
    return without / hit.estimate.waits.quantile_ms(0.5)


def _writes_saved(month: Month) -> Array:
    audited = estimate(policies(month.study)["kept by the application"], month.at).counts
    lists = month.at["lists_a_month"].ravel()  # on a schedule, whatever else is listed
    written = sum(audited[name] for name in WRITTEN) + lists
    by_rounds = sum(month.estimate.emptied.get(name, 0.0) for name in WRITTEN)
    return np.asarray(1 - (month.estimate.counts["kv_writes"] + lists + by_rounds) / written)


def _busiest_load(month: Month) -> Array:
    rate = month.at["requests_per_month"].ravel() / MONTH_S
    share = joined(month.at, month.option.design).keys.share.max()
    return np.asarray(rate * share / month.study.platform.do_requests_per_s)


PREDICTED: dict[str, Callable[[Month], Array]] = {
    "hit_ratio": lambda month: month.estimate.hit_ratio,
    "origin_loads_per_month": lambda month: np.asarray(calls_of(month.estimate.counts)),
    "mean_ms": lambda month: month.estimate.waits.mean_ms,
    "p50_ms": lambda month: month.estimate.waits.quantile_ms(0.5),
    "p95_ms": lambda month: month.estimate.waits.quantile_ms(0.95),
    "p99_ms": lambda month: month.estimate.waits.quantile_ms(0.99),
    "late_share": lambda month: month.estimate.late_share(month.study.case.criteria.late_after_s),
    "error_share": lambda month: month.failed,
    "availability": lambda month: 1 - month.failed,
    "bill_usd": lambda month: month.bill,
    "monthly_cost_usd": _cost,
    "work_hours": lambda month: month.hours,
    "loads_saved": _loads_saved,
    "l2_speed_up": _l2_speed_up,
    "writes_saved": _writes_saved,
    "busiest_load": _busiest_load,
    "cost_over_durable_object": lambda month: month.bill / month.of("durable-object").bill,
}


MEASURED: dict[str, Callable[[Study, Option, Result], float]] = {
    "hit_ratio": lambda study, option, result: result.hit_ratio,
    "origin_loads_per_month": lambda study, option, result: calls_of(result.per_month()),
    "mean_ms": lambda study, option, result: result.tally.latency.mean,
    "p50_ms": lambda study, option, result: result.quantile_ms(0.5),
    "p95_ms": lambda study, option, result: result.quantile_ms(0.95),
    "p99_ms": lambda study, option, result: result.quantile_ms(0.99),
    "late_share": lambda study, option, result: result.late.share_above(
        study.case.criteria.late_after_s
    ),
    "error_share": lambda study, option, result: _failed(study, result),
    "availability": lambda study, option, result: 1 - _failed(study, result),
    "bill_usd": lambda study, option, result: float(monthly_bill(result, study.book).charged),
    "monthly_cost_usd": lambda study, option, result: float(
        float(monthly_bill(result, study.book).charged) + _work_usd(study, option)
    ),
    "work_hours": lambda study, option, result: option.hours_value,
}


def _failed(study: Study, result: Result) -> float:
    """The share of a replay's reads that get no answer."""
    failed = failed_reads(result, result.tally.codes)
    beyond = refused(used_of(result, study.book), study.book, result.by_day)
    asked, loaded = asked_and_loaded(result)
    return float(np.ravel(failed_with(failed, result.design, asked, loaded, beyond))[0])


def _work_usd(study: Study, option: Option) -> float:
    rate = study.case.assumed.get("hourly_rate_usd")
    worked = spread_usd(study, option.hours_value, rate.value if rate else float("nan"))
    return float(worked[0])


def measure(
    study: Study, option: Option, result: Result, names: Iterable[str] = tuple(MEASURED)
) -> dict[str, float]:
    """A simulated option as metrics, per 30-day month; NaN for what nobody states."""
    return {name: float(MEASURED[name](study, option, result)) for name in names}


def predict(month: Month, names: Iterable[str]) -> dict[str, Array]:
    """The same by formula; each of shape (draws,)."""
    return {name: np.atleast_1d(PREDICTED[name](month)) for name in names}


assert PREDICTED.keys() == METRICS.keys()  # noqa: S101 - a metric that nothing predicts is none
assert set(MEASURED) == {m.name for m in METRICS.values() if m.measured}  # noqa: S101
