"""What estimates cost: the price book's meters over arrays of draws.

Bills that people see are `prices.bill`, in decimals; this is for a thousand of them at once.
"""

from __future__ import annotations

import numpy as np

from cachelib.model.formulas import Estimate, Setting
from cachelib.model.formulas.joining import joined
from cachelib.model.formulas.setting import Array
from cachelib.model.money.prices import (
    CALLS,
    OBJECT_GB,
    at_the_door,
    bytes_carried,
    calls_of,
    copies_of,
    cpu_ms_of,
    gb_s_of,
    hours_rented,
    runs_of,
    taken_by_calls,
    units_of,
)
from cachelib.model.platforms.books import PriceBook, price_book
from cachelib.model.platforms.calls import CPU
from cachelib.model.tiers.design import Design
from cachelib.model.tiers.registry import METERS

NOISE = 1e-9  # relative: of a formula, so that a whole unit is not taken for a little more than it


def usage(design: Design, month: Estimate, at: Setting) -> dict[str, Array]:
    """A month's usage by meter, shape (draws,); what is not used is left out."""
    counts, at = month.counts, joined(at, design)

    def number(name: str) -> Array:
        return at[name].ravel()

    used = {meter: counts[name] for meter, name in METERS.items() if name in counts}
    used |= at_the_door(design, counts, at["value_bytes"].ravel(), number)
    runs = runs_of(design, counts)
    used[CPU] = cpu_ms_of(runs, counts, number)
    used |= taken_by_calls(counts, number)
    if design.l2 == "durable-object":
        waited_ms = counts["do_loads"] * month.waits.waited_ms
        active_ms = counts["do_requests"] * at["do_active_ms"].ravel() + waited_ms
        used["do.duration"] = active_ms / 1_000 * float(OBJECT_GB)
    copies = copies_of(design.store, number) if design.store else 1
    if design.store and (lists := design.store.listing):
        used[lists] = used.get(lists, 0.0) + number("lists_a_month")
    if design.stored:
        used[design.stored] = month.stored_gb * copies
    used |= dict.fromkeys(CALLS, calls_of(counts))
    hours = hours_rented(design, len(at.weights), lambda name: float(at[name].ravel()[0]))
    used |= {meter: np.full(1, hours[meter]) for meter in hours}
    if at["function_gb"].any():  # else nobody is billed for waiting, and that takes long to know
        own, gigabytes = at["worker_cpu_ms"].ravel(), at["function_gb"].ravel()
        used["lambda.gb_s"] = gb_s_of(runs, month.waits.ran_ms, own, gigabytes)
    if design.store:
        used |= units_of(design.store, counts, at["value_bytes"].ravel(), copies)
    if design.store and design.store.carried:
        carried = bytes_carried(design.store, counts, at["value_bytes"].ravel())
        used[design.store.carried] = carried / 1e9 * at["cross_zone_share"].ravel()
    return used


def monthly_usd(
    design: Design,
    month: Estimate,
    at: Setting,
    *,
    included: bool = True,
    plan: str | None = None,
    book: PriceBook | None = None,
) -> Array:
    """The bill, shape (draws,): with what the plan includes and its minimum, or all metered."""
    book = book or price_book()
    meters = book.of_plan(plan)
    total: Array = np.full(1, float(book.plans[plan or book.plan].minimum) if included else 0.0)
    for name, used in usage(design, month, at).items():
        if name not in meters:
            continue  # another vendor's
        meter = meters[name]
        beyond = np.maximum(used - float(meter.included), 0) if included else used
        units = beyond / meter.unit
        if meter.rounding == "up" and included:
            units = np.ceil(units * (1 - NOISE))
        total = total + units * float(meter.price or 0)
    return total
