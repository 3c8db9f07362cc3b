"""Text from outside, in every output: all of Unicode, and what is known to be hostile."""

from __future__ import annotations

import html
import json
import re
import unicodedata
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from cachelib.report import text as fit
from cachelib.report.publish import figures, vector
from cachelib.report.publish.findings import Diagram, Edge, Message, Node, Sequence
from cachelib.report.publish.layout import to_svg
from cachelib.report.templates import html_environment, markdown_environment
from tests.conftest import examples

CHUNK = 4096
HIDDEN = {"\u202e", "\u2066", "\u200b", "\u200e", "\ufeff", "\u061c", "\u00ad", "\U000e0041"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</text><a href='//e.vil'>z</a>",
    "[a](javascript:x)",
    "![b](//e.vil/x.png)",
    "<https://e.vil>",
    "https://e.vil/x",
    "www.e.vil",
    "WWW.e.vil",
    "mailto:a@e.vil",
    "xmpp:a@e.vil",
    "a@e.vil",
    "ftp://e.vil",
    "[a]: //e.vil",
    "[a][b]",
    "# x",
    "- x",
    "1. x",
    "> x",
    "    x",
    "```",
    "~~~",
    "---",
    "===",
    "| a | b |",
    "a | b",
    "a\n\n# b",
    "a\r\n- b",
    "*a* _b_ **c**",
    "~~a~~",
    "$x$ and \\frac{1}{2}",
    "${7*7}",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "%%{init: {}}%%",
    'a"]; click a "javascript:x"',
    "a; end; b --> c",
    "#35; &amp; &#60;b",
    "a&b<c>d\"e'f",
    "<!--",
    "]]>",
    "<![CDATA[",
    "<?xml?>",
    "&nbsp;",
    "\x1b[31mred\x1b]0;t\x07",
    "\x9b31m",
    "\x00\x08\x0b\x7f",
    "\u202eevil\u202c",
    "a\u200bb\ufeffc",
    "\ud800",
    "\udfff\ud800",
    "\ufffe\uffff",
    "\U0001f468\u200d\U0001f469",
    "\ue0000\ue001",
    "\u2028\u2029",
    "x" * 1_000_000,
    "- [ ] a",
    "@user #12",
    "!!python/object:x",
    "&a *a",
    "? x",
    "a: b",
    "null",
    "yes",
    "\\u0041",
    "\\",
    "`",
    "'",
    '"',
]


def all_of_unicode() -> Iterator[str]:
    """Every code point, halves of characters included, in texts of some length."""
    for start in range(0, 0x110000, CHUNK):
        yield "".join(map(chr, range(start, start + CHUNK)))


EVERYTHING = [*HOSTILE, *all_of_unicode()]
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


def test_what_is_plain_is_on_one_line_seen_and_writable() -> None:
    for text in EVERYTHING:
        plain = fit.plain(text)
        plain.encode()
        assert plain.splitlines() in ([plain], [])
        assert not HIDDEN & set(plain)
        assert {unicodedata.category(char) for char in plain} & {"Cc", "Cs", "Co"} == set()
        assert len(plain) <= fit.MOST + 1
        assert fit.plain(plain) == plain


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("naïve café – “x”", "用户", "می‌خواهم", "👨‍👩‍👧 ok ❤️", "a_b/c:1 %"):
        assert fit.plain(text) == text


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_the_text_and_has_no_element_of_it() -> None:
    template = html_environment().from_string('<p title="{{ text }}">{{ text }}</p>')
    for text in EVERYTHING:
        parser = Elements()
        parser.feed(template.render(text=text))
        parser.close()
        assert parser.found == ["p"]
        assert parser.text == fit.plain(text)


