"""Who is chosen over any two numbers, all else as assumed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cachelib.model.formulas.setting import Array
from cachelib.model.judgement.model import Model
from cachelib.model.judgement.sweeps import Sweep, grid_of

SIDE = 24


@dataclass(frozen=True)
class Map:
    """`chosen`: shape (y, x), numbers into `names`, `NOBODY` where nothing keeps the limits."""

    x: Sweep
    y: Sweep
    xs: Array
    ys: Array
    names: list[str]
    chosen: npt.NDArray[np.int64]


def two_way(model: Model, x: Sweep, y: Sweep, side: int = SIDE) -> Map:
    """The choice over a grid of two numbers."""
    xs, ys = grid_of(x, side), grid_of(y, side)
    across, up = np.meshgrid(xs, ys)
    standing = model.standing({x.name: across.ravel(), y.name: up.ravel()})
    return Map(x, y, xs, ys, standing.names, standing.chosen.reshape(across.shape))
