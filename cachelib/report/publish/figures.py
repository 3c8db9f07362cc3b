"""How charts look, and what is drawn in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator, NullLocator, SymmetricalLogLocator

from cachelib.plural import plural
from cachelib.report import text as fit
from cachelib.report.numbers import Unit, brief
from cachelib.report.numbers import shown as said
from cachelib.report.publish import curve_names, data, dots, labels, maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cachelib.model.judgement.flips import Swing
    from cachelib.model.judgement.maps import Map
    from cachelib.model.judgement.study import Study

INK, MUTED, GRID, PAPER = "#1d2329", "#5d6670", "#dfe3e7", "#ffffff"
BLUE, ORANGE, GREEN, PINK, GOLD = "#0062a3", "#b84a00", "#00775a", "#a23b72", "#8a6100"
VIOLET, TEAL, BROWN = "#6a4bb5", "#006d80", "#7a4b3a"
OLIVE, PURPLE, SLATE, RED = "#5b6b00", "#8e3a9d", "#45597a", "#9c1c1c"
SERIES = (BLUE, ORANGE, GREEN, PINK, GOLD, VIOLET, TEAL, BROWN, OLIVE, PURPLE, SLATE, RED)

# In the page each colour is a variable, which dark mode gives another value; a viewer that knows
# no such variable takes the colour itself.
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--line",
    PAPER: "--figure-paper",
    **{colour: f"--series-{nth}" for nth, colour in enumerate(SERIES, 1)},
}

DASHED = dict.fromkeys(SERIES[len(SERIES) // 2 :], (0, (5, 1.5)))
"""How lines of the later colours are drawn, which by hue alone are near to earlier ones."""

STEPS = 201  # points of a cumulative curve: each half a per cent

STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.prop_cycle": "cycler('color', [{}])".format(", ".join(f"'{c}'" for c in SERIES)),
    "axes.spines.right": False,
    "axes.spines.top": False,
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
    "text.parse_math": False,  # a $ in a name is a $
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def axes(*, xlabel: str, ylabel: str, title: str = "") -> tuple[Figure, Axes]:
    """A figure with one pair of labelled axes, in the report's style."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    mpl.rcdefaults()  # a matplotlibrc in the current folder is not the report's
    mpl.rcParams.update(STYLE)
    plot, ax = plt.subplots()
    plt.close(plot)  # it is shown when published, not when drawn
    ax.set(xlabel=fit.plain(xlabel), ylabel=fit.plain(ylabel))
    if title:  # from the figure's left edge, since names of rows may leave the axes little width
        plot.suptitle(labels.title(title), x=0.01, ha="left", fontsize=STYLE["axes.titlesize"])
    return plot, ax


def colour(study: Study, design: str) -> str:
    """The colour that a design has in every figure: by its place in the case."""
    names = study.case.option_names
    return SERIES[names.index(design) % len(SERIES)] if design in names else MUTED


def here(ax: Axes, x: float, label: str = "here") -> None:
    """Mark where this system is, by a word above all lines."""
    ax.axvline(x, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), zorder=0)
    ax.text(x, 1.01, label, transform=ax.get_xaxis_transform(), color=MUTED, ha="center",
            va="bottom", fontsize=9)  # fmt: skip


