"""Notebooks small enough to run in a test."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

LOG = "".join(
    f"1.2.3.4 - - [01/Aug/2026:{minute // 60:02}:{minute % 60:02}:01 +0000] "
    f'"GET /{minute * minute % 37} HTTP/1.1" 200 10\n'
    for minute in range(24 * 60)
)
"""A day's access log: a shorter one carries no decision."""


def write(path: Path, *cells: str, parameters: str = "") -> Path:
    """A notebook of a heading, a parameters cell and the given code cells."""
    tagged = new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})
    code = [new_code_cell(cell, id=f"cell-{nr}") for nr, cell in enumerate(cells)]
    notebook = new_notebook(cells=[new_markdown_cell("# Tiny", id="title"), tagged, *code])
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return path


def quiet(*_: object) -> None:
    """Progress that nobody looks at."""
