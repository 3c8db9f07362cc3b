"""Provenance: what a report was made from, for whoever wants to make it again."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cachelib.edge.case import find_case
from cachelib.edge.study import Study
from cachelib.report.parameters import Parameters
from cachelib.report.run import Run

PACKAGES = (
    "ipykernel", "jinja2", "matplotlib", "nbclient", "nbconvert", "numpy", "pandas", "papermill",
    "pydantic",
)  # fmt: skip


def manifest(
    parameters: Parameters, overridden: Mapping[str, Any], study: Study, runs: Sequence[Run]
) -> dict[str, Any]:
    """Everything that the report's numbers depend on, and how long they took."""
    return {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": parameters.model_dump(mode="json"),
        "overridden": sorted(overridden),
        "seed": parameters.seed,
        "code": _code(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "packages": dict(_versions()),
        "inputs": dict(_inputs(parameters)),
        "skipped_lines": study.trace.skipped.lines,
        "first_skipped_line": study.trace.skipped.first_line,
        "notebooks": {
            run.name: {
                "seconds": round(run.seconds, 2),
                "status": "failed" if run.failure else "finished",
            }
            for run in runs
        },
    }


def _inputs(parameters: Parameters) -> list[tuple[str, str]]:
    paths = [find_case(parameters.case)]
    if parameters.trace:
        paths.append(Path(parameters.trace))
    return [(path.name, _sha256(path)) for path in paths]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in ("cachelib-decisions", *PACKAGES):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _code() -> dict[str, Any]:
    """The revision of a checkout; nothing where there is none."""
    root = Path(__file__).parents[2]
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
