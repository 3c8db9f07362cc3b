"""What is said of a log whose clock was put back by an hour, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cachelib.model.traffic.account import Account, Remark

HOUR_S = 3_600


def put_back(account: Account, material: float) -> Iterator[Remark]:
    """An hour that comes twice makes a log seem shorter; asked about where that is `material`."""
    share = HOUR_S / max(account.span_s, HOUR_S)
    answer = "" if share <= material else (
        "Give times in UTC or with their zone, or a log that begins after that hour; if it is no"
        " change of the clock, sort the log by time."
    )  # fmt: skip
    for begins in account.put_back:
        when = datetime.fromtimestamp(begins, UTC)
        yield Remark(
            "clock",
            f"The log's times go back by an hour at {when:%Y-%m-%d %H:%M}, as local times do when"
            " summer time ends: two hours of requests are taken for one, so that the log seems an"
            f" hour shorter than it is and a month has {100 * share:.2g} % too many requests.",
            answer,
        )
