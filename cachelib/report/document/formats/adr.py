"""The decision as a record in the form of MADR 4: `adr.md`."""

from __future__ import annotations

from collections.abc import Mapping

from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document


def files(material: Material) -> Mapping[str, str]:
    """The record, from a template of its own and the sections that it shares with the report."""
    document = Document(material, InMarkdown(material.templates), "adr.md.j2")
    return {"adr.md": document.text()}
