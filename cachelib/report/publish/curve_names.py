"""Where the names of cumulative curves stand: beside their own, and on none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.text import Annotation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTER_PT, APART_PT, HALF = 6.3, 6.0, 3.5  # a bold letter, a name from its curve; half, in per cent
WIDTH_PT = 440.0  # of the axes, about
HEIGHTS = sorted(range(8, 93, 2), key=lambda height: abs(height - 50))  # in per cent


@dataclass(frozen=True)
class Name:
    """The place of a name, in shares of the axes' width and in per cent."""

    left: float
    right: float
    height: float

    def meets(self, other: Name) -> bool:
        is_level = abs(self.height - other.height) < 2 * HALF
        return is_level and self.left <= other.right and other.left <= self.right


class Curves:
    """The curves of some axes, x on a logarithmic scale."""

    def __init__(self, ax: Axes) -> None:
        self.low, self.high = (float(np.log(end)) for end in ax.get_xlim())
        self.lines = [
            (np.log(np.asarray(line.get_xdata(), float)), np.asarray(line.get_ydata(), float))
            for line in ax.lines
        ]

    def at(self, nth: int, height: float) -> float:
        """Where a curve reaches a height."""
        x, y = self.lines[nth]
        return float((np.interp(height, y, x) - self.low) / (self.high - self.low))

    def x(self, share: float) -> float:
        return float(np.exp(self.low + share * (self.high - self.low)))

    def beside(self, nth: int, height: float, width: float, *, is_right: bool) -> Name:
        """A name that its own curve passes over its whole height."""
        apart = APART_PT / WIDTH_PT
        if is_right:
            start = self.at(nth, height + HALF) + apart
            return Name(start, start + width, height)
        end = self.at(nth, height - HALF) - apart
        return Name(end - width, end, height)

    def leave(self, name: Name) -> bool:
        """Whether no curve runs through the name, and the axes have room for it."""
        low, high = name.height - HALF, name.height + HALF
        return (
            name.left >= 0
            and name.right <= 1
            and all(
                self.at(nth, high) < name.left or self.at(nth, low) > name.right
                for nth in range(len(self.lines))
            )
        )


def place(ax: Axes) -> None:
    """Move each name to where no curve runs, the nearest to its median; else it stays there."""
    curves, taken = Curves(ax), list[Name]()
    texts = [text for text in ax.texts if isinstance(text, Annotation)]
    _face_apart(curves, texts)
    for nth, text in enumerate(texts):
        width = LETTER_PT * len(text.get_text()) / WIDTH_PT
        is_right = text.get_horizontalalignment() == "left"
        names = (curves.beside(nth, height, width, is_right=is_right) for height in HEIGHTS)
        free = (n for n in names if curves.leave(n) and not any(map(n.meets, taken)))
        if name := next(free, None):
            taken.append(name)
            passed = name.height + (HALF if is_right else -HALF)
            text.xy = (curves.x(curves.at(nth, passed)), name.height)


def _face_apart(curves: Curves, texts: Sequence[Annotation]) -> None:
    """Of two curves the left one is named at its left: else the names stand between, on another."""
    if len(texts) != 2:
        return
    leftmost = min((0, 1), key=lambda nth: curves.at(nth, 50))
    for nth, text in enumerate(texts):
        is_left = nth == leftmost
        text.set_horizontalalignment("right" if is_left else "left")
        text.xyann = (-APART_PT if is_left else APART_PT, 0)
