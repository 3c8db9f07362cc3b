"""What traffic is like, where no log says; `generator` makes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cachelib.model.schema.strict import Share, Strict
from cachelib.plural import plural

MONTH_S = 30 * 86_400
LISTED = 1_000
"""Keys that a call lists at most, of KV and of R2."""
ASKING = ("read", "write")
"""What schedules do that is a request."""
Weight = Annotated[float, Field(ge=0)]
Hour = Annotated[float, Field(ge=0, lt=24)]


class Schedule(Strict):
    """What is fixed in time: a cron that writes, clients that poll, a page that lists keys.

    Every `every_s` seconds each of the `clients` reads or writes the `keys` most popular keys, or
    all, at once. When a client's first round comes is left to chance; where it is, too, unless
    `colo` says it. To list so many keys of the shared tier takes a call for each thousand begun,
    which is billed, fills no cache and is no request of the month's; it stays as often whatever
    the traffic.

    To `purge` empties caches of so many keys, those that are most popular when the month begins;
    nothing has changed at the origin. Whoever does so lists what the tier that all share has of
    them, and deletes that, key by key; a cache in each data centre, or in front of the Worker, is
    purged everywhere by one call. Memory keeps what it has, unless it listens. This is no request
    of the month's either, and stays as often.
    """

    op: Literal["read", "write", "list", "purge"]
    every_s: float = Field(ge=1, le=MONTH_S)
    keys: Annotated[int, Field(ge=1)] | Literal["all"] = 1
    clients: int = Field(default=1, ge=1, le=10_000_000)
    colo: str | None = Field(default=None, description="where they all are, one of the colos")

    @model_validator(mode="after")
    def _anywhere(self) -> Self:
        if self.op == "list" and self.colo is not None:
            raise ValueError("colo: a list is the same from everywhere; leave it out")
        if self.op == "purge" and self.clients > 1:
            raise ValueError("clients: one purges for all; leave it out, and say every_s")
        return self

    def asks(self, keys: int) -> int:
        """How many of so many keys."""
        return keys if self.keys == "all" else min(self.keys, keys)

    def per_month(self, keys: int) -> float:
        """Requests in 30 days; of what lists keys, calls of the shared tier; of purges, rounds."""
        each = self.asks(keys)
        if self.op not in ASKING:
            each = math.ceil(each / LISTED) if self.op == "list" else 1
        return self.clients * each * MONTH_S / self.every_s


def scheduled(schedules: Sequence[Schedule], keys: int, op: str | None = None) -> float:
    """Requests a month of all schedules, or of those that do one thing."""
    meant = ASKING if op is None else (op,)
    return sum((s.per_month(keys) for s in schedules if s.op in meant), 0.0)


LEANS_ON = {
    "peak_hour": "daily_swing",
    "peak_hours": "daily_swing",
    "burst_requests": "burst_share",
    "burst_s": "burst_share",
}
"""What does nothing, by name, while something else is 0."""


class Workload(Strict):
    """Poisson arrivals; keys by Zipf's law; data centres by weight; one write in so many reads.

    What follows `colos` makes it livelier: days and nights, bursts of one key, popularity that
    moves to other keys, keys that have never come before, and `schedules`. The requests of these
    are among those of the month; what is left comes by chance, and is read and written as said.

    `page_requests`: so many of those come at once, from one data centre, as the load of a page that
    asks for as many keys; each finds its isolate by itself. How often each key is asked for stays.
    """

    requests_per_month: float = Field(gt=0, le=1e12, description="all, those of schedules too")
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
    page_requests: int = Field(
        default=1, ge=1, le=1_000, description="that come together, for as many keys: a page's load"
    )
    drift_per_day: Share = Field(default=0, description="of keys: those that swap their ranks")
    new_keys_per_day: float = Field(
        default=0, ge=0, le=1e6, description="keys that take the place of others"
    )
    schedules: tuple[Schedule, ...] = Field(
        default=(),
        description="fixed in time: writers on a schedule, clients that poll, lists, purges",
    )

    @property
    def asking(self) -> tuple[Schedule, ...]:
        """The schedules that are requests."""
        return tuple(each for each in self.schedules if each.op in ASKING)

    @property
    def purging(self) -> tuple[Schedule, ...]:
        """The schedules that empty caches."""
        return tuple(each for each in self.schedules if each.op == "purge")

    @property
    def purges_per_month(self) -> float:
        """Rounds of all that empty caches."""
        return scheduled(self.schedules, self.keys, "purge")

    @property
    def clock_s(self) -> float:
        """Seconds in which all is done once that is done by a clock; lists change nothing."""
        return max((each.every_s for each in (*self.asking, *self.purging)), default=0.0)

    @property
    def lists_per_month(self) -> float:
        """Calls that list keys of the shared tier."""
        return scheduled(self.schedules, self.keys, "list")

    @property
    def scheduled_per_month(self) -> float:
        """Those of the requests that are fixed in time."""
        return scheduled(self.schedules, self.keys)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.popularity is not None and len(self.popularity) != self.keys:
            raise ValueError(
                f"popularity: {len(self.popularity)} {plural(len(self.popularity), 'weight')} for"
                f" keys: {self.keys}; one for each"
            )
        if (fixed := self.scheduled_per_month) > self.requests_per_month:
            raise ValueError(
                f"schedules: make {fixed:,.0f} requests a month, more than the"
                f" {self.requests_per_month:,.0f} of requests_per_month, which counts them too"
            )
        for nth, schedule in enumerate(self.schedules):
            if schedule.colo is not None and schedule.colo not in self.colos:
                raise ValueError(
                    f"schedules.{nth}.colo: {schedule.colo} is none of the colos:"
                    f" {', '.join(self.colos)}"
                )
            if schedule.keys != "all" and schedule.keys > self.keys:
                raise ValueError(
                    f"schedules.{nth}.keys: {schedule.keys:,} are more than the {self.keys:,} that"
                    " there are; say all"
                )
        if unknown := sorted(set(self.peak_hours) - set(self.colos)):
            raise ValueError(f"peak_hours: {unknown[0]} is none of the colos")
        if not sum(self.colos.values()):
            raise ValueError("colos: every weight is 0")
        if self.popularity is not None and not sum(self.popularity):
            raise ValueError("popularity: every weight is 0")
        return self


def idle(workload: Workload) -> list[str]:
    """What is said of a workload and does nothing to it."""
    said = workload.model_fields_set
    return [
        name for name, other in LEANS_ON.items() if name in said and not getattr(workload, other)
    ]
