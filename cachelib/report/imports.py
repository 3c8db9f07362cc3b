"""The files of this package that a piece of Python stands on, found from its syntax tree."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from cachelib.report.templates import FOLDER as TEMPLATES

PACKAGE = Path(__file__).parents[1]
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
QUOTED = re.compile(r"""["'](\w[\w./-]{1,99})["'{]""")
TEMPLATE_NAMES = re.compile(r"""{%-?\s*(?:include|import|from|extends)\s+["']([^"']+)""")


class Imports:
    """The import graph; a file is read once."""

    def __init__(self) -> None:
        self._direct = cache(_direct)

    def files_behind(self, code: Iterable[str]) -> set[Path]:
        """The modules imported, whatever those import in turn, and the data that lies with them.

        Data are the files in a module's package that are no Python, and the templates that a
        string in the code names, by file or by folder. An import inside a function counts like
        any other.
        """
        found: set[Path] = set()
        todo = [file for text in code for file in _named(text, "")]
        while todo:
            file = todo.pop()
            if file not in found:
                found.add(file)
                todo += self._direct(file)
        return found


def label(file: Path) -> str:
    """How a file is called in reasons and manifests: `cachelib/edge/replay.py`."""
    if file.is_relative_to(TEMPLATES):
        return f"templates/{file.relative_to(TEMPLATES).as_posix()}"
    return file.relative_to(PACKAGE.parent).as_posix()


def _direct(file: Path) -> list[Path]:
    if file.suffix == ".py":
        return [*_named(file.read_text("utf-8"), _package_of(file)), *_data(file.parent)]
    if file.is_relative_to(TEMPLATES):
        return list(_templates(TEMPLATE_NAMES.findall(file.read_text("utf-8"))))
    return []


def _named(code: str, package: str) -> Iterator[Path]:
    yield from _templates(QUOTED.findall(code))
    for statement in _statements(ast.parse(code)):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield from _modules(alias.name)
        elif isinstance(statement, ast.ImportFrom):
            base = _absolute(statement, package)
            for alias in statement.names:
                yield from _modules(f"{base}.{alias.name}")


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """Every statement at any depth; expressions, which are most of a tree, are not looked into."""
    for name in BLOCKS:
        for statement in getattr(block, name, ()):
            yield statement
            yield from _statements(statement)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    above = package.split(".")[: 1 - node.level or None]
    return ".".join([*above, *([node.module] if node.module else [])])


def _modules(name: str) -> Iterator[Path]:
    """The file of a module and those of the packages it is in; nothing for other packages'."""
    steps = name.split(".")
    if steps[0] != PACKAGE.name:
        return
    for depth in range(len(steps)):
        place = PACKAGE.joinpath(*steps[1 : depth + 1])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file


def _package_of(file: Path) -> str:
    return ".".join(file.parent.relative_to(PACKAGE.parent).parts)


def _data(folder: Path) -> Iterator[Path]:
    """What lies in a package and is no Python, also in its folders that are no packages."""
    for here, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(("_", ".")) and not Path(here, name, "__init__.py").exists()
        ]
        yield from (Path(here, name) for name in names if not name.endswith((".py", ".pyc")))


def _templates(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        place = TEMPLATES / name
        if place.is_file():
            yield place
        elif name.endswith("/") and place.is_dir():
            yield from (file for file in place.rglob("*") if file.is_file())
