"""What decides: limits that must be kept, what is to be least or most, and what counts as equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from cachelib.model.case.metrics import METRICS, known_metric
from cachelib.model.platforms.platform import Assumption
from cachelib.model.schema.strict import Strict, in_order

MetricName = Annotated[
    str,
    AfterValidator(lambda name: known_metric(name, criterion=True)),
    WithJsonSchema({"type": "string", "enum": [m.name for m in METRICS.values() if m.measured]}),
]
"""A metric that a criterion may name."""
Secondary = Literal["work", "today", "simplicity"]
GRAIN = 0.1  # of what a limit leaves of a share: less is nothing
SECONDARY: tuple[str, ...] = ("work", "today", "simplicity", "mean_ms")
Shape = Literal["triangular", "uniform"]
LEAST, MOST = 1e-6, 1e15  # beyond which no number of a criterion means anything


class Limit(Strict):
    """A bound that a design must keep, or it is out.

    `low` and `high`: where the bound itself may lie, if people are not sure of it. `costs` makes
    it a soft one: nothing is out, each unit beyond it adds so much to what is minimised.
    """

    metric: MetricName
    at_most: float | None = None
    at_least: float | None = None
    low: float | None = None
    high: float | None = None
    costs: float | None = Field(
        default=None, ge=LEAST, le=MOST, description="for each unit beyond: soft"
    )
    why: str

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least; two limits for both")
        if any(abs(end or 0) > MOST for end in (self.at_most, self.at_least, self.low, self.high)):
            raise ValueError(f"must be {MOST:,.0f} or less")
        low, high = (self.bound if end is None else end for end in (self.low, self.high))
        in_order(low, self.bound, high)
        return self

    @property
    def bound(self) -> float:
        """The limit itself."""
        return self.at_most if self.at_most is not None else self.at_least or 0.0

    @property
    def sign(self) -> int:
        """By what to multiply value and bound so that the value must be at most the bound."""
        return 1 if self.at_most is not None else -1

    @property
    def range(self) -> Assumption | None:
        """The limit as an assumption, where it has a range of its own."""
        if self.low is None and self.high is None:
            return None
        low, high = (self.bound if end is None else end for end in (self.low, self.high))
        unit = METRICS[self.metric].unit
        return Assumption(value=self.bound, low=low, high=high, unit=unit, why=self.why)

    def kept_by(self, value: float) -> bool:
        return self.sign * value <= self.sign * self.bound


class Criteria(Strict):
    """What decides: limits first, then the least (or most) of one metric, or a sum of several.

    `late_after_s`: an answer is out of date if it was superseded more than so many seconds ago.
    Hours of work, by design, are spread over `written_off_months`.
    """

    limits: tuple[Limit, ...] = Field(
        default=(), description="each {metric, at_most or at_least, why}; who breaks one is out"
    )
    minimise: MetricName | None = Field(
        default=None, description="the metric of which the least is best"
    )
    maximise: MetricName | None = Field(default=None, description="or the one of which the most is")
    weigh: dict[MetricName, float] = Field(
        default={}, description="several metrics: what a unit of each is worth, dollars say"
    )
    material: dict[MetricName, float] = Field(
        default={}, description="differences below this decide nothing, by metric"
    )
    then: tuple[str, ...] = Field(
        default=SECONDARY,
        description="what breaks ties, in this order: work, today, simplicity, or a metric",
    )
    shape: Shape = Field(default="triangular", description="how assumptions lie in their ranges")
    sure: float = Field(
        default=0, ge=0, le=1,
        description="share of draws in which settings should keep the limits, if any do",
    )  # fmt: skip
    broken_limit: float | None = Field(
        default=None, ge=0, le=MOST, description="what a broken limit costs, in what is minimised"
    )
    late_after_s: float = Field(
        default=60, ge=0, le=MOST,
        description="seconds past which a superseded answer is out of date",
    )  # fmt: skip
    hours: dict[str, Assumption] = Field(
        default={},
        description="by design, the work that it takes: {value, low, high, unit: hours, why}",
    )
    written_off_months: float = Field(
        default=24, ge=0.1, le=1_200, description="months over which work is spread"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_aim(cls, given: Any) -> Any:
        if isinstance(given, Mapping):
            aims = [aim for aim in ("minimise", "maximise", "weigh") if given.get(aim)]
            if len(aims) > 1:
                raise ValueError(f"give one of {' and '.join(aims)}")
            if not aims:
                return {**given, "minimise": "monthly_cost_usd"}
        return given

    @field_validator("minimise")
    @classmethod
    def _less_is_better(cls, name: str | None) -> str | None:
        if name and METRICS[name].more_is_better:
            raise ValueError(
                f"more {name} is better, so the worst design would win; write maximise: {name}"
            )
        return name

    @field_validator("maximise")
    @classmethod
    def _more_is_better(cls, name: str | None) -> str | None:
        if name and not METRICS[name].more_is_better:
            raise ValueError(
                f"less {name} is better, so the worst design would win; write minimise: {name}"
            )
        return name

    @field_validator("weigh", "material")
    @classmethod
    def _amounts(cls, amounts: dict[str, float]) -> dict[str, float]:
        for name, amount in amounts.items():
            if not LEAST <= amount <= MOST:
                raise ValueError(f"{name}: must be from {LEAST:f} to {MOST:,.0f}")
        return amounts

    @field_validator("then")
    @classmethod
    def _known_then(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in ("work", "today", "simplicity"):
                known_metric(name, criterion=True)
        return names

    @property
    def weights(self) -> dict[str, float]:
        """What is minimised, as a sum of metrics by weight; what is better the more is negative."""
        if self.weigh:
            return {name: METRICS[name].sign * rate for name, rate in self.weigh.items()}
        aim = self.aim
        return {aim: float(METRICS[aim].sign)}

    @property
    def aim(self) -> str:
        """The metric that decides, or of several the one named first by weight, then name."""
        if self.weigh:
            return min(self.weigh, key=lambda name: (-self.weigh[name], name))
        return self.minimise or self.maximise or "monthly_cost_usd"

    @property
    def limits_failures(self) -> bool:
        """Whether it is said how many reads may fail."""
        return any(limit.metric in ("error_share", "availability") for limit in self.limits)

    @property
    def needs_hours(self) -> bool:
        """Whether the choice cannot be made without hours of work."""
        judged = {*self.weights, *(limit.metric for limit in self.limits)}
        return bool(judged & {"monthly_cost_usd", "work_hours"})

    def tolerance(self, metric: str, best: float) -> float:
        """The difference from `best` below which values of a metric tie.

        Of a share with a limit no more than a part of what the limit leaves: half a point is
        nothing of 15 %, and five times a limit of 0.1 %.
        """
        own = self.material.get(metric)
        usual = METRICS[metric].tolerance(best, own)
        return usual if own is not None else min(usual, GRAIN * self.leaves(metric))

    def leaves(self, metric: str) -> float:
        """Of a share, the least that a limit leaves of it, or of what is not it; else infinite."""
        if METRICS[metric].unit != "ratio":
            return math.inf
        bounds = [limit.bound for limit in self.limits if limit.metric == metric]
        return min((min(b, 1 - b) for b in bounds if 0 < b < 1), default=math.inf)

    def score_tolerance(self, best: float) -> float:
        """By how much a score must be above the best one to count as worse, in its own unit."""
        weight = abs(self.weights[self.aim])
        return self.tolerance(self.aim, best / weight) * weight

    def names(self, more: Iterable[str] = ()) -> list[str]:
        """Every metric that decides anything, each once."""
        then = [name for name in self.then if name in METRICS]
        limits = [limit.metric for limit in self.limits]
        return list(dict.fromkeys([*self.weights, *limits, *then, *more]))


def finite(value: float) -> bool:
    """Whether a metric has a value: what was not stated is NaN."""
    return not math.isnan(value)
