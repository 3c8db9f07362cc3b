"""What of the report that is there already can stand, and why the rest cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cachelib.report.experiments.run import Run
from cachelib.report.experiments.source import digest_of_file
from cachelib.report.reuse import ingredients
from cachelib.report.reuse.ingredients import Ingredients

ENOUGH_REASONS = 3
FORMAT = 1
"""Of the manifest; another one's reports are not reused."""


@dataclass(frozen=True)
class Step:
    """A result to have: what it is made from, and why it must be made anew, if it must."""

    name: str
    ingredients: Ingredients
    reasons: tuple[str, ...]

    @property
    def because(self) -> str:
        """The reasons in words, the first few."""
        more = len(self.reasons) - ENOUGH_REASONS
        said = ", ".join(self.reasons[:ENOUGH_REASONS])
        return f"{said} and {more} more" if more > 0 else said


@dataclass(frozen=True)
class Previous:
    """The report in a folder, whole or not, or none."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        try:
            read = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) and read.get("format") == FORMAT else {}

    def notebook(self, name: str) -> Path:
        return self.folder / "notebooks" / f"{name}.ipynb"

    def run(self, name: str) -> Run:
        """The execution of a notebook that is reused."""
        return Run(name, self.notebook(name), self.manifest["notebooks"][name]["seconds"], None)

    def step(self, name: str, now: Ingredients, environment: Ingredients) -> Step:
        """Whether the notebook must be run again."""
        then = self.manifest.get("notebooks", {}).get(name)
        if then is None:
            return Step(name, now, ("there is no earlier run",))
        if then["status"] != "finished":
            return Step(name, now, ("it failed the last time",))
        if self._damaged(f"notebooks/{name}.ipynb"):
            return Step(name, now, ("its earlier output is gone or was changed",))
        return Step(name, now, tuple(self._changes(then["ingredients"], now, environment)))

    def document(
        self, now: Ingredients, environment: Ingredients, notebooks: Sequence[Step]
    ) -> Step:
        """Whether the report must be written again."""
        if not self.manifest:
            return Step("report", now, ("there is no earlier report",))
        return Step("report", now, tuple(self._stale(now, environment, notebooks)))

    def _stale(
        self, now: Ingredients, environment: Ingredients, notebooks: Sequence[Step]
    ) -> Iterator[str]:
        yield from (f"{step.name} is to run" for step in notebooks if step.reasons)
        names = [step.name for step in notebooks]
        yield from (f"{name} is gone" for name in self.manifest["notebooks"] if name not in names)
        yield from self._changes(self.manifest["document"], now, environment)
        yield from (f"{file} is gone or was changed" for file in self._files if self._damaged(file))

    def _changes(
        self, own: Ingredients, now: Ingredients, environment: Ingredients
    ) -> Iterator[str]:
        common = ingredients.environment(self.manifest["python"], self.manifest["packages"])
        return changes(own | common, now | environment)

    @property
    def _files(self) -> dict[str, str]:
        return dict(self.manifest["files"])

    def _damaged(self, file: str) -> bool:
        try:
            return digest_of_file(self.folder / file) != self._files.get(file)
        except OSError:
            return True


def changes(then: Ingredients, now: Ingredients) -> Iterator[str]:
    """Each ingredient that is not what it was."""
    for name in now | then:
        if then.get(name) != now.get(name):
            both = (name in then and name in now) or name.startswith("parameter ")
            yield f"{name} {'changed' if both else 'is new' if name in now else 'is gone'}"
