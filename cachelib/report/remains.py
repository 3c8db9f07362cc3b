"""What is left of a report that could not be written: its notebooks, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cachelib.report.experiments.run import Run
from cachelib.report.experiments.source import digest_of_file
from cachelib.report.reuse.previous import sealed
from cachelib.report.templates import html_environment, markdown_environment
from cachelib.report.text import to_json

OURS = "That is a fault of cachelib."


def write_remains(
    folder: Path, title: str, runs: Sequence[Run], provenance: dict[str, Any], error: Exception,
    whose: str = OURS,
) -> None:  # fmt: skip
    """A page and a Markdown file that lead to the notebooks; the next run does it anew.

    `whose`: in a sentence, where the fault may lie.
    """
    words = {"title": title, "runs": runs, "error": _said(error), "whose": whose}
    page = html_environment().get_template("remains.html.j2").render(words)
    (folder / "report.html").write_text(page, "utf-8")
    text = markdown_environment().get_template("remains.md.j2").render(words)
    (folder / "report.md").write_text(text, "utf-8")
    files = {
        file.relative_to(folder).as_posix(): digest_of_file(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    manifest = {**provenance, "document": {}, "files": files}
    (folder / "manifest.json").write_text(to_json(sealed(manifest)) + "\n", "utf-8")


def write_error_page(notebook: Path, error: Exception) -> None:
    """In the place of an executed notebook's page, which could not be made."""
    page = html_environment().get_template("remains.html.j2")
    words = {"title": notebook.stem, "runs": (), "error": _said(error), "whose": OURS}
    notebook.with_suffix(".html").write_text(page.render(words), "utf-8")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
