"""The document's Markdown as one HTML page: chapters that fold, contents, style and script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from cachelib.model.case.theme import LOGOS, Theme
from cachelib.report.document.drawings import shared
from cachelib.report.document.material import Material
from cachelib.report.templates import FOLDER

# A block or a number of the page stands in the Markdown as a token that no input can spell:
# `text.plain` drops the characters it is made of.
OPEN, CLOSE = "\ue000", "\ue001"
TOKEN = re.compile(f"(?:<p>)?{OPEN}([0-9]+){CLOSE}(?:</p>)?")
TABLE_OPEN = '<div class="scroll" tabindex="0" role="group" aria-label="table"><table>'
STYLE = "style.css"
SCRIPTS = (
    "join.js", "estimate.js", "lives.js", "empty.js", "front.js", "kv_copies.js", "times.js",
    "race.js", "late.js", "what_if.js", "sure.js", "panel.js", "ledger.js", "page.js",
)  # fmt: skip
EARLY = Markup('document.documentElement.className = "folding"')
"""Before anything is laid out: chapters that page.js will close need no place until then."""
FORMULAS = SCRIPTS[: SCRIPTS.index("panel.js")]
"""Those that compute and touch no page."""
_COMMENTS = re.compile(r"^ *//.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Heading:
    """A heading as the contents list it."""

    level: int
    anchor: str
    text: str


def to_html(material: Material, source: str, blocks: Sequence[str]) -> str:
    """The page: `source` in Markdown, `blocks` in the place of their tokens, inside the frame."""
    theme = material.study.case.theme
    tokens = _markdown().parse(source)
    headings = list(_give_anchors(tokens))
    _name_cells(tokens)
    _name_rows(tokens)
    body = _markdown().renderer.render(list(_in_chapters(tokens)), _markdown().options, {})
    body, drawn = shared(TOKEN.sub(lambda match: blocks[int(match.group(1))], body))
    return material.templates.html.get_template("report.html.j2").render(
        case=material.study.case,
        body=Markup(body),  # noqa: S704 - markdown-it escaped what was not ours
        chapters=[heading for heading in headings if heading.level == 2],
        style=style() + Markup(drawn) + themed(theme) + Markup(_own_style(material)),  # noqa: S704 - no `</`
        logo=logo(theme, material.study.folder),
        script=script(),
        early=EARLY,
        script_hashes=script_hashes(),
        manifest=material.provenance,
    )  # fmt: skip


def _give_anchors(tokens: list[Token]) -> Iterator[Heading]:
    """Give every heading an id, none twice."""
    seen: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            anchor = re.sub(r"\W+", "-", text.lower()).strip("-") or "chapter"
            seen[anchor] = seen.get(anchor, 0) + 1
            anchor = anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}"
            opening.attrSet("id", anchor)
            yield Heading(int(opening.tag[1]), anchor, text)


def permalink(id: str, what: str) -> str:
    """A link to its own place: heard as what it leads to, seen when pointed at."""
    return f'<a class="permalink" href="#{escape(id)}" aria-label="Link to this {what}"></a>'


def _name_cells(tokens: list[Token]) -> None:
    """Tell each cell of a table the name of its column, beside which a phone shows it."""
    heads: list[str] = []
    place = 0
    for opening, inline in pairwise(tokens):
        if opening.type == "thead_open":
            heads = []
        elif opening.type == "th_open":
            heads.append(inline.content)
        elif opening.type == "tr_open":
            place = 0
        elif opening.type == "td_open":
            if len(heads) > 2:
                opening.attrSet("data-column", heads[place])
            place += 1


def _name_rows(tokens: list[Token]) -> None:
    """Give each row of a table an id after its first cell; a row that begins with one has it."""
    seen: Counter[str] = Counter()
    for row, cell, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if row.type != "tr_open" or cell.type != "td_open" or inline.content.startswith(OPEN):
            continue
        name = "row-" + re.sub(r"\W+", "-", TOKEN.sub("", inline.content).lower()).strip("-")
        seen[name] += 1
        row.attrSet("id", name if seen[name] == 1 else f"{name}-{seen[name]}")


def _in_chapters(tokens: list[Token]) -> Iterator[Token]:
    """Every chapter but the first in an element that folds, its heading always in sight.

    They are open as written: who has no JavaScript reads all, and so does paper.
    """
    chapters, anchor = 0, ""
    for token in tokens:
        if token.type == "heading_open" and token.tag == "h2":
            chapters += 1
            if chapters > 2:
                yield _raw("</div></details>\n")
            if chapters > 1:
                yield _raw('<details class="chapter" open>\n<summary>')
        if token.type == "heading_open":
            anchor = str(token.attrGet("id"))
        folds = token.tag == "h2" and chapters > 1  # what opens it can hold no link
        if token.type == "heading_close" and token.tag in ("h2", "h3") and not folds:
            yield _raw(f" {permalink(anchor, 'heading')}")
        yield token
        if token.type == "heading_close" and folds:
            yield _raw(f"</summary>\n<div>{permalink(anchor, 'chapter')}")
    if chapters > 1:
        yield _raw("</div></details>\n")


def _raw(markup: str) -> Token:
    return Token("html_block", "", 0, content=markup)


@cache
def style() -> Markup:
    return Markup((FOLDER / STYLE).read_text("utf-8"))  # noqa: S704


def _own_style(material: Material) -> str:
    """The user's own rules, which follow the project's."""
    file = material.templates.files.get(STYLE)
    return file.read_text("utf-8") if file else ""


def themed(theme: Theme) -> Markup:
    """The rules of style that a case sets; its colours and families hold nothing else."""
    rules = ""
    if theme.font:
        rules += f":root {{ --sans: {theme.font}, system-ui, sans-serif; --serif: var(--sans); }}\n"
    if theme.accent:
        rules += f":root {{ --accent: {theme.accent}; }}\n"
    if theme.accent or theme.accent_dark:
        dark = theme.accent_dark or "#6cb8f5"
        rules += f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; }} }}\n"
    return Markup(rules)  # noqa: S704 - checked by `Theme`


def logo(theme: Theme, folder: Path | None) -> str:
    """The logo as the page holds it; nothing where there is none."""
    if theme.logo is None or folder is None:
        return ""
    path = folder / theme.logo
    coded = base64.b64encode(path.read_bytes()).decode()
    return f"data:{LOGOS[path.suffix.lower()]};base64,{coded}"


@cache
@cache
def script() -> Markup:
    """What the what-if panel and the folding run on, without the comments of its sources: they are
    a tenth of it, and each page has a copy."""
    sources = ((FOLDER / name).read_text("utf-8") for name in SCRIPTS)
    told = "// The sources, with comments: templates/*.js of cachelib\n"
    return Markup(told + _COMMENTS.sub("", "\n".join(sources)))  # noqa: S704


def script_hashes() -> Markup:
    """The only scripts that the page's policy lets run."""
    digests = (hashlib.sha256(text.encode()).digest() for text in (EARLY, f"\n{script()}\n"))
    hashes = (f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return Markup(" ".join(hashes))  # noqa: S704 - digits and letters


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", lambda *_: TABLE_OPEN)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>")
    return markdown
