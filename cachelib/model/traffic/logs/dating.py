"""How dates may be written that could mean two days: what fits the values seen is proposed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import duckdb

from cachelib.model.traffic.logs.requests import quoted

MONTH_FIRST = {
    "%m/%d/%Y": "%d/%m/%Y", "%m-%d-%Y": "%d-%m-%Y", "%m.%d.%Y": "%d.%m.%Y",
    "%m/%d/%y": "%d/%m/%y", "%m-%d-%y": "%d-%m-%y", "%m.%d.%y": "%d.%m.%y",
}  # fmt: skip
"""Dates, each with what it is where the day stands first."""
DAYS = (
    *MONTH_FIRST, *MONTH_FIRST.values(), "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%y%m%d",
    "%d %b %Y", "%d-%b-%y", "%d %B %Y",
)  # fmt: skip
HOURS = (
    "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%g", "%H:%M:%S.%f", "%I:%M:%S.%g %p",
    "%H:%M:%S %z", "%H.%M.%S", "%H%M%S",
)  # fmt: skip
BETWEEN = (" ", ", ", "T", "  ", "-", ":")
FIRST, LAST = 1973, 2100  # years that are believed: %Y takes 25 for a year, too


def proposed(column: str, values: Sequence[str]) -> str:
    """How to say what the values of a column mean that are no times that are known."""
    seen = f". {column} holds {values[0][:60]!r}: say how it is written"
    named = " || ' ' || ".join(map(_named, column.split(" || ' ' || ")))
    fitting = _fitting(values)
    if not fitting:
        return (
            f"{seen} in the signs of DuckDB's strptime, as --column"
            f" time=\"strptime({named}, '%d %b %Y %H:%M:%S')\" says of 2 Jan 2025 15:04:05"
        )
    first = fitting[0]
    day, rest = next((day, first[len(day) :]) for day in DAYS if first.startswith(day))
    turned = MONTH_FIRST.get(day, "") + rest
    other = f"; if the day is, {turned!r}" if turned in fitting else ""
    firsts = {"%m": "month", "%d": "day"}
    order = firsts.get(day[:2], "year") + " first"
    return f"{seen}, as in --column time=\"strptime({named}, '{first}')\" ({order}{other})"


def _named(column: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_]\w*", column) and not _is_reserved(column)
    return column if plain else f'\\"{column}\\"'


def _is_reserved(word: str) -> bool:
    """Whether a word means something to SQL, as `when` does."""
    with duckdb.connect() as db:
        found = db.execute(
            "SELECT 1 FROM duckdb_keywords() WHERE keyword_name = ?"
            " AND keyword_category = 'reserved'",
            [word.lower()],
        ).fetchone()
    return found is not None


def _fitting(values: Sequence[str]) -> list[str]:
    """The formats that read all of the values as times of our days, as the database reads them."""
    made = (f"{day}{between}{hour}" for day in DAYS for hour in HOURS for between in BETWEEN)
    formats = [each for each in (*made, *DAYS) if _reads(each, values[0])]
    if not formats:
        return []
    reads = (
        f"bool_and(coalesce(year(try_strptime(v, {quoted(each)})) BETWEEN {FIRST} AND {LAST},"
        " false))"
        for each in formats
    )
    with duckdb.connect() as db:
        (told,) = db.execute(
            f"SELECT {', '.join(reads)} FROM (SELECT unnest(?) AS v)",  # noqa: S608 - our own
            [list(values)],
        ).fetchall()
    return [each for each, is_read in zip(formats, told, strict=True) if is_read]


def _reads(form: str, value: str) -> bool:
    """Whether Python reads a value so; to ask the database of a thousand formats takes long."""
    try:
        datetime.strptime(value, form.replace("%g", "%f"))
    except ValueError:
        return False
    return True
