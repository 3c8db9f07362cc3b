"""The notebooks of a run to the files of its report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cachelib.model.case.case import Case
from cachelib.model.judgement.study import Study
from cachelib.report.document import page, render
from cachelib.report.document.collect import Findings
from cachelib.report.document.ledger import judge_all
from cachelib.report.experiments.run import Run
from cachelib.report.experiments.source import digest_of_file
from cachelib.report.publish.findings import Metric
from cachelib.report.reuse.previous import sealed
from cachelib.report.text import to_json


def write(folder: Path, study: Study, runs: list[Run], provenance: dict[str, Any]) -> None:
    """Write all but the notebooks and their pages, which are there already; the manifest last."""
    findings = Findings(runs)
    render.write_figures(findings, folder / "figures")
    markdown = render.Document(study, findings, runs, "markdown").markdown()
    html = page.to_html(render.Document(study, findings, runs, "html"), provenance)
    (folder / "report.md").write_text(markdown, "utf-8")
    record = render.Document(study, findings, runs, "markdown").record()
    (folder / "adr.md").write_text(record, "utf-8")
    (folder / "report.html").write_text(html, "utf-8")
    _write_json(folder / "decision.json", _decision(study.case, findings))
    _write_json(folder / "manifest.json", sealed({**provenance, "files": _digests(folder)}))


def _decision(case: Case, findings: Findings) -> dict[str, Any]:
    metrics = [found.finding for found in findings if isinstance(found.finding, Metric)]
    return {
        "case": case.title,
        "question": case.question,
        "decision": case.decision.model_dump(mode="json"),
        "claims": [row.to_json() for row in judge_all(case.claims, findings, case.written)],
        "metrics": {
            metric.id: metric.model_dump(include={"value", "unit", "caption", "how"})
            for metric in metrics
        },
    }


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): digest_of_file(file) for file in files}


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(to_json(data) + "\n", "utf-8")
