"""What the reader may choose: options, their knobs and settings; and how things grow."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from cachelib.model.platforms.platform import Assumption
from cachelib.model.schema.strict import Strict, in_order
from cachelib.model.tiers.design import Design

STEPS = 9  # settings tried in a knob's range
MINUTE = 60.0
FINENESS = 0.025  # of a time: finer than that nobody sets it
TIMES = (
    1,
    5,
    10,
    30,
    60,
    300,
    600,
    1_800,
    3_600,
    21_600,
    86_400,
)  # s: what a time is a multiple of
SETTABLE = {
    "l1_ttl_s": "life of a copy in memory",
    "l2_ttl_s": "life of a value in the shared tier",
    "soft_ttl_s": "age after which a value is loaded anew in the background",
    "stale_while_revalidate_s": "time for which an answer that has ended is served, meanwhile",
    "clean_up_every_s": "time between two clean-ups",
    "l1_max_entries": "entries in memory",
    "hedge_after_ms": "time after which a slow read asks the origin, too",
    "objects": "Durable Objects",
    "joined": "keys that lie together in one value",
    "kv_cache_ttl_s": "life of a copy in KV's caches",
    "redis_gb": "memory of a node of Redis for entries",
}
WHOLE = ("l1_max_entries", "objects", "joined")
"""Numbers of things."""


def turns(knob: str, design: Design) -> bool:
    """Whether turning the knob does anything to the design."""
    return {
        "l1_ttl_s": design.l1,
        "l1_max_entries": design.l1,
        "l2_ttl_s": bool(design.shared),
        "soft_ttl_s": design.policy == "soft-hard",
        "stale_while_revalidate_s": design.front is not None,
        "clean_up_every_s": design.policy == "clean-up",
        "hedge_after_ms": design.races,
        "joined": bool(design.tiers) and design.front is None,
        "objects": design.l2 == "durable-object" and not design.object_alarm,
        "kv_cache_ttl_s": design.l2 == "kv",
        "redis_gb": not design.replicas and any(t.room == "redis_gb" for t in design.stores),
    }[knob]


def as_set(value: float, unit: str) -> float:
    """A value near to this one as somebody would set it: 1 h 14 min, and not 1 h 13 min 40 s."""
    if unit != "s":
        return float(f"{value:.3g}")
    if value < MINUTE:
        return float(f"{value:.2g}")
    step = max(step for step in TIMES if step <= max(FINENESS * value, TIMES[0]))
    return float(step * round(value / step))


class Knob(Strict):
    """A number that the reader sets: its allowed values, or the range they may lie in, and why.

    `value`: as it is set today; of settings that do equally well, the one next to it is taken.
    """

    value: float | None = Field(default=None, gt=0)
    values: tuple[float, ...] = ()
    low: float | None = Field(default=None, gt=0)
    high: float | None = Field(default=None, gt=0)
    unit: str = "s"
    why: str

    @model_validator(mode="after")
    def _given(self) -> Self:
        ranged = self.low is not None and self.high is not None
        if ranged == bool(self.values):
            raise ValueError("give either the values it may have, or low and high")
        if any(value <= 0 for value in self.values):
            raise ValueError("values: must be greater than 0")
        if self.low is not None and self.high is not None:
            in_order(self.low, self.value or self.low, self.high)
        if self.values and self.value is not None and self.value not in self.values:
            raise ValueError(f"{self.value:g} is not one of the values it may have: {self.allowed}")
        return self

    @property
    def settings(self) -> list[float]:
        """The values to try, ascending."""
        if self.values:
            return sorted(set(self.values))
        low, high = self.low or 1.0, self.high or 1.0
        tried = np.geomspace(low, high, STEPS)[1:-1].tolist()
        own = [] if self.value is None else [self.value]
        return sorted({low, *(as_set(value, self.unit) for value in tried), high, *own})

    def allows(self, value: float) -> bool:
        if self.values:
            return value in self.settings
        return (self.low or 0) <= value <= (self.high or 0)

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.values:
            return " or ".join(f"{value:g}" for value in self.settings)
        return f"{self.low:g} to {self.high:g}"


def _in_their_units(knobs: dict[str, Knob]) -> dict[str, Knob]:
    """Numbers of things have no unit, where none is said; else it is seconds."""
    return {
        name: knob.model_copy(update={"unit": ""})
        if name in WHOLE and "unit" not in knob.model_fields_set
        else knob
        for name, knob in knobs.items()
    }


Knobs = Annotated[dict[str, Knob], AfterValidator(_in_their_units)]


class OptionNotes(Strict):
    """What choosing a design means: what changes, the work, what it depends on, its settings."""

    changes: str | None = None
    hours: Assumption | None = Field(default=None, description="the work it takes")
    settings: dict[str, float] = Field(default={}, description="knobs held at these values")
    needs: tuple[str, ...] = Field(default=(), description="what it depends on")


class Growth(Strict):
    """What happens to other numbers as the requests grow.

    `low` and `high`: where the traffic may lie, as multiples of today's.
    """

    writes: Literal["fixed", "in proportion"] = "fixed"
    keys: Literal["fixed", "in proportion"] = "fixed"
    value_life: Literal["fixed", "shorter in proportion"] = "fixed"
    low: float = Field(default=1, ge=0.001, le=1, description="least traffic, of today's")
    high: float = Field(default=1, ge=1, le=1_000, description="most traffic, of today's")
    why: str | None = None
