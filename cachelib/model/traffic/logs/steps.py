"""What a row is, step by step: each step names what the next ones ask for repeatedly.

Within one step the database would compute again what stands in several branches, and plan it
again: a query in one step takes twice as long.
"""

# ruff: noqa: S608 - the user's expressions are parsed before, and run where only rows can be read

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cachelib.model.traffic.account import THE_FILTER
from cachelib.model.traffic.log_reading import Reading
from cachelib.model.traffic.logs import times
from cachelib.model.traffic.logs.columns import lowered
from cachelib.model.traffic.logs.recipes import applied
from cachelib.model.traffic.logs.requests import (
    SUBREQUEST,
    filters,
    operation,
    plain_words,
    quoted,
    undecided,
)

NO_TIME = "no time"
DESCRIBED = ("method", "status", "host", "cache", "content_type")
SHOWN = "shown_"  # begins the columns whose values a description counts


class Asked(NamedTuple):
    """One query in two forms: `hasty` fails on a row that is not JSON, where `careful` says so.

    To be ready for such a row at any time takes a tenth of the time.
    """

    hasty: str
    careful: str


def in_steps(
    rows: str,
    roles: Mapping[str, str],
    reading: Reading,
    *,
    ignored: Mapping[str, str],
    where: str | None,
    time: times.Time,
    bytes_as_text: bool,
    empty_is_no_key: bool,
    described: bool,
    whole: str | None,
    once: str | None = None,
) -> str:
    """The query over `rows`, whose columns hold the `roles`.

    `ignored`: by reason, the column that is true of rows which are ignored for it. `where`: the
    user's filter. `whole`: all of a row, for a description. `once`: what rows of one request share.
    """
    said = {
        "_reason": "coalesce(_bad, _unread)",
        "_t": roles.get("time", "NULL"),
        "key": _key(roles["key"], reading, empty_is_none=empty_is_no_key),
        "host": _host(roles, reading),
        "colo": f"CAST({roles['colo']} AS VARCHAR)" if "colo" in roles else "NULL::VARCHAR",
        "size": _bytes(roles.get("size"), text=bytes_as_text),
        "ttl": _life(roles.get("ttl")),
        "sampled": _number(roles.get("sampling")),
        **plain_words(roles),
        **{column: column for column in ignored.values()},
    }
    if where:
        said["_kept"] = f"coalesce(CAST({where} AS BOOLEAN), false)"
    if described:
        said |= _shown(roles, ignored)
        # DuckDB's own hash() is the same for lines that differ in one figure.
        said["_whole"] = f"md5_number_lower({whole})" if whole else "NULL::UBIGINT"
    if once:
        said |= {"once": once, "answered": "_code IS NOT NULL" if "status" in roles else "false"}
    taken = {"_n": time.number, "op": operation(roles, reading)}
    known = {
        "unit": time.unit,
        "time": time.seconds,
        "undecided": undecided(roles, reading),
        "filtered": _filtered(roles, ignored, where, reading),
    }
    for step in (said, taken, known):
        before = "_file, _line" if step is said else "*"
        named = ", ".join(f"{sql} AS {name}" for name, sql in step.items())
        rows = f"(SELECT {before}, {named} FROM {rows})"
    shown = "".join(f", {name}" for name in said if name.startswith(SHOWN))
    shown += ", _whole AS whole" if described else ""
    shown += ", once, answered" if once else ""
    return (
        "SELECT _file, _line, unit, time, key, hash(key) AS hash, host, colo,"
        " CAST(op AS UTINYINT) AS op, undecided,"
        f" size, ttl, sampled, filtered{shown}, {_skipped(timed='time' in roles)} AS skipped"
        f" FROM {rows}"
    )


def _shown(roles: Mapping[str, str], ignored: Mapping[str, str]) -> dict[str, str]:
    """SQL for what a description counts the values of, by name; only what the log has."""
    found = {role: lowered(role, roles) for role in DESCRIBED if role in roles}
    if "host" not in roles:  # it may stand in a whole URL
        found["host"] = f"host_of(CAST({roles['key']} AS VARCHAR))"
    if "agent" in roles:
        agent = f"CAST({roles['agent']} AS VARCHAR)"
        found["bot"] = (
            f"CASE WHEN coalesce({agent}, '') IN ('', '-') THEN ''"
            f" WHEN is_bot({agent}) THEN 'a bot, by its name' ELSE 'no bot, by its name' END"
        )
    if SUBREQUEST in ignored:
        found["subrequest"] = (
            f"CASE WHEN {ignored[SUBREQUEST]} THEN 'yes' ELSE 'not said to be' END"
        )
    return {SHOWN + name: sql for name, sql in found.items()}


def _key(sql: str, reading: Reading, *, empty_is_none: bool) -> str:
    key = f"CAST({sql} AS VARCHAR)"
    return applied(reading.normalise, f"nullif({key}, '')" if empty_is_none else key)


def _host(roles: Mapping[str, str], reading: Reading) -> str:
    """A key of the user's own has the host in it, if it is meant to be there."""
    if "host" not in roles or "key" in reading.expressions:
        return "NULL::VARCHAR"
    return f"lower(nullif(nullif({roles['host']}, ''), '-'))"


def _filtered(
    roles: Mapping[str, str], ignored: Mapping[str, str], where: str | None, reading: Reading
) -> str:
    reasons = filters(roles, ignored, reading)
    if where:
        reasons.append(f"WHEN NOT _kept THEN {quoted(THE_FILTER)}")
    return f"CASE {' '.join(reasons)} END" if reasons else "NULL::VARCHAR"


def _skipped(*, timed: bool) -> str:
    """SQL for why a row is no request that can be counted."""
    unlikely = f"coalesce(abs(time), 1e20) >= {times.MAX}" if timed else "false"
    return f"""coalesce(_reason, CASE
        WHEN filtered IS NOT NULL THEN NULL
        WHEN key IS NULL OR key = '' THEN 'no key'
        WHEN {unlikely} THEN {quoted(NO_TIME)}
        WHEN op IS NULL THEN 'an operation that is neither read, write nor delete'
        WHEN size < 0 THEN 'a negative size' END)"""


def _bytes(sql: str | None, *, text: bool) -> str:
    if sql is None:
        return "0::BIGINT"
    # A cast that fails is slow, and a dash is how most logs write nothing.
    said = f"nullif({sql}, '-')" if text else sql
    number = f"nullif(try_cast({said} AS BIGINT), -1)"  # says nothing, too
    return f"least(coalesce({number}, 0), 2147483647)"


def _number(sql: str | None) -> str:
    return "NULL::DOUBLE" if sql is None else f"try_cast({sql} AS DOUBLE)"


def _life(sql: str | None) -> str:
    return "0::DOUBLE" if sql is None else f"coalesce(try_cast({sql} AS DOUBLE), 0)"
