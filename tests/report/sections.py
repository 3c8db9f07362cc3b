"""One section of a report by itself, of a few findings or of the shipped case's with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from cachelib.model.judgement.study import Study
from cachelib.report.document.collect import Findings, Found
from cachelib.report.document.formats.markdown import InMarkdown
from cachelib.report.document.material import Material
from cachelib.report.document.render import Document
from cachelib.report.publish.findings import Finding, Judgement, Metric, Table, Text
from cachelib.report.publish.outcome import Outcome
from tests.report.in_process import committed


def of(study: Study, section: str, found: Iterable[Finding] = (), **metrics: Any) -> str:
    """A section for these findings and metrics, which are named with `__` for the point."""
    findings = Findings([])
    for name, value in metrics.items():
        value, unit = value if isinstance(value, tuple) else (value, "")
        metric = Metric(id=name.replace("__", "."), value=value, unit=unit, caption="c")
        findings.add(Found(metric, "01_evidence", "cell", None))
    for finding in found:
        findings.add(Found(finding, "01_evidence", "cell", None))
    return text(Material(study, findings, []), section)


def shipped(
    section: str,
    change: Callable[[Outcome], Outcome] = lambda same: same,
    tables: Mapping[str, Table] | None = None,
    case: Mapping[str, Any] | None = None,
    **metrics: Any,
) -> str:
    """A section of the shipped case's report with other findings, or another case."""
    material = committed()
    changed = material.study.case.model_copy(update=case or {})
    material = replace(material, study=replace(material.study, case=changed))
    findings, more = Findings([]), dict(tables or {})
    for found in material.findings:
        finding = found.finding
        if isinstance(finding, Judgement):
            finding = finding.model_copy(update={"outcome": change(finding.outcome)})
        if (name := finding.id.replace(".", "__")) in metrics:
            value = metrics.pop(name)
            field = "lines" if isinstance(finding, Text) else "value"
            finding = finding.model_copy(update={field: value})
        findings.add(replace(found, finding=more.pop(finding.id, finding)))
    for table in more.values():
        findings.add(Found(table, "09_decision", "cell", None))
    assert not metrics, "no such metric"
    return text(replace(material, findings=findings), section)


def shipped_with(section: str, **metrics: Any) -> str:
    """A section of the shipped case's report with metrics in the place of its own, and more."""
    material, findings = committed(), Findings([])
    for name, value in metrics.items():
        value, unit = value if isinstance(value, tuple) else (value, "")
        metric = Metric(id=name.replace("__", "."), value=value, unit=unit, caption="c")
        findings.add(Found(metric, "01_evidence", "cell", None))
    for found in material.findings:
        if found.finding.id not in findings:
            findings.add(found)
    return text(replace(material, findings=findings), section)


def text(material: Material, section: str) -> str:
    """What a section says; `adr` is the record, `report` all of it."""
    whole = section in ("adr", "report")
    path = f"{section}.md.j2" if whole else f"sections/{section}.md.j2"
    return Document(material, InMarkdown(material.templates), path).text().replace("\u00a0", " ")


def shipped_finding(id: str) -> Finding:
    """One of the findings of the shipped case."""
    return committed().findings[id].finding
