"""The examples of docs/how-to-add.md, by section."""

from __future__ import annotations

import re
from typing import Any

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "how-to-add.md").read_text("utf-8")
_BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
SECTIONS = {
    title: _BLOCK.findall(text)
    for title, _, text in (part.partition("\n") for part in re.split(r"\n## (?=An? )", PAGE)[1:])
}


def example(section: str, language: str, number: int = 0) -> str:
    """The section's nth block in that language."""
    return [code for name, code in SECTIONS[section] if name == language][number]


def run(section: str, number: int = 0, **names: Any) -> dict[str, Any]:
    """What a Python example defines, run with these names given."""
    source = example(section, "python", number)
    exec(compile(source, f"how-to-add.md: {section}", "exec"), names)  # noqa: S102 - our own page
    return names
