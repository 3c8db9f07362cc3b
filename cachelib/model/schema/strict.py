"""The base of every typed record that a person may write, and the kinds of numbers in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0.001)]
"""A life or an interval, no shorter than a clock tells."""
PerSecond = Annotated[float, Field(ge=0.001)]


class Strict(BaseModel):
    """A typed record of a case: unknown keys are errors, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def in_order(low: float, value: float, high: float) -> None:
    """Raises `ValueError`, with the numbers, where a value is not within its own range."""
    if low > high:
        raise ValueError(f"its low, {low:g}, is above its high, {high:g}")
    if not low <= value <= high:
        raise ValueError(f"{value:g} is not within its own range, {low:g} to {high:g}")