def limit(ax: Axes, y: float, label: str) -> None:
    """Mark what a design may not exceed; named at its end, as the lines drawn before are."""
    ends = [float(edge(line.get_xdata())) for line in ax.lines for edge in (np.min, np.max)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    ax.plot([low, high], [y, y], color=INK, linewidth=1, linestyle=(0, (6, 3)), zorder=0)
    _name(ax, label, (high, y), INK, (4, 0), "left", "center")


def log_x(ax: Axes, ticks: Sequence[float], labels: Sequence[str] = ()) -> None:
    """A logarithmic x axis that marks `ticks` as people write them: 100, 1k, 10M."""
    ax.set_xscale("log")
    ax.set_xticks(
        list(ticks), [fit.label(each) for each in labels] or [brief(tick) for tick in ticks]
    )
    ax.minorticks_off()


def trend(what: str, x: Sequence[float], ratios: Sequence[float], unit: str) -> str:
    """What a line of ratios shows, in one sentence for those who do not see it."""
    first, last = (said(ratio, "ratio") for ratio in (ratios[0], ratios[-1]))
    return f"A line: {what} goes from {first} at {brief(x[0])} to {last} at {brief(x[-1])} {unit}."


def message(
    begins: str, ratios: Sequence[float], x: Sequence[float], one: str, many: str = ""
) -> str:
    """A title that says what a line of ratios shows: `Memory finds 3 % … and 61 % …`."""
    first, last = (said(ratio, "ratio") for ratio in (ratios[0], ratios[-1]))
    names = [plural(at, one, many) for at in (x[0], x[-1])]
    if first == last:
        return f"{begins} {first} of the reads, at {brief(x[0])} as at {brief(x[-1])} {names[1]}"
    return f"{begins} {first} at {brief(x[0])} {names[0]}, {last} at {brief(x[-1])} {names[1]}"


def ends(lines: Iterable[Sequence[float]], x: Sequence[float], unit: Unit) -> str:
    """A title that says where lines lie at both ends: `$3 to $5 at 1k …, $57 to $372 at 10M`."""
    drawn = list(lines)
    told = []
    for at in (0, -1):
        low, high = (said(edge(line[at] for line in drawn), unit) for edge in (min, max))
        told.append(f"{low if low == high else f'{low} to {high}'} at {brief(x[at])}")
    return f"{told[0]} requests a month, {told[1]}"


def line(ax: Axes, x: Sequence[float], shares: Sequence[float], colour: str) -> None:
    """Shares in per cent against x: the only line of its figure, which needs no name."""
    percents = [100 * share for share in shares]
    ax.plot(x, percents, "o-", color=colour)
    data.note_line(ax, x, percents)


def named_line(
    ax: Axes,
    x: Sequence[float],
    shares: Sequence[float],
    name: str,
    colour: str,
) -> None:
    """Shares in per cent against x, the line's name beside its end, where no other line lies."""
    percents = [100 * share for share in shares]
    ax.plot(x, percents, "o", color=colour, linestyle=DASHED.get(colour, "-"))
    data.note_line(ax, x, percents, name)
    _name(ax, name, (x[-1], percents[-1]), colour, (8, 0), "left", "center")
    ax.set_ylim(0, 106)


def curve(
    ax: Axes,
    x: Sequence[float],
    y: Sequence[float],
    name: str,
    colour: str,
    *,
    dot: tuple[float, float] | None = None,
) -> None:
    """A smooth line by formula, named at its end; `dot`: what was simulated."""
    ax.plot(x, y, color=colour, linestyle=DASHED.get(colour, "-"))
    data.note_line(ax, x, y, name)
    if dot is not None:
        ax.plot(*dot, "o", color=colour)
        data.note_line(ax, dot[:1], dot[1:], f"{name}, simulated")
    _name(ax, name, (list(x)[-1], list(y)[-1]), colour, (4, 0), "left", "center")


def log_axes(ax: Axes, powers: Iterable[int]) -> None:
    """Both axes logarithmic, x marked at powers of ten; names at lines' ends kept apart."""
    log_x(ax, [10.0**power for power in powers])
    _log_y(ax, np.concatenate([np.asarray(line.get_ydata(), float) for line in ax.lines]))
    low, high = ax.get_ylim()
    narrow = high < NARROW * low  # three digits would tell its marks alike
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}" if narrow else brief(value))
    spread(ax)


def _log_y(ax: Axes, values: npt.NDArray[Any]) -> None:
    """A logarithmic y axis; where something costs nothing, linear from there to the rest."""
    above = values[values > 0]
    if not len(above):
        return
    marks = (1, 2, 5) if above.max() <= WIDE * above.min() else (1,)
    if len(above) == len(values):
        ax.set_yscale("log", subs=[])
        ax.yaxis.set_major_locator(LogLocator(subs=marks))
        return
    least = 10 ** float(np.floor(np.log10(above.min())))
    ax.set_yscale("symlog", linthresh=least, linscale=0.5)
    ax.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=least, subs=marks))
    ax.yaxis.set_minor_locator(NullLocator())


NARROW = 1.1
WIDE = 1e3  # from there on a mark at each power of ten is enough: more lie on one another
NEARLY = 0.01  # in powers of ten: what begins at 1000.1 begins at 1k


