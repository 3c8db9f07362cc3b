"""What a case is charged: prices of meters that there are, and meters for all that it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cachelib.model.case import names
from cachelib.model.case.beside import BOOK
from cachelib.model.case.designs import barred
from cachelib.model.platforms.books import Meter, whole_book
from cachelib.model.platforms.calls import METERS_OF_A_CALL
from cachelib.model.platforms.platform import Assumption, Fact
from cachelib.model.schema.typed_yaml import Location

if TYPE_CHECKING:
    from cachelib.model.case.case import Case

Faults = Iterator[tuple[Location, str]]


def faults(case: Case, _: Path) -> Faults:
    yield from _prices(case)
    yield from _of_a_call(case)


def _prices(case: Case) -> Faults:
    book = whole_book(case.book)
    there = [meter.meter for meter in book.meters]
    for meter in case.own_prices:
        if fault := names.known("meter", there, meter):
            yield ("prices", meter), fault
    if isinstance(case.book, str):
        return
    at = ("prices", BOOK) if BOOK in case.prices else ("platform", "profile")
    if fault := names.known("plan", book.plans, case.plan):
        yield at, f"the price book {book.name!r}: {fault}"
    for word, needed in _charged_by(case):
        if not {*needed} & {*there}:
            fault = f"the price book {book.name!r} has no meter {needed[0]!r}, which {word} is"
            yield at, f"{fault} charged by; a price of 0 says that it costs nothing"


def _charged_by(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of the tiers of the designs, meters without which they would cost nothing: one of each."""
    designs = [case.design(name) for name in case.design_names if name not in barred(case)]
    for tier in {tier.word: tier for design in designs for tier in design.shared}.values():
        for meter in (*tier.meters, *tier.units, *filter(None, [tier.stored])):
            yield tier.label, (meter,)
        if tier.rented:
            yield tier.label, (tier.rented[0], tier.by_room)


def _of_a_call(case: Case) -> Faults:
    """What a call of the origin takes is charged by a meter, at a price that somebody said."""
    book = whole_book(case.book)
    for name, charged in METERS_OF_A_CALL.items():
        own = getattr(case.assumptions, name)
        if not _most(own or case.profile.numbers.get(name)):
            continue
        at = ("assumptions", name) if own else ("platform", "profile")
        meters = [meter for meter in book.meters if meter.meter in charged.meters]
        if not meters:
            yield (
                at,
                f"the price book {book.name!r} has no meter {charged.meters[0]!r} to charge"
                " for it; leave it out, or name a book that has one (prices: ./prices.yaml)",
            )
        elif isinstance(case.book, str) and _has_no_price(case, meters):
            meter = meters[0]
            of = meter.of.removesuffix("s") if meter.unit == 1 else meter.of
            yield (
                at,
                f"what that costs nobody says; add its price in {book.currency} for {meter.unit:,}"
                f" {of}: prices: {{{meter.meter}: …}} (0 says that it costs nothing)",
            )


def _most(number: Assumption | Fact | None) -> float:
    return 0.0 if number is None else getattr(number, "high", number.value)


def _has_no_price(case: Case, meters: list[Meter]) -> bool:
    """Whether a shipped book leaves the price to the case, which does not say it."""
    return not any(meter.price or meter.included or meter.meter in case.own_prices
                   for meter in meters)  # fmt: skip
