"""Amounts as dots on a logarithmic axis, where bars of some would be hairs beside others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import LogLocator, NullLocator

from cachelib.report.numbers import brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HAIR = 0.02  # of the longest bar
ROOM = 0.45  # of the axis's length, for what stands beside the farthest dot


def are_hairs(values: Sequence[float]) -> bool:
    """Whether bars that tell something would be too short to be seen beside the longest."""
    there = [value for value in values if value]
    return len(there) > 1 and 0 < min(there) < HAIR * max(there)


def draw(
    ax: Axes,
    places: Sequence[float],
    values: Sequence[float],
    colours: Sequence[str],
    ends: Sequence[str],
    *,
    ink: str,
    grid: str,
) -> None:
    """A dot for each value with its word; nothing, which has no place there, at the left end."""
    least, most = min(value for value in values if value), max(values)
    left = least / 2
    ax.set_xscale("log")
    for place, value, colour, end in zip(places, values, colours, ends, strict=True):
        ax.plot([left, value or left], [place, place], color=grid, linewidth=1, zorder=1)
        ax.plot(value or left, place, "o" if value else "<", color=colour, markersize=8)
        ax.annotate(end, (value or left, place), xytext=(8, 0), textcoords="offset points",
                    color=ink, va="center")  # fmt: skip
    ax.set_xlim(left, most * (most / left) ** ROOM)
    ax.xaxis.set_major_locator(LogLocator(subs=(1,) if most >= 100 * left else (1, 2, 5)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda value, _: brief(value))