def powers(values: Sequence[float]) -> range:
    """The powers of ten among positive values, to mark an axis with."""
    low, high = np.log10(min(values)), np.log10(max(values))
    return range(int(np.ceil(low - NEARLY)), int(np.floor(high + NEARLY)) + 1)


def spread(ax: Axes, gap: float = 0.055) -> None:
    """Move the names at lines' ends apart where they would lie on each other, inside the axes."""
    ax.autoscale_view()  # else it is done when all is drawn
    place = ax.transData + ax.transAxes.inverted()
    names = [text for text in ax.texts if isinstance(text, Annotation)]
    names.reverse()  # of lines that end alike the first is named on top
    names.sort(key=lambda text: text.xy[1])
    points = [place.transform(text.xy) for text in names]
    heights = [float(y) for _, y in points]
    rooms = [gap * (text.get_text().count("\n") + 1) for text in names]
    for nth in range(1, len(heights)):
        apart = (rooms[nth - 1] + rooms[nth]) / 2
        heights[nth] = max(heights[nth], heights[nth - 1] + apart)
    top = 1.0
    for nth in reversed(range(len(heights))):
        heights[nth] = min(heights[nth], top)
        top = heights[nth] - (rooms[nth] + rooms[nth - 1]) / 2
    for text, (x, _), height in zip(names, points, heights, strict=True):
        text.xy = tuple(place.inverted().transform((x, height)))


def fit_y(ax: Axes) -> None:
    """Let the y axis end where the data does."""
    ax.relim()
    ax.autoscale(axis="y")
    ax.set_ylim(bottom=0, top=ax.get_ylim()[1] * 1.16)  # and names above its points
    spread(ax)


def cumulative(
    ax: Axes, values: npt.NDArray[Any], name: str, colour: str, *, right: bool = False
) -> None:
    """The share of `values` at most x, in per cent, over a logarithmic x; named at its median."""
    percents = np.linspace(0, 100, STEPS)
    x = np.quantile(values, percents / 100)
    ax.plot(x, percents, color=colour)
    data.note_line(ax, x[::2].tolist(), percents[::2].tolist(), name)
    ax.set(xscale="log", ylim=(0, 101))
    ax.minorticks_off()
    ax.xaxis.set_major_formatter(lambda value, _: brief(value))
    point = float(np.median(values)), 50.0
    _name(ax, name, point, colour, (6 if right else -6, 0), "left" if right else "right", "center")
    curve_names.place(ax)


def _name(
    ax: Axes,
    name: str,
    point: tuple[float, float],
    colour: str,
    offset: tuple[float, float],
    side: Literal["left", "right", "center"],
    height: Literal["bottom", "center"],
) -> None:
    ax.annotate(
        labels.in_its_lines(name), point, xytext=offset, textcoords="offset points", color=colour,
        ha=side, va=height, fontweight="bold",
    )  # fmt: skip


def bars(
    ax: Axes,
    names: Sequence[str],
    values: Sequence[float],
    *,
    marks: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    halves: Sequence[float] = (),
    told: Sequence[str] = (),
) -> None:
    """Horizontal bars, the first on top, each with its value at its end.

    `marks`: a word that stands beside the value of some, and the colour of their bars. `halves`:
    half of each value's 95 % interval, drawn as a line through the bar's end. `told`: each value
    as the text has it. Of bars a few of which would be hairs beside others there are dots, on a
    logarithmic axis: how long such a bar is would say nothing. A share near nothing is nothing.
    """
    what, places = ax.get_xlabel(), labels.name_rows(ax, names)
    marked = [marks.get(name, ("", MUTED)) for name in names]
    spans = halves if np.nan_to_num(halves).any() else None
    columns = ["", what, *(["half of its 95 % interval"] if spans else [])]
    data.note(ax, columns, list(zip(names, values, *([halves] if spans else []), strict=True)))
    amounts = told or [brief(value) if value else "0" for value in values]
    ends = [f"{a}  {word}".rstrip() for a, (word, _) in zip(amounts, marked, strict=True)]
    colours = [colour for _, colour in marked]
    if dots.are_hairs(values) and not what.endswith("%"):
        dots.draw(ax, places, values, colours, ends, ink=INK, grid=GRID)
        return
    drawn = ax.barh(places, values, xerr=spans, color=colours, height=0.6,
                    error_kw={"ecolor": INK, "elinewidth": 1.2, "capsize": 3})  # fmt: skip
    ax.bar_label(drawn, ends, padding=4, color=INK)
    ax.margins(x=0.1 + 0.016 * max(map(len, ends), default=0))
    if min(values, default=0) >= 0:  # an interval may reach below what there can be
        ax.set_xlim(left=0)


