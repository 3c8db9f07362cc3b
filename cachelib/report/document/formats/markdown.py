"""Markdown that GitHub renders: `report.md`."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import escape

from cachelib.model.judgement.claims import Verdict
from cachelib.report import text as fit
from cachelib.report.document.collect import Found
from cachelib.report.document.material import Material
from cachelib.report.document.medium import Said
from cachelib.report.document.render import Document, file_name
from cachelib.report.numbers import Scalar
from cachelib.report.publish.findings import Figure, Table, column_head
from cachelib.report.templates import Templates
from cachelib.report.text import Markdown

MERMAID = {"diagram": "diagrams/layers.mmd.j2", "sequence": "diagrams/sequence.mmd.j2"}
# What was timed differs from run to run, and the Markdown of the same case must not.
MEASURED = "measured: see report.html"


def files(material: Material) -> Mapping[str, str]:
    """The report, with its charts as files beside it."""
    return {"report.md": Document(material, InMarkdown(material.templates)).text()}


class InMarkdown:
    """The `Medium` that is Markdown all through; diagrams are Mermaid."""

    def __init__(self, templates: Templates) -> None:
        self.templates = templates

    def begin(self) -> None:
        pass

    def value(self, found: Found, text: str) -> Said:
        return MEASURED if found.finding.how == "measured" else text

    def verdict(self, verdict: Verdict) -> Said:
        return verdict

    def anchor(self, id: str) -> Said:
        return ""

    def follows(self, claim: str, found: Scalar) -> Said:
        return ""

    def fold(self, title: str, inside: str) -> Markdown:
        return Markdown(f"<details>\n<summary>{escape(title)}</summary>\n\n{inside}\n\n</details>")

    def figure(self, found: Found, number: str) -> Markdown:
        figure = found.expected(Figure)
        drawing = f"![{fit.markdown(figure.alt)}](figures/{file_name(figure.id)}.svg)"
        data = f" ([data](figures/{file_name(figure.id)}.csv))" if figure.data else ""
        return Markdown(f"{drawing}\n\n{caption(found, number)}{data}")

    def diagram(self, found: Found, number: str) -> Markdown:
        diagram = found.drawn
        template = self.templates.html.get_template(MERMAID[diagram.kind])
        chart = template.render(diagram=diagram, quoted=fit.mermaid)
        return Markdown(f"```mermaid\n{chart}```\n\n{caption(found, number)}")

    def table(self, found: Found, number: str) -> Markdown:
        table = found.expected(Table)
        if table.how == "measured":
            said = fit.markdown(table.caption)
            return Markdown(f"{number} stands in report.html, since it is measured anew: {said}.")
        template = self.templates.markdown.get_template("table.md.j2")
        rows = template.render(table=table, head=column_head)
        return Markdown(f"{rows}\n{caption(found, number)}")

    def panel(self, found: Found) -> Markdown:
        return Markdown(f"`report.html` has a panel here: {fit.markdown(found.finding.caption)}")

    def reference(self, number: str, id: str) -> Said:
        return number


def caption(found: Found, number: str) -> str:
    """`Figure 3. What it shows (simulated)`."""
    finding = found.finding
    return f"*{number}. {fit.markdown(finding.caption)}* ({finding.how})"
