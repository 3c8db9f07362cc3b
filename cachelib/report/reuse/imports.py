"""The files of this package that a piece of Python stands on, found from its syntax tree."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from cachelib.report.templates import FOLDER as TEMPLATES

PACKAGE = Path(__file__).parents[2]
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
QUOTED = re.compile(r"""["'](\w[\w./-]{1,99})["'{]""")
INCLUDED = re.compile(r"""{%-?\s*(?:include|import|from|extends)\s+["']([^"']+)""")


class Imports:
    """The import graph of the package as it lies on disk now; a file is read once."""

    def __init__(self) -> None:
        files = list(_files(PACKAGE))
        self._packages = {file.parent for file in files if file.name == "__init__.py"}
        self._modules = {_dotted(file): file for file in files if file.suffix == ".py"}
        self._templates = {_inside(TEMPLATES, file): file for file in _files(TEMPLATES)}
        self._data: defaultdict[Path, list[Path]] = defaultdict(list)
        for file in files:
            if file.suffix != ".py":
                self._data[self._package_of(file)].append(file)
        self._direct = cache(self._find_direct)

    def files_behind(self, code: Iterable[str]) -> set[Path]:
        """The modules imported, whatever those import in turn, and the data that lies with them.

        Data are the files in a module's package that are no Python, and the templates that a
        string in the code names, by file or by folder. An import inside a function counts like
        any other, and so does a module's name in quotes.
        """
        found: set[Path] = set()
        todo = [file for text in code for file in self._named(text, "")]
        while todo:
            file = todo.pop()
            if file not in found:
                found.add(file)
                todo += self._direct(file)
        return found

    def _find_direct(self, file: Path) -> list[Path]:
        if file.suffix == ".py":
            package = self._package_of(file)
            code = file.read_text("utf-8")
            return [*self._named(code, _dotted(package)), *self._data[package]]
        if file.is_relative_to(TEMPLATES):
            included = INCLUDED.findall(file.read_text("utf-8"))
            return [self._templates[name] for name in included if name in self._templates]
        return []

    def _named(self, code: str, package: str) -> Iterator[Path]:
        for name in _names(code, package):
            if name in self._templates:
                yield self._templates[name]
            elif name.endswith("/"):
                yield from (file for key, file in self._templates.items() if key.startswith(name))
            else:
                yield from self._module(name)

    def _module(self, name: str) -> Iterator[Path]:
        """The file of a module and those of the packages it is in; nothing for other packages'."""
        while name:
            if name in self._modules:
                yield self._modules[name]
            name = name.rpartition(".")[0]

    def _package_of(self, file: Path) -> Path:
        """The folder of the innermost package that a file is in."""
        return next(folder for folder in file.parents if folder in self._packages)


@cache  # a process that plans again meets the same files
def _names(code: str, package: str) -> frozenset[str]:
    """What a piece of Python imports, and what it has in quotes."""
    return frozenset([*_imported(ast.parse(code), package), *QUOTED.findall(code)])


def label(file: Path) -> str:
    """How a file is called in reasons and manifests: `cachelib/model/engines/replay.py`."""
    if file.is_relative_to(TEMPLATES):
        return f"templates/{_inside(TEMPLATES, file)}"
    return _inside(PACKAGE.parent, file)


def _files(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "_." and name != "node_modules"]
        yield from (Path(here, name) for name in names if not name.endswith(".pyc"))


def _inside(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()


def _dotted(file: Path) -> str:
    """The name of a module, or of the package that is a folder."""
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
        ".__init__"
    )


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """The names that import statements ask for; what they name may be no module."""
    for statement in _statements(tree):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            base = _absolute(statement, package)
            yield from (f"{base}.{alias.name}" for alias in statement.names)


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
