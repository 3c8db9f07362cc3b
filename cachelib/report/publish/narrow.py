"""Charts for a phone: no wider than its screen, with letters that need no magnifying glass.

What stands beside its thing in a wide chart, which takes half of the width, stands above or below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.legend_handler import HandlerLine2D
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator

from cachelib.report.publish import labels
from cachelib.report.publish.figures import MUTED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN, LINE_IN, ROW_IN = 3.4, 2.6, 0.18, 0.46
TITLE, NAME, UPRIGHT = 40, 38, 32  # characters of a line: of the title, of names, along the height
LETTERS = 9
BAR = 0.36  # of a row; the rest is its name's


def narrow(plot: Figure) -> Figure:
    """The same figure, redrawn in place; it has been drawn wide before."""
    (ax,) = plot.axes
    for text in plot.findobj(Text):
        if isinstance(text, Text):
            text.set_fontsize(min(text.get_fontsize(), LETTERS))
    plot.set_figwidth(WIDTH_IN)
    plot.set_figheight(HEIGHT_IN)
    lines = _title(plot)
    ax.set_xlabel(_again(ax.get_xlabel(), NAME))
    ax.set_ylabel(_again(ax.get_ylabel(), UPRIGHT))
    lines += ax.get_xlabel().count("\n") + _names_below(plot, ax)
    if isinstance(ax.yaxis.get_major_locator(), FixedLocator):
        _rows(plot, ax, lines)
    else:
        plot.set_figheight(HEIGHT_IN + LINE_IN * lines)
    return plot


def _again(text: str, width: int) -> str:
    """A text that has been given its lines, in shorter ones."""
    return labels.evenly(text.replace("\n", " "), width)


def _title(plot: Figure) -> int:
    """Give the title its lines; how many they are."""
    said = plot.get_suptitle()
    if not said:
        return 0
    plot.suptitle(_again(said, TITLE), x=0.01, ha="left", fontsize=LETTERS + 1)
    return plot.get_suptitle().count("\n") + 1


def _names_below(plot: Figure, ax: Axes) -> int:
    """Names of lines and of areas as a list below the chart; how many lines it takes."""
    handles: list[Artist] = []
    names: list[str] = []
    for text in sorted(_line_names(ax), key=lambda text: -text.xy[1]):
        line = next((one for one in ax.lines if one.get_color() == text.get_color()), None)
        text.set_visible(False)
        text.set_in_layout(False)
        handles.append(line or Line2D([], [], color=text.get_color()))
        names.append(_again(text.get_text(), NAME))
    if areas := ax.get_legend():
        handles += [handle for handle in areas.legend_handles if isinstance(handle, Patch)]
        names += [_again(text.get_text(), NAME) for text in areas.get_texts()]
        areas.remove()
    if not names:
        return 0
    plot.legend(handles, names, loc="outside lower left", frameon=False, fontsize=LETTERS,
                handlelength=1.4, borderpad=0.3, borderaxespad=0.3, labelspacing=0.35,
                handler_map={Line2D: HandlerLine2D(numpoints=1)})  # fmt: skip
    return sum(name.count("\n") + 1 for name in names)


def _line_names(ax: Axes) -> list[Annotation]:
    """What is named in bold letters of its own colour: lines, not where we are."""
    told = (text for text in ax.texts if isinstance(text, Annotation))
    return [text for text in told if text.get_fontweight() == "bold"]


def _rows(plot: Figure, ax: Axes, lines: int) -> None:
    """Names of rows above their bars, from the left edge."""
    places = [float(place) for place in ax.get_yticks()]
    names = [_again(name.get_text(), NAME + 8) for name in ax.get_yticklabels()]
    ax.set_yticks([])
    for bar in ax.patches:
        if isinstance(bar, Rectangle):
            bar.set_y(bar.get_y() + (bar.get_height() - BAR) / 2)
            bar.set_height(BAR)
    ax.set_ylim(top=-0.3)
    _size_rows(plot, ax, lines)
    _room_for_ends(plot, ax)
    above = 72 * ROW_IN * BAR / 2 + 2
    for place, name in zip(places, names, strict=True):
        ax.annotate(name, (0, place), xycoords=("axes fraction", "data"), xytext=(2, above),
                    textcoords="offset points", color=MUTED, va="bottom", fontsize=LETTERS,
                    linespacing=1.1)  # fmt: skip


def _size_rows(plot: Figure, ax: Axes, lines: int) -> None:
    bottom, top = ax.get_ylim()
    plot.set_figheight(0.5 + LINE_IN * lines + ROW_IN * abs(bottom - top))


def _room_for_ends(plot: Figure, ax: Axes) -> None:
    """Let the axis end where the words beside its longest bar do."""
    ends: Sequence[Annotation] = [
        text for text in ax.texts if isinstance(text, Annotation) and text.get_visible()
    ]
    if not ends:
        return
    plot.draw_without_rendering()
    width = ax.bbox.width
    left, right = ax.get_xlim()
    for text in ends:
        part = width / max(width - text.get_window_extent().width - 8, width / 4)
        is_log = ax.get_xscale() == "log"
        needed = left * (text.xy[0] / left) ** part if is_log else text.xy[0] * part
        right = max(right, needed)
    ax.set_xlim(right=right)
