"""Times as logs write them: the unit of each is told by its size, row by row."""

from __future__ import annotations

import re

from cachelib.model.traffic.logs.requests import quoted

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
TEXT, SECONDS, MILLI, MICRO, NANO = range(5)
# Seconds since 1970 stay below 1e11 until the year 5138; what is larger is a finer unit.
MAX = 1e11
STAMPS = (
    "%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S.%g", "%d/%b/%Y:%H:%M:%S", "%d/%b/%Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %Z", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
CLF_STAMP = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}")
NONE = ("NULL::DOUBLE", f"{SECONDS}::UTINYINT")


def seconds(kind: str, unit: str, *, clf: bool) -> tuple[str, str]:
    """SQL over `_t`, of the database's type `kind`: seconds since 1970, and the unit it is in.

    `unit`: of numbers, or auto. `clf`: the times seen are those of Common Log Format. A time
    without a zone is in UTC.
    """
    if "TIME" in kind or kind == "DATE":
        return "epoch(_t)", f"{TEXT}::UTINYINT"
    # A cast that fails is slow, and a number has no colon.
    cast = "CASE WHEN contains(_t, ':') THEN NULL ELSE try_cast(_t AS DOUBLE) END"
    number = "_t" if kind != "VARCHAR" else f"({cast})"
    scaled, written = _scaled(number, unit)
    if kind != "VARCHAR":
        return f"CAST({scaled} AS DOUBLE)", written
    first = f"epoch(try_strptime(_t, {quoted(STAMPS[0])}))"
    iso = "epoch(try_cast(_t AS TIMESTAMPTZ))"
    other = f"epoch(try_strptime(_t, [{', '.join(map(quoted, STAMPS))}]))"
    if clf:  # the quickest first
        return f"coalesce({first}, {scaled}, {iso}, {other})", f"{TEXT}::UTINYINT"
    return f"coalesce({scaled}, {iso}, {other})", written


def _scaled(number: str, unit: str) -> tuple[str, str]:
    if unit != "auto":
        return f"{number} / {UNITS[unit]}", f"{list(UNITS).index(unit) + 1}::UTINYINT"
    size = f"abs({number})"
    scaled = (
        f"CASE WHEN {size} < 1e11 THEN {number} WHEN {size} < 1e14 THEN {number} / 1e3"
        f" WHEN {size} < 1e17 THEN {number} / 1e6 ELSE {number} / 1e9 END"
    )
    written = (
        f"CASE WHEN {number} IS NULL THEN {TEXT} WHEN {size} < 1e11 THEN {SECONDS}"
        f" WHEN {size} < 1e14 THEN {MILLI} WHEN {size} < 1e17 THEN {MICRO} ELSE {NANO} END"
    )
    return scaled, f"CAST({written} AS UTINYINT)"
