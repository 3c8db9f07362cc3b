"""Bills side by side, at this traffic and at any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from cachelib.model.case.case import Case
from cachelib.model.case.metrics import METRICS
from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.sweeps import grid_of, sweeps
from cachelib.model.money.prices import OBJECT_GB, Bill
from cachelib.model.platforms.books import Meter, PriceBook, price_book
from cachelib.model.platforms.profile import Profile

TRAFFIC = "requests_per_month"
POINTS, SECTIONS = 65, 33
IN_CLAIMS = {"kv.stored": "kv_stored_gb_month", "do.stored": "do_stored_gb_month"}
"""Meters that claims quote by another name than their own."""
ORIGIN = ("workers_ai.", "database.", "d1.", "origin.")


def part(bill: Bill, prefix: str) -> Decimal:
    """What the meters whose name begins so come to, metered."""
    return sum((line.metered for line in bill.lines if line.meter.startswith(prefix)), Decimal(0))


def table(bills: Mapping[str, Bill], platform: Profile) -> pd.DataFrame:
    """Designs by what they are charged, in dollars a month; of those alike, by the list price."""
    of_the_origin = platform.told("of which calls of the origin")
    rows = {
        name: {
            "list price": float(bill.metered),
            of_the_origin: float(sum(part(bill, prefix) for prefix in ORIGIN)),
            "charged": float(bill.charged),
        }
        for name, bill in bills.items()
    }
    by_name = pd.DataFrame(rows).T.rename_axis("option").sort_index()
    return by_name.sort_values(["charged", "list price"], kind="stable")


def quoted(*, storage_gb: int, reads: int, writes: int, request_ms: int) -> dict[str, Decimal]:
    """A cost table's quantities at the book's prices, nothing included; `kv_…` and `do_…`.

    With Durable Objects a read is a request and a row read, a write a request and a row written.
    """
    meters = price_book().of_plan("paid")
    seconds = Decimal(reads) * request_ms / 1_000
    lines: dict[str, dict[str, Decimal | int]] = {
        "kv_storage": {"kv.stored": storage_gb},
        "kv_reads": {"kv.reads": reads},
        "kv_writes": {"kv.writes": writes},
        "do_storage": {"do.stored": storage_gb},
        "do_reads": {"do.requests": reads, "do.rows_read": reads},
        "do_writes": {"do.requests": writes, "do.rows_written": writes},
        "do_duration": {"do.duration": seconds * OBJECT_GB},
    }
    sums = {
        name: sum((meters[meter].cost(Decimal(n)) for meter, n in used.items()), Decimal(0))
        for name, used in lines.items()
    }
    for store in ("kv", "do"):
        parts = [amount for name, amount in sums.items() if name.startswith(store)]
        sums[f"{store}_total"] = sum(parts, Decimal(0))
    return sums


def quoted_table(sums: Mapping[str, Decimal]) -> pd.DataFrame:
    """The same as rows and two columns."""
    rows = ("storage", "reads", "writes", "duration", "total")
    return pd.DataFrame(
        {
            "KV": [float(sums.get(f"kv_{row}", 0)) for row in rows],
            "Durable Objects": [float(sums[f"do_{row}"]) for row in rows],
        },
        index=pd.Index(rows, name="part"),
    )


def prices_taken(case: Case, book: PriceBook, bills: Iterable[Bill]) -> dict[str, Meter]:
    """The meters by which these bills come to anything, and those that the case's claims quote;
    by the names that claims quote them with."""
    used = {line.meter for bill in bills for line in bill.lines if line.metered}
    claimed = {claim.metric for claim in case.claims}
    named = {IN_CLAIMS.get(meter, meter.replace(".", "_")): meter for meter in book.of_plan("paid")}
    return {
        name: book.of_plan("paid")[meter]
        for name, meter in named.items()
        if meter in used or f"prices.{name}" in claimed
    }


def against_traffic(model: Model, metric: str, designs: Sequence[str]) -> pd.DataFrame:
    """A metric of some options as traffic grows the way the case says, one column each."""
    grid = _rates(model)
    columns = {
        name: model.values(model.option(name), {TRAFFIC: grid}, [metric])[metric]
        for name in designs
    }
    return pd.DataFrame(columns, index=pd.Index(grid, name="requests a month"))


def crossings(model: Model, name: str, others: Sequence[str]) -> pd.DataFrame:
    """Where the bill of another option crosses that of `name`, as traffic grows.

    Bills that differ by less than is material count as equal.
    """
    room = model.study.case.criteria.material.get("bill_usd", METRICS["bill_usd"].material)
    rows = []
    grid = _rates(model)
    for other in others:
        state = _who(model, other, name, room, grid)
        for i in np.flatnonzero(np.diff(state)).tolist():
            at = _crossing(model, other, name, room, grid[i], grid[i + 1])
            word = {-1.0: "cheaper", 0.0: "as cheap", 1.0: "dearer"}[float(state[i + 1])]
            bill = model.values(model.option(name), {TRAFFIC: np.array([at])}, ["bill_usd"])
            rows.append((other, word, at, float(bill["bill_usd"][0])))
    columns = ["design", "becomes", "requests a month", "bill"]
    return pd.DataFrame(rows, columns=columns).set_index("design")


def _crossing(model: Model, other: str, name: str, room: float, low: float, high: float) -> float:
    """The first change between two rates of who is dearer, by repeated section."""
    for _ in range(4):
        grid = np.geomspace(low, high, SECTIONS)
        changes = np.flatnonzero(np.diff(_who(model, other, name, room, grid)))
        if not len(changes):
            break
        low, high = grid[changes[0]], grid[changes[0] + 1]
    return float(np.sqrt(low * high))


def _who(model: Model, other: str, name: str, room: float, rates: Array) -> Array:
    """At each rate 1 where the other is dearer, -1 where it is cheaper, 0 where they are equal."""
    theirs, own = (
        model.values(model.option(each), {TRAFFIC: rates}, ["bill_usd"])["bill_usd"]
        for each in (other, name)
    )
    return np.where(np.abs(theirs - own) < room, 0.0, np.sign(theirs - own))


def _rates(model: Model) -> Array:
    """The traffic that is looked at."""
    return grid_of(next(sweep for sweep in sweeps(model) if sweep.name == TRAFFIC), POINTS)
