"""What is charged for, and bills in decimal arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from cachelib.model.engines.result import Result
from cachelib.model.formulas.setting import NEVER_S
from cachelib.model.platforms.books import NO_COST, Meter, PriceBook, price_book
from cachelib.model.platforms.calls import CPU, LOAD_CPU, OF_A_CALL
from cachelib.model.platforms.nodes import SOURCE, node_type
from cachelib.model.platforms.platform import Platform
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.redis import REDIS
from cachelib.model.tiers.registry import METERS
from cachelib.model.tiers.tier import Tier
from cachelib.model.traffic.generator import DAY_S, MONTH_S

OBJECT_GB = Decimal("0.128")  # a Durable Object is billed for 128 MB, whatever it uses
CENT = Decimal("0.01")
DAYS = MONTH_S / DAY_S
OWN = "the case's own"
"""The source of a price that the case states."""
CALLS = ("database.calls", "origin.calls")
"""Meters of the origin's calls."""
DOORS = ("workers.requests", "lambda.requests")
"""Of every request, or where what is in front has a door of its own, of those that run it."""
OUT = "lambda.gb_out"
"""What a function answers with, unless something in front does."""


@dataclass(frozen=True)
class Line:
    """One meter's part of a month's bill; `fails` is the usage beyond what a free plan allows.

    `allowed`: what the plan includes.
    """

    meter: str
    usage: Decimal
    of: str
    billable: Decimal
    metered: Decimal
    charged: Decimal
    fails: Decimal
    source: str
    allowed: Decimal = NO_COST

    @property
    def a_day(self) -> dict[str, float]:
        """What a day of it allows and is asked for on average, and the share that ends in errors.

        Allowances of a free plan begin anew every day.
        """
        asked, failing, allowed = float(self.usage), float(self.fails), float(self.allowed)
        return {"allowed": allowed / DAYS, "asked": asked / DAYS, "share": failing / asked}


@dataclass(frozen=True)
class Bill:
    """A month's bill. `metered`: all usage at its price, nothing included, no minimum."""

    plan: str
    minimum: Decimal
    lines: tuple[Line, ...]

    @property
    def metered(self) -> Decimal:
        return sum((line.metered for line in self.lines), NO_COST)

    @property
    def charged(self) -> Decimal:
        """After what the plan includes, with its minimum."""
        return self.minimum + sum((line.charged for line in self.lines), NO_COST)

    def as_dict(self) -> dict[str, Any]:
        """For machines; amounts as text, for they are exact."""
        return {
            "plan": self.plan,
            "metered": str(self.metered),
            "charged": str(self.charged),
            "fails": list(self.fails),
            "fails_a_day": {line.meter: line.a_day for line in self.lines if line.fails},
            "lines": {
                line.meter: {"usage": str(line.usage), "metered": str(line.metered)}
                for line in self.lines
            },
        }

    @property
    def fails(self) -> tuple[str, ...]:
        """The meters whose allowance the traffic exceeds where no more can be bought."""
        return tuple(line.meter for line in self.lines if line.fails)


def at_prices(book: PriceBook, own: Mapping[str, Decimal], node: str) -> PriceBook:
    """A book with the prices of the node that a case names, if it names one, and with its own."""
    said = {meter: (price, OWN) for meter, price in own.items()}
    if node and REDIS.rented:
        said = {REDIS.rented[0]: (node_type(node).usd_per_hour, SOURCE.format(node)), **said}
    meters = [
        meter.model_copy(update=dict(zip(("price", "source"), said[meter.meter], strict=True)))
        if meter.meter in said
        else meter
        for meter in book.meters
    ]
    return book.model_copy(update={"meters": tuple(meters)}) if said else book


def hours_rented(design: Design, colos: int, number: Callable[[str], float]) -> dict[str, float]:
    """Node-hours of a month, by meter, of the tiers of a design that are rented.

    Nodes are in each place where the tier is. Beside them GB-hours, where so much room is said.
    `number` tells one of the platform's by name. Copies that answer reads may be among the nodes.
    """
    rented = [(tier, *tier.rented) for tier in design.stores if tier.rented]
    hours = {
        meter: MONTH_S
        / 3_600
        * max(number(nodes), design.replicas + 1 if tier.lag else 0)
        * (colos if tier.scope == "colo" else copies_of(tier, number))
        for tier, meter, nodes in rented
    }
    sized = [(tier.by_room, meter, number(tier.room)) for tier, meter, _ in rented if tier.by_room]
    return hours | {by_room: hours[meter] * gb for by_room, meter, gb in sized if gb < NEVER_S}


