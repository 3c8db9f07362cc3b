"""Claims: sentences of the document under test, with what would decide them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from cachelib.model.case.labels import label
from cachelib.model.case.metrics import known_metric
from cachelib.model.schema.strict import Strict


class Region(Strict):
    """Where to look for the values of a parameter at which a claim holds."""

    over: str = Field(description="requests_per_month, or an assumption")
    of: str = Field(pattern=r"^[a-z0-9-]+\.[a-z0-9_]+$", description="design.metric")
    low: float = Field(ge=1e-6, le=1e15)
    high: float = Field(ge=1e-6, le=1e15)

    @field_validator("of")
    @classmethod
    def _of_a_metric(cls, of: str) -> str:
        known_metric(of.partition(".")[2])
        return of


class Claim(Strict):
    """A sentence of the document under test: the range it asserts, and the metric that decides."""

    id: str = Field(pattern=r"^[a-z0-9-]+$", description="a name of your own for it")
    quote: str = Field(description="its own words")
    section: str = Field(description="where in the document it stands")
    metric: str | None = Field(default=None, description="the id of a finding")
    low: float | None = Field(
        default=None, ge=-1e15, le=1e15, description="the least that it asserts"
    )
    high: float | None = Field(
        default=None, ge=-1e15, le=1e15, description="the most that it asserts"
    )
    region: Region | None = None
    untested: str | None = Field(default=None, description="why no experiment can decide it")
    assumed: str | None = Field(
        default=None, description="the input of the case that says the same: an assumption, a knob"
    )
    because: str | None = Field(default=None, description="what else the reader should know")

    @model_validator(mode="after")
    def _decidable(self) -> Self:
        if sum(one is not None for one in (self.metric, self.untested, self.assumed)) != 1:
            raise ValueError(
                "give one of: the metric that decides it, why it is untested, the input assumed"
            )
        if self.metric is not None and self.low is None and self.high is None:
            raise ValueError("give the range it asserts: low, high, or both")
        return self

    @property
    def assumed_words(self) -> str:
        """What the input is called."""
        return label(self.assumed or "")

    def holds_for(self, value: float) -> bool:
        """Whether a value lies in the asserted range, both ends included."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)
