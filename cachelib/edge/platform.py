"""The platform: how many isolates, where, and how long each tier takes to answer."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Routing = Literal["round-robin", "random", "hash"]


class Strict(BaseModel):
    """A typed record of a case: unknown keys are errors, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Assumption(Strict):
    """A number that no source gives: a best guess, the range it may lie in, and why."""

    value: float
    low: float
    high: float
    unit: str
    why: str

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError("low <= value <= high must hold")
        return self


Positive = Annotated[Assumption, Field(description="a positive number")]


class Assumptions(Strict):
    """Every number that the model needs and that no source gives."""

    isolates_per_colo: Assumption
    l1_ttl_s: Assumption
    l2_ttl_s: Assumption
    l1_ms: Assumption
    kv_read_ms: Assumption
    kv_write_ms: Assumption
    origin_ms: Assumption


class Platform(Strict):
    """Assumptions settled to one value each: what a simulation runs on."""

    isolates_per_colo: int = Field(ge=1, le=10_000)
    routing: Routing = "random"
    l1_ms: float = Field(ge=0)
    kv_read_ms: float = Field(ge=0)
    kv_write_ms: float = Field(ge=0)
    origin_ms: float = Field(ge=0)
