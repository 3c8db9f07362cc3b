"""Quantiles of mixtures of normals: they are where the mixture reaches its share."""

import numpy as np
import pytest
from scipy.special import ndtr

from cachelib.model.formulas.quantiles import quantile


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("apart", [0.1, 3, 40], ids="close {} apart".format)
@pytest.mark.parametrize("deviations", [(1, 1), (0.05, 2)], ids=["alike", "unlike"])
def test_a_mixture_reaches_its_share_at_its_quantile(share, apart, deviations):
    drawn = np.random.default_rng(1)
    weight = drawn.dirichlet([0.2] * 12, 300)
    mean = drawn.normal(0, apart, weight.shape)
    deviation = drawn.uniform(*deviations, weight.shape)

    at = quantile(weight, mean, deviation, share)

    before, beyond = (
        (weight * ndtr(((at + side)[:, None] - mean) / deviation)).sum(axis=1)
        for side in (-2e-8, 2e-8)
    )
    assert (before <= share).all()
    assert (beyond >= share).all()


def test_on_a_plateau_between_two_normals_far_apart_it_is_found_at_its_edge():
    weight, mean = np.array([[0.95, 0.05], [0.9499, 0.0501]]), np.array([[0.0, 100.0]] * 2)
    at = quantile(weight, mean, np.ones_like(mean), 0.95)

    assert 5 < at[0] < 95  # anywhere between them a share of 0.95 is reached
    assert 95 < at[1] < 100
