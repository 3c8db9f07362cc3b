"""An audit in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS)."""

import hashlib
from typing import Any
from urllib.parse import quote

from cachelib import __version__
from cachelib.evidence.audit import Audit, Finding
from cachelib.evidence.files import Fault
from cachelib.evidence.rule import Rule
from cachelib.evidence.rules import RULES

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def to_sarif(audit: Audit) -> dict[str, Any]:
    """One run with every rule, a result for each finding, a notification for each unread file.

    Columns count Unicode code points. Files that were passed over are counted in the run's
    properties.
    """
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "cachelib",
                        "version": __version__,
                        "rules": [_rule(rule) for rule in RULES],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "SRCROOT": {"description": {"text": "The examined directory"}}
                },
                "results": [_result(finding) for finding in audit.findings],
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            _unread(each) for each in audit.unparsable + audit.partly_read
                        ],
                    }
                ],
                "properties": {"skipped": audit.skipped},
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nSource: {rule.source}"},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": ["cache"]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    around = {
        "startLine": finding.code_line,
        "endLine": finding.code_line + finding.code.count("\n"),
        "snippet": {"text": finding.code},
    }
    place = _place(finding.file, region) | {"contextRegion": around}
    return {
        "ruleId": finding.rule,
        "ruleIndex": [rule.id for rule in RULES].index(finding.rule),
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"cachelib/v1": _fingerprint(finding)},
        "properties": {"source": finding.source} | _extras(finding),
    }


def _extras(finding: Finding) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if finding.fix is not None:
        extras["fix"] = finding.fix
    if finding.effect is not None:
        extras["effect"] = [each.model_dump() for each in finding.effect]
    return extras


def _place(file: str, region: dict[str, int]) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(file), "uriBaseId": "SRCROOT"},
        "region": region,
    }


def _fingerprint(finding: Finding) -> str:
    """The same finding after lines were added above it."""
    line = finding.code.split("\n")[finding.line - finding.code_line]
    parts = (finding.rule, finding.file, line.strip())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _unread(fault: Fault) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": fault.reason},
        "locations": [{"physicalLocation": _place(fault.file, {"startLine": fault.line})}],
    }
