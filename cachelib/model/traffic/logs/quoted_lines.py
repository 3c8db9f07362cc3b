"""Common Log Format cut at its quotes, which takes half as long as matching its pattern."""

# ruff: noqa: S608 - the texts put into queries are written here

from __future__ import annotations

from collections.abc import Sequence

STAMP = 26
"""Letters of a time as in 10/Oct/2025:13:00:00 +0000."""
TAIL = r"^ (\d{3}) (\d+|-)"


def cut_or_matched(rows: str, groups: Sequence[str], matched: str) -> str:
    """SQL for the rows with `_r`, the `groups` of their `_inner`; `matched` is SQL for the same by
    the pattern, which decides wherever a line is not as plain as most are."""
    parts = {
        "time": f"substr(_cut[1], _at + 1, {STAMP})",
        "request": "_cut[2]",
        "status": "_tail.status",
        "bytes": "_tail.bytes",
    }
    found = ", ".join(f"'{name}': {parts[name]}" for name in groups)
    plain = (
        f"length(_cut[1]) = _at + {STAMP + 2} AND strpos(_cut[1], ']') = _at + {STAMP + 1}"
        " AND ends_with(_cut[1], ' ')"
        " AND NOT ends_with(_cut[2], '\\') AND _tail.status <> ''"
    )
    for step in (
        "string_split(_inner, '\"') AS _cut",
        "strpos(_cut[1], '[') AS _at,"
        f" regexp_extract(_cut[3], '{TAIL}', ['status', 'bytes']) AS _tail",
        f"CASE WHEN {plain} THEN {{{found}}} ELSE {matched} END AS _r",
    ):
        rows = f"(SELECT *, {step} FROM {rows})"
    return rows
