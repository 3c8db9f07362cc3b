"""The closed forms against six million simulated Poisson requests, within 0.005."""

import math

import numpy as np
import pytest

from tests.model import closed_forms as cf
from tests.model import poisson

RATES = cf.zipf_rates(poisson.RATE, poisson.KEYS, poisson.ZIPF)
AFTER_WARM_UP = poisson.REQUESTS - poisson.WARM
FOR_EVER = math.inf


@pytest.fixture(scope="session")
def requests():
    return poisson.requests(RATES)


def near(expected):
    return pytest.approx(expected, abs=0.005)


def one_cache(requests, ttl, *, sliding=False):
    return poisson.two_tiers(*requests, 1, ttl, 0.0, False, sliding)[0] / AFTER_WARM_UP


def bounded(requests, entries, ttl=FOR_EVER, *, lru=True):
    return poisson.bounded(*requests, entries, ttl, lru) / AFTER_WARM_UP


@pytest.mark.parametrize("ttl", [1.0, 10.0, 60.0])
def test_ttl_from_the_load(requests, ttl):
    assert cf.ttl(RATES, ttl) == near(one_cache(requests, ttl))


@pytest.mark.parametrize("ttl", [1.0, 60.0])
def test_ttl_renewed_by_every_request(requests, ttl):
    assert cf.sliding_ttl(RATES, ttl) == near(one_cache(requests, ttl, sliding=True))


@pytest.mark.parametrize("entries", [200, 2_000])
def test_lru_by_che(requests, entries):
    assert cf.lru(RATES, entries) == near(bounded(requests, entries))


@pytest.mark.parametrize("entries", [200, 2_000])
def test_fifo(requests, entries):
    assert cf.fifo(RATES, entries) == near(bounded(requests, entries, lru=False))


@pytest.mark.parametrize("ratio", [0.5, 1.5, 4.0])
def test_lru_with_ttl(requests, ratio):
    ttl = ratio * cf.characteristic_time(RATES, 2_000)
    assert cf.lru_ttl(RATES, 2_000, ttl) == near(bounded(requests, 2_000, ttl))


@pytest.mark.parametrize("l1_ttl", [5.0, 30.0])
def test_isolated_l1s_without_l2(requests, l1_ttl):
    simulated = poisson.two_tiers(*requests, 8, l1_ttl, 0.0, False, False) / AFTER_WARM_UP
    assert cf.isolated_l1s(RATES, 8, l1_ttl).l1 == near(simulated[0])


@pytest.mark.parametrize("l1_ttl", [5.0, 60.0])
def test_isolated_l1s_over_l2_with_inherited_expiry(requests, l1_ttl):
    simulated = poisson.two_tiers(*requests, 8, l1_ttl, 60.0, True, False) / AFTER_WARM_UP
    assert cf.isolated_l1s(RATES, 8, l1_ttl, 60.0) == near(tuple(simulated))


def test_isolated_l1s_over_l2_with_independent_expiry(requests):
    simulated = poisson.two_tiers(*requests, 8, 5.0, 60.0, False, False) / AFTER_WARM_UP
    assert cf.isolated_l1s(RATES, 8, 5.0, 60.0, "independent") == near(tuple(simulated))


def test_one_l1_over_l2_with_independent_expiry_is_exact(requests):
    simulated = poisson.two_tiers(*requests, 1, 5.0, 60.0, False, False) / AFTER_WARM_UP
    exact = cf.one_l1_over_l2_independent(RATES, 5.0, 60.0)
    assert exact == pytest.approx(simulated[2], abs=0.0005)
    assert cf.isolated_l1s(RATES, 1, 5.0, 60.0, "independent").origin < exact


@pytest.mark.parametrize("single_flight", [False, True])
def test_stampede(single_flight):
    simulated = poisson.loads_per_expiry(20.0, 0.5, 4, single_flight, 400_000)
    expected = cf.stampede(20.0, 0.5, 4, single_flight=single_flight)
    assert expected == pytest.approx(simulated, rel=0.005)


def test_inherited_expiry_has_the_origin_loads_of_one_cache_whatever_the_l1s():
    alone = 1 - cf.ttl(RATES, 60)
    for isolates in (1, 8, 1_000):
        assert cf.isolated_l1s(RATES, isolates, 7, 60).origin == pytest.approx(alone)


def test_lru_with_ttl_has_its_two_limits():
    rates = cf.zipf_rates(100.0, 1_000, 0.9)
    t = cf.characteristic_time(rates, 200)
    assert cf.lru_ttl(rates, 200, t) == pytest.approx(cf.ttl(rates, t))
    assert cf.lru_ttl(rates, 200, 3_000 * t) == pytest.approx(cf.lru(rates, 200), abs=0.001)


def test_lru_with_ttl_is_the_alternating_sum_where_that_converges():
    rate, t, ttl = 0.7, 2.0, 7.0
    rates = np.array([rate, 0.9, 0.2])
    entries = float(-np.expm1(-rates * t).sum())
    series = rate * ttl
    for j in range(1, int(ttl / t) + 1):
        a = rate * (ttl - j * t)
        term = a ** (j + 1) / math.factorial(j + 1) + a**j / math.factorial(j)
        series += (-1) ** j * math.exp(-j * rate * t) * term
    only_first = np.array([rate, 0.9, 0.2])
    hits = cf._hits_per_load(only_first, cf.characteristic_time(rates, entries), ttl)
    assert hits[0] == pytest.approx(series, rel=1e-3)


def test_a_cache_that_holds_all_keys_never_evicts():
    assert cf.lru(RATES, len(RATES)) == 1.0


def test_a_trillion_requests_a_month_take_no_time():
    rates = cf.zipf_rates(1e12 / 2.592e6, 100_000, 1.0)
    tiers = cf.isolated_l1s(rates, 400, 60, 3_600)
    assert sum(tiers) == pytest.approx(1)
    assert tiers.origin < 0.001
