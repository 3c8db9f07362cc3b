"""Charts name what they show: no label is cut into another, the choice and today are marked."""

from __future__ import annotations

import re
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Annotation, Text
from pydantic import ValidationError

from cachelib.model.judgement.flips import Swing
from cachelib.report.publish import data, figures, labels, maps, vector
from cachelib.report.publish.findings import Figure

LONG = "Memory, then Workers KV, refreshed and never expired"
NAMES = [LONG, f"{LONG}, written only if changed", "No cache"]


def words(text: str) -> list[str]:
    """What is written in a drawing, line by line."""
    return re.findall(r"<text[^>]*>([^<]+)</text>", text) + re.findall(
        r"<tspan[^>]*>([^<]+)<", text
    )


def test_long_names_are_given_lines_and_none_is_cut() -> None:
    told = labels.in_lines(NAMES)
    assert [name.replace("\n", " ") for name in told] == NAMES
    assert max(len(line) for name in told for line in name.splitlines()) <= labels.ROW


def test_names_that_must_be_cut_are_still_told_apart() -> None:
    endless = "a very long name of an option that goes on and on " * 5
    told = labels.in_lines([endless + "one", endless + "two", "short"])
    assert len(set(told)) == 3
    assert told[2] == "short"


def test_the_same_name_twice_stays_the_same() -> None:
    assert labels.in_lines(["a", "a"]) == ["a", "a"]


@pytest.mark.parametrize("kind", ["bars", "tornado"])
def test_rows_do_not_lie_on_each_other(kind: str) -> None:
    _, ax = figures.axes(xlabel="x", ylabel="")
    if kind == "bars":
        figures.bars(ax, NAMES, [1.0, 2.0, 3.0])
    else:
        figures.tornado(ax, [Swing(name, 1.0, 2.0) for name in NAMES])
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    for upper, lower in pairwise(boxes):
        assert upper.y0 >= lower.y1 - 1


def test_an_interval_is_drawn_through_the_end_of_its_bar_and_kept_in_the_data() -> None:
    plot, ax = figures.axes(xlabel="bill, $", ylabel="")
    figures.bars(ax, ["a", "b"], [10.0, 20.0], halves=[1.5, 0.0])
    ((one, two),) = (line.get_segments() for line in ax.collections)
    assert one[:, 0].tolist() == [8.5, 11.5]
    assert two[:, 0].tolist() == [20, 20]
    noted = data.behind(plot)
    assert noted is not None
    assert noted.columns[-1] == "half of its 95 % interval"
    assert noted.rows == [["a", 10.0, 1.5], ["b", 20.0, 0.0]]


def test_the_choice_and_what_is_there_are_marked_in_their_own_colours() -> None:
    plot, ax = figures.axes(xlabel="x", ylabel="")
    figures.bars(
        ax, NAMES, [1.0, 2.0, 3.0],
        marks={LONG: ("chosen", figures.TEAL), "No cache": ("today", figures.BLUE)},
    )  # fmt: skip
    drawn = vector.svg(plot)
    assert any(re.fullmatch(r"1 +chosen", word) for word in words(drawn))
    assert any(re.fullmatch(r"3 +today", word) for word in words(drawn))
    faces = [bar.get_facecolor() for bar in ax.patches]
    assert len({*faces}) == 3


LONG_TITLE = f"“{LONG}” is best or tied in 87.1 % of the tries, no other in more than 10.5 %"
LONG_LABEL = f"how much worse “{LONG}” is: time within which 95 in 100 reads are answered, ms"


@pytest.mark.parametrize("kind", ["bars", "tornado", "curve"])
def test_no_title_and_no_label_runs_out_of_its_figure(kind: str) -> None:
    label = "requests a month" if kind == "curve" else LONG_LABEL
    plot, ax = figures.axes(xlabel=label, ylabel="", title=LONG_TITLE)
    if kind == "bars":
        figures.bars(ax, NAMES, [1.0, 2.0, 3.0])
    elif kind == "tornado":
        figures.tornado(ax, [Swing(name, 1.0, 2.0) for name in NAMES])
    else:
        figures.line(ax, [1, 2], [0.1, 0.2], figures.BLUE)
    plot.canvas.draw()
    (title,) = (text for text in plot.findobj(Text) if LONG in text.get_text().replace("\n", " ")
                and "tries" in text.get_text())  # fmt: skip
    for text in (title, ax.xaxis.label):
        box = text.get_window_extent()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= plot.bbox.x1, text.get_text()
    noted = data.behind(plot)
    assert noted is not None
    assert not any("\n" in column for column in noted.columns)


