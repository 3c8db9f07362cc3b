"""One page that opens offline: `report.html`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from cachelib.model.judgement.claims import Verdict
from cachelib.report import text as fit
from cachelib.report.document import page
from cachelib.report.document.collect import Found
from cachelib.report.document.drawings import with_own_ids
from cachelib.report.document.material import Material
from cachelib.report.document.medium import Said
from cachelib.report.document.render import Document, file_name
from cachelib.report.document.what_if import controls
from cachelib.report.numbers import Scalar
from cachelib.report.publish.findings import Figure, Metric, Panel, column_head
from cachelib.report.publish.layout import to_svg
from cachelib.report.templates import Templates
from cachelib.report.text import Markdown


def files(material: Material) -> Mapping[str, str]:
    """The page, with figures, style and script in it."""
    medium = InHtml(material.templates)
    source = Document(material, medium).text()
    return {"report.html": page.to_html(material, source, medium.blocks)}


class InHtml:
    """The `Medium` of the page: what is no Markdown is a token, in whose place `blocks` are put."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates
        self.blocks: list[str] = []

    def begin(self) -> None:
        self.blocks.clear()

    def value(self, found: Found, text: str) -> Said:
        """A number is linked to the cell that it comes from; words stand as they are."""
        if isinstance(found.expected(Metric).value, str):
            return text
        return self._block("number", found=found, text=text, index=len(self.blocks))

    def verdict(self, verdict: Verdict) -> Said:
        return self._block("verdict", verdict=verdict)

    def anchor(self, id: str) -> Said:
        return Markdown(self._token(f'<span id="{escape(id)}"></span>'))

    def follows(self, claim: str, found: Scalar) -> Said:
        if not isinstance(found, int | float):
            return ""
        told = f'data-claim="{escape(claim)}" data-found="{float(found)!r}"'
        return Markdown(self._token(f'<span class="live" {told}></span>'))

    def fold(self, title: str, inside: str) -> Markdown:
        """Closed on the page, and open on paper."""
        opening = self._token(f"<details>\n<summary>{escape(title)}</summary>")
        return Markdown(f"{opening}\n\n{inside}\n\n{self._token('</details>')}")

    def figure(self, found: Found, number: str) -> Markdown:
        has_data = bool(found.expected(Figure).data)
        return self._drawing(found, number, found.svg or "", found.narrow or "", has_data=has_data)

    def diagram(self, found: Found, number: str) -> Markdown:
        drawn = (to_svg(found.drawn), to_svg(found.drawn, narrow=True))
        return self._drawing(found, number, *drawn, has_data=False)

    def _drawing(
        self, found: Found, number: str, wide: str, narrow: str, *, has_data: bool
    ) -> Markdown:
        """The figure twice, wide and for a phone; the page's style shows one of them."""
        name = file_name(found.finding.id)
        drawn = {
            kind: Markup(with_own_ids(fit.xml(svg), f"{name}-{kind}"))  # noqa: S704 - ours, not the user's
            for kind, svg in (("wide", wide), ("narrow", narrow))
            if svg
        }
        return self._block("figure", found=found, number=number, drawn=drawn, has_data=has_data)

    def table(self, found: Found, number: str) -> Markdown:
        return self._block("table", found=found, number=number)

    def panel(self, found: Found) -> Markdown:
        return self._block("panel", **controls(found.expected(Panel)))

    def reference(self, number: str, id: str) -> Said:
        return Markdown(f"[{number}](#{file_name(id)})")

    def _block(self, partial: str, **values: Any) -> Markdown:
        template = self.templates.html.get_template(f"partials/{partial}.html.j2")
        block = template.render(head=column_head, anchor=file_name, **values)
        return Markdown(self._token(block.strip()))

    def _token(self, markup: str) -> str:
        """What stands for markup of ours in the Markdown."""
        self.blocks.append(markup)
        return f"{page.OPEN}{len(self.blocks) - 1}{page.CLOSE}"