def tornado(ax: Axes, swings: Sequence[Swing]) -> None:
    """A bar from each assumption's low to its high, the widest on top."""
    rows = [(swing.name, swing.low, swing.high) for swing in swings]
    what = ax.get_xlabel()
    data.note(ax, ["number", f"{what}, with it at its low", f"{what}, at its high"], rows)
    places = labels.name_rows(ax, [swing.name for swing in swings])
    for place, swing in zip(places, swings, strict=True):
        ax.plot([swing.low, swing.high], [place, place], color=GRID, linewidth=12, zorder=1)
        ax.plot(swing.low, place, "o", color=BLUE, markersize=8)
        ax.plot(swing.high, place, "s", color=ORANGE, markersize=8)
    for widest in swings[:1]:
        _name(ax, "low", (widest.low, places[0]), BLUE, (0, 9), "center", "bottom")
        _name(ax, "high", (widest.high, places[0]), ORANGE, (0, 9), "center", "bottom")
    ax.set_ylim(top=-0.5)  # room for these two
    ax.margins(x=0.06)


def regions_map(
    ax: Axes, drawn: Map, label: str, colours: Sequence[str], *, log: tuple[bool, bool]
) -> None:
    """Who is chosen over two numbers, and where we are; `colours`: of `drawn.names`."""
    from matplotlib.patches import Patch, PathPatch
    from matplotlib.path import Path

    counts = Counter(drawn.chosen.ravel().tolist())
    places = [place for place, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]
    names = ["nothing keeps the limits" if i < 0 else drawn.names[i] for i in places]
    colours = [GRID if i < 0 else colours[i] for i in places]
    runs = maps.runs(drawn, log)
    for place, its in zip(places, colours, strict=True):  # one shape each: no seams within
        boxes = [
            Path([(left, low), (right, low), (right, high), (left, high), (left, low)], closed=True)
            for which, left, right, low, high in runs
            if which == place
        ]
        ax.add_patch(PathPatch(Path.make_compound_path(*boxes), linewidth=0, antialiased=False,
                               color=its, alpha=0.55))  # fmt: skip
    chosen = [
        (x, y, "nothing keeps the limits" if i < 0 else drawn.names[i])
        for y, row in zip(drawn.ys.tolist(), drawn.chosen.tolist(), strict=True)
        for x, i in zip(drawn.xs.tolist(), row, strict=True)
    ]
    data.note(ax, [ax.get_xlabel(), ax.get_ylabel(), "choice"], chosen)
    ax.plot(drawn.x.here, drawn.y.here, "o", color=INK, markersize=8)
    ax.annotate(label, (drawn.x.here, drawn.y.here), xytext=(8, 0), textcoords="offset points",
                color=INK, va="center")  # fmt: skip
    for nth, place in enumerate(places, 1):
        if middle := maps.inside(drawn, place):
            ax.text(*middle, str(nth), ha="center", va="center", fontweight="bold")
    ax.autoscale()
    for axis, values, is_log in zip("xy", (drawn.xs, drawn.ys), log, strict=True):
        if is_log:
            getattr(ax, f"set_{axis}scale")("log")
            marks = (1,) if len(powers(values.tolist())) > 1 else (1, 2, 5)
            getattr(ax, f"{axis}axis").set_major_locator(LogLocator(subs=marks))
    ax.minorticks_off()
    for formatted in (ax.xaxis, ax.yaxis):
        formatted.set_major_formatter(lambda value, _: brief(value))
    ax.grid(visible=False)
    told = [f"{nth}: {name}" for nth, name in enumerate(labels.in_lines(names), 1)]
    ax.legend([Patch(color=colour, alpha=0.55) for colour in colours], told,
              loc="upper left", bbox_to_anchor=(1, 1), frameon=False)  # fmt: skip