@pytest.mark.parametrize(
    "text",
    ["The spread of all times could make “Memory, then Redis, told of changes” the better in time"
     " within which 95 in 100 reads are answered; so could 2 more",
     "Memory finds 6.82 % at 181 requests a month, 61.2 % at 1.81k requests a month",
     "Less is better: $5.00 as it is today"],
)  # fmt: skip
def test_a_title_is_cut_no_sooner_than_it_must_and_leaves_no_word_alone(text: str) -> None:
    lines = labels.title(text).split("\n")
    assert " ".join(lines) == text or (lines[-1].endswith("…") and len(text) > 2 * labels.TITLE - 9)
    assert max(map(len, lines)) <= labels.TITLE
    assert min(map(len, lines)) > max(map(len, lines)) / 2


def test_shares_have_an_axis_of_shares() -> None:
    _, ax = figures.axes(xlabel="tries in which it is best or tied, %", ylabel="")
    figures.bars(ax, ["a", "b"], [91.7, 0.0], halves=[20.0, 5.6])
    assert ax.get_xlim()[0] == 0


def test_marks_of_a_narrow_axis_are_told_apart() -> None:
    plot, ax = figures.axes(xlabel="requests a month", ylabel="bill, $ a month")
    figures.curve(ax, [1e3, 1e6], [28.80, 29.04], "a", figures.BLUE)
    figures.log_axes(ax, range(3, 7))
    plot.canvas.draw()
    told = [text.get_text() for text in ax.get_yticklabels() if text.get_text()]
    assert len(told) > 1
    assert len(set(told)) == len(told)


def test_where_nothing_is_charged_an_axis_has_no_powers() -> None:
    _, ax = figures.axes(xlabel="requests a month", ylabel="bill, $ a month")
    figures.curve(ax, [1e3, 1e6], [0.0, 0.0], "a", figures.BLUE)
    figures.log_axes(ax, range(3, 7))
    assert ax.get_yscale() == "linear"


def test_a_title_of_two_whole_lines_is_not_wider_than_its_figure() -> None:
    text = (
        "The spread of all times could make “Memory, then Redis, told of changes” the better in"
        " time within which 95 in 100 reads are answered; so could 1 more"
    )
    assert labels.title(text).replace("\n", " ") == text
    plot, ax = figures.axes(xlabel="x", ylabel="", title=text)
    figures.line(ax, [1, 2], [0.1, 0.2], figures.BLUE)
    plot.canvas.draw()
    (title,) = (each for each in plot.findobj(Text) if "so could" in each.get_text())
    assert title.get_window_extent().x1 <= plot.bbox.x1


def test_a_curve_s_name_stands_at_its_end() -> None:
    _, ax = figures.axes(xlabel="x", ylabel="y")
    figures.curve(ax, [1.0, 2.0, 5.0], [3.0, 4.0, 7.0], "ours", figures.BLUE)
    (name,) = (text for text in ax.texts if isinstance(text, Annotation))
    assert (name.get_text(), name.xy) == ("ours", (5.0, 7.0))


def test_what_stands_beside_the_longest_bar_has_room_in_its_axes() -> None:
    _, ax = figures.axes(xlabel="bill, $", ylabel="")
    figures.bars(ax, ["a", "b"], [10.0, 2_000.0], marks={"b": ("chosen", figures.BLUE)})
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    assert max(text.get_window_extent().x1 for text in ax.texts) <= ax.bbox.x1


def test_of_a_curve_with_a_simulated_point_both_are_in_the_data() -> None:
    plot, ax = figures.axes(xlabel="x", ylabel="y")
    figures.curve(ax, [1.0, 2.0], [3.0, 4.0], "ours", figures.BLUE, dot=(1.5, 3.6))
    noted = data.behind(plot)
    assert noted is not None
    assert noted.columns == ["x", "line", "y"]
    ours = [[1.0, "ours", 3.0], [2.0, "ours", 4.0]]
    assert noted.rows == [*ours, [1.5, "ours, simulated", 3.6]]


