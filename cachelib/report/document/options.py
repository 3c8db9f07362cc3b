"""Pros and cons of every design, derived from the table of designs and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachelib.model.case.metrics import METRICS
from cachelib.report.numbers import Scalar, in_cell, shown
from cachelib.report.publish.findings import Column, Table

BEST_IS_MOST = {metric.head for metric in METRICS.values() if metric.more_is_better}
NEAR = 0.01  # within one per cent is as good


@dataclass(frozen=True)
class Option:
    """A design, what became of it, and its points: Good or Bad, and the reason."""

    name: str
    verdict: str
    points: list[tuple[str, str]]


def options(table: Table) -> list[Option]:
    """One for each row of `decision.designs`."""
    names = [column.name for column in table.columns]
    verdict = names.index("verdict")
    return [Option(str(row[0]), str(row[verdict]), list(_points(table, row))) for row in table.rows]


def _points(table: Table, row: list[Scalar]) -> Iterator[tuple[str, str]]:
    for place, column in enumerate(table.columns):
        value = row[place]
        if column.unit and isinstance(value, int | float):
            values = [float(other[place] or 0) for other in table.rows]
            yield from _point(column, float(value), values)


def _point(column: Column, value: float, values: list[float]) -> Iterator[tuple[str, str]]:
    low, high = min(values), max(values)
    if high - low <= NEAR * abs(high):
        return
    best, worst = (high, low) if column.name in BEST_IS_MOST else (low, high)
    said = f"{column.name} {_said(value, column)}"
    if abs(value - best) <= NEAR * abs(best):
        alike = sum(abs(each - best) <= NEAR * abs(best) for each in values)
        also = "" if alike == 1 else f", within 1 % of it {alike} of them"
        word = "the best" if value == best else "as good as the best"
        yield "Good", f"{said}, {word} of {len(values)}{also}"
    elif abs(value - worst) <= NEAR * abs(worst):
        yield "Bad", f"{said}, the worst of {len(values)}"


def _said(value: float, column: Column) -> str:
    """With its unit, unless that stands in the column's name: "p50 45.5 ms"."""
    return (in_cell if column.unit in column.name else shown)(value, column.unit)
