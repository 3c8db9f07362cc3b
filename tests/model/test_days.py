"""Requests by the day: whole ones, from midnight to midnight."""

from __future__ import annotations

import numpy as np

from cachelib.model.engines.days import Days, whole_days

DAY = 86_400.0


def test_days_that_are_not_whole_are_left_out() -> None:
    time = np.array([10 * 3_600, DAY, 1.5 * DAY, 2 * DAY, 3 * DAY, 3.2 * DAY])
    assert whole_days(time) == (2, 1)


def test_a_month_from_midnight_is_whole_and_a_day_may_have_none() -> None:
    assert whole_days(np.array([60.0, 2 * DAY + 5, 3 * DAY - 60])) == (1, 0, 2)


def test_pieces_say_what_the_whole_does() -> None:
    time = np.sort(np.random.default_rng(1).uniform(0.3 * DAY, 9.8 * DAY, 500))
    days = Days()
    for piece in np.array_split(time, 7):
        days.take(piece)
    assert days.whole == whole_days(time)
    assert len(days.whole) == 8


def test_nothing_has_no_days() -> None:
    assert whole_days(np.empty(0)) == ()
    assert whole_days(np.array([30_000.0, 50_000.0])) == ()