def test_a_limit_is_named_at_its_end_among_the_names_of_lines_and_kept_apart_from_them() -> None:
    _, ax = figures.axes(xlabel="x", ylabel="y")
    figures.curve(ax, [1.0, 9.0], [1.0, 4.0], "ours", figures.BLUE)
    figures.limit(ax, 4.0, "at most 4")
    _, line = ax.lines
    assert list(line.get_ydata()) == [4.0, 4.0]
    ours, limit = (text for text in ax.texts if isinstance(text, Annotation))
    assert ours.xy == limit.xy == (9.0, 4.0)
    figures.spread(ax)
    assert limit.get_text() == "at most 4"
    assert abs(limit.xy[1] - ours.xy[1]) > 0.1


def test_of_lines_that_end_alike_the_first_is_named_on_top() -> None:
    _, ax = figures.axes(xlabel="x", ylabel="share, %")
    for name in ("first", "second"):
        figures.named_line(ax, [1.0, 2.0], [0.5, 0.0], name, figures.BLUE)
    figures.fit_y(ax)
    first, second = (text for text in ax.texts if isinstance(text, Annotation))
    assert first.xy[1] > second.xy[1]


def test_where_we_are_is_written_above_all_lines() -> None:
    plot, ax = figures.axes(xlabel="x", ylabel="y")
    figures.line(ax, [1.0, 9.0], [0.0, 1.0], figures.BLUE)
    figures.here(ax, 9.0)
    plot.draw_without_rendering()
    (word,) = ax.texts
    assert word.get_window_extent().y0 >= ax.bbox.y1
    assert list(ax.lines[-1].get_xdata()) == [9.0, 9.0]


def test_a_line_that_begins_a_little_above_a_power_of_ten_begins_at_its_mark() -> None:
    assert list(figures.powers([1000.1, 5e6])) == [3, 4, 5, 6]
    assert list(figures.powers([1500.0, 9.9999e6])) == [4, 5, 6, 7]
    assert list(figures.powers([1500.0, 9e6])) == [4, 5, 6]


def test_a_map_has_one_shape_a_choice_and_marks_on_both_axes() -> None:
    place = SimpleNamespace(here=1.0)
    chosen = np.add.outer(np.arange(9), np.arange(9)) // 6
    drawn: Any = SimpleNamespace(xs=np.geomspace(1, 1000, 9), ys=np.geomspace(0.6, 4, 9), x=place,
                                 y=place, names=["a", "b", "c"], chosen=chosen)  # fmt: skip
    plot, ax = figures.axes(xlabel="x", ylabel="y")
    figures.regions_map(ax, drawn, "here", figures.SERIES[:3], log=(True, True))
    plot.draw_without_rendering()
    assert len(ax.patches) == 3
    for axis, low, high in ((ax.xaxis, *ax.get_xlim()), (ax.yaxis, *ax.get_ylim())):
        assert len([mark for mark in axis.get_majorticklocs() if low <= mark <= high]) > 1


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=5))
def test_boxes_of_a_map_cover_each_cell_once_with_its_own_choice(chosen: list[list[int]]) -> None:
    cells = np.array(chosen)
    drawn: Any = SimpleNamespace(xs=np.arange(4.0), ys=np.arange(float(len(cells))), chosen=cells)
    boxes = maps.runs(drawn, (False, False))
    for row, column in np.ndindex(cells.shape):
        x = min(max(column, 0.1), 2.9)  # the outer cells are halves
        y = min(max(row, 0.1), len(cells) - 1.1) if len(cells) > 1 else 0.0
        over = [b[0] for b in boxes if b[1] <= x <= b[2] and b[3] <= y <= b[4]]
        assert over == [cells[row, column]]


def test_a_chart_without_a_description_is_no_finding() -> None:
    with pytest.raises(ValidationError, match="alt"):
        Figure(id="a.chart", caption="A chart", alt="")


