"""Times as logs write them: the unit of each is told by its size, row by row."""

from __future__ import annotations

import re
from typing import NamedTuple

from cachelib.model.traffic.logs.requests import quoted

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
TEXT, SECONDS, MILLI, MICRO, NANO = range(5)
# Seconds since 1970 stay below 1e11 until the year 5138; what is larger is a finer unit.
MAX = 1e11
SHORT_YEAR = r"^\d\d?[./-]\w{1,3}[./-]\d\d(\D|$)"
STAMPS = (
    "%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S.%g %z", "%d/%b/%Y:%H:%M:%S.%g",
    "%d/%b/%Y:%H:%M:%S", "%d/%b/%Y %H:%M:%S",
    # a zone's name last: a number would be taken for one, that nobody knows
    "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z",
    "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %I:%M:%S %p", "%Y/%m/%d %I:%M:%S %p",
    "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y",
    "%a %b %d %H:%M:%S %Z %Y",
    "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%f %z", "%b %d, %Y @ %H:%M:%S.%g",
    "%A, %d-%b-%y %H:%M:%S %Z",
    "%d-%b-%Y %H:%M:%S", "%b %d %Y %H:%M:%S", "%b %d, %Y %H:%M:%S", "%b %d, %Y, %I:%M:%S %p",
    "%b %d, %Y %I:%M:%S %p", "%Y%m%d-%H:%M:%S", "%Y-%jT%H:%M:%SZ",
    "[%Y-%m-%d %H:%M:%S]", "[%d/%b/%Y:%H:%M:%S %z]",
    "%Y-%m-%d %H:%M:%S %z UTC", "%Y-%m-%d %H:%M:%S.%f %z UTC",  # of Go's time.String
    "%a %b %d %Y %H:%M:%S GMT%z (Coordinated Universal Time)",  # of a JavaScript Date
    "%B %dst %Y, %H:%M:%S.%g", "%B %dnd %Y, %H:%M:%S.%g", "%B %drd %Y, %H:%M:%S.%g",
    "%B %dth %Y, %H:%M:%S.%g",  # of Kibana before its version 7
)  # fmt: skip
HOUR = re.compile(r"\d\d?:\d\d(:\d\d([.,]\d+)?)?( ?[AP]M|Z| ?[-+]\d\d:?\d\d)?", re.I)
EXCEL_DAY = re.compile(r"[345]\d{4}[.,]\d{4,}")
"""Days since 1900, of 1982 to 2064, as tables write dates that nobody formatted."""
CLF_STAMP = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [-+]\d{4}")


class Time(NamedTuple):
    """SQL over `_t`, a time as it is written, for it as a `number`; and over that, `_n`, for
    `seconds` since 1970 and the `unit` it was written in."""

    number: str
    seconds: str
    unit: str


NO_NUMBER = "NULL::DOUBLE"
NONE = Time(NO_NUMBER, NO_NUMBER, f"{SECONDS}::UTINYINT")


def asked_of_days(column: str) -> str:
    """What to ask of times that may be a spreadsheet's."""
    return (
        f"are the times in {column} days since 1900, as a spreadsheet counts them? Then say"
        f' --column time="({column} - 25569) * 86400"; if they are seconds, --time-unit s'
    )


def told(kind: str, unit: str, *, clf: bool) -> Time:
    """How to take a time of the database's type `kind`; one without a zone is in UTC.

    `unit`: of numbers, or auto. `clf`: the times seen are those of Common Log Format.
    """
    if "TIME" in kind or kind == "DATE":
        # The database knows no seconds of a time in nanoseconds with a zone.
        coarse = kind.replace("_NS", "").replace(" NS", "") if "NS" in kind else ""
        time = f"CAST(_t AS {coarse})" if coarse else "_t"
        return Time(NO_NUMBER, f"epoch({time})", f"{TEXT}::UTINYINT")
    scaled, written = _scaled(unit)
    if kind != "VARCHAR":
        return Time("CAST(_t AS DOUBLE)", scaled, written)
    # A cast that fails is slow, and a number has no colon; 20251010130000 is a date without any.
    date = "length(_t) = 14 AND starts_with(_t, '20') AND NOT contains(_t, '.')"
    seconds = "try_cast(replace(_t, ',', '.') AS DOUBLE)"
    number = f"CASE WHEN contains(_t, ':') OR {date} THEN NULL ELSE {seconds} END"
    first = f"epoch(try_strptime(_t, {quoted(STAMPS[0])}))"
    iso = "epoch(try_cast(_t AS TIMESTAMPTZ))"
    # Many languages' loggers write a comma before the milliseconds.
    comma = "epoch(try_cast(replace(_t, ',', '.') AS TIMESTAMPTZ))"
    stamps = f"[{', '.join(map(quoted, STAMPS))}]"
    # %Y takes 25 for a year, too. It is asked of the text: asked of what was read, every row would
    # be read so, whether it has to be or not.
    long = f"CASE WHEN NOT regexp_matches(_t, {quoted(SHORT_YEAR)}) THEN _t END"
    stamped = f"epoch(try_strptime({long}, {stamps}))"
    other = f"{comma}, {stamped}, {_leap(stamps)}"
    if clf:  # the quickest first
        return Time(number, f"coalesce({first}, {scaled}, {iso}, {other})", f"{TEXT}::UTINYINT")
    # What is no number is asked first whether it is RFC 3339: that most logs are.
    dated = f"CASE WHEN _n IS NULL THEN {iso} END"
    return Time(number, f"coalesce({dated}, {scaled}, {other})", written)


def _leap(stamps: str) -> str:
    """A second that is put in at the end of a day, as the one after the last: so does POSIX."""
    before = "replace(_t, ':59:60', ':59:59')"
    iso = f"epoch(try_cast({before} AS TIMESTAMPTZ))"
    stamped = f"epoch(try_strptime({before}, {stamps}))"
    return f"CASE WHEN contains(_t, ':59:60') THEN 1 + coalesce({iso}, {stamped}) END"


def _scaled(unit: str) -> tuple[str, str]:
    if unit != "auto":
        return f"_n / {UNITS[unit]}", f"{list(UNITS).index(unit) + 1}::UTINYINT"
    scaled = (
        "CASE WHEN abs(_n) < 1e11 THEN _n WHEN abs(_n) < 1e14 THEN _n / 1e3"
        " WHEN abs(_n) < 1e17 THEN _n / 1e6 ELSE _n / 1e9 END"
    )
    written = (
        f"CASE WHEN _n IS NULL THEN {TEXT} WHEN abs(_n) < 1e11 THEN {SECONDS}"
        f" WHEN abs(_n) < 1e14 THEN {MILLI} WHEN abs(_n) < 1e17 THEN {MICRO} ELSE {NANO} END"
    )
    return scaled, f"CAST({written} AS UTINYINT)"
