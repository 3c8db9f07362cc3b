"""A map of choices as shapes: boxes of cells that are alike, and where a number stands in each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cachelib.model.judgement.maps import Map

LEAST = 2  # cells to each side that a number takes


def inside(drawn: Map, place: int) -> tuple[float, float] | None:
    """The cell of a choice that is farthest from others and from where we are, if it has room."""
    is_its = np.pad(drawn.chosen == place, 1)
    row, column = (
        int(np.abs(np.asarray(values) - here).argmin()) + 1
        for values, here in ((drawn.ys, drawn.y.here), (drawn.xs, drawn.x.here))
    )
    is_its[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + len(drawn.xs) // 4] = False
    layers = [is_its]
    while (within := _without_edge(layers[-1])).any():
        layers.append(within)
    if len(layers) < LEAST or not is_its.any():
        return None
    up, across = np.argwhere(layers[-1])[int(layers[-1].sum()) // 2] - 1
    return float(drawn.xs[across]), float(drawn.ys[up])


def _without_edge(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Those whose four neighbours are among them."""
    within = cells.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        within &= np.roll(cells, step, axis)
    return within


def runs(drawn: Map, log: tuple[bool, bool]) -> list[tuple[int, float, float, float, float]]:
    """Neighbours of the map that are alike, as one box: choice, left, right, low, high."""
    across, up = (_edges(v, is_log) for v, is_log in zip((drawn.xs, drawn.ys), log, strict=True))
    boxes: dict[tuple[int, float, float], tuple[int, float]] = {}  # to the row, and from the height
    done = []
    for row, choices in enumerate(drawn.chosen):
        ends = [0, *(np.flatnonzero(np.diff(choices)) + 1).tolist(), len(choices)]
        for first, last in pairwise(ends):
            run = (int(choices[first]), across[first], across[last])
            above, low = boxes.pop(run, (row, up[row]))
            if above < row:  # the same cells, but not of the row before
                done.append((*run, low, up[above]))
                low = up[row]
            boxes[run] = (row + 1, low)
    return [*done, *((*run, low, up[row]) for run, (row, low) in boxes.items())]


def _edges(middles: npt.NDArray[Any], is_log: bool) -> list[float]:
    """Where cells around these points meet, half-way on the axis; the outer ones end at theirs."""
    on_axis = np.log(middles) if is_log else middles
    halves = np.concatenate([on_axis[:1], (on_axis[:-1] + on_axis[1:]) / 2, on_axis[-1:]])
    edges: list[float] = (np.exp(halves) if is_log else halves).tolist()
    return edges
