"""The first page of the appendix: what the user's log is, and what was taken from it.

A report is handed on; so no row of the log is quoted in it, and of keys only what names a page: the
values of parameters, and whatever looks like a secret, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cachelib.evidence.mask import handed_on
from cachelib.report import language
from cachelib.report.numbers import shown

SHARES = {
    "method": "method", "status": "status", "host": "host", "cache": "what the cache said",
    "content_type": "kind of content", "colos": "data centre", "bot": "who asks",
    "subrequest": "asked by a Worker itself",
}  # fmt: skip
LONGEST = 80


def log_page(told: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a log in the words of the report: facts, rows, mapping, shares, keys."""
    top = [(_named(key), n) for key, n in told["top_keys"].items()]
    return {
        "facts": dict(_facts(told)),
        "rows": told["rows"],
        "requests": told["requests"],
        "filtered": told["filtered"],
        "skipped": told["skipped"],
        "mapping": told["mapping"],
        "columns": list(told["columns"]),
        "shares": {
            name: ", ".join(f"{value} {share}" for value, share in told[role].items())
            for role, name in SHARES.items()
            if told.get(role)
        },
        "top": top,
        "named_alike": len({name for name, _ in top}) < len(top),
    }


def _facts(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "format", f"{told['format']}; {told['why']}"
    if told["wrapped_in"]:
        yield "wrapped by", ", ".join(told["wrapped_in"])
    yield "files", shown(told["files"])
    time, order = told["time"], told["order"]
    yield "time", f"{time['from']} to {time['to']}, {language.duration(time['span_s'])}"
    yield "rate", f"{shown(time['requests_per_s'])} requests a second; over time {time['rate']}"
    if "longest_gap" in time:
        yield "longest gap", time["longest_gap"]
    if time["written_in"]:
        named = {"text": "dates"}
        said = (f"{named.get(unit, unit)} ({n:,})" for unit, n in time["written_in"].items())
        yield "times written in", ", ".join(said)
    yield "out of order", language.counted(order["out_of_order"], "request")
    yield "at the time of the one before", language.counted(order["same_time_as_before"], "request")
    if order["rows_like_another"]:
        yield "like another to the letter", language.counted(order["rows_like_another"], "row")
    yield "taken as", ", ".join(f"{n:,} {what}" for what, n in told["taken_as"].items() if n)
    keys = told["keys"]
    hosts = language.counted(keys["hosts"], "host") if keys["hosts"] else "hosts that are not named"
    yield "keys", f"{keys['distinct']:,} of {hosts}"


def _named(key: str) -> str:
    """Two keys may be named alike: they are two all the same."""
    text = handed_on(key)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
