"""Provenance: what a report was made from, for whoever wants to make it again."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cachelib.model.judgement.study import Study
from cachelib.report.experiments.parameters import Settled
from cachelib.report.experiments.run import Run
from cachelib.report.experiments.shareable import LEFT_OUT, without_folder
from cachelib.report.reuse import previous
from cachelib.report.reuse.ingredients import files_of_log
from cachelib.report.reuse.plan import Plan, Request
from cachelib.report.reuse.previous import FORMAT


def manifest(request: Request, steps: Plan, study: Study, runs: Sequence[Run]) -> dict[str, Any]:
    """Everything that the report's numbers depend on, and how long they took.

    The next run compares `python`, `packages`, `document` and the notebooks' `ingredients` with
    what it finds; see `reuse`.
    """
    settled = request.settled
    made_from = {step.name: step.ingredients for step in (*steps.to_run, *steps.reused)}
    return {
        "format": FORMAT,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "case_file": previous.place(request.folder, settled.file),
        "left_out": LEFT_OUT,
        "parameters": _named(settled.parameters.model_dump(mode="json") | {"case": settled.name}),
        "overridden": _named(settled.given),
        "seed": settled.parameters.seed,
        "case": settled.case.model_dump(mode="json"),
        "code": _code(),
        "python": steps.python,
        "system": platform.platform(terse=True),
        "packages": steps.packages,
        "inputs": dict(_inputs(settled)),
        "skipped_lines": study.trace.skipped.lines,
        "first_skipped_line": study.trace.skipped.first_line,
        "notebooks": {
            run.name: {
                "seconds": round(run.seconds, 2),
                "status": "failed" if run.failure else "finished",
                "ingredients": made_from[run.name],
            }
            for run in runs
        },
        "document": steps.document.ingredients,
    }


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: without_folder(value) for name, value in values.items()}


def _inputs(settled: Settled) -> list[tuple[str, str]]:
    log = files_of_log(settled.trace) if settled.trace else {}
    return [
        (name, _sha256(path)) for name, path in ({settled.file.name: settled.file} | log).items()
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _code() -> dict[str, Any]:
    """The revision of a checkout; nothing where there is none."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return {"revision": None, "modified": None}
    revision = _git(root, "rev-parse", "HEAD")
    return {"revision": revision, "modified": bool(_git(root, "status", "--porcelain"))}


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=root, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
