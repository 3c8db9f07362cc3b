"""Styles that drawings of a page repeat are said once, and nothing else of it is touched."""

from __future__ import annotations

from cachelib.report.document.drawings import shared

LINE = '<path d="M0 0" style="fill: none; stroke: red"/>'


def test_a_repeated_style_becomes_a_class_and_a_single_one_stays() -> None:
    once = '<text style="font-size: 9px">a</text>'
    body, rules = shared(f"<p>x</p><svg>{LINE}{once}</svg><svg>{LINE}</svg>")
    assert body.count('<path d="M0 0" class="d0"/>') == 2
    assert once in body
    assert rules == ".d0 { fill: none; stroke: red }"


def test_what_is_no_drawing_stays_as_it_is() -> None:
    cells = '<td style="--share: 5%">1</td>' * 3
    assert shared(cells) == (cells, "")


def test_what_a_drawing_says_in_words_is_no_style() -> None:
    words = '<text x="1">a style="fill: red" b</text>' * 2
    assert shared(f"<svg>{words}</svg>") == (f"<svg>{words}</svg>", "")


def test_what_has_a_class_keeps_its_own_style() -> None:
    classed = '<path class="own" style="fill: red"/><path style="fill: red" class="own"/>'
    assert shared(f"<svg>{classed}</svg>") == (f"<svg>{classed}</svg>", "")


def test_what_could_end_a_rule_becomes_none() -> None:
    odd = '<path style="fill: red} * { color: red"/><path style="font: &quot;a&quot;"/>' * 2
    assert shared(f"<svg>{odd}</svg>") == (f"<svg>{odd}</svg>", "")


def test_rules_of_a_drawing_that_would_hold_for_the_whole_page_go() -> None:
    body, _ = shared('<svg><defs><style type="text/css">*{stroke: red}</style></defs></svg>')
    assert body == "<svg><defs></defs></svg>"
