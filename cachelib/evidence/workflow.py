"""An audit as commands of a GitHub workflow, which shows them as annotations of a pull request."""

from collections.abc import Iterator

from cachelib.evidence.audit import Audit
from cachelib.evidence.finding import Finding
from cachelib.evidence.mask import printable
from cachelib.plural import plural

_COMMANDS = {"note": "notice", "warning": "warning", "error": "error"}


def to_workflow(audit: Audit, prefix: str = "") -> str:
    """A line a finding, the gravest first: a viewer shows only so many of one step.

    `prefix` is the way from the root of the repository to the examined directory.
    """
    gravest = sorted(
        audit.findings, key=lambda each: [*_COMMANDS].index(each.severity), reverse=True
    )
    lines = [_annotation(each, prefix) for each in gravest]
    lines += [
        _command("warning", {"file": prefix + each.file, "line": str(each.line)}, each.reason)
        for each in audit.unparsable + audit.partly_read
    ]
    lines += [_command("error", {}, each) for each in audit.failures]
    if audit.unsure:
        are, them = (plural(audit.unsure, *words) for words in (("is", "are"), ("it", "them")))
        told = f"{audit.unsure} unsure {plural(audit.unsure, 'finding')} {are} not shown"
        lines.append(f"{told}; --confidence low shows {them}")
    return "\n".join(lines)


def _annotation(finding: Finding, prefix: str) -> str:
    place = {
        "file": prefix + finding.file,
        "line": str(finding.line),
        "endLine": str(finding.end_line),
    }
    if finding.line == finding.end_line:
        place |= {"col": str(finding.column), "endColumn": str(finding.end_column)}
    place |= {"title": f"{finding.title} ({finding.rule})"}
    return _command(_COMMANDS[finding.severity], place, "\n".join(_words(finding)))


def _words(finding: Finding) -> Iterator[str]:
    yield finding.message
    yield f"why: {finding.why}"
    for change in finding.changes:
        yield change.words


def _command(name: str, properties: dict[str, str], message: str) -> str:
    """Escaped as the runner's toolkit does, so that no text begins a command of its own."""
    given = ",".join(
        f"{key}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
    )
    return f"::{name}{' ' if given else ''}{given}::{_escaped(message)}"


def _escaped(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return printable(escaped)
