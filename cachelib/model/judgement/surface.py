"""What is left of a formula's error, as a smooth surface over a few numbers.

A smoothed surface of radial functions, as scipy's `RBFInterpolator` with a linear kernel makes it;
solved here, so that the page's script can be told its weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cachelib.model.formulas.setting import Array

SMOOTHING = 0.1
FARTHEST = 2.5  # how far from the points' centre it is asked, in their spread


@dataclass(frozen=True)
class Surface:
    """The logarithm of simulation by formula; all lengths are logarithms of the numbers.

    Nothing at the case's own numbers, `here`, where the formula is exact as it is. It is a plane of
    `slopes`, less the distance to each of the `points`, times its weight. Points are of shape
    (points, names), counted from `centre` in units of `scale`.
    """

    names: tuple[str, ...]
    here: Array
    centre: Array
    scale: Array
    points: Array
    weights: Array
    slopes: Array

    def __call__(self, numbers: Mapping[str, Array]) -> Array:
        n = max((np.size(values) for values in numbers.values()), default=1)
        columns = [
            np.broadcast_to(place(numbers[name]), n)
            if name in numbers
            else np.full(n, self.here[i])
            for i, name in enumerate(self.names)
        ]
        return self._over(np.column_stack(columns)) - self._over(self.here[None, :])

    def _over(self, places: Array) -> Array:
        at = np.clip((places - self.centre) / self.scale, -FARTHEST, FARTHEST)
        return np.asarray(at @ self.slopes - _distances(at, self.points) @ self.weights)


def through(names: Sequence[str], here: Array, places: Array, left: Array) -> Surface:
    """Through nothing at `here`, and near what is `left` of the error at `places`."""
    centre, scale = places.mean(axis=0), places.std(axis=0)
    points = (np.vstack([places, here]) - centre) / scale
    plane = np.column_stack([np.ones(len(points)), points])
    corner = np.zeros((plane.shape[1], plane.shape[1]))
    kernel = SMOOTHING * np.eye(len(points)) - _distances(points, points)
    wanted = np.concatenate([left, [0.0], np.zeros(plane.shape[1])])
    solved = np.linalg.solve(np.block([[kernel, plane], [plane.T, corner]]), wanted)
    weights, slopes = solved[: len(points)], solved[len(points) + 1 :]
    return Surface(tuple(names), here, centre, scale, points, weights, slopes)


def place(values: Array | float) -> Array:
    """Where a number lies on its axis."""
    return np.asarray(np.log(np.maximum(values, 1e-9)))


def _distances(one: Array, other: Array) -> Array:
    return np.asarray(np.linalg.norm(one[:, None, :] - other[None, :, :], axis=2))
