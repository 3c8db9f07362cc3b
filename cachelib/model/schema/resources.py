"""Where the notebooks, templates and ready-made cases lie."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def resource(name: str) -> Path:
    """The folder of that name: beside the package in a checkout, inside it in a wheel."""
    beside, inside = PACKAGE.parent / name, PACKAGE / "_share" / name
    return beside if beside.is_dir() else inside
