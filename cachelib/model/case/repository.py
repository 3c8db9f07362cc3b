"""The repository that a case names: where it may lie, and which of its files count.

A case may be a stranger's. What it names is read and shown in a report that is shared, so it lies
in the case's own folder unless the command line says otherwise (`-p system.path=DIR`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cachelib.errors import CachelibError

MOST_FILES = 20_000
LARGEST = 1_000_000
"""Bytes of a source; no larger file is examined."""
PASSED_OVER = frozenset({".git", "node_modules"})


class CrowdedError(CachelibError, ValueError):
    """More files than one Worker's project has."""


def fault(folder: Path, path: str, *, anywhere: bool) -> str | None:
    """What is wrong with the path of a case in `folder`; `anywhere`: it may lead out of it."""
    place = folder / path
    if not place.is_dir():
        return (
            f"there is no folder {path!r} beside the case file; leave the key out if there is none"
        )
    if not (anywhere or place.resolve().is_relative_to(folder.resolve())):
        return (
            f"{path!r} leads out of the case's own folder; if that is meant, say so on the command "
            f"line: -p system.path={path}"
        )
    try:
        for _ in files(place):
            pass
    except CrowdedError as error:
        return str(error)
    return None


def files(folder: Path) -> Iterator[Path]:
    """The files below that are examined, sorted; links are not followed, pipes not opened.

    Raises `CrowdedError`.
    """
    number = 0
    for here, folders, names in os.walk(folder):
        number += len(folders) + len(names)
        if number > MOST_FILES:
            raise CrowdedError(
                f"{folder} has more than {MOST_FILES:,} files; name the folder of one Worker"
            )
        folders[:] = sorted(set(folders) - PASSED_OVER)
        for name in sorted(names):
            file = Path(here, name)
            if not file.is_symlink() and file.is_file() and 0 < file.stat().st_size <= LARGEST:
                yield file
