"""Charts on a phone: nothing is cut, nothing lies on another, and each line is still named."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from cachelib.model.judgement.flips import Swing
from cachelib.report.publish import figures, vector
from cachelib.report.publish.narrow import WIDTH_IN, narrow

LONG = "Memory, then Workers KV, refreshed and never expired"
NAMES = [LONG, f"{LONG}, written only if changed", "No cache"]
TITLE = f"“{LONG}” is best or tied in 87.1 % of the tries, no other in more than 10.5 %"
LABEL = f"how much worse “{LONG}” is: time within which 95 in 100 reads are answered, ms"
KINDS = ["bars", "dots", "tornado", "curves", "map", "distributions"]


def drawn(kind: str) -> Figure:
    """A chart with names that are longer than a phone is wide, drawn as in the page."""
    plot, ax = figures.axes(xlabel=LABEL, ylabel="", title=TITLE)
    if kind == "bars":
        marks = {LONG: ("chosen", figures.BLUE)}
        figures.bars(ax, NAMES, [217.0, 200.0, 3.0], marks=marks, halves=[5.0, 1.0, 0.0])
    elif kind == "dots":
        marks = {LONG: ("chosen, as today", figures.BLUE)}
        told = ["$2.17", "$200.00", "$80,070"]
        figures.bars(ax, NAMES, [2.17, 200.0, 80_070.0], marks=marks, told=told)
    elif kind == "tornado":
        figures.tornado(ax, [Swing(name, -1.0, 2.0) for name in NAMES])
    elif kind == "curves":
        for nth, name in enumerate(NAMES):
            figures.curve(ax, [1e3, 1e7], [1.0, 10.0 + nth], name, figures.SERIES[nth])
        figures.limit(ax, 5.0, "limit: $5.00")
        figures.log_axes(ax, range(3, 8))
        figures.here(ax, 1e5)
    elif kind == "map":
        place = SimpleNamespace(here=2.0)
        choices: Any = SimpleNamespace(
            xs=np.geomspace(1, 100, 9), ys=np.geomspace(0.5, 4, 9), x=place, y=place, names=NAMES,
            chosen=np.arange(81).reshape(9, 9) // 21 - 1,
        )  # fmt: skip
        figures.regions_map(ax, choices, "here", figures.SERIES[:3], log=(True, True))
    else:
        figures.cumulative(ax, np.geomspace(1, 1e3, 99), "with Workers KV", figures.BLUE)
        figures.cumulative(ax, np.geomspace(9, 1e3, 99), "without", figures.MUTED, right=True)
    vector.svg(plot)
    return plot


def seen(plot: Figure) -> list[Text]:
    plot.draw_without_rendering()
    (ax,) = plot.axes
    texts = [text for text in plot.findobj(Text) if isinstance(text, Text)]
    out = {
        label
        for axis, low, high in (
            (ax.xaxis, ax.bbox.x0, ax.bbox.x1),
            (ax.yaxis, ax.bbox.y0, ax.bbox.y1),
        )
        for label in axis.get_ticklabels(which="both")
        if not low - 1 <= _place(label, axis) <= high + 1
    }
    return [text for text in texts if text.get_visible() and text.get_text() and text not in out]


def _place(label: Text, axis: Axis) -> float:
    """Of its tick on the axis: those beyond the ends are not drawn."""
    x, y = label.get_transform().transform(label.get_position())
    return float(x if axis.axis_name == "x" else y)


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_is_cut_on_a_phone(kind: str) -> None:
    plot = narrow(drawn(kind))
    assert plot.get_figwidth() == WIDTH_IN
    for text in seen(plot):
        box = text.get_window_extent()
        assert box.x0 >= -1, text.get_text()
        assert box.y0 >= -1, text.get_text()
        assert box.x1 <= plot.bbox.x1 + 1, text.get_text()
        assert box.y1 <= plot.bbox.y1 + 1, text.get_text()


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_lies_on_another(kind: str) -> None:
    boxes = [(text.get_text(), text.get_window_extent()) for text in seen(narrow(drawn(kind)))]
    for (one, its), (other, theirs) in combinations(boxes, 2):
        over_x = min(its.x1, theirs.x1) - max(its.x0, theirs.x0)
        over_y = min(its.y1, theirs.y1) - max(its.y0, theirs.y0)
        assert over_x <= 1 or over_y <= 1, (one, other)


@pytest.mark.parametrize("kind", ["bars", "tornado"])
def test_no_name_of_a_row_lies_on_a_bar(kind: str) -> None:
    plot = narrow(drawn(kind))
    names = [text for text in seen(plot) if text.get_text().replace("\n", " ") in NAMES]
    (ax,) = plot.axes
    things = [bar.get_window_extent() for bar in ax.patches]
    if kind == "tornado":  # of the other they are the ends of all intervals, in one line
        things += [line.get_window_extent() for line in ax.lines]
    assert len(names) == len(NAMES)
    for name in names:
        box = name.get_window_extent()
        assert all(box.y0 >= thing.y1 - 1 or box.y1 <= thing.y0 for thing in things)


@pytest.mark.parametrize(
    ("kind", "names"),
    [("curves", [*NAMES, "limit: $5.00"]), ("tornado", ["low", "high"]),
     ("map", ["1: nothing keeps the limits", *(f"{n}: {name}" for n, name in enumerate(NAMES, 2))]),
     ("distributions", ["with Workers KV", "without"])],
)  # fmt: skip
def test_what_is_drawn_is_named_below_the_chart(kind: str, names: list[str]) -> None:
    plot = narrow(drawn(kind))
    (legend,) = plot.legends
    assert {text.get_text().replace("\n", " ") for text in legend.get_texts()} == set(names)
    plot.draw_without_rendering()
    assert legend.get_window_extent().y1 <= plot.axes[0].get_tightbbox().y0 + 1
