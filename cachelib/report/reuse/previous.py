"""What of the report that is there already can stand, and why the rest cannot."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cachelib.evidence.files import regular
from cachelib.model.case.ready_made import CASES
from cachelib.report.experiments.run import Run
from cachelib.report.experiments.source import digest, digest_of_file
from cachelib.report.reuse import ingredients
from cachelib.report.reuse.ingredients import Ingredients
from cachelib.report.reuse.kept import Kept

ENOUGH_REASONS = 3
FORMAT = 2
"""Of the manifest; another one's reports are not reused."""
READY_MADE = "ready-made: "
OWN_DIGEST = "digest"
"""Of the manifest's other fields."""


@dataclass(frozen=True)
class Step:
    """A result to have: what it is made from, and why it must be made anew, if it must."""

    name: str
    ingredients: Ingredients
    reasons: tuple[str, ...]
    earlier: Run | None = None
    """The execution that can stand in its place."""

    @property
    def because(self) -> str:
        """The reasons in words, the first few: as much as a line of a run has room for."""
        return self.reasons_said(ENOUGH_REASONS)

    def reasons_said(self, most: int | None = None) -> str:
        """The reasons in words: the first so many, or all."""
        said = self.reasons[:most]
        more = len(self.reasons) - len(said)
        return f"{', '.join(said)} and {more} more" if more else ", ".join(said)


@dataclass(frozen=True)
class Previous:
    """The report in a folder, whole or not, or none."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What it says of itself; nothing where that is damaged or was changed by hand."""
        try:
            text = regular(self.folder / "manifest.json").read_text("utf-8")
            said = json.loads(text)
            if said["format"] != FORMAT or said[OWN_DIGEST] != own_digest(said):
                return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        return dict(said)

    def notebook(self, name: str) -> Path:
        return self.folder / "notebooks" / f"{name}.ipynb"

    def is_of(self, case: Path) -> bool:
        """Whether it is a report of that case file; so is none at all."""
        said = self.manifest.get("case_file")
        return said is None or said == place(self.folder, case)

    def is_complete(self, names: Sequence[str]) -> bool:
        """Whether it is a report in which each of these notebooks finished."""
        there = self.manifest.get("notebooks", {})
        return bool(there) and all(
            name in there and there[name]["status"] == "finished" for name in names
        )

    def step(self, name: str, now: Ingredients, environment: Ingredients) -> Step:
        """Whether the notebook must be run again: neither the report's stands nor a kept one."""
        reasons = tuple(self._reasons(name, now, environment))
        if not reasons:
            seconds = self.manifest["notebooks"][name]["seconds"]
            return Step(name, now, (), Run(name, self.notebook(name), seconds, None))
        kept = Kept(self.folder)
        then = kept.record(name)
        if then and not list(_changes(then["ingredients"], then, now, environment)):
            return Step(name, now, (), kept.run(name))
        return Step(name, now, reasons)

    def _reasons(self, name: str, now: Ingredients, environment: Ingredients) -> Iterator[str]:
        then = self.manifest.get("notebooks", {}).get(name)
        if then is None:
            yield "there is no earlier run"
        elif then["status"] != "finished":
            yield "it failed the last time"
        elif self._damaged(f"notebooks/{name}.ipynb"):
            yield "its earlier output is gone or was changed"
        else:
            yield from _changes(then["ingredients"], self.manifest, now, environment)

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
        if not self.manifest["document"]:
            yield "it could not be written the last time"
            return
        yield from _changes(self.manifest["document"], self.manifest, now, environment)
        yield from (f"{file} is gone or was changed" for file in self._files if self._damaged(file))

    @property
    def _files(self) -> dict[str, str]:
        return dict(self.manifest["files"])

    def _damaged(self, file: str) -> bool:
        try:
            return digest_of_file(self.folder / file) != self._files.get(file)
        except OSError:
            return True


def _changes(
    then: Ingredients, made_with: Mapping[str, Any], now: Ingredients, environment: Ingredients
) -> Iterator[str]:
    """What changed of a result's own ingredients, and of the Python and packages made with."""
    common = ingredients.environment(made_with["python"], made_with["packages"])
    return changes(then | common, now | environment)


def own_digest(manifest: Mapping[str, Any]) -> str:
    """What tells a manifest as it was written from one of another shape or other numbers."""
    others = {name: value for name, value in manifest.items() if name != OWN_DIGEST}
    return digest(json.dumps(others, sort_keys=True).encode())


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with its digest."""
    return {**manifest, OWN_DIGEST: own_digest(manifest)}


def place(folder: Path, case: Path) -> str:
    """Where a case lies, seen from the folder of its report: both may be moved together.

    Where the way from one to the other leads through half of the machine, only a digest of it.
    """
    if case.resolve().parent == CASES.resolve():
        return f"{READY_MADE}{case.stem}"
    way = os.path.relpath(case.resolve(), folder.resolve())
    common = Path(os.path.commonpath([case.resolve(), folder.resolve()]))
    is_far = common in (*Path.home().parents, Path.home(), Path(common.anchor))
    return f"elsewhere: {digest(way.encode())}" if is_far else way


def changes(then: Ingredients, now: Ingredients) -> Iterator[str]:
    """Each ingredient that is not what it was."""
    for name in now | then:
        if then.get(name) != now.get(name):
            both = (name in then and name in now) or name.startswith("parameter ")
            yield f"{name} {'changed' if both else 'is new' if name in now else 'is gone'}"
