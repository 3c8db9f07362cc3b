"""The numbers behind a chart, noted as they are drawn: what a reader can take away as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from cachelib.report.numbers import Scalar
from cachelib.report.publish.findings import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NOTED: WeakKeyDictionary[Figure, Data] = WeakKeyDictionary()
"""By figure: a chart is drawn by many calls, and published by one."""


def note(ax: Axes, columns: Sequence[str], rows: Sequence[Sequence[Scalar]]) -> None:
    """Rows that are being drawn, under heads with units; more of them join those noted before."""
    figure = ax.get_figure(root=True)
    if figure is None:
        return
    earlier = _NOTED[figure].rows if figure in _NOTED else []
    fresh = [[_rounded(cell) for cell in row] for row in rows]
    _NOTED[figure] = Data(columns=list(columns), rows=[*earlier, *fresh])


def note_line(ax: Axes, x: Sequence[float], y: Sequence[float], name: str = "") -> None:
    """A line's points: x, which line, y."""
    rows = [(float(at), name, float(value)) for at, value in zip(x, y, strict=True)]
    note(ax, [ax.get_xlabel(), "line", ax.get_ylabel()], rows)


def behind(figure: Figure) -> Data | None:
    """What was noted of a figure, if anything."""
    return _NOTED.get(figure)


def _rounded(cell: Scalar) -> Scalar:
    """Without the digits that rounding errors write."""
    return float(f"{cell:.10g}") if isinstance(cell, float) else cell
