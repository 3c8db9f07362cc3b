"""How figures look, and how they become SVG that follows the page into dark mode."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1d2329", "#5d6670", "#dfe3e7", "#ffffff"
BLUE, ORANGE, GREEN, PINK, GOLD = "#0062a3", "#b84a00", "#00775a", "#a23b72", "#8a6100"
SERIES = (BLUE, ORANGE, GREEN, PINK, GOLD)

# In the page each colour is a variable, which dark mode gives another value; a viewer that knows
# no such variable takes the colour itself.
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    PAPER: "--figure-paper",
    **{colour: f"--series-{nth}" for nth, colour in enumerate(SERIES, 1)},
}

STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": "cycler('color', [{}])".format(", ".join(f"'{c}'" for c in SERIES)),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "figure.figsize": (7.0, 3.8),
    "font.size": 10,
    "grid.color": GRID,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "svg.fonttype": "none",
    "svg.hashsalt": "cachelib",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def axes(*, xlabel: str, ylabel: str, title: str = "") -> tuple[Figure, Axes]:
    """A figure with one pair of labelled axes, in the report's style."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update(STYLE)
    plot, ax = plt.subplots()
    plt.close(plot)  # it is shown when published, not when drawn
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    return plot, ax


def label_line(ax: Axes, x: float, y: float, text: str, colour: str, *, above: bool = True) -> None:
    """Name a line beside it, in its own colour."""
    ax.annotate(
        text,
        (x, y),
        xytext=(0, 6 if above else -6),
        textcoords="offset points",
        color=colour,
        va="bottom" if above else "top",
        ha="right",
        fontweight="bold",
    )


def svg(plot: Figure) -> str:
    """The figure as an `<svg>` element, the same to the byte for the same drawing."""
    buffer = io.StringIO()
    plot.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    for colour, variable in VARIABLES.items():
        text = text.replace(f": {colour}", f": var({variable}, {colour})")
    return re.sub(r"font: ([^']*)'DejaVu Sans'[^;\"]*", r"font: \1system-ui, sans-serif", text)


def with_own_ids(text: str, prefix: str) -> str:
    """The SVG with its ids made its own, so that several can stand in one page."""
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", text)
