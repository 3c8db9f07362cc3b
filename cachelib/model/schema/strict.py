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
