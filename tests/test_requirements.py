"""What is imported is what is installed: no developer's package is taken for granted."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cachelib"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)
DISTRIBUTION = "cachelib-decisions"
WITH_ANOTHER = {"jupyter_core", "nbformat", "tree_sitter_typescript", "IPython", "traitlets",
                "pygments", "markupsafe"}  # fmt: skip
"""Modules of packages that a required package cannot do without."""


def brought(extra: str) -> set[str]:
    """The modules of the packages that an extra names."""
    named = {
        re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-")
        for line in requires(DISTRIBUTION) or ()
        if re.search(rf"extra == .{extra}\b", line)
    }
    namespaces = {"ruamel"} if "ruamel-yaml" in {n.replace(".", "-") for n in named} else set()
    return namespaces | {
        module
        for module, distributions in packages_distributions().items()
        if named & {name.lower().replace("_", "-") for name in distributions}
    }


def unguarded(path: Path) -> Iterator[tuple[int, str]]:
    """Imports of other packages that no handler of ImportError surrounds."""
    tree = ast.parse(path.read_text("utf-8"))
    safe = {
        id(node)
        for block in ast.walk(tree)
        if (isinstance(block, ast.Try) and any("ImportError" in ast.unparse(h) or
            "ModuleNotFoundError" in ast.unparse(h) for h in block.handlers))
        or (isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING")
        for node in ast.walk(block)
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in safe:
            continue
        names = (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )  # fmt: skip
        for name in names:
            yield node.lineno, name.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_only_another_extra_brings_is_guarded(path: Path) -> None:
    known = {*sys.stdlib_module_names, "cachelib", *brought("report"), *WITH_ANOTHER}
    missing = [f"{path}:{line}: {name}" for line, name in unguarded(path) if name not in known]
    assert missing == []


def test_the_library_imports_the_standard_library_only() -> None:
    known = {*sys.stdlib_module_names, "cachelib"}
    library = [path for path in FILES if path.parent.name in ("cachelib", "stores")]
    commands = {"cli.py"}
    found = [
        f"{path}:{line}: {name}"
        for path in library
        if path.name not in commands
        for line, name in unguarded(path)
        if name not in known
    ]
    assert found == []
