"""A report of which nothing has changed, known at a glance.

To compare what a report was made from, its case must be read and checked, which takes seconds. Here
only the stamps of files are looked at: their sizes, times and places on the disk. If all are as
they were when the report was made or found to stand, it stands. Imports the standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cachelib import __version__
from cachelib.model.schema.resources import resource

PASSED_OVER = {".git", "node_modules", "__pycache__"}
"""Folders of which nothing enters a report."""
COARSE_NS = 50_000_000
"""By which the clock of a file's stamps may lag behind this process's."""
MOST = 50
"""Reports that are remembered."""


@dataclass(frozen=True)
class Standing:
    """A report that stands: its page, and the notebooks in it."""

    page: Path
    notebooks: list[str]


@dataclass(frozen=True)
class Glance:
    """At the report that a command asks for, in these words."""

    words: Mapping[str, Any]
    began_ns: int = field(default_factory=time.time_ns)

    def report(self) -> Standing | None:
        """The report, if it is sure that nothing has changed; None says nothing."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(self._record.read_text("utf-8"))
            if record["stamps"] == _digest(_stamps([*_shipped(), *map(Path, record["places"])])):
                return Standing(Path(record["page"]), record["notebooks"])
        return None

    def remember(self, report: Standing, places: Iterable[Path]) -> None:
        """Take the stamps of a report that is complete, and of the `places` that it was made from.

        Not if one of these has changed since the command began: it may have been read before.
        """
        inputs, folder = [place.absolute() for place in places], report.page.parent.absolute()
        sure_ns = self.began_ns - COARSE_NS
        if any(_changed_ns(file) >= sure_ns for file in _files([*_shipped(), *inputs])):
            return
        record = {
            "page": str(report.page),
            "notebooks": report.notebooks,
            "places": [str(place) for place in (*inputs, folder)],
            "stamps": _digest(_stamps([*_shipped(), *inputs, folder])),
        }
        with suppress(OSError):  # where nothing can be kept, the next run only takes longer
            self._record.parent.mkdir(parents=True, exist_ok=True)
            aside = self._record.with_suffix(f".{os.getpid()}")
            aside.write_text(json.dumps(record), "utf-8")
            os.replace(aside, self._record)
            kept = sorted(self._record.parent.glob("*.json"), key=os.path.getmtime, reverse=True)
            for record_before in kept[MOST:]:
                record_before.unlink()

    @property
    def _record(self) -> Path:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        asked = [os.getcwd(), sys.executable, sys.version, __version__, self.words]
        name = _digest([json.dumps(asked, sort_keys=True, default=str)])
        return cache / "cachelib" / "reports" / f"{name}.json"


def _shipped() -> list[Path]:
    """What every report is made from."""
    package = Path(__file__).parents[2]
    return [package, *map(resource, ("templates", "notebooks", "cases"))]


def _stamps(places: Iterable[Path]) -> Iterator[str]:
    """A line for each package that is installed, and for each file; raises `OSError`."""
    for folder in filter(os.path.isdir, sys.path):
        yield from sorted(name for name in os.listdir(folder) if name.endswith(".dist-info"))
    for file in _files(places):
        found = _stat(file)
        times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
        yield f"{file} {found.st_size} {times} {found.st_ino}"


def _changed_ns(file: str) -> int:
    """When a file was last changed, moved or given another name."""
    return _stat(file).st_ctime_ns


def _stat(file: str) -> os.stat_result:
    """Of what a link leads to; of the link itself where that is nowhere."""
    return os.stat(file) if os.path.exists(file) else os.lstat(file)


def _files(places: Iterable[Path]) -> Iterator[str]:
    for place in places:
        if not place.is_dir():
            yield str(place)
        for here, folders, names in os.walk(place):
            folders[:] = sorted(set(folders) - PASSED_OVER)
            yield from (os.path.join(here, name) for name in sorted(names))


def _digest(lines: Iterable[str]) -> str:
    found = hashlib.sha256()
    for line in lines:
        found.update(f"{line}\n".encode(errors="surrogateescape"))
    return found.hexdigest()
