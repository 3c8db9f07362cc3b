"""Regret, its errors, and what knowing is worth: exactly, on few draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cachelib.model.case.criteria import Criteria
from cachelib.model.judgement import regret
from cachelib.model.judgement.options import Option
from cachelib.model.judgement.regret import BINS, SHUFFLES, explained, losses
from cachelib.model.judgement.ties import NOBODY, Standing
from cachelib.model.tiers.design import Design

PLAIN = Criteria()


def standing(score: Any, kept: Any = None, **broken: Any) -> Standing:
    values = np.array(score, float)
    flags = np.ones(values.shape, bool) if kept is None else np.array(kept, bool)
    alive = flags & ~np.isnan(values)
    held = np.where(alive, values, np.inf)
    tied = alive & (held <= held.min(axis=0))
    chosen = np.where(alive.any(axis=0), held.argmin(axis=0), NOBODY)
    some = tuple(Option(Design(name=name), {}) for name in "abcde"[: len(values)])
    return Standing(some, {}, values, broken, flags, tied, chosen)


def test_a_share_of_draws_has_the_binomial_s_error() -> None:
    found = regret.share(np.array([True, False, False, False]))
    assert (found.value, found.error) == (0.25, pytest.approx(math.sqrt(0.25 * 0.75 / 4)))


def test_of_few_losses_mean_and_percentile_and_their_errors_by_hand() -> None:
    loss = np.array([0.0, 4.0, 2.0, 10.0])
    found = regret.regret(loss)
    assert found.mean == 4
    assert found.mean_error == pytest.approx(math.sqrt((16 + 0 + 4 + 36) / 3 / 4))
    assert found.p95 == pytest.approx(4 + 0.85 * 6)
    assert found.p95_error == 0  # both neighbours are the last one
    assert regret.regret(np.array([3.0])) == regret.Regret(3, 0, 3, 0)
    twenty = regret.regret(np.arange(20.0) ** 2)
    assert twenty.p95_error == (19**2 - 18**2) / 2  # one deviation, 0.97, about the 19th


def test_the_percentile_s_error_is_half_of_where_it_would_lie_a_deviation_away() -> None:
    """Of 0, 1, ... 999: the deviation is that of 950 of 1,000, 6.9."""
    found = regret.regret(np.random.default_rng(1).permutation(1_000).astype(float))
    assert found.p95 == pytest.approx(0.95 * 999)
    assert found.p95_error == (956 - 943) / 2


def test_a_breach_costs_what_the_dearest_that_stands_costs_more_than_the_best() -> None:
    kept = [[False, True], [True, True], [True, False]]
    found = losses(PLAIN, standing([[1, 5], [4, 9], [10, 2]], kept))
    assert found.tolist() == [[6, 0], [0, 4], [6, 4]]
    dear = losses(Criteria(broken_limit=50), standing([[1, 5], [4, 9], [10, 2]], kept))
    assert dear.tolist() == [[50, 0], [0, 4], [6, 50]]
    above = losses(Criteria(broken_limit=50), standing([[9.0], [4.0]], [[False], [True]]))
    assert above[:, 0].tolist() == [55, 0]


def test_where_nothing_stands_nothing_is_lost_and_what_is_not_stated_stays_unknown() -> None:
    found = losses(PLAIN, standing([[1, 5], [math.nan, math.nan]], [[False, True], [True, True]]))
    assert found[0].tolist() == [0, 0]
    assert np.isnan(found[1]).all()


def test_how_an_option_fares_is_counted_over_the_draws() -> None:
    kept = [[True, True, False, True], [True, True, True, True]]
    found = regret.sureness(PLAIN, standing([[1, 5, 1, 2], [1, 3, 4, 6]], kept))
    a, b = found["a"], found["b"]
    assert (a.keeps.value, a.best.value, a.chosen.value) == (0.75, 0.5, 0.5)
    assert (b.keeps.value, b.best.value, b.chosen.value) == (1, 0.75, 0.5)
    assert (a.regret.mean, b.regret.mean) == (0.5, 1)


def test_what_orders_nothing_explains_nothing_and_what_orders_all_explains_all() -> None:
    steps = np.repeat(np.arange(BINS, dtype=float), 3)
    assert explained(steps) == 1
    assert explained(np.tile([0.0, 1.0, 2.0], BINS)) == 0
    assert explained(np.full(60, 7.0)) == 0
    assert explained(np.arange(39.0)) == 0  # one in a bin says nothing of the noise in it
    assert explained(np.arange(40.0)) > 0.9


def test_what_is_explained_is_the_variance_between_bins_less_the_noise() -> None:
    """Bins of two around 0, 10, 0, 10, ...: one below, one above."""
    means = np.tile([0.0, 10.0], BINS // 2)
    ordered = (means[:, None] + [-1.0, 1.0]).ravel()
    within = 2.0  # of two values two apart
    between = 25 * BINS / (BINS - 1) - within / 2
    assert explained(ordered) == pytest.approx(between / (between + within))
    left_over = np.append(ordered, 1e9)  # what fills no bin is left out
    assert explained(left_over) == pytest.approx(explained(ordered))


def test_what_knowing_saves_is_what_choosing_in_each_bin_would() -> None:
    """Twice twenty draws: in the first half a loses 8, in the second b 4; and one draw too many."""
    half = BINS
    own = np.array([8.0] * half + [0.0] * half + [999.0])
    loss = np.array([own, [0.0] * half + [4.0] * half + [0.0]])
    assert regret._saved(loss, own) == 4
    assert regret._saved(loss[:, ::-1], own[::-1]) > 4  # the odd one is in a bin now


@pytest.mark.parametrize("draws", [1, 2, 7, BINS - 1])
def test_of_fewer_draws_than_bins_each_is_a_bin(draws: int) -> None:
    own = np.arange(draws, dtype=float)
    loss = np.array([own, np.zeros(draws)])
    assert regret._saved(loss, own) == own.mean()
    assert regret._saved_error(loss) == 0  # who knows nothing chooses the same
    assert explained(own) == 0


def test_chance_is_what_shuffled_draws_would_save() -> None:
    rng = np.random.default_rng(1)
    loss = rng.exponential(5, (2, 400))
    by_chance = regret._by_chance(loss, loss[0], 3)
    assert len(by_chance) == SHUFFLES == 12
    assert len(set(by_chance.tolist())) == 12
    assert np.array_equal(by_chance, regret._by_chance(loss, loss[0], 3))
    assert not np.array_equal(by_chance, regret._by_chance(loss, loss[0], 4))


def test_the_worth_of_an_assumption_is_less_what_chance_alone_would_say() -> None:
    rng = np.random.default_rng(5)
    x = rng.permutation(600) / 600
    noise = rng.exponential(2, 600)
    score = np.array([np.where(x < 0.5, 0.0, 10.0) + noise, np.full(600, 4.0)])
    kept = np.array([x > 0.25, np.full(600, True)])
    at = standing(score, kept, limit=~kept)
    idle = rng.permutation(600) / 600
    first, second = regret.worths(PLAIN, at, {"idle": idle, "x": x}, 0, seed=2)
    assert (first.name, second.name) == ("x", "idle")
    loss = losses(PLAIN, at)
    order = np.argsort(x)
    chance = regret._by_chance(loss, loss[0], 2)
    saved = regret._saved(loss[:, order], loss[0][order])
    assert first.saved == pytest.approx(saved - chance.mean())
    assert first.saved_error > second.saved_error >= chance.std(ddof=1)
    assert (first.kept_low, first.kept_high) == (pytest.approx(0.25, abs=0.01), 1)
    assert first.explains == explained(loss[0][order])
    assert first.breaks["limit"] == explained((~kept)[0][order].astype(float)) > 0.5
    assert second.saved >= 0
    assert 0 <= second.breaks["limit"] < 0.2


def test_the_error_of_what_knowing_saves_is_how_far_other_draws_put_it() -> None:
    """Also where shuffled draws never change what is best in a bin, so that chance has no spread.

    `c` is best if nothing is known; `a` is the choice, so that much is saved without knowing.
    """

    def again(seed: int) -> tuple[float, float]:
        rng = np.random.default_rng(seed)
        x, noise = rng.random(1_000), rng.exponential(30, 1_000)
        score = np.array([20 + 200 * x, 300 - 200 * x, np.full(1_000, 60.0)]) + noise * [
            [0],
            [1],
            [1],
        ]
        (worth,) = regret.worths(PLAIN, standing(score), {"x": x}, 0, seed=1)
        return worth.saved, worth.saved_error

    found = np.array([again(seed) for seed in range(60)])
    assert found[:, 0].std(ddof=1) == pytest.approx(found[:, 1].mean(), rel=0.35)


def test_what_is_not_stated_is_not_what_one_would_have_chosen() -> None:
    x = np.linspace(0, 1, 8_000)
    score = np.array([np.where(x < 0.5, 0.0, 8.0), np.full(8_000, 4.0), np.full(8_000, np.nan)])
    (worth,) = regret.worths(PLAIN, standing(score), {"x": x}, 1, seed=1)
    assert worth.saved == pytest.approx(2, abs=0.15)


def test_worths_come_by_what_they_save_then_by_what_they_explain_then_by_name() -> None:
    """Where one option is always best nothing is worth anything."""
    rng = np.random.default_rng(1)
    x = rng.permutation(400) / 400
    score = np.array([1 + x, np.full(400, 9.0)])
    drawn = {"b": np.ones(400), "a": np.ones(400), "x": x}
    worths = regret.worths(PLAIN, standing(score), drawn, 1, seed=1)
    assert [(w.name, w.saved > 1e-9) for w in worths] == [("x", False), ("a", False), ("b", False)]
    assert worths[0].explains > 0.9 > worths[1].explains == worths[2].explains


def test_knowing_everything_saves_the_mean_regret() -> None:
    assert regret.total_worth(PLAIN, standing([[1, 9], [4, 3]]), 0) == 3


def test_all_of_a_few_draws_do_not_say_that_it_is_sure() -> None:
    few, many = regret.share(np.ones(24, bool)), regret.share(np.ones(2_000, bool))
    assert few.value == many.value == 1
    assert few.error == pytest.approx(math.sqrt(25 / 26 * 1 / 26 / 26)), "as of 25 of 26"
    assert many.error < 0.001
