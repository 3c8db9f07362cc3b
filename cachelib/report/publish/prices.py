"""Meters of a price book, and lines of a quoted cost table, as readers know them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

import pandas as pd

from cachelib.model.money.prices import OWN, Bill, Line
from cachelib.model.platforms.books import Meter
from cachelib.model.tiers.registry import ALL
from cachelib.report.numbers import of

OTHERS = {
    "d1": "D1", "database": "the database", "lambda": "functions", "origin": "the origin",
    "regions": "traffic between regions", "workers": "Workers", "workers_ai": "Workers AI",
    "zones": "traffic between zones",
}  # fmt: skip
"""By how a meter's name begins: what is no tier's own."""
COUNTED = {
    "calls": "calls", "class_a": "class A", "class_b": "class B", "cpu_hours": "CPU hours",
    "cpu_ms": "CPU time",
    "deletes": "deletes", "duration": "duration", "gb": "GB", "gb_hours": "GB-hours",
    "gb_out": "GB out", "gb_s": "GB-seconds", "invalidations": "invalidations",
    "lists": "lists", "neurons": "neurons", "node_hours": "node hours", "read_units": "read units",
    "reads": "reads", "requests": "requests", "rows_read": "rows read",
    "rows_written": "rows written", "stored": "stored", "write_units": "write units",
    "writes": "writes",
}  # fmt: skip
"""By how it ends: what it counts."""
STORES = {"kv": "KV", "do": "Durable Objects"}


def meter_words(meter: str) -> str:
    """`Durable Objects, rows read`: whose a meter is, and what it counts."""
    owner, _, counted = meter.partition(".")
    labels = [
        tier.label
        for tier in ALL.values()
        if meter in {*tier.meters, *tier.units, tier.stored} or f"{owner}_" in tier.prefixes
    ]
    return f"{next(iter(labels), None) or OTHERS[owner]}, {COUNTED[counted]}"


def price_words(meter: Meter, read: datetime.date) -> str:
    """What a price is for, and from which amount on: all that it takes to multiply by it."""
    begun = "each begun " if meter.rounding == "up" and meter.unit > 1 else ""
    said = f"price of {begun}{meter.unit:,} {of(meter.of, meter.unit)}"
    if meter.included:
        said += f" beyond the {meter.included:,} that a month includes"
    return f"{meter_words(meter.meter)}: {said}{_read(meter.source, read)}"


LEAST = Decimal("0.005")  # dollars: a line of less is told with the rest
LINES = {"list price": "USD", "charged": "USD"}


def lines_table(bills: Mapping[str, Bill]) -> pd.DataFrame:
    """What bills are made of, line by line: how much of what, and what that comes to."""
    rows = []
    for name, each in bills.items():
        shown = [line for line in each.lines if line.metered >= LEAST]
        rows += [
            (
                name,
                meter_words(line.meter),
                _amount(line.usage, line.of),
                line.metered,
                line.charged,
            )
            for line in shown
        ]
        rest = [line for line in each.lines if line not in shown and line.metered]
        if rest:
            rows.append((name, "all else", "–", *_sums(rest)))
        if each.minimum:
            rows.append((name, "the plan itself", "–", Decimal(0), each.minimum))
    columns = ["option", "charged for", "a month", *LINES]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(LINES, float))
    return frame.set_index("option")


def _sums(lines: list[Line]) -> tuple[Decimal, Decimal]:
    metered = sum((line.metered for line in lines), Decimal(0))
    return metered, sum((line.charged for line in lines), Decimal(0))


def _amount(usage: Decimal, unit: str) -> str:
    """To as many digits as it takes to multiply by."""
    digits = 0 if usage >= 1_000 else 2 if usage >= 1 else 4
    return f"{usage:,.{digits}f}\u00a0{of(unit, float(usage))}"


def plan_words(read: datetime.date) -> str:
    """What the plan itself asks, whatever is used."""
    return f"the plan: price of a month, whatever is used, as read on {read}"


NOT_THE_VENDORS = "no source of the vendor's"  # how the source of such a price in a book ends


def _read(source: str, read: datetime.date) -> str:
    """The day on which a vendor's price was read, which those of others and one's own have not."""
    own = source == OWN or source.endswith(NOT_THE_VENDORS)
    return "" if own else f", as read on {read}"


def line_words(line: str) -> str:
    """`KV, reads` of `kv_reads`: a line of the cost table of a document under test."""
    store, _, part = line.partition("_")
    return f"{STORES.get(store, store)}, {part.replace('_', ' ')}"
