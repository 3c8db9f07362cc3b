"""Quantiles of many mixtures of normal distributions at once."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from cachelib.model.formulas.setting import Array

ITERATIONS = 60
CLOSE = 1e-8
NEARLY = 1e-5  # a step of Newton's that is so short leaves the square of it


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
    found, left, step = at.copy(), np.arange(len(at)), high - low
    for _ in range(ITERATIONS):
        reached, newton = _step(weight, mean, deviation, at, alone)
        low, high = np.where(reached < q, at, low), np.where(reached < q, high, at)
        there = at + newton
        usable = (there >= low) & (there <= high) & (np.abs(newton) <= np.maximum(step / 2, CLOSE))
        there = np.where(usable, there, (low + high) / 2)
        step = np.abs(there - at)
        found[left] = at = there
        going = step > np.where(usable, NEARLY, CLOSE)
        if not going.any():
            break
        if not going.all():
            left = left[going]
            at, step, low, high = (each[going] for each in (at, step, low, high))
            weight, mean, deviation = weight[going], mean[going], deviation[going]
    return found


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
