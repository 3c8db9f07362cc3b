"""Executed notebooks as pages, through nbconvert."""

from __future__ import annotations

from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup

from cachelib.report.document.drawings import with_own_ids
from cachelib.report.document.page import style
from cachelib.report.templates import FOLDER, html_environment


def write_page(notebook: Path) -> None:
    """`notebook.html` beside `notebook.ipynb`: self-contained, in the report's style."""
    node = nbformat.read(notebook, as_version=4)
    body = _body(node)
    page = html_environment().get_template("notebook.html.j2")
    html = page.render(
        title=_title(node) or notebook.stem,
        body=Markup(body),  # noqa: S704 - nbconvert's, of notebooks that are ours
        style=style(),
    )
    notebook.with_suffix(".html").write_text(html, "utf-8")


def _body(node: Any) -> str:
    """As the template writes it, which gives every drawing its name.

    `HTMLExporter` would parse it all again to look for images without one, which takes twice as
    long as the rest.
    """
    from nbconvert.exporters import TemplateExporter

    exporter, numbers = _exporter(), count(1)
    exporter.register_filter("own_ids", lambda svg: with_own_ids(svg, f"drawing-{next(numbers)}"))
    resources = exporter._init_resources(None)
    body: str = TemplateExporter.from_notebook_node(exporter, node, resources)[0]
    return body


@cache
def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters import Highlight2HTML

    exporter = HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(FOLDER / "nbconvert")],
        exclude_anchor_links=True,
    )
    exporter.register_filter("highlight_code", Highlight2HTML(parent=exporter))
    return exporter


def _title(node: Any) -> str:
    first = node.cells[0].source.splitlines() if node.cells else []
    return first[0].lstrip("# ") if first else ""
