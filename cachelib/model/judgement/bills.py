"""Bills side by side, at this traffic and at any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.study import Study
from cachelib.model.money.costs import monthly_usd
from cachelib.model.money.prices import OBJECT_GB, Bill, Meter, PriceBook, price_book

TRAFFIC = np.geomspace(1e3, 1e12, 109)
ORIGIN = "workers_ai."


def part(bill: Bill, prefix: str) -> Decimal:
    """What the meters whose name begins so come to, metered."""
    return sum((line.metered for line in bill.lines if line.meter.startswith(prefix)), Decimal(0))


def table(bills: Mapping[str, Bill]) -> pd.DataFrame:
    """Designs by what they are charged, in dollars a month."""
    rows = {
        name: {
            "metered": float(bill.metered),
            "of it the origin": float(part(bill, ORIGIN)),
            "charged": float(bill.charged),
        }
        for name, bill in bills.items()
    }
    return pd.DataFrame(rows).T.rename_axis("design").sort_values("charged", kind="stable")


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


def quoted_meters(book: PriceBook) -> dict[str, Meter]:
    """The meters of KV and Durable Objects by the names that claims quote them with."""
    names = {"kv.stored": "kv_stored_gb_month", "do.stored": "do_stored_gb_month"}
    return {
        names.get(name, name.replace(".", "_")): meter
        for name, meter in book.of_plan("paid").items()
        if name.startswith(("kv.", "do."))
    }


def against_traffic(study: Study, designs: Sequence[str]) -> pd.DataFrame:
    """Charged dollars a month from a thousand to a trillion requests, by formula."""
    return _against_traffic({name: bill(study, name, TRAFFIC) for name in designs})


def waits_against_traffic(study: Study, designs: Sequence[str]) -> pd.DataFrame:
    """The 95th percentile of the time to answer, likewise."""
    return _against_traffic(
        {
            name: study.estimate(name, requests_per_month=TRAFFIC).waits.quantile_ms(0.95)
            for name in designs
        }
    )


def _against_traffic(columns: Mapping[str, Array]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(TRAFFIC, name="requests a month"))


def bill(study: Study, name: str, traffic: Array) -> Array:
    """Charged dollars a month at each rate, in requests a month, by formula."""
    at = study.setting.but(requests_per_month=traffic)
    return monthly_usd(
        study.case.design(name), study.estimate(name, requests_per_month=traffic), at
    )


def crossings(study: Study, name: str, others: Sequence[str]) -> pd.DataFrame:
    """Where the bill of another design crosses that of `name`, as traffic grows.

    Bills within a cent of each other count as equal.
    """
    rows = []
    for other in others:
        dearer = _dearer(study, other, name, TRAFFIC)
        for i in np.flatnonzero(np.diff(dearer)).tolist():
            at = _crossing(study, other, name, TRAFFIC[i], TRAFFIC[i + 1])
            word = "dearer" if dearer[i + 1] > dearer[i] else "cheaper"
            rows.append((other, word, at, float(bill(study, name, np.array([at]))[0])))
    columns = ["design", "becomes", "requests a month", "bill"]
    return pd.DataFrame(rows, columns=columns).set_index("design")


def _dearer(study: Study, other: str, name: str, traffic: Array) -> Array:
    """1 where `other` costs more, -1 where less, 0 where both cost the same."""
    difference = bill(study, other, traffic) - bill(study, name, traffic)
    return np.where(np.abs(difference) < 0.01, 0.0, np.sign(difference))


def _crossing(study: Study, other: str, name: str, low: float, high: float) -> float:
    for _ in range(4):
        grid = np.geomspace(low, high, 33)
        at = int(np.flatnonzero(np.diff(_dearer(study, other, name, grid)))[0])
        low, high = grid[at], grid[at + 1]
    return float(np.sqrt(low * high))
