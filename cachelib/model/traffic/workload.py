"""What traffic is like, where no log says; `generator` makes it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from cachelib.model.schema.strict import Share, Strict
from cachelib.plural import plural

Weight = Annotated[float, Field(ge=0)]
Hour = Annotated[float, Field(ge=0, lt=24)]


class Workload(Strict):
    """Poisson arrivals; keys by Zipf's law; data centres by weight; one write in so many reads.

    What follows `colos` makes it livelier: days and nights, bursts of one key, popularity that
    moves to other keys, keys that have never come before.
    """

    requests_per_month: float = Field(gt=0, le=1e12)
    reads_per_write: float | None = Field(default=None, ge=0.01, le=1e12)
    keys: int = Field(ge=1, le=10_000_000)
    key_prefix: str = "/"
    zipf: float = Field(ge=0, le=5, description="exponent; 0 asks every key alike")
    popularity: tuple[Weight, ...] | None = Field(
        default=None, description="weights of the keys, in place of Zipf's law"
    )
    value_bytes: int = Field(ge=0, le=25 * 2**20)
    colos: dict[str, Weight] = Field(min_length=1, description="IATA code: weight")
    daily_swing: float = Field(
        default=0, ge=0, lt=1, description="how far the rate swings about its mean in a day"
    )
    peak_hour: Hour = Field(default=14, description="local solar time of each colo")
    peak_hours: dict[str, Hour] = Field(
        default={}, description="IATA code: local solar time, of colos whose peak is at another"
    )
    burst_share: Share = Field(default=0, description="of requests: those that come in bursts")
    burst_requests: float = Field(
        default=10, gt=1, le=1e6, description="mean size of a burst of one key"
    )
    burst_s: float = Field(default=10, ge=0.001, le=2_592_000, description="how long a burst lasts")
    drift_per_day: Share = Field(default=0, description="of keys: those that swap their ranks")
    new_keys_per_day: float = Field(
        default=0, ge=0, le=1e6, description="keys that take the place of others"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.popularity is not None and len(self.popularity) != self.keys:
            raise ValueError(
                f"popularity: {len(self.popularity)} {plural(len(self.popularity), 'weight')} for"
                f" keys: {self.keys}; one for each"
            )
        if unknown := sorted(set(self.peak_hours) - set(self.colos)):
            raise ValueError(f"peak_hours: {unknown[0]} is none of the colos")
        if not sum(self.colos.values()):
            raise ValueError("colos: every weight is 0")
        if self.popularity is not None and not sum(self.popularity):
            raise ValueError("popularity: every weight is 0")
        return self
