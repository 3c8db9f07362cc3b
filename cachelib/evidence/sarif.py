"""An audit in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from cachelib import __version__
from cachelib.evidence.audit import Audit
from cachelib.evidence.files import Fault
from cachelib.evidence.finding import Finding, Place, Replacement
from cachelib.evidence.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(audit: Audit, prefix: str = "") -> dict[str, Any]:
    """One run with every rule, a result for each finding, a notification for each unread file.

    Columns count Unicode code points. Files that were passed over are counted in the run's
    properties. `prefix` is the way from the root of the repository to the examined directory, for
    viewers that show files from there.
    """
    rules = _rules(audit.findings)
    unread = [_unread(each, prefix) for each in audit.unparsable + audit.partly_read]
    broken = [{"level": "error", "message": {"text": each}} for each in audit.failures]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cachelib",
                        "version": __version__,
                        "rules": list(rules.values()),
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "SRCROOT": {"description": {"text": "The root of the repository"}}
                },
                "results": [_result(each, prefix, [*rules]) for each in audit.findings],
                "invocations": [
                    {
                        "executionSuccessful": not audit.failures,
                        "toolExecutionNotifications": unread + broken,
                    }
                ],
                "properties": {
                    "skipped": audit.skipped,
                    "ignored": audit.ignored,
                    "known": audit.known,
                    "unsure": audit.unsure,
                },
            }
        ],
    }


def _rules(findings: Iterable[Finding]) -> dict[str, dict[str, Any]]:
    """The rules there are, and those of the user's own that found something."""
    known = {
        rule.id: _rule(rule.id, rule.title, rule.why, rule.source, rule.severity) for rule in RULES
    }
    for each in findings:
        own = _rule(each.rule, each.title, each.why, each.source, each.severity)
        known.setdefault(each.rule, own)
    return known


def _rule(id_: str, title: str, why: str, source: str, severity: str) -> dict[str, Any]:
    return {
        "id": id_,
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {"text": f"{why}\n\nSource: {source}"},
        "defaultConfiguration": {"level": severity},
        "properties": {"tags": ["cache"]},
    }


def _result(finding: Finding, prefix: str, rules: list[str]) -> dict[str, Any]:
    around = {
        "startLine": finding.code_line,
        "endLine": finding.code_line + finding.code.count("\n"),
        "snippet": {"text": finding.code},
    }
    file = prefix + finding.file
    result = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [
            {"physicalLocation": _place(file, _region(finding)) | {"contextRegion": around}}
        ],
        "partialFingerprints": {"cachelib/v2": finding.fingerprint},
        "properties": {"source": finding.source} | _extras(finding),
    }
    if finding.replacements:
        result["fixes"] = [_fix(file, finding.replacements)]
    return result


def _fix(file: str, replacements: list[Replacement]) -> dict[str, Any]:
    edits = [
        {"deletedRegion": _region(each), "insertedContent": {"text": each.text}}
        for each in replacements
    ]
    artifact = _place(file, {})["artifactLocation"]
    return {
        "description": {"text": "A mechanical repair; read it before it is applied"},
        "artifactChanges": [{"artifactLocation": artifact, "replacements": edits}],
    }


def _extras(finding: Finding) -> dict[str, Any]:
    extras: dict[str, Any] = {"confidence": finding.confidence, "because": finding.because}
    if isinstance(finding.effect, list):
        extras["effect"] = [each.model_dump() for each in finding.effect]
    return extras


def _region(place: Place) -> dict[str, int]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _place(file: str, region: dict[str, int]) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(file), "uriBaseId": "SRCROOT"},
        "region": region,
    }


def _unread(fault: Fault, prefix: str) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": fault.reason},
        "locations": [{"physicalLocation": _place(prefix + fault.file, {"startLine": fault.line})}],
    }
