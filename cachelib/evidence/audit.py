"""Faults in the caching of a Workers project, each with place, reason, repair and what it costs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.examination import Examination
from cachelib.evidence.files import Fault, directory_of, survey
from cachelib.evidence.mask import mask
from cachelib.evidence.program import Module, program_of, read_modules
from cachelib.evidence.repair import as_diff
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import SEVERITIES, Counterfactual, Hit, NotModelled, Rule, Severity
from cachelib.evidence.rules import RULES
from cachelib.evidence.workers import Workers
from cachelib.evidence.workspace import read_workspace
from cachelib.evidence.wrangler import Wrangler

_LONGEST = 240  # characters of a line that are shown


class Change(BaseModel):
    """What a metric of the case is with the fault and with the repair, in `unit`."""

    model_config = ConfigDict(frozen=True)

    metric: str
    with_fault: float
    with_fix: float
    unit: str


class Finding(BaseModel):
    """Lines and columns count from 1, the end is exclusive; columns count code points."""

    model_config = ConfigDict(frozen=True)

    rule: str
    title: str
    severity: Severity
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    code: str
    code_line: int
    why: str
    source: str
    fix: str | None
    confidence: Confidence = "high"
    because: str = ""
    counterfactual: Counterfactual | NotModelled
    effect: list[Change] | None = None


class Audit(BaseModel):
    """`configuration` is the wrangler file, or None where the directory has none."""

    model_config = ConfigDict(frozen=True)

    configuration: str | None
    files: int
    lines: int
    findings: list[Finding]
    unparsable: list[Fault]
    skipped: dict[str, int]

    def at_least(self, severity: Severity) -> list[Finding]:
        floor = SEVERITIES.index(severity)
        return [each for each in self.findings if SEVERITIES.index(each.severity) >= floor]

    def with_effects(self, effects: Mapping[str, list[Change]]) -> "Audit":
        """The same audit with what each rule's fault costs, by the id of the rule."""
        findings = [
            each.model_copy(update={"effect": effects.get(each.rule)}) for each in self.findings
        ]
        return self.model_copy(update={"findings": findings})


def audit(directory: Path) -> Audit:
    """The findings in the TypeScript and JavaScript below `directory`, by file and line.

    Nothing of the directory is executed. Raises EvidenceError for a wrong directory or for one
    with neither sources nor a wrangler configuration.
    """
    root = directory_of(directory)
    seen = survey(root)
    workspace = read_workspace(root)
    if not workspace.configurations and not seen.sources:
        raise EvidenceError(
            f"{directory}: neither a wrangler configuration nor TypeScript or JavaScript here; "
            "give the folder of a Workers project"
        )
    modules, broken = read_modules(seen.sources)
    findings: dict[tuple[str, int, int, str], Finding] = {}
    running: set[str] = set()
    for worker in (workers := Workers(workspace, modules)):
        running |= {module.path for module in worker.modules}
        program = program_of(worker.modules, workers.imports)
        examined = Examination(
            program,
            worker.config,
            worker.configured,
            worker.declared,
            has_entry=worker.has_entry,
        )
        for rule in RULES:
            for hit in rule.find(examined):
                found = _finding(rule, hit, worker.config)
                findings.setdefault((found.file, found.line, found.column, found.rule), found)
    if aside := len(modules) - len(running):
        seen.skipped["not run by a Worker"] += aside
    return Audit(
        configuration=workspace.shown,
        files=len(modules),
        lines=sum(module.source.count("\n") for module in modules),
        findings=[findings[place] for place in sorted(findings)],
        unparsable=seen.unparsable + broken + workspace.faults,
        skipped=dict(sorted(seen.skipped.items())),
    )


def _finding(rule: Rule, hit: Hit, config: Wrangler | None) -> Finding:
    if hit.node is not None and hit.module is not None:
        start, end = hit.node.start_point, hit.node.end_point
        lines = hit.module.lines
        place = (start.row + 1, _column(lines, start), end.row + 1, _column(lines, end))
        return _at(rule, hit, hit.module.path, place, _excerpt(hit.module, start.row))
    file = config.file if config is not None else ""
    code = config.lines(hit.line, hit.line + 2) if config is not None else ""
    place = (hit.line, 1, hit.line, len(code.partition("\n")[0]) + 1)
    return _at(rule, hit, file, place, (hit.line, code))


def _at(
    rule: Rule, hit: Hit, file: str, place: tuple[int, int, int, int], code: tuple[int, str]
) -> Finding:
    return Finding(
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        file=file,
        line=place[0],
        column=place[1],
        end_line=place[2],
        end_column=place[3],
        message=mask(hit.message),
        code_line=code[0],
        code=code[1],
        why=rule.why,
        source=rule.source,
        fix=as_diff(hit.module, hit.edits) if hit.module is not None and hit.edits else None,
        confidence=hit.confidence,
        because=hit.because or "the source shows it",
        counterfactual=rule.counterfactual,
    )


def _column(lines: list[str], point: tuple[int, int]) -> int:
    """The parser counts bytes."""
    row, byte = point
    return len(lines[row].encode()[:byte].decode(errors="ignore")) + 1 if row < len(lines) else 1


def _excerpt(module: Module, row: int) -> tuple[int, str]:
    """The number of the first line shown, and three lines."""
    first = max(0, min(row - 1, len(module.lines) - 3))
    shown = (_cut(line) for line in module.shown(first, first + 3))
    return first + 1, "\n".join(shown)


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def to_json(audit: Audit) -> dict[str, Any]:
    return audit.model_dump(mode="json")
