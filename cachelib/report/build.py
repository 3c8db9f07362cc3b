"""A case to a folder with its report: whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachelib.edge.case import Case, find_case
from cachelib.edge.study import Study
from cachelib.report import manifest, pages, parameters, render, run
from cachelib.report.collect import Findings
from cachelib.report.findings import Metric
from cachelib.report.run import Progress, Run


class OutputError(ValueError):
    """A folder that a report may not be written to."""


@dataclass(frozen=True)
class Report:
    """Where a report lies, and how its notebooks fared."""

    folder: Path
    runs: list[Run]

    @property
    def failed(self) -> list[Run]:
        return [run for run in self.runs if run.failure]


def build(
    overrides: Mapping[str, Any],
    out: Path | None = None,
    *,
    jobs: int,
    progress: Progress,
    notebooks: Path = run.NOTEBOOKS,
) -> Report:
    """Run every notebook with `overrides` (see `parameters.Parameters`) and write the report.

    Raises `ParameterError`, `InvalidFileError`, `LogError` or `OutputError` before any kernel
    starts.
    """
    settled = parameters.check(overrides)
    study = parameters.study(settled)
    study.trace  # noqa: B018 - a log that cannot be read is found out now, not in every kernel
    out = out or Path("output") / parameters.slug(find_case(settled.case).stem)
    with _staged(out) as folder:
        (folder / "notebooks").mkdir()
        names = run.notebook_names(notebooks)
        given = {name: value for name, value in overrides.items() if value is not None}
        runs = run.run_all(
            names, given, folder / "notebooks", jobs=jobs, progress=progress, folder=notebooks
        )
        _write(folder, study, runs, manifest.manifest(settled, given, study, runs))
    return Report(out, runs)


def _write(folder: Path, study: Study, runs: list[Run], provenance: dict[str, Any]) -> None:
    findings = Findings(runs)
    render.write_figures(findings, folder / "figures")
    markdown = render.Document(study, findings, runs, "markdown").markdown()
    html = render.to_html(render.Document(study, findings, runs, "html"), provenance)
    (folder / "report.md").write_text(markdown, "utf-8")
    (folder / "report.html").write_text(html, "utf-8")
    _write_json(folder / "decision.json", _decision(study.case, findings))
    _write_json(folder / "manifest.json", provenance)
    for one in runs:
        if one.path.exists():
            pages.write_page(one.path)


def _decision(case: Case, findings: Findings) -> dict[str, Any]:
    metrics = [found.finding for found in findings if isinstance(found.finding, Metric)]
    return {
        "case": case.title,
        "question": case.question,
        "status": case.decision.status,
        "metrics": {
            metric.id: metric.model_dump(include={"value", "unit", "caption", "how"})
            for metric in metrics
        },
    }


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all is written, and vanishes if not."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not _is_report(out))):
        raise OutputError(f"{out}: is there already and is no report; name another with --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        new, old = stage / "new", stage / "old"
        new.mkdir()
        yield new
        if out.exists():
            os.replace(out, old)
        try:
            os.replace(new, out)
        except BaseException:
            os.replace(old, out)
            raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _is_report(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()
