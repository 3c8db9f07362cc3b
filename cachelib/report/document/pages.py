"""Executed notebooks as pages, through nbconvert."""

from __future__ import annotations

from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup

from cachelib.report.document.page import style
from cachelib.report.publish.figures import with_own_ids
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
    exporter, numbers = _exporter(), count(1)
    exporter.register_filter("own_ids", lambda svg: with_own_ids(svg, f"drawing-{next(numbers)}"))
    body: str = exporter.from_notebook_node(node)[0]
    return body


@cache
def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter

    return HTMLExporter(
        template_name="notebook",
        extra_template_basedirs=[str(FOLDER / "nbconvert")],
        exclude_anchor_links=True,
    )


def _title(node: Any) -> str:
    first = node.cells[0].source.splitlines() if node.cells else []
    return first[0].lstrip("# ") if first else ""
