"""What a result is made from, each ingredient by name: the same ingredients, the same result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from cachelib.model.case.repository import files
from cachelib.report.experiments.parameters import ParameterError, Settled
from cachelib.report.experiments.shareable import without_folder
from cachelib.report.experiments.source import Source, digest, digest_of_file
from cachelib.report.reuse.imports import Imports, label
from cachelib.report.templates import FOLDER as TEMPLATES
from cachelib.report.templates import Templates

Sections = Mapping[str, Any]
Ingredients = dict[str, str]
"""Name to fingerprint."""

DISTRIBUTION = "cachelib-decisions"


class Pantry:
    """Where ingredients are taken from; what is looked at is looked at once."""

    def __init__(self) -> None:
        self._imports = Imports()
        self._tree = cache(tree)
        self._digest = cache(digest_of_file)

    def of_notebook(self, source: Source, settled: Settled) -> Ingredients:
        """What running the notebook on this case depends on, but for packages."""
        wanted = source.wanted(settled.for_kernels)
        inputs = self._of_case(settled, source.read_of) if "case" in wanted else {}
        inputs.pop("theme in the case", None)  # no number depends on how the report looks
        if trace := wanted.get("trace") or source.default("trace"):
            inputs |= self._log(trace)
        code = self._imports.files_behind(source.python())
        return {"its source": source.digest} | _parameters(wanted) | inputs | self._files(code)

    def of_document(self, settled: Settled, templates: Templates) -> Ingredients:
        """What writing the report depends on besides its notebooks and packages."""
        shipped = [file for file in TEMPLATES.rglob("*") if file.is_file()]
        code = self._imports.files_behind(["import cachelib.report.document.write"])
        inputs = self._of_case(settled)
        if settled.parameters.trace:
            inputs |= self._log(settled.parameters.trace)
        if logo := settled.case.theme.logo:
            inputs[f"the logo {logo}"] = self._digest(settled.file.parent / logo)
        own = {f"your {name}": self._digest(file) for name, file in templates.files.items()}
        return _parameters(settled.of_notebooks) | inputs | self._files([*shipped, *code]) | own

    def _of_case(
        self, settled: Settled, read: Callable[[Sections], Sections] = dict
    ) -> Ingredients:
        """Each section of the case as settled, as far as it is read, and the code it names."""
        found = {
            f"{section} in the case": digest(json.dumps(value, sort_keys=True).encode())
            for section, value in read(settled.case.model_dump(mode="json")).items()
        }
        if path := settled.case.system.path:
            found[f"the code in {without_folder(path)}"] = self._tree(settled.file.parent / path)
        return found

    def _log(self, trace: str) -> Ingredients:
        try:
            files = files_of_log(Path(trace))
            return {f"the log {name}": self._digest(file) for name, file in files.items()}
        except OSError as error:
            raise ParameterError(f"parameter trace: {trace}: {error.strerror}") from None

    def _files(self, files: Iterable[Path]) -> Ingredients:
        return {label(file): self._digest(file) for file in sorted(files)}


def files_of_log(path: Path) -> dict[str, Path]:
    """A log's files by name: itself, or those that the reader takes from a folder."""
    if not path.is_dir():
        return {path.name: path}
    from cachelib.model.traffic.logs.source import files  # slow to import

    return {f"{path.name}/{file.relative_to(path).as_posix()}": file for file in files(path)}


def versions() -> dict[str, str]:
    """Every package that a report is made with: those it requires, and what they require."""
    found: dict[str, str] = {}
    todo = [(DISTRIBUTION, "report")]
    while todo:
        name, extra = todo.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key not in found and (package := _metadata(name)):
            found[key] = next(iter(_header(package, "Version")), "")
            todo += [(required, "") for required in _required(package, extra)]
    return dict(sorted(found.items()))


def environment(python: str, packages: Mapping[str, str]) -> Ingredients:
    """Python and packages, as the ingredients that all notebooks of a run have in common."""
    return {"Python": python} | {f"package {name}": packages[name] for name in packages}


def _parameters(given: Mapping[str, Any]) -> Ingredients:
    """The notebooks' own; the case is an ingredient by its sections."""
    own = {name: value for name, value in given.items() if name != "case"}
    return {
        f"parameter {name}": json.dumps(without_folder(value))
        for name, value in sorted(own.items())
    }


def tree(folder: Path) -> str:
    """One fingerprint for all files of a repository that are examined; raises `CrowdedError`."""
    listed = [(file.relative_to(folder).as_posix(), digest_of_file(file)) for file in files(folder)]
    return digest(json.dumps(listed).encode())


def _metadata(name: str) -> str | None:
    """The headers of a package's metadata. Python's parser of mail takes ten times as long."""
    try:
        text = distribution(name).read_text("METADATA") or ""
    except PackageNotFoundError:
        return None
    return text.partition("\n\n")[0]


def _header(package: str, name: str) -> list[str]:
    """What headers of this name say; of those that are wanted each is one line."""
    return re.findall(rf"(?m)^{name}:[ \t]*(.*?)[ \t]*$", package)


def _required(package: str, extra: str) -> Iterator[str]:
    """The names of what a package requires, always or for one of its extras."""
    for line in _header(package, "Requires-Dist"):
        name, _, marker = line.partition(";")
        if "extra" not in marker or (extra and re.search(rf"extra == .{extra}\b", marker)):
            yield re.split(r"[^\w.-]", name, maxsplit=1)[0]
