"""Names and titles of charts: long ones get lines of their own, none is cut into another."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cachelib.report import text as fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, MOST_LINES = 36, 3  # characters of a line of a row's name, and lines of one
TITLE = 78  # characters of a line of a title, as many as a figure is wide
LABEL = 52  # characters of a line below an axis that names of rows leave little width
HEAD_IN, ROW_IN, LEAST_IN = 1.0, 0.26, 2.2  # inches: around the rows of a chart, a row, a chart


def title(text: str) -> str:
    """A title in two lines at the most, neither of them a single word."""
    text = fit.plain(text)
    told = evenly(text, TITLE)
    if told.count("\n") < 2:
        return told
    return textwrap.fill(text, TITLE, max_lines=2, placeholder="…")


def evenly(text: str, width: int) -> str:
    """A text in as few lines of that width as it takes, about as long each."""
    lines = len(textwrap.wrap(text, width))
    narrow = (len(text) // max(lines, 1) + step for step in range(width))
    return next(
        (told for each in narrow if (told := textwrap.fill(text, each or 1)).count("\n") < lines),
        text,
    )


def name_rows(ax: Axes, names: Sequence[str]) -> list[float]:
    """Name what stands below each other, the first on top, and give long names their lines.

    What it gives is where the rows lie; a row with a name of one line is 1 high.
    """
    told = in_lines(names)
    heights = [max(0.7 * (name.count("\n") + 1), 1.0) for name in told]
    ends = np.cumsum(heights)
    places: list[float] = (ends - np.array(heights) / 2).tolist()
    ax.set_yticks(places, told)
    ax.set_xlabel(evenly(ax.get_xlabel(), LABEL))
    ax.set_ylim(float(ends[-1]) if heights else 1.0, 0)
    ax.set_axisbelow(True)
    ax.grid(visible=False, axis="y")
    if plot := ax.get_figure(root=True):
        plot.set_figheight(max(LEAST_IN, HEAD_IN + ROW_IN * sum(heights)))
    return places


def in_lines(names: Sequence[str]) -> list[str]:
    """Names as labels of a few short lines; those that had to be cut are still told apart."""
    told = [in_its_lines(name) for name in names]
    return [
        f"{text} ({told[: nth + 1].count(text)})" if names.count(name) < told.count(text) else text
        for nth, (name, text) in enumerate(zip(names, told, strict=True))
    ]


def in_its_lines(name: str) -> str:
    """A name as a label of a few short lines."""
    name = fit.plain(name)
    if len(name) <= ROW:
        return name
    lines = textwrap.wrap(name, ROW, max_lines=MOST_LINES, placeholder="…", break_on_hyphens=False)
    return "\n".join(lines)
