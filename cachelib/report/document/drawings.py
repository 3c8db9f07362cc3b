"""The drawings of one page: what they say alike is said once, and each has ids of its own."""

from __future__ import annotations

import re
from collections import Counter

DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
TAG = re.compile(r'<[\w:]+(?![^<>]*\sclass=)[^<>]*?( style="([^"&<>{}]*)")[^<>]*>')
OWN_RULES = re.compile(r"<style\b[^>]*>[^<]*</style>\s*")


def shared(body: str) -> tuple[str, str]:
    """The page's body with its drawings' repeated styles as classes, and the rules of those.

    A drawing's own `<style>` goes: matplotlib's would hold for all of the page.
    """
    counts = Counter(
        style[2] for drawing in DRAWING.findall(body) for style in TAG.finditer(drawing)
    )
    names = {
        style: f"d{nth}"
        for nth, (style, number) in enumerate(counts.most_common())
        if number > 1 and style
    }

    def with_class(tag: re.Match[str]) -> str:
        name = names.get(tag[2])
        return tag[0].replace(tag[1], f' class="{name}"', 1) if name else tag[0]

    def with_classes(drawing: re.Match[str]) -> str:
        return TAG.sub(with_class, OWN_RULES.sub("", drawing[0]))

    rules = "\n".join(f".{name} {{ {style} }}" for style, name in names.items())
    return DRAWING.sub(with_classes, body), rules


def with_own_ids(text: str, prefix: str) -> str:
    """The SVG with its ids made its own, so that several can stand in one page."""
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}-\1"', text)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", text)
