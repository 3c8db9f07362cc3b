"""The cases that come with the package, and the file that the name of a case means."""

from __future__ import annotations

from pathlib import Path

from cachelib.model.case.names import known
from cachelib.model.schema.resources import resource
from cachelib.model.schema.typed_yaml import InvalidFileError, Problem

CASES = resource("cases")


def find_case(name: str | Path) -> Path:
    """The file of a case: a path, a folder with a case.yaml, or the name of a ready-made one."""
    path = Path(name)
    if path.is_dir():
        return path / "case.yaml"
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    if fault := known("ready-made case", ready_made(), str(name)):
        said = f"there is no such file; {fault} (`cachelib cases` lists them)"
        raise InvalidFileError([Problem(path, 1, "", said, given=str(path))])
    return CASES / f"{name}.yaml"


def ready_made() -> list[str]:
    """The names of the cases that come with the package."""
    return sorted(path.stem for path in CASES.glob("*.yaml"))
