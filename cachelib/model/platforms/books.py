"""Price books: a vendor's meters with their prices, shipped or somebody's own.

The shipped ones lie with those who multiply by them, in `money/books`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from cachelib.model.schema.strict import Strict
from cachelib.model.schema.typed_yaml import Findings, load, nearest

FOLDER = Path(__file__).parents[1] / "money" / "books"
SHIPPED = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
NO_COST = Decimal(0)


class Meter(Strict):
    """What a vendor asks for `unit` of something, and how much of it a month includes."""

    meter: str
    unit: int = Field(ge=1)
    of: str
    price: Decimal | None = Field(default=None, ge=0, description="None: calls beyond fail")
    included: Decimal = Field(default=NO_COST, ge=0)
    per: Literal["month", "day"] = Field(
        default="month", description="what is included; of a day it is a thirtieth, every day anew"
    )
    plan: str
    rounding: Literal["none", "up"] = "none"
    source: str

    def cost(self, usage: Decimal) -> Decimal:
        """Of so much usage at the list price: none of it included, nothing rounded."""
        return usage / self.unit * (self.price or NO_COST)

    def beyond(self, usage: Decimal, by_day: Sequence[int] = ()) -> Decimal:
        """What of a month's usage is more than is included, on each day by itself if it is of days.

        `by_day`: what is asked for on some days, of whose kind a month's are; alike if none are
        told.
        """
        total, days = sum(by_day), len(by_day)
        if self.per == "month" or not total:
            return max(NO_COST, usage - self.included)
        over = (usage * asked * days - self.included * total for asked in by_day)
        return sum((max(NO_COST, each) for each in over), NO_COST) / (total * days)

    def charge(self, usage: Decimal, by_day: Sequence[int] = ()) -> Decimal:
        """What a month is billed for so much usage: whole units where the vendor rounds up."""
        billable = self.beyond(usage, by_day)
        if self.rounding == "up":
            whole_units = (billable / self.unit).to_integral_value(ROUND_CEILING)
            billable = whole_units * self.unit
        return self.cost(billable)


class Plan(Strict):
    minimum: Decimal = Field(ge=0, description="a month, per account")
    source: str


class PriceBook(Strict):
    """A vendor's meters, with source and date."""

    name: str
    currency: Literal["USD", "EUR", "GBP"] = "USD"
    date: datetime.date
    plans: dict[str, Plan]
    meters: tuple[Meter, ...]
    plan: str = Field(default="paid", description="the one that is looked at")

    def of_plan(self, plan: str | None = None) -> dict[str, Meter]:
        """By name; of the plan that is looked at, unless another is named."""
        plan = plan or self.plan
        if plan not in self.plans:
            raise ValueError(f"plan: {plan!r} is unknown; there are {', '.join(self.plans)}")
        return {meter.meter: meter for meter in self.meters if meter.plan == plan}


@cache
def price_book(book: Path | str = "cloudflare") -> PriceBook:
    """The shipped book of that name, or a file of the same form; raises `InvalidFileError`."""
    path = FOLDER / f"{book}.yaml" if isinstance(book, str) else book
    return load(path, PriceBook, _contradictions)


def whole_book(said: str | PriceBook) -> PriceBook:
    """The book that a platform or a case names, or has."""
    return price_book(said) if isinstance(said, str) else said


def own_book(path: Path) -> PriceBook:
    """A price book that somebody wrote; raises `InvalidFileError` with every problem at once."""

    def faults(book: PriceBook) -> Findings:
        yield from _contradictions(book)
        for nth, meter in enumerate(book.meters):
            if meter.meter not in all_meters():
                fault = f"unknown meter {meter.meter!r}; {nearest(meter.meter, all_meters())}"
                yield ("meters", nth, "meter"), fault

    return load(path, PriceBook, faults)


@cache
def all_meters() -> tuple[str, ...]:
    """What is counted and may be charged for: what some shipped book has a price for."""
    meters = (meter.meter for name in SHIPPED for meter in price_book(name).meters)
    return tuple(dict.fromkeys(meters))


def _contradictions(book: PriceBook) -> Findings:
    seen = set()
    for nth, meter in enumerate(book.meters):
        if meter.plan not in book.plans:
            fault = f"{meter.meter}: plan {meter.plan!r} is not in plans"
            yield ("meters", nth, "plan"), fault
        if (meter.meter, meter.plan) in seen:
            yield ("meters", nth, "meter"), f"{meter.meter} is there twice for plan {meter.plan!r}"
        seen.add((meter.meter, meter.plan))
