"""Quantiles of many mixtures of normal distributions at once."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from cachelib.model.formulas.setting import Array

ITERATIONS = 60
CLOSE = 1e-8


def quantile(weight: Array, mean: Array, deviation: Array, q: float) -> Array:
    """Where each of n mixtures of normals reaches a share `q`.

    `weight` (each row adds up to 1), `mean` and standard `deviation`: shape (n, parts); the
    quantiles: shape (n,). Newton's method on the scale on which one normal is a straight line,
    with halves of a bracket where that leaves it or gains too little (a quantile may lie on a
    plateau).
    """
    alone = float(ndtri(q))  # where it lies in one normal; of several, between the outermost
    ends = mean + alone * deviation
    low, high = ends.min(axis=1), ends.max(axis=1)
    at = np.clip(_as_if_normal(weight, mean, deviation, alone), low, high)
    step = high - low
    left = np.arange(len(at))
    for _ in range(ITERATIONS):
        here, wide = at[left], step[left]
        reached, newton = _step(weight[left], mean[left], deviation[left], here, alone)
        low[left] = np.where(reached < q, here, low[left])
        high[left] = np.where(reached < q, high[left], here)
        there = here + newton
        usable = (there >= low[left]) & (there <= high[left])
        usable &= np.abs(newton) <= np.maximum(wide / 2, CLOSE)
        at[left] = np.where(usable, there, (low[left] + high[left]) / 2)
        step[left] = np.abs(at[left] - here)
        left = left[step[left] > CLOSE]
        if not len(left):
            break
    return at


def _as_if_normal(weight: Array, mean: Array, deviation: Array, alone: float) -> Array:
    """The quantile of one normal with the mixture's mean and variance."""
    middle = np.einsum("ij,ij->i", weight, mean)
    away = mean - middle[:, None]
    spread = np.sqrt(np.einsum("ij,ij->i", weight, deviation**2 + away**2))
    return np.asarray(middle + alone * spread)


def _step(
    weight: Array, mean: Array, deviation: Array, at: Array, alone: float
) -> tuple[Array, Array]:
    """The share that is reached, and Newton's step; NaN or infinite where it is on a plateau."""
    away = (at[:, None] - mean) / deviation
    reached = np.einsum("ij,ij->i", weight, ndtr(away))
    density = np.einsum("ij,ij->i", weight / deviation, np.exp(-away * away / 2))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        normal = ndtri(reached)
        newton = (alone - normal) * np.exp(-normal * normal / 2) / density
    return reached, newton