def test_a_line_of_shares_is_named_at_its_end() -> None:
    _, ax = figures.axes(xlabel="x", ylabel="share, %")
    figures.named_line(ax, [1.0, 2.0], [0.5, 0.25], "end", figures.BLUE)
    figures.named_line(ax, [1.0, 2.0], [0.75, 0.9], "other", figures.TEAL)
    names = {text.get_text(): text for text in ax.texts if isinstance(text, Annotation)}
    assert names["end"].xy == (2.0, 25.0)
    assert names["other"].xy == (2.0, 90.0)


def test_names_of_cumulative_curves_stand_on_none_of_them() -> None:
    plot, ax = figures.axes(xlabel="ms", ylabel="share, %")
    near = np.concatenate([np.geomspace(30, 60, 500), np.geomspace(300, 600, 500)])
    figures.cumulative(ax, near, "with Workers KV", figures.BLUE)
    figures.cumulative(ax, np.geomspace(299, 620, 999), "Durable Objects", figures.PINK, right=True)
    plot.draw_without_rendering()
    names = [text for text in ax.texts if isinstance(text, Annotation)]
    for name, line in product(names, ax.lines):
        box = name.get_window_extent()
        points = line.get_transform().transform(line.get_xydata())
        heights = np.arange(box.y0, box.y1)
        across = np.interp(heights, points[:, 1], points[:, 0])
        assert not np.any((across > box.x0) & (across < box.x1)), name.get_text()


@pytest.mark.parametrize("right", [True, False])
def test_names_of_two_curves_do_not_meet_whichever_was_drawn_first(right: bool) -> None:
    plot, ax = figures.axes(xlabel="ms", ylabel="share, %")
    figures.cumulative(ax, np.geomspace(150, 1_500, 999), "Workers KV", figures.BLUE)
    figures.cumulative(ax, np.geomspace(60, 300, 999), "Durable Objects", figures.PINK, right=right)
    plot.draw_without_rendering()
    one, other = (text.get_window_extent() for text in ax.texts if isinstance(text, Annotation))
    assert other.x1 < one.x0


def test_what_costs_nothing_is_drawn_beside_what_does() -> None:
    plot, ax = figures.axes(xlabel="requests a month", ylabel="bill, $ a month")
    figures.curve(ax, [1e3, 1e6], [182.0, 189.0], "a", figures.BLUE)
    figures.curve(ax, [1e3, 1e6], [0.0, 0.0], "b", figures.PINK)
    figures.log_axes(ax, range(3, 7))
    plot.draw_without_rendering()
    heights = [line.get_transform().transform(line.get_xydata())[0, 1] for line in ax.lines]
    assert all(ax.bbox.y0 <= height <= ax.bbox.y1 for height in heights)
    assert "0" in {text.get_text() for text in ax.get_yticklabels()}


@pytest.mark.parametrize("least", [0.0, 0.001])
def test_marks_of_an_axis_over_many_powers_of_ten_do_not_lie_on_one_another(least: float) -> None:
    plot, ax = figures.axes(xlabel="requests a month", ylabel="bill, $ a month")
    figures.curve(ax, [1e3, 1e6, 1e7], [0.001, 0.02, 20.0], "a", figures.BLUE)
    figures.curve(ax, [1e3, 1e7], [least, least], "b", figures.PINK)
    figures.log_axes(ax, range(3, 8))
    plot.set_size_inches(3.6, 2.6)
    plot.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.get_yticklabels() if text.get_text()]
    low, high = ax.bbox.y0 - 1, ax.bbox.y1 + 1
    seen = sorted((b.y0, b.y1) for b in boxes if low <= (b.y0 + b.y1) / 2 <= high)
    assert len(seen) > 3
    assert all(one[1] <= other[0] for one, other in pairwise(seen)), seen


def test_a_limit_s_line_does_not_run_through_its_name() -> None:
    plot, ax = figures.axes(xlabel="x", ylabel="y")
    figures.curve(ax, [1.0, 9.0], [1.0, 2.0], "ours", figures.BLUE)
    figures.limit(ax, 4.0, "at most 4")
    plot.draw_without_rendering()
    name = ax.texts[-1].get_window_extent()
    assert ax.lines[-1].get_window_extent().x1 <= name.x0


