"""Notebooks that finished in a run which did not: they lie in wait for the next run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cachelib.evidence.files import regular
from cachelib.report.experiments import staging
from cachelib.report.experiments.run import Run
from cachelib.report.experiments.source import digest_of_file

FORMAT = 1


class Kept:
    """A folder in the report's own, with each notebook and what it was made from.

    A run puts a notebook there as soon as it has ended well, so that even a run that is killed
    loses only what was unfinished; the report that takes it in empties the folder.
    """

    def __init__(self, report: Path) -> None:
        self.folder = staging.real(report) / staging.FINISHED

    def put(self, run: Run, made_from: Mapping[str, Any]) -> None:
        """Keep a finished notebook; if there is no room for it, it is only run again."""
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            copy = Path(shutil.copy(run.path, self.folder))
            record = {"format": FORMAT, "seconds": run.seconds, "digest": digest_of_file(copy)}
            copy.with_suffix(".json").write_text(json.dumps(record | dict(made_from)), "utf-8")

    def record(self, name: str) -> dict[str, Any] | None:
        """What a notebook was made from, if it is there whole; written after it, it vouches."""
        try:
            record = json.loads(regular(self.folder / f"{name}.json").read_text("utf-8"))
            good = record["format"] == FORMAT and record["digest"] == digest_of_file(
                self._notebook(name)
            )
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return dict(record) if good else None

    def run(self, name: str) -> Run:
        """The execution of a notebook of which there is a record."""
        record = self.record(name) or {}
        return Run(name, self._notebook(name), record.get("seconds", 0.0), None)

    def clear(self) -> None:
        """Forget all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _notebook(self, name: str) -> Path:
        return self.folder / f"{name}.ipynb"
