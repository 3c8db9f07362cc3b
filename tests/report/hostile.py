"""Texts made to be taken for something else, and what a document is made of but for its words."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import count
from random import Random
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from cachelib.model.schema.characters import unfit
from tests.report.test_text import HOSTILE

Outline = Counter[tuple[str, str]]
POINTS = {"href", "src", "action", "formaction", "srcset", "data", "xlink:href"}
DRAWN = {"path", "g", "use", "text", "tspan", "line", "rect"}
"""Of which a chart has as many as its letters and colours want."""
ADDRESS = re.compile(r"(?i)\bwww\.|\b(?:https?|ftp)://|\b(?:mailto|xmpp):")


def strings(number: int) -> list[str]:
    """So many, always the same: each by itself, then two or three of them one after another."""
    fit = [text for text in HOSTILE if unfit(text) is None and text.strip()]
    chance, found = Random(13), dict.fromkeys(fit)
    while len(found) < number:
        between = chance.choice(["", " ", "\n", "\n\n", '"', "|", ">", "\\"])
        found[between.join(chance.choices(fit, k=chance.choice([2, 2, 3])))] = None
    return list(found)[:number]


def harmless() -> Iterator[str]:
    """Words that are only words, no two alike, and each to be found whatever stands beside it."""
    return (f"Word {number}a" for number in count(1))


def case(texts: Iterator[str]) -> dict[str, Any]:
    """A case whose every text is the next one of these.

    Names are in their order: what is equal in all else is told by name, and two cases are to differ
    in nothing but what their texts say.
    """
    new = texts.__next__

    def number(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "low": value / 2, "high": value * 2, "unit": unit, "why": new()}

    names = sorted(new() for _ in range(4))
    return {
        "title": new(), "question": new(), "system": {"name": new(), "summary": new()},
        "decision": {"deciders": [new(), new()], "consulted": [new()], "informed": [new()],
                     "supersedes": new(), "drivers": [new(), new()], "confirmation": new()},
        "workload": {"requests_per_month": 300, "keys": 5, "zipf": 1, "value_bytes": 100,
                     "key_prefix": new(), "colos": {"AMS": 2, "FRA": 1}},
        "assumptions": {"value_life_s": number(3_600, "s"), "origin_ms": number(40, "ms"),
                        "hourly_rate_usd": number(80, "USD")},
        "knobs": {"l1_ttl_s": {"values": [600, 3_600], "why": new()},
                  "l2_ttl_s": {"values": [600, 3_600], "why": new()}},
        "growth": {"low": 0.5, "high": 2, "why": new()},
        "designs": [{"name": names[0], "label": new()[:80]}, {"name": names[1], "l2": "kv"},
                    {"name": names[2], "l2": "kv", "l1_max_entries": 2},
                    {"name": names[3], "tiers": ["durable-object"]}],
        "today": names[0],
        "options": {name: {"changes": new(), "hours": number(3, "hours"), "needs": [new()]}
                    for name in names},
        "criteria": {"limits": [{"metric": "p95_ms", "at_most": 5_000, "why": new()}]},
        "document": {"name": new(), "date": "2026-01-01"},
        "claims": [
            {"id": "one", "quote": new(), "section": new(), "because": new(),
             "metric": "shared.hit_ratio", "low": 0.1, "high": 0.9},
            {"id": "two", "quote": new(), "section": new(), "untested": new()},
            {"id": "three", "quote": new(), "section": new(), "assumed": "origin_ms"},
        ],
    }  # fmt: skip


def outline(name: str, text: str) -> Outline:
    """What a file is made of: elements, links, images, scripts; raises if it is malformed."""
    text.encode()
    kind = name.rpartition(".")[2]
    readers = {
        "html": _of_html,
        "md": _of_markdown,
        "json": _of_json,
        "svg": _of_svg,
        "csv": _of_csv,
    }
    return readers[kind](text)


def _of_csv(text: str) -> Outline:
    """How many rows of how many cells; none is a formula to a spreadsheet."""
    rows = list(csv.reader(text.splitlines()))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]
    return Counter(("row", str(len(row))) for row in rows)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: Outline = Counter()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DRAWN:
            names = {name for name, _ in attrs} - {"class"}  # which long texts have, for the width
            self.found[tag, " ".join(sorted(names))] += 1
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "style":
                self.found["style", "url"] += len(re.findall(r"url\((?!#)", value or ""))
            if name in POINTS and not (tag in DRAWN and (value or "").startswith("#")):
                self.found[f"{tag} {name}", _target(value or "")] += 1
        if tag not in ("meta", "link", "br", "hr", "img", "input", "col", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_comment(self, data: str) -> None:
        self.found["a comment or the like", data] += 1

    def handle_decl(self, decl: str) -> None:
        self.found["a declaration", decl] += 1

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)


def _target(value: str) -> str:
    """Where it leads; places in the page are named after headings, and a word is not the thing."""
    if value.startswith("data:text/css"):
        return "data:"
    return "#" if value.startswith("#") else value


def _of_html(text: str) -> Outline:
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == [], page.open
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S):
        json.loads(data)
    return page.found


def _of_markdown(text: str) -> Outline:
    if text.startswith("---\n"):
        front = text.split("---\n")[1]
        said = YAML(typ="safe", pure=True).load(front)
        assert all(isinstance(value, str | list) for value in said.values())
        text = text[len(front) + 8 :]
    prose = re.sub(r"(?ms)^```.*?^```", "", text)  # in code nothing becomes a link by itself
    found: Outline = Counter({("address", "bare"): len(ADDRESS.findall(prose))})
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for block in blocks for child in block.children or ()]
    for token in [*blocks, *inline]:
        if token.type in ("text", "softbreak"):
            continue
        points = str(token.attrs.get("href", token.attrs.get("src", "")))
        raw = token.content if token.type in ("html_block", "html_inline") else ""
        found[token.type, _target(points) or raw.strip()] += 1
        if token.type == "fence":
            found["fence", _skeleton(token.content)] += 1
    return found


def _skeleton(mermaid: str) -> str:
    """A diagram without what stands in quotes or after a colon."""
    lines = (re.sub(r'"[^"\n]*"', '""', line) for line in mermaid.splitlines())
    return "\n".join(re.sub(r"( as|:) .*", r"\1", line) for line in lines)


def _of_json(text: str) -> Outline:
    json.loads(text)
    return Counter()


def _of_svg(text: str) -> Outline:
    found: Outline = Counter()
    for element in ElementTree.fromstring(text).iter():  # noqa: S314 - it was made here
        tag = element.tag.rpartition("}")[2]
        if tag not in DRAWN:
            found[tag, ""] += 1
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), name
            if name.endswith("href"):
                assert value.startswith("#"), value
    return found
