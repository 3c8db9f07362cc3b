"""Claims: sentences of the document under test, with what would decide them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cachelib.model.schema.strict import Strict


class Region(Strict):
    """Where to look for the values of a parameter at which a claim holds."""

    over: str = Field(description="requests_per_month, or an assumption")
    of: str = Field(pattern=r"^[a-z0-9-]+\.[a-z0-9_]+$", description="design.metric")
    low: float = Field(gt=0)
    high: float = Field(gt=0)


class Claim(Strict):
    """A sentence of the document under test: the range it asserts, and the metric that decides."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    quote: str
    section: str
    metric: str | None = Field(default=None, description="the id of a finding")
    low: float | None = None
    high: float | None = None
    region: Region | None = None
    untested: str | None = Field(default=None, description="why no experiment can decide it")

    @model_validator(mode="after")
    def _decidable(self) -> Self:
        if (self.metric is None) == (self.untested is None):
            raise ValueError("give either the metric that decides it, or why it is untested")
        if self.metric is not None and self.low is None and self.high is None:
            raise ValueError("give the range it asserts: low, high, or both")
        return self

    def holds_for(self, value: float) -> bool:
        """Whether a value lies in the asserted range, both ends included."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)
