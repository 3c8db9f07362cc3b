"""What is imported is what is installed: no developer's package is taken for granted."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cachelib"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)
DISTRIBUTION = "cachelib-decisions"
WITH_ANOTHER = {"jupyter_core", "nbformat", "tree_sitter_typescript", "IPython", "traitlets",
                "pygments", "markupsafe"}  # fmt: skip
"""Modules of packages that a required package cannot do without."""
BEHIND = {
    "stores/redis_client.py": ("stores/redis.py", "redis"),
    "evidence/own_rules.py": ("evidence/own_rules.py", "ast_grep_py"),
    "model/engines/shards/cluster.py": ("model/engines/shards/cluster.py", "distributed"),
}
"""A module that imports an extra's package, and where a guard stands that it is reached through."""


@cache
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


def allowed(path: Path) -> set[str]:
    """What a module may import because a guard on the way to it has found it."""
    gate = BEHIND.get(path.relative_to(PACKAGE).as_posix())
    return {gate[1]} if gate else set()


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
    known = {
        *sys.stdlib_module_names,
        "cachelib",
        *brought("report"),
        *WITH_ANOTHER,
        *allowed(path),
    }
    missing = [f"{path}:{line}: {name}" for line, name in unguarded(path) if name not in known]
    assert missing == []


@pytest.mark.parametrize(("module", "gate", "package"), [(m, *g) for m, g in BEHIND.items()])
def test_a_module_behind_a_guard_is_reached_through_it_alone(
    module: str, gate: str, package: str
) -> None:
    said = [
        ast.unparse(handler)
        for block in ast.walk(ast.parse((PACKAGE / gate).read_text("utf-8")))
        if isinstance(block, ast.Try) and f"import {package}" in ast.unparse(block.body)
        for handler in block.handlers
    ]
    assert said
    assert all("ImportError" in text and re.search(r"extra|\[[a-z]+\]'", text) for text in said)
    name = "cachelib." + module.removesuffix(".py").replace("/", ".")
    importers = {
        path.relative_to(PACKAGE).as_posix() for path in FILES if f"{name} import" in
        path.read_text("utf-8")
    }  # fmt: skip
    assert module == gate or importers == {gate}


def test_the_library_imports_the_standard_library_only() -> None:
    shipped = {*sys.stdlib_module_names, "cachelib"}
    library = [path for path in FILES if path.parent.name in ("cachelib", "stores")]
    commands = {"cli.py"}
    found = [
        f"{path}:{line}: {name}"
        for path in library
        if path.name not in commands
        for line, name in unguarded(path)
        if name not in shipped | allowed(path)
    ]
    assert found == []
