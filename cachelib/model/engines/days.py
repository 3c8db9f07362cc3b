"""Requests by the day, from midnight to midnight UTC: allowances hold for these."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from cachelib.model.traffic.generator import DAY_S

EDGE_S = 3_600.0
"""So soon after midnight the first request comes, and so late the last, of a day that is whole."""


class Days:
    """Counts the requests of a trace, in pieces, for each day: they are in order of time."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.first_s, self.last_s = np.inf, -np.inf

    def take(self, time_s: npt.NDArray[np.float64]) -> None:
        if not len(time_s):
            return
        days = range(int(time_s[0] // DAY_S), int(time_s[-1] // DAY_S) + 1)
        ends = np.searchsorted(time_s, [(day + 1) * DAY_S for day in days])
        self.asked.update(dict(zip(days, np.diff(ends, prepend=0).tolist(), strict=True)))
        self.first_s = min(self.first_s, float(time_s[0]))
        self.last_s = float(time_s[-1])

    @property
    def whole(self) -> tuple[int, ...]:
        """The requests of each whole day, in order, those without any among them."""
        if not self.asked:
            return ()
        first = int((self.first_s - EDGE_S) // DAY_S) + 1
        last = int((self.last_s + EDGE_S) // DAY_S)
        return tuple(self.asked[day] for day in range(first, last))


def whole_days(time_s: npt.NDArray[np.float64]) -> tuple[int, ...]:
    """The same of all requests at once."""
    days = Days()
    days.take(time_s)
    return days.whole