def found_nothing(month: Mapping[str, Any]) -> Any:
    """Reads of a month that found nothing: loads, but for those that nobody would have needed."""
    return month["origin_loads"] - month["refreshes"] - month.get("hedged_reads", 0)


def calls_of(month: Mapping[str, Any]) -> Any:
    """Calls of the origin in a month: one a load, or as many as one of several keys takes."""
    return month.get("origin_calls", month["origin_loads"])


def taken_by_calls(month: Mapping[str, Any], number: Callable[[str], Any]) -> dict[str, Any]:
    """What a month's calls of the origin take, by meter; `number`: as of `hours_rented`."""
    calls = calls_of(month)
    return {
        meter: calls * number(name) * charged.each
        for name, charged in OF_A_CALL.items()
        for meter in charged.meters
    }


def cpu_ms_of(runs: Any, month: Mapping[str, Any], number: Callable[[str], Any]) -> Any:
    """CPU that the Worker is billed: for its runs, and for loads that no object makes itself."""
    loads = np.maximum(month["origin_loads"], 1e-300)
    own = calls_of(month) * (1 - month.get("do_loads", 0) / loads)
    return runs * number("worker_cpu_ms") + own * number(LOAD_CPU)


def copies_of(tier: Tier, number: Callable[[str], Any]) -> Any:
    """In how many places what is written to a tier is billed; `number`: as of `hours_rented`."""
    return number(tier.copied[0]) if tier.copied else 1


def units_of(tier: Tier, month: Mapping[str, Any], value_bytes: Any, copies: Any) -> dict[str, Any]:
    """What a month is charged by the size of values, by meter; what is not there has no size.

    `copies`: of the tier, each of which is charged for every write.
    """
    missed = found_nothing(month)
    used = {}
    for meter, by in tier.units.items():
        begun = np.maximum(np.ceil(np.asarray(value_bytes) / by.size), 1)
        nothing = missed if by.of == tier.reads else 0
        asked = (month[by.of] - nothing) * begun + nothing
        used[meter] = asked * by.units * (copies if by.of == tier.writes else 1)
    if tier.copied:
        used[tier.copied[1]] = month[tier.writes] * value_bytes / 1e9 * (copies - 1)
    return used


def runs_of(design: Design, month: Mapping[str, Any]) -> Any:
    """Runs of the Worker, which is billed its CPU: for what nothing in front answers, and aside."""
    if design.front is None or (of := design.front.in_front) is None:
        return month["requests"]
    return month["requests"] - month[of.hits] + month[of.refreshes]


def at_the_door(
    design: Design, month: Mapping[str, Any], value_bytes: Any, number: Callable[[str], Any]
) -> dict[str, Any]:
    """What is charged for requests that come in, and for answers that go out, by meter."""
    of = design.front.in_front if design.front else None
    asked = runs_of(design, month) if of and of.door else month["requests"]
    besides = sum(number(name) for name in of.besides) if of else 0
    own = dict.fromkeys(DOORS, asked + month["requests"] * besides)
    out = {(of and of.out) or OUT: month["reads"] * value_bytes / 1e9}
    return own | out | ({of.door: month["requests"]} if of and of.door else {})


def gb_s_of(runs: Any, ran_ms: Any, own_ms: Any, gigabytes: Any) -> Any:
    """What a function is charged that is billed while it waits."""
    return runs * (ran_ms + own_ms) / 1e3 * gigabytes


