"""A chart as SVG: in few bytes, and nothing that is seen is left out."""

from __future__ import annotations

import re

from cachelib.report.publish import figures, vector
from cachelib.report.publish.vector import slim


def test_an_id_stays_where_something_refers_to_it_and_goes_where_nothing_does() -> None:
    text = '<svg><path id="long-name"/><g id="lost"><use xlink:href="#long-name"/></g></svg>'
    assert slim(text) == '<svg><path id="u0"/><use xlink:href="#u0"/></svg>'
    clipped = '<svg><clipPath id="x"/><path clip-path="url(#x)"/></svg>'
    assert slim(clipped) == '<svg><clipPath id="u0"/><path clip-path="url(#u0)"/></svg>'


def test_a_group_that_says_something_stays_around_what_is_in_it() -> None:
    text = '<svg><g> <g style="opacity: 0.5"> <g id="a"><path/></g> </g> <g/> </g></svg>'
    assert slim(text) == '<svg><g style="opacity: 0.5"><path/></g></svg>'


def test_a_tenth_of_a_point_is_kept_and_a_turn_by_nothing_is_not() -> None:
    text = '<text x="12.3456" transform="rotate(-0 12.3 4)">1.2345 ms </text>'
    assert slim(text) == '<text x="12.3">1.2345 ms </text>'
    assert slim('<text transform="rotate(-90 9.04 4)"/>') == '<text transform="rotate(-90 9 4)"/>'
    assert slim('<path d="M 1.04 -2.96 \nL 3 4 \nz\n"/>') == '<path d="M1 -3L3 4z"/>'


def test_a_chart_has_all_its_words_and_what_it_refers_to() -> None:
    plot, ax = figures.axes(xlabel="time to answer, ms", ylabel="share, %", title="So it is")
    figures.line(ax, [1, 2, 3], [0.1, 0.2, 0.4], figures.BLUE)
    figures.here(ax, 2)
    drawn = vector.svg(plot)
    words = re.findall(r"<text[^>]*>([^<]+)</text>", drawn)
    assert {"time to answer, ms", "share, %", "So it is", "here"} <= set(words)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', drawn))
    assert used == set(re.findall(r' id="([^"]+)"', drawn))
