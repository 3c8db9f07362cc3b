"""A few kinds of key say what all keys say."""

import numpy as np
import pytest

from cachelib.model.formulas import Keys, grouped
from cachelib.model.formulas.quadrature import few, gauss


def zipf(keys: int, exponent: float) -> Keys:
    share = np.arange(1, keys + 1) ** -exponent
    return grouped(share / share.sum())


@pytest.mark.parametrize("alike", [0.0, 0.4, 0.8, 1.1, 1.3])
@pytest.mark.parametrize("keys", [30, 100, 4_000, 1_000_000])
def test_hits_and_what_is_stored_are_those_of_all_keys(keys: int, alike: float) -> None:
    every = zipf(keys, alike)
    some = few(every)
    assert len(some.share) <= 11
    assert len(some.share) <= len(every.share)

    def hits(of: Keys, life: float) -> float:
        return float((of.number * of.share * (of.share * life / (1 + of.share * life))).sum())

    def stored(of: Keys, life: float) -> float:
        return float((of.number * -np.expm1(-of.share * life)).sum())

    for life in np.geomspace(1, 100 * keys, 9):
        assert hits(some, life) == pytest.approx(hits(every, life), rel=2e-3)
        assert stored(some, life) == pytest.approx(stored(every, life), rel=2e-2)


def test_the_most_popular_key_is_one_as_it_is_and_all_requests_are_there() -> None:
    every = zipf(4_000, 1.1)
    some = few(every._replace(unasked=7.0))
    assert some.share[0] == every.share[0]
    assert some.number[0] == 1
    assert (some.share * some.number).sum() == pytest.approx((every.share * every.number).sum())
    assert some.number.sum() == pytest.approx(4_000, rel=1e-3)
    assert some.unasked == 7


def test_a_few_keys_and_those_that_are_written_otherwise_stay_as_they_are() -> None:
    three = zipf(3, 1.0)
    assert few(three) is three
    alike = Keys(np.full(100, 0.01), np.ones(100))
    assert few(alike).share.tolist() == pytest.approx([0.01, 0.01])
    assert few(alike).number.tolist() == pytest.approx([1, 99])
    written = zipf(200, 1.0)._replace(written=np.full(200, 1 / 200))
    assert few(written) is written


def test_a_kind_of_less_than_one_key_weighs_no_less_than_nothing() -> None:
    shrunk = Keys(np.geomspace(1, 0.001, 50), np.full(50, 0.25))
    some = few(shrunk)
    assert (some.number > 0).all()
    assert some.number[0] == 0.25
    assert (some.share * some.number).sum() == pytest.approx(shrunk.share.sum() / 4)


@pytest.mark.parametrize("nodes", [1, 3, 6])
def test_nodes_have_the_moments_of_all_points(nodes: int) -> None:
    drawn = np.random.default_rng(nodes)
    at, weight = drawn.normal(size=40), drawn.uniform(size=40)
    found, weights = gauss(at, weight, nodes)
    assert (np.diff(found) < 0).all()
    for power in range(2 * nodes):
        assert (weights * found**power).sum() == pytest.approx((weight * at**power).sum())