def bill(
    usage: Mapping[str, Decimal],
    book: PriceBook | None = None,
    plan: str | None = None,
    by_day: Sequence[int] = (),
) -> Bill:
    """A month's bill for usage by meter; what the plan does not meter costs nothing.

    `by_day`: requests on some days, as of `Meter.beyond`; all else is taken to be as uneven.
    """
    book = book or price_book()
    plan = plan or book.plan
    meters = book.of_plan(plan)
    unknown = usage.keys() - {meter.meter for meter in book.meters}
    if unknown:
        raise KeyError(f"the price book {book.name} has no meter {min(unknown)!r}")
    there = [(meters[name], amount) for name, amount in usage.items() if name in meters]
    lines = tuple(_line(meter, amount, by_day) for meter, amount in there)
    return Bill(plan, book.plans[plan].minimum, lines)


def _line(meter: Meter, usage: Decimal, by_day: Sequence[int]) -> Line:
    beyond = meter.beyond(usage, by_day)
    return Line(
        meter=meter.meter,
        usage=usage,
        of=meter.of,
        billable=beyond if meter.price is not None else NO_COST,
        metered=meter.cost(usage),
        charged=meter.charge(usage, by_day),
        fails=beyond if meter.price is None else NO_COST,
        source=meter.source,
        allowed=meter.included,
    )


def usage(month: Mapping[str, float], design: Design, platform: Platform) -> dict[str, Decimal]:
    """A design's usage by meter, from its counts in a month (as of `Result.per_month`).

    A Durable Object is active, and billed at 128 MB, for `do_active_ms` of every request, and while
    it waits for a load, as if no two of these were at once; what it stores it stores in SQLite.
    """
    number = partial(getattr, platform)
    runs, value_bytes = runs_of(design, month), month.get("value_bytes", 0.0)
    amounts = {
        **at_the_door(design, month, value_bytes, number),
        CPU: cpu_ms_of(runs, month, number),
        **{meter: month[count] for meter, count in METERS.items()},
        **taken_by_calls(month, number),
    }
    copies = copies_of(design.store, number) if design.store else 1
    if design.store and design.store.listing:
        amounts[design.store.listing] += platform.lists_a_month
    if design.stored:
        amounts[design.stored] = month["stored_gb_months"] * copies
    amounts |= dict.fromkeys(CALLS, calls_of(month))
    amounts |= hours_rented(design, int(month.get("colos", 1)), number)
    amounts["lambda.gb_s"] = gb_s_of(
        runs, month.get("ran_ms", 0.0), platform.worker_cpu_ms, platform.function_gb
    )
    if design.store:
        amounts |= units_of(design.store, month, value_bytes, copies)
    if design.store and design.store.carried:
        carried = bytes_carried(design.store, month, value_bytes)
        amounts[design.store.carried] = carried / 1e9 * platform.cross_zone_share
    decimals = {meter: Decimal(repr(float(amount))) for meter, amount in amounts.items()}
    waited_ms = Decimal(repr(float(month.get("do_loads", 0) * month.get("waited_ms", 0.0))))
    active_ms = decimals["do.requests"] * Decimal(repr(platform.do_active_ms)) + waited_ms
    decimals["do.duration"] = active_ms / 1_000 * OBJECT_GB
    return {meter: amount for meter, amount in decimals.items() if amount}


def bytes_carried(tier: Tier, month: Mapping[str, Any], value_bytes: Any) -> Any:
    """What a month carries to and from a tier: values found there, and values written."""
    missed = found_nothing(month)
    return (month[tier.reads] - missed + month[tier.writes]) * value_bytes


def warm_up() -> None:
    """Load the shipped book, as a process's first bill does."""
    price_book()


def monthly_bill(result: Result, book: PriceBook | None = None, plan: str | None = None) -> Bill:
    """What a design costs in 30 days of the replayed traffic, calls of the origin included."""
    book = book or price_book()
    return bill(used_of(result, book), book, plan, result.by_day)


def used_of(result: Result, book: PriceBook) -> dict[str, Decimal]:
    """What 30 days of the replayed traffic use of the meters that the book has."""
    of_all = {"colos": result.colos, "value_bytes": result.value_bytes}
    of_all |= {"ran_ms": result.tally.ran.mean, "waited_ms": result.tally.waited.mean}
    month = result.per_month() | {name: float(np.nan_to_num(n)) for name, n in of_all.items()}
    used = usage(month, result.design, result.platform)
    has = {meter.meter for meter in book.meters}
    return {meter: amount for meter, amount in used.items() if meter in has}
