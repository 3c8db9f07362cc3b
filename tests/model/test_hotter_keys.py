"""What a sample of keys states of its error holds, however few keys are a large part of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cachelib.model.judgement.hotter_keys import hotter
from cachelib.model.judgement.intervals import KEY_GROUPS

RATE = 0.1
TRIES = 200


def whole(zipf: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Each key's requests in a day, and the hits among them in a cache with lives of an hour."""
    share = np.arange(1, 4_001) ** -zipf
    asked = np.random.default_rng(5).poisson(40_000 * share / share.sum()).astype(float)
    return asked, asked * (asked / 24) / (1 + asked / 24)


def error_within(asked: Any, hits: Any, group: Any) -> float:
    """The spread of groups of the sample's keys, each left out once."""
    n, h = (np.bincount(group, weights=of, minlength=KEY_GROUPS) for of in (asked, hits))
    without = (h.sum() - h) / (n.sum() - n)
    spread = ((without - without.mean()) ** 2).sum() * (KEY_GROUPS - 1) / KEY_GROUPS
    return 2.09 * math.sqrt(spread * (1 - RATE))


@pytest.mark.parametrize("zipf", [0.6, 0.8, 1.0, 1.2])
def test_nine_in_ten_samples_are_as_near_the_whole_as_they_state(zipf: float) -> None:
    chance = np.random.default_rng(1)
    asked, hits = whole(zipf)
    truth, near, near_without = hits.sum() / asked.sum(), 0, 0
    for _ in range(TRIES):
        there = chance.random(len(asked)) < RATE
        a, h = asked[there], hits[there]
        away = abs(h.sum() / a.sum() - truth)
        within = error_within(a, h, chance.integers(KEY_GROUPS, size=len(a)))
        near += away <= math.hypot(within, hotter(a, RATE, h).of_hits)
        near_without += away <= within
    assert near >= 0.9 * TRIES
    assert near_without < near


@pytest.mark.parametrize("zipf", [0.6, 0.8, 1.0])
def test_so_is_the_number_of_requests(zipf: float) -> None:
    chance = np.random.default_rng(2)
    asked, _ = whole(zipf)
    near = 0
    for _ in range(TRIES):
        a = asked[chance.random(len(asked)) < RATE]
        groups = np.bincount(chance.integers(KEY_GROUPS, size=len(a)), weights=a)
        within = 2.09 * groups.std(ddof=1) / math.sqrt(len(groups)) / groups.mean()
        away = abs(a.sum() / RATE - asked.sum()) / (a.sum() / RATE)
        near += away <= math.hypot(within, hotter(a, RATE).of_requests)
    assert near >= 0.85 * TRIES


def test_keys_that_are_all_as_popular_hide_none() -> None:
    even = np.full(100, 50.0)
    assert hotter(even, 0.5, even / 2).of_hits == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("asked", [[], [7.0], [3.0, 0.0]])
def test_too_few_keys_tell_nothing(asked: list[float]) -> None:
    assert hotter(np.array(asked), 0.1, np.array(asked)) == (0, 0)


def test_the_whole_lacks_nothing_and_a_millionth_ends() -> None:
    asked = np.array([9.0, 5, 2, 1])
    assert hotter(asked, 1.0, asked / 2) == (0, 0)
    assert 0 < hotter(asked, 1e-9, asked / 2).of_hits < math.inf


def test_a_small_sample_by_hand() -> None:
    """Three keys of a quarter: three hotter ones, each in its turn, as the slope of these says."""
    asked, hits, rate = [8.0, 4.0, 2.0], [4.0, 1.0, 0.0], 0.25
    falls = (math.log(8 / 2) + math.log(4 / 2)) / 2
    falls += falls / math.sqrt(2)
    hotter_by = [(4 / rank) ** falls for rank in (1, 2, 3)]
    requests = [8 * times / 4 for times in hotter_by]  # in the sample's measure: a quarter
    shares = [each / (14 + sum(requests)) for each in requests]
    there = (5 + 0.5) / (14 + 1)
    odds = [there / (1 - there) * times for times in hotter_by]
    away = [each / (1 + each) - 5 / 14 for each in odds]
    spread = 1.96 * math.sqrt(3)
    found = hotter(np.array(asked), rate, np.array(hits))
    by_hand = math.sqrt(sum((s * a) ** 2 for s, a in zip(shares, away, strict=True)))
    assert found.of_hits == pytest.approx(spread * by_hand)
    assert found.of_requests == pytest.approx(spread * math.sqrt(sum(s**2 for s in shares)))


def test_popularity_is_told_by_the_head_alone() -> None:
    head = [1_000 / rank for rank in range(1, 52)]
    short, long = (np.array([*head, *[total / n] * n]) for total, n in ((500, 50), (500, 500)))
    assert hotter(short, RATE, short / 2) == pytest.approx(hotter(long, RATE, long / 2))
    without_the_last = np.array([*head[:50], head[50] / 2, *[(500 + head[50] / 2) / 50] * 50])
    assert hotter(without_the_last, RATE) != pytest.approx(hotter(short, RATE))


def test_two_keys_and_a_half_are_enough_and_a_key_that_was_asked_once_counts() -> None:
    """Of a half one hotter key is expected, twice as popular by the slope of two."""
    falls = math.log(4 / 1)  # of one key before the last
    falls += falls
    share = 4 * 2**falls / 2 / (5 + 4 * 2**falls / 2)
    found = hotter(np.array([4.0, 1.0]), 0.5)
    assert found.of_requests == pytest.approx(1.96 * share)
    assert found.of_hits == 0


def test_the_five_most_asked_keys_tell_how_well_a_hotter_one_would_be_found() -> None:
    asked = np.array([9.0, 8, 7, 6, 5, 4])
    first, sixth = (np.where(np.arange(6) == nth, asked, 0.0) for nth in (4, 5))
    found = hotter(asked, RATE, first + sixth).of_hits
    rank = np.arange(1, 10)
    head = np.log(asked[:-1] / asked[-1]).mean()
    times = (1 / (RATE * rank)) ** (head + head / math.sqrt(5))
    share = 9 * times * RATE / (39 + (9 * times * RATE).sum())
    odds = (5.5 / 36) / (1 - 5.5 / 36) * times  # five of the first five's 35, and half of one more
    away = odds / (1 + odds) - 9 / 39
    spread = 1.96 * math.sqrt((1 - RATE) / RATE)
    assert found == pytest.approx(spread * math.sqrt(((share * away) ** 2).sum()))
