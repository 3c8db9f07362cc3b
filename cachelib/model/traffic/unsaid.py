"""What no column of a log was taken for, though without it every row counts as a plain read."""

from __future__ import annotations

from cachelib.model.traffic.account import Account, Remark

COUNTS = {
    "method": "every request counts as a read",
    "status": "answers of every status count as values",
}


def unsaid(account: Account) -> list[Remark]:
    """Of a log with columns of its own, of which some were taken for nothing.

    A log that says what was done (`op`), as caches' own traces do, has neither.
    """
    if not account.unread or "op" in account.mapping:
        return []
    absent = [role for role in COUNTS if role not in account.mapping]
    if not absent:
        return []
    options = " ".join(f"--column {role}=NAME" for role in absent)
    return [
        Remark(
            "unsaid",
            f"No column of the log was taken for the {' or the '.join(absent)}:"
            f" {' and '.join(COUNTS[role] for role in absent)}. If a column says it, name it:"
            f" columns in the case's log section, or {options}.",
        )
    ]