def links_and_elements(markdown: str) -> list[str]:
    """What a page of GitHub's would make of it, bare addresses included."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    allowed = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak"}
    found = [token.type for token in [*tokens, *inline] if token.type not in allowed]
    raw = re.search(r"(?i)\bwww\.|\b(https?|ftp)://|\b(mailto|xmpp):", markdown)
    return [*found, *([raw.group()] if raw else [])]


def test_markdown_shows_the_text_and_makes_nothing_of_it() -> None:
    template = markdown_environment().from_string("{{ text }}")
    for text in EVERYTHING:
        markdown = template.render(text=text)
        assert links_and_elements(markdown) == [], text[:100]
        rendered = MarkdownIt("commonmark").render(f"a {markdown}")
        shown = html.unescape(re.sub("</?p>", "", rendered)).strip()
        assert shown.split() == f"a {fit.plain(text)}".split()


def test_yaml_is_the_text_and_no_markdown_even_where_it_is_pasted_as_such() -> None:
    for text in EVERYTHING:
        front = fit.yaml(text[:CHUNK])
        assert re.fullmatch(r'"([\w ,+–“”’…]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*"', front)
        assert _decoded(front[1:-1]) == fit.plain(text[:CHUNK])
    for text in HOSTILE:
        front = fit.yaml(text[:CHUNK])
        assert YAML(typ="safe", pure=True).load(f"a: {front}") == {"a": fit.plain(text[:CHUNK])}
        assert links_and_elements(f"status: {front}") == []
    assert YAML(typ="safe").load(fit.yaml(["a, b", "]"])) == ["a, b", "]"]


def _decoded(text: str) -> str:
    code = r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})"
    return re.sub(code, lambda found: chr(int(found.group(1) or found.group(2), 16)), text)


def diagrams(text: str) -> list[Diagram | Sequence]:
    nodes = [Node(id="a", label=text, note=text), Node(id="b", label=text, note=text)]
    about = {"caption": "c", "alt": "d"}
    return [
        Diagram(id="a.b", layers=[nodes[:1], nodes[1:]],
                edges=[Edge(source="a", target="b", label=text)], **about),
        Sequence(id="a.c", participants=nodes, messages=[
            Message(source="a", target="b", label=text),
            Message(source="a", target="a", label=text),
        ], **about),
    ]  # fmt: skip


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - it was made here


def elements(svg: str) -> set[str]:
    return {element.tag.rpartition("}")[2] for element in parsed(svg).iter()}


def test_diagrams_are_well_formed_and_have_no_element_of_the_text() -> None:
    known = {"svg", "rect", "defs", "marker", "path", "line", "text"}
    for text in EVERYTHING:
        for diagram in diagrams(fit.whole(text)):
            assert elements(to_svg(diagram)) <= known


@pytest.mark.parametrize("text", HOSTILE)
def test_charts_are_well_formed_and_show_the_text(text: str) -> None:
    plot, ax = figures.axes(xlabel=text[:99], ylabel=text[:99], title=text[:99])
    figures.bars(ax, [text, "b"], [1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = vector.svg(plot)
    known = {"svg", "defs", "style", "g", "path", "use", "text", "clipPath", "rect"}
    assert elements(drawn) <= known | {"tspan"}
    assert "".join(fit.label(text).split()) in "".join("".join(parsed(drawn).itertext()).split())


def test_mermaid_has_no_character_that_means_anything_to_it() -> None:
    for text in EVERYTHING:
        coded = fit.mermaid(text)
        assert not set(re.sub(r"#[0-9]+;", "", coded)) & set("\"'<>`[]{}|\n\\;&#@*")
        assert not re.search(r"%%|://|www\.|^\d+\. |^[-+]", coded)
        decoded = re.sub(r"#([0-9]+);", lambda found: chr(int(found.group(1))), coded)
        assert decoded == fit.plain(text)


def test_nothing_moves_the_terminal_s_cursor() -> None:
    for text in EVERYTHING:
        shown = fit.terminal(text)
        assert not set(shown) & {chr(n) for n in (*range(9), *range(11, 32), *range(127, 160))}
        assert not HIDDEN & set(shown)
        shown.encode()
    assert fit.terminal("a\tb\nc \x1b[31m") == "a\tb\nc \\x1b[31m"


def as_pairs(text: str) -> str:
    """Two halves of a character beside each other are one, to JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_json_keeps_every_text_and_every_file_can_hold_it() -> None:
    for text in EVERYTHING:
        written = fit.to_json({"a": text})
        written.encode()
        assert json.loads(written) == {"a": as_pairs(text)}
        assert not HIDDEN & set(written)


@settings(max_examples=examples(60), deadline=None)
@given(ANY_TEXT)
def test_any_text_is_only_text_everywhere(text: str) -> None:
    assert links_and_elements(fit.markdown(text)) == []
    assert YAML(typ="safe", pure=True).load(fit.yaml(text)) == fit.plain(text)
    assert json.loads(fit.to_json(text)) == as_pairs(text)
