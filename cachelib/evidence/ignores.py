"""Remarks in the audited files that silence a finding: `// cachelib-ignore RULE -- why`.

At the end of a line such a remark speaks of that line, on a line of its own of the next one;
`cachelib-ignore-file` speaks of the whole file. One without a reason silences nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from cachelib.evidence.finding import Finding, numbered
from cachelib.evidence.mask import mask
from cachelib.evidence.module import Module
from cachelib.evidence.rule import NotModelled, Severity
from cachelib.evidence.wrangler import Wrangler

UNUSED, UNREASONED = "ignore-unused", "ignore-without-reason"
ABOUT_IGNORES: dict[str, tuple[Severity, str, str]] = {
    UNUSED: (
        "warning",
        "A remark that silences no finding",
        "It was left behind, or names another rule or line; a fault that comes there later would "
        "be silenced unseen.",
    ),
    UNREASONED: (
        "warning",
        "A remark that says no reason",
        "Who reads it later cannot tell a judgement from an evasion; so it silences nothing.",
    ),
}
_REMARK = re.compile(
    r"cachelib-ignore(?P<file>-file)?:?[ \t]+(?P<rules>[a-z][\w-]*(?:[ \t]*,[ \t]*[\w-]+)*)"
    r"(?:[ \t]+--[ \t]*(?P<reason>[^\n]*?))?[ \t]*(?:\*/[^\n]*)?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Ignore:
    """`line` is where the remark stands, `of` the line it speaks of, None for the whole file."""

    file: str
    line: int
    of: int | None
    rules: tuple[str, ...]
    reason: str
    code: str

    def silences(self, finding: Finding) -> bool:
        at = self.of is None or self.of == finding.line
        return bool(self.reason) and at and self.file == finding.file and finding.rule in self.rules


def ignores_in(modules: Iterable[Module], configurations: Iterable[Wrangler]) -> list[Ignore]:
    found = [each for module in modules for each in _in_module(module)]
    return found + [each for config in configurations for each in _in_configuration(config)]


def silenced(
    findings: list[Finding], ignores: list[Ignore], rules: Iterable[str], run: Iterable[str]
) -> tuple[list[Finding], int]:
    """The findings that no remark silences and one for each idle remark; how many are silenced.

    `rules` are all there are; a remark on one that was not `run` is not called idle.
    """
    kept, used = [], set()
    for finding in findings:
        silencing = [(each, finding.rule) for each in ignores if each.silences(finding)]
        used.update(silencing)
        if not silencing:
            kept.append(finding)
    known, ran = set(rules), set(run)
    idle = [found for each in ignores for found in _idle(each, used, known, ran)]
    return kept + numbered(idle), len(findings) - len(kept)


def _idle(
    ignore: Ignore, used: set[tuple[Ignore, str]], known: set[str], ran: set[str]
) -> Iterator[Finding]:
    if not ignore.reason:
        why = f"add a reason: cachelib-ignore {', '.join(ignore.rules)} -- why this is as it is"
        yield _about(UNREASONED, ignore, why)
        return
    for rule in ignore.rules:
        if rule not in known:
            near = get_close_matches(rule, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield _about(UNUSED, ignore, f"there is no rule {rule}{hint}")
        elif rule in ran and (ignore, rule) not in used:
            where = "in this file" if ignore.of is None else f"on line {ignore.of}"
            yield _about(UNUSED, ignore, f"{rule} finds nothing {where}; remove it")


def _about(rule: str, ignore: Ignore, message: str) -> Finding:
    severity, title, why = ABOUT_IGNORES[rule]
    return Finding(
        rule=rule,
        title=title,
        severity=severity,
        file=ignore.file,
        line=ignore.line,
        column=1,
        end_line=ignore.line,
        end_column=len(ignore.code) + 1,
        message=message,
        code=ignore.code,
        code_line=ignore.line,
        why=why,
        source="this project",
        fix=None,
        counterfactual=NotModelled("a remark costs nothing"),
        fingerprint=f"{rule}\0{ignore.file}\0{ignore.code.strip()}\0{message}",
    )


def _in_module(module: Module) -> Iterator[Ignore]:
    for found in _REMARK.finditer(module.source):
        at = len(module.source[: found.start()].encode())
        comment = module.root.descendant_for_byte_range(at, at + 1)
        if comment is None or comment.type not in ("comment", "html_comment"):
            continue
        row = comment.start_point.row
        before = module.lines[row].encode()[: comment.start_point.column].decode(errors="ignore")
        of = row + 1
        if not before.strip(" \t{"):
            of = _next_line(module.lines, comment.end_point.row + 1)
        (code,) = module.shown(row, row + 1)
        yield _ignore(found, module.path, module.place(at)[0], of, code)


def _in_configuration(config: Wrangler) -> Iterator[Ignore]:
    """`# cachelib-ignore …` of TOML, `// cachelib-ignore …` of JSON."""
    for comment in config.comments:
        for found in _REMARK.finditer(comment.text):
            lines = config.lines(1, comment.line + 50).split("\n")
            code = lines[comment.line - 1]
            of = comment.line
            if code.lstrip().startswith(("#", "/")):
                of = _next_line(lines, comment.line)
            yield _ignore(found, config.file, comment.line, of, code)


def _ignore(found: re.Match[str], file: str, line: int, of: int, code: str) -> Ignore:
    rules = tuple(each.strip() for each in found["rules"].split(","))
    reason = mask((found["reason"] or "").strip())
    return Ignore(file, line, None if found["file"] else of, rules, reason, code)


def _next_line(lines: list[str], row: int) -> int:
    """The first line from `row`, counted from 0, that is neither empty nor a remark; from 1."""
    for number, line in enumerate(lines[row:], start=row + 1):
        if line.strip() and not line.lstrip().startswith(("//", "/*", "#", "{/*", "*")):
            return number
    return row
