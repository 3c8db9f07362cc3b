"""Inventory and audit as text for a terminal."""

from collections.abc import Iterator, Sequence

from cachelib.evidence.audit import Audit
from cachelib.evidence.facts import Fact
from cachelib.evidence.finding import Finding
from cachelib.evidence.inventory import Inventory
from cachelib.evidence.mask import printable
from cachelib.evidence.rule import SEVERITIES, NotModelled
from cachelib.plural import plural

_SHOWN_DETAILS = ("id", "class_name", "script_name", "bucket_name", "database_name", "queue")


def inventory_text(inventory: Inventory) -> str:
    """What the configuration says by environment, what is absent, which comments claim what."""
    return printable("\n".join(_inventory_lines(inventory)))


def _inventory_lines(inventory: Inventory) -> Iterator[str]:
    yield f"{inventory.worker}: {inventory.file}"
    for environment in inventory.examined:
        yield ""
        yield f"environment {environment}" if environment else "top level"
        for fact in inventory.facts:
            if fact.environment == environment:
                yield f"  {_place(fact):<22} {_words(fact)}"
    yield from _section("absent", [each.text for each in inventory.absent])
    yield from _section("not inherited", [f"{g.file}:{g.line}  {g.text}" for g in inventory.gaps])
    claims = [f"{c.file}:{c.line}  “{c.text}”" for c in inventory.comments if c.claim]
    yield from _section("claims in comments", claims)
    yield from _section("configurations that wrangler passes over", inventory.ignored)
    other = "configurations of other Workers, not read (give the folder of one to read it)"
    yield from _section(other, inventory.not_read)
    yield from _passed_over(inventory)


def _place(fact: Fact) -> str:
    lines = f"{fact.line}" if fact.line == fact.end_line else f"{fact.line}-{fact.end_line}"
    return f"{fact.file}:{lines}"


def _words(fact: Fact) -> str:
    details = [f"{name} {fact.details[name]}" for name in _SHOWN_DETAILS if name in fact.details]
    if fact.kind == "var":
        details = [fact.details.get("value", "")]
    inherited = ["inherited"] if fact.inherited else []
    return "  ".join([f"{fact.label} {fact.name}", *details, *inherited]).rstrip()


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {each}" for each in lines)


def _passed_over(seen: Audit | Inventory) -> Iterator[str]:
    for title, faults in (("not read", seen.unparsable), ("partly read", seen.partly_read)):
        yield from _section(title, [f"{f.file}:{f.line}  {f.reason}" for f in faults])
    skipped = [f"{count} × {reason}" for reason, count in seen.skipped.items()]
    yield from _section("skipped", skipped)


def audit_text(audit: Audit) -> str:
    """Every finding with its lines, reason, source, effect and repair; then the counts."""
    return printable("\n".join(_audit_lines(audit)))


def _audit_lines(audit: Audit) -> Iterator[str]:
    is_priced = any(finding.effect is not None for finding in audit.findings)
    for finding in audit.findings:
        yield from _finding_lines(finding)
        yield from _cost_lines(finding) if is_priced else ()
        yield from _repair_lines(finding, audit.findings)
        yield ""
    yield from _passed_over(audit)
    if audit.findings and not is_priced:
        yield _unpriced(audit.findings)
    if audit.configuration is None:
        yield "no wrangler configuration here: bindings were told from the source alone"
    counts = {each: len([f for f in audit.findings if f.severity == each]) for each in SEVERITIES}
    told = ", ".join(
        f"{counts[each]} {plural(counts[each], each)}"
        for each in reversed(SEVERITIES)
        if counts[each]
    )
    aside = [f"{audit.ignored} ignored"] * (audit.ignored > 0)
    aside += [f"{audit.known} known"] * (audit.known > 0)
    aside += [f"{audit.unsure} unsure, shown with --confidence low"] * (audit.unsure > 0)
    left = f" ({', '.join(aside)})" if aside else ""
    read = (
        f"{audit.files} {plural(audit.files, 'file')}, {audit.lines} {plural(audit.lines, 'line')}"
    )
    yield f"{read}: {told or 'no finding'}{left}"


def _finding_lines(finding: Finding) -> Iterator[str]:
    place = f"{finding.file}:{finding.line}:{finding.column}"
    yield f"{place}  {finding.severity}  {finding.message}  [{finding.rule}]"
    for number, line in enumerate(finding.code.split("\n"), start=finding.code_line):
        yield f"  {number:>5} {'>' if number == finding.line else '|'} {line}"
    yield f"  why: {finding.why}"
    yield f"  source: {finding.source}"
    if finding.because:
        yield f"  confidence: {finding.confidence}, {finding.because}"


def _cost_lines(finding: Finding) -> Iterator[str]:
    if isinstance(finding.counterfactual, NotModelled):
        yield f"  cost: not computed, {finding.counterfactual.reason}"
    elif isinstance(finding.effect, NotModelled):
        yield f"  cost: not computed, {finding.effect.reason}"
    for change in finding.changes:
        yield f"  {change.words}"


def _unpriced(findings: Sequence[Finding]) -> str:
    """Said once of all: which of them a case would put a number to."""
    known = [each for each in findings if not isinstance(each.counterfactual, NotModelled)]
    if not known:
        return "cost: not computed; the model has none of these faults"
    of = f"{len(known)} of {len(findings)} {plural(len(findings), 'finding')}"
    return f"cost: not computed; --case CASE says what {of} would change in a month of your case"


def _repair_lines(finding: Finding, beside: Sequence[Finding]) -> Iterator[str]:
    """The repair as a diff, and which other one a patch of both would not find its lines for."""
    if finding.not_with:
        yield f"  repair: instead of that of {finding.not_with}, which changes the same code"
    same = sorted({each.rule for each in beside if each != finding and _on_one_line(finding, each)})
    if same:
        yield f"  repair: changes a line that the repair of {', '.join(same)} changes too"
    if finding.fix is not None:
        yield from (f"    {line}" for line in finding.fix.split("\n"))


def _on_one_line(one: Finding, other: Finding) -> bool:
    return one.file == other.file and any(
        part.line <= its.end_line and its.line <= part.end_line
        for part in one.replacements or []
        for its in other.replacements or []
    )
