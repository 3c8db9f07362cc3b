"""Numbers as people say them."""

from __future__ import annotations

import pytest

from cachelib.report.language import Comparison, beyond, exactly, in_so_many


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "none"), (0.0004, "4 in 10,000"), (0.0032, "3 in 1,000"), (0.03, "3 in 100"),
        (0.094, "9 in 100"), (0.095, "1 in 10"), (0.68, "7 in 10"), (0.949, "9 in 10"),
        (0.96, "96 in 100"), (0.995, "all but 5 in 1,000"), (0.9996, "all"), (1.0, "all"),
    ],
)  # fmt: skip
def test_a_share_is_told_as_so_many_of_a_round_number(share: float, said: str) -> None:
    assert in_so_many(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (54.6, "54.6 s"), (119, "119 s"), (120, "2 min"), (157, "2 min 37 s"),
        (4_420, "1 h 13 min 40 s"), (86_400, "1 day"), (176_401, "2 days 1 h 1 s"),
    ],
)  # fmt: skip
def test_a_setting_is_told_to_all_its_places(seconds: float, said: str) -> None:
    assert exactly(seconds).replace("\xa0", " ") == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.08, "8 % beyond"), (1.62, "162 % beyond"), (145.23, "146 times"), (2.0, "3 times")],
)
def test_a_limit_is_missed_by_so_much_or_so_many_times_over(share: float, said: str) -> None:
    assert beyond(share).replace("\u00a0", " ") == said
    short = said.replace("beyond", "short of")
    assert beyond(share, is_least=True).replace("\u00a0", " ") == short


def test_times_that_nobody_could_tell_apart_are_the_same() -> None:
    assert Comparison(0.0747, 0.073, "ms").same
    assert Comparison(13.4, 11.7, "ms").more
    assert Comparison(0.3, 0.1, "ms").more
    assert Comparison(0.0747, 0.073, "hours").more
