"""Escaping, formatting and the findings that text may quote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cachelib.report import text as fit
from cachelib.report.document.collect import Findings, MissingFindingError
from cachelib.report.document.links import source_link, verbatim
from cachelib.report.numbers import shown

HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](//evil.example/p.png)",
    "{{ 7 * 7 }} {% raw %}",
    "| a | b |",
    "# heading",
    "1. one",
    "- item",
    "`code` *bold* _it_ ~~no~~",
    "&lt;script&gt;",
    "line\n\n# two",
    "$x$ @all https://evil.example",
    "\ue0000\ue001",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(fit.markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    kinds = {child.type for child in tokens[1].children or ()}
    assert kinds <= {"text", "text_special"}


@given(st.text())
def test_any_text_is_shown_as_text(text: str) -> None:
    for token in MarkdownIt("commonmark").enable("table").parse(fit.markdown(text)):
        assert token.type in ("paragraph_open", "inline", "paragraph_close")
        for child in token.children or ():
            assert child.type in ("text", "text_special"), child


@given(st.text())
def test_mermaid_labels_hold_nothing_that_mermaid_reads(text: str) -> None:
    assert not set(fit.mermaid(text)) & set('"<>`[]{}|\n\\')


@given(st.text())
def test_a_code_block_cannot_be_closed_from_within(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(verbatim(text))
    assert [token.type for token in tokens] == ["fence"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.02946, "ratio", "2.95 %"),
        (1, "ratio", "100 %"),
        (96_141, "loads", "96,141 loads"),
        (15.05, "ms", "15.1 ms"),
        (1234.5678, "ms", "1,235 ms"),
        (0.5, "USD", "$0.50"),
        (33.333, "times", "33.3×"),
        (0.00001234, "", "0.00001"),
        (1e-9, "", "< 0.000001"),
        (13_493_619_280, "requests", "13.5 billion requests"),
        (0.0000074, "ratio", "0.0007 %"),
        (float("inf"), "s", "∞ s"),
        (0.0032, "USD", "$0.003"),
        (-0.0627, "USD", "-$0.06"),
        ("l1-kv", "", "l1-kv"),
        (None, "", "–"),
        (True, "", "yes"),
    ],
)
def test_values_are_shown_to_the_digits_they_can_tell(value: float, unit: str, text: str) -> None:
    assert shown(value, unit).replace("\u00a0", " ") == text  # type: ignore[arg-type]


def test_a_missing_finding_is_an_error_that_names_it() -> None:
    with pytest.raises(MissingFindingError, match=r"shared\.hit_ratio"):
        Findings([])["shared.hit_ratio"]


DOCS = "https://github.com/cloudflare/cloudflare-docs/blob"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("developers.cloudflare.com/kv/platform/pricing",
         "https://developers.cloudflare.com/kv/platform/pricing"),
        ("developers.cloudflare.com/kv/platform/limits (default)",
         "https://developers.cloudflare.com/kv/platform/limits"),
        ("kv/platform/limits", "https://developers.cloudflare.com/kv/platform/limits"),
        ("kv/concepts/how-kv-works.mdx@1c5baa7f",
         f"{DOCS}/1c5baa7f/src/content/docs/kv/concepts/how-kv-works.mdx"),
        ("changelog/kv/2026-01-30-x.mdx@6b11d7cb",
         f"{DOCS}/6b11d7cb/src/content/changelog/kv/2026-01-30-x.mdx"),
        ("src/components/PublicStats.astro@0309c8be",
         f"{DOCS}/0309c8be/src/components/PublicStats.astro"),
        ("observed: miniflare 4.20260730.0", None),
        ("our invoice of May (developers.cloudflare.com/kv/platform)", None),
        ("javascript:alert(1)//kv/platform/limits", None),
    ],
)  # fmt: skip
def test_a_source_is_a_link_where_it_names_a_page_or_a_file(
    source: str, target: str | None
) -> None:
    said = source_link(source)
    assert ("](" in said) == (target is not None)
    if target:
        assert said.endswith(f"]({target})")