def test_each_area_of_a_map_that_has_room_has_the_number_of_its_choice() -> None:
    place = SimpleNamespace(here=9.0)
    chosen = np.zeros((12, 12), int)
    chosen[:, 6:], chosen[0, 0] = 1, 2
    drawn: Any = SimpleNamespace(xs=np.arange(12.0), ys=np.arange(12.0), x=place, y=place,
                                 names=["a", "b", "c"], chosen=chosen)  # fmt: skip
    assert maps.inside(drawn, 2) is None
    for choice in (0, 1):
        found = maps.inside(drawn, choice)
        assert found is not None
        x, y = (int(each) for each in found)
        assert chosen[y, x] == chosen[y - 1, x] == chosen[y, x - 1] == chosen[y, x + 1] == choice
        assert abs(y - place.here) > 1 or not 8 <= x <= 11


def test_colours_of_the_second_half_are_told_from_the_first_by_their_lines() -> None:
    _, ax = figures.axes(xlabel="x", ylabel="y")
    for colour in (figures.GREEN, figures.TEAL):
        figures.curve(ax, [1.0, 2.0], [1.0, 2.0], "a", colour)
    first, second = ax.lines
    assert first.get_linestyle() != second.get_linestyle()


@pytest.mark.parametrize(("right", "side"), [(True, "left"), (False, "right")])
def test_a_distribution_is_named_beside_its_median(right: bool, side: str) -> None:
    _, ax = figures.axes(xlabel="ms", ylabel="share, %")
    figures.cumulative(ax, np.array([1.0, 2.0, 9.0]), "ours", figures.BLUE, right=right)
    (name,) = (text for text in ax.texts if isinstance(text, Annotation))
    assert (name.get_text(), name.xy[1], name.get_ha()) == ("ours", 50.0, side)
    assert name.xy[0] > 2.0 if right else name.xy[0] < 2.0


def test_bars_that_would_be_hairs_are_dots_on_a_logarithmic_axis() -> None:
    plot, ax = figures.axes(xlabel="bill, $", ylabel="")
    marks, told = {"a": ("chosen", figures.TEAL)}, ["$507.35", "$80,070", "$0.00"]
    figures.bars(ax, ["a", "b", "c"], [507.35, 80_070.0, 0.0], marks=marks, told=told)
    assert ax.get_xscale() == "log"
    assert not ax.patches
    ends = [text.get_text() for text in ax.texts]
    assert ends == ["$507.35  chosen", "$80,070", "$0.00"]
    plot.canvas.draw()
    assert max(text.get_window_extent().x1 for text in ax.texts) <= ax.bbox.x1
    noted = data.behind(plot)
    assert noted is not None
    assert noted.rows == [["a", 507.35], ["b", 80_070.0], ["c", 0.0]]


@pytest.mark.parametrize("values", [[1.0, 40.0], [0.0, 40.0], [0.0, 0.0], [-1.0, 400.0]])
def test_bars_that_can_be_seen_stay_bars(values: list[float]) -> None:
    _, ax = figures.axes(xlabel="bill, $", ylabel="")
    figures.bars(ax, ["a", "b"], values)
    assert ax.get_xscale() == "linear"
    assert len(ax.patches) == 2


def test_shares_stay_bars_since_one_near_nothing_is_nothing() -> None:
    _, ax = figures.axes(xlabel="tries, %", ylabel="")
    figures.bars(ax, ["a", "b"], [50.9, 0.05])
    assert (ax.get_xscale(), len(ax.patches)) == ("linear", 2)


def test_an_amount_stands_at_its_bar_as_in_the_text_beside_what_became_of_its_option() -> None:
    _, ax = figures.axes(xlabel="bill, $", ylabel="")
    marks = {"b": ("today, out", figures.BLUE)}
    figures.bars(ax, ["a", "b"], [1_072.03, 2_072.03], told=["$1,072.03", "$2,072.03"], marks=marks)
    assert [text.get_text() for text in ax.texts] == ["$1,072.03", "$2,072.03  today, out"]
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    assert max(text.get_window_extent().x1 for text in ax.texts) <= ax.bbox.x1
