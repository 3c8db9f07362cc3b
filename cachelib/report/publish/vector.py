"""How a chart becomes SVG: in the page's colours, and in few bytes, since a page has many."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from cachelib.report import text as fit
from cachelib.report.publish import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = re.compile(r' (?:d|x|y|width|height|viewBox|transform|points)="[^"]*"')


def svg(plot: Figure) -> str:
    """The figure as an `<svg>` element, the same to the byte for the same drawing."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # A letter that matplotlib's font lacks is only measured with it, and drawn by the viewer's.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        # Names that leave no room for the rest are drawn all the same.
        warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
        _print(plot, buffer)
    text = fit.xml(buffer.getvalue())
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    for colour, variable in figures.VARIABLES.items():
        text = text.replace(f": {colour}", f": var({variable}, {colour})")
    text = re.sub(r"font: ([^']*)'DejaVu Sans'[^;\"]*", r"font: \1system-ui, sans-serif", text)
    return slim(text)


def _print(plot: Figure, buffer: IO[str]) -> None:
    """What `savefig` writes, which would draw it all once more before, only to lay it out."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    canvas, dpi = plot.canvas, plot.dpi
    try:
        FigureCanvasSVG(plot).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    finally:
        plot.set_canvas(canvas)
        plot.set_dpi(dpi)


def slim(text: str) -> str:
    """The same drawing without what nobody sees: ids and groups that nothing uses, digits."""
    text = re.sub(r' transform="rotate\(-0[^"]*"', "", text)
    text = DRAWN.sub(lambda attribute: _rounded(attribute[0]), text)
    return "".join(_without_bare_groups(re.sub(r">\s+<", "><", _short_ids(text))))


def _rounded(attribute: str) -> str:
    """A tenth of a point is less than a screen shows; a path needs no blanks beside its letters."""
    attribute = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.1f}", attribute)
    attribute = re.sub(r"\.0\b", "", attribute)
    return re.sub(r"\s*([MLQCZz])\s*", r"\1", attribute) if attribute[1] == "d" else attribute


def _short_ids(text: str) -> str:
    """Ids that something refers to by a short name, and no others."""
    used = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    names = {id: f"u{nth}" for nth, id in enumerate(used)}
    text = re.sub(
        r' id="([^"]+)"', lambda id: f' id="{names[id[1]]}"' if id[1] in names else "", text
    )
    return re.sub(r'(href="#|url\(#)([^")]+)', lambda link: link[1] + names[link[2]], text)


def _without_bare_groups(text: str) -> Iterator[str]:
    groups: list[bool] = []  # of those that are open: whether they say anything
    for part in re.split(r"(</?g\b[^>]*>)", text):
        if part.startswith("<g") and part.endswith("/>"):
            continue
        if part.startswith("<g"):
            groups.append(part != "<g>")
            kept = groups[-1]
        else:
            kept = groups.pop() if part == "</g>" else True
        if kept:
            yield part


def warm_up() -> None:
    """Load what the first figure of a process loads: matplotlib, its fonts and its back end."""
    plot, _ = figures.axes(xlabel="x", ylabel="y")
    svg(plot)
