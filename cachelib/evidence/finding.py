"""A finding: where it stands, why it matters, what mends it, and by what it is known again."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict
from tree_sitter import Node

from cachelib.evidence.mask import hide, mask
from cachelib.evidence.module import CLASSES, FUNCTIONS, Module
from cachelib.evidence.repair import as_diff
from cachelib.evidence.roles import Confidence
from cachelib.evidence.rule import (
    SEVERITIES,
    Counterfactual,
    Edit,
    Hit,
    NotModelled,
    Rule,
    Severity,
)
from cachelib.evidence.syntax import ancestors, part, text
from cachelib.evidence.wrangler import Wrangler

_LONGEST = 240  # characters of a line that are shown
_TELLING = 120  # characters of the code by which a finding is known again


class Change(BaseModel):
    """What a metric of the case is with the fault and with the repair, in `unit`.

    `says`: the same for people, in what time and by which prices; whoever knows the metric says it.
    """

    model_config = ConfigDict(frozen=True)

    metric: str
    with_fault: float
    with_fix: float
    unit: str
    says: str = ""

    @property
    def words(self) -> str:
        """`KV deletes a month: 26,739 → 0 when repaired`."""
        unit = f" {self.unit}" if self.unit else ""
        said = f"{self.metric}: {self.with_fault:g} → {self.with_fix:g}{unit}"
        return f"{self.says or said} when repaired"


Changes = list[Change] | NotModelled | None
"""What mending a fault changes in a case, or why that is not computed; None of no case."""


class Place(BaseModel):
    """Lines and columns count from 1, the end is exclusive; columns count code points."""

    model_config = ConfigDict(frozen=True)

    line: int
    column: int
    end_line: int
    end_column: int


class Replacement(Place):
    """What to write in the place of the text there."""

    text: str


class Finding(Place):
    """`fingerprint` stays when lines move; `replacements` are the repair, None where it would
    hold a masked secret, or cannot be applied together with that of the rule `not_with`."""

    rule: str
    title: str
    severity: Severity
    file: str
    message: str
    code: str
    code_line: int
    why: str
    source: str
    fix: str | None
    confidence: Confidence = "high"
    because: str = ""
    counterfactual: Counterfactual | NotModelled
    effect: Changes = None
    replacements: list[Replacement] | None = None
    not_with: str = ""
    fingerprint: str = ""

    @property
    def changes(self) -> list[Change]:
        """What a case says that mending it changes; nothing where that was not computed."""
        return self.effect if isinstance(self.effect, list) else []


def finding_of(rule: Rule, hit: Hit, config: Wrangler | None) -> Finding:
    if hit.node is not None and hit.module is not None:
        return _in_source(rule, hit, hit.module, hit.node, config)
    file = config.file if config is not None else ""
    code = config.lines(hit.line, hit.line + 2) if config is not None else ""
    first = code.partition("\n")[0]
    place = Place(line=hit.line, column=1, end_line=hit.line, end_column=len(first) + 1)
    message = _fit(mask(hit.message), None, config)
    mark = _mark(rule.id, file, message, first)
    return _finding(rule, hit, file, place, message, (hit.line, code), mark)


def _in_source(
    rule: Rule, hit: Hit, module: Module, node: Node, config: Wrangler | None
) -> Finding:
    place = _place(module, node.start_byte, node.end_byte)
    first = max(0, min(node.start_point.row - 1, len(module.lines) - 3))
    excerpt = _fit("\n".join(module.shown(first, first + 3)), module, config)
    code = "\n".join(_cut(line) for line in excerpt.split("\n"))
    words = re.sub(r"\s+", "", text(node)[: 4 * _TELLING])[:_TELLING]
    mark = _mark(rule.id, module.path, _around(node), _fit(mask(words), module, config))
    message = _fit(mask(hit.message), module, config)
    found = _finding(rule, hit, module.path, place, message, (first + 1, code), mark)
    if not hit.edits:
        return found
    diff = _fit(as_diff(module, hit.edits), module, config)
    replacements = _replacements(module, hit.edits, config)
    return found.model_copy(update={"fix": diff, "replacements": replacements})


def _finding(
    rule: Rule,
    hit: Hit,
    file: str,
    place: Place,
    message: str,
    code: tuple[int, str],
    mark: str,
) -> Finding:
    return Finding(
        **place.model_dump(),
        rule=rule.id,
        title=rule.title,
        severity=rule.severity,
        file=file,
        message=message,
        code_line=code[0],
        code=code[1],
        why=(hit.harm or rule).why,
        source=rule.source,
        fix=None,
        confidence=hit.confidence,
        because=_fit(mask(hit.because or "the source shows it"), hit.module, None),
        counterfactual=(hit.harm or rule).counterfactual,
        fingerprint=mark,
    )


def _fit(shown: str, module: Module | None, config: Wrangler | None) -> str:
    """Without what the source or the configuration calls a secret."""
    shown = module.fit(shown) if module is not None else shown
    return hide(shown, config.secrets) if config is not None else shown


def _replacements(
    module: Module, edits: Iterable[Edit], config: Wrangler | None
) -> list[Replacement] | None:
    """None where a secret would have to be written."""
    if any(_fit(mask(each.replacement), module, config) != each.replacement for each in edits):
        return None
    return [
        Replacement(**_place(module, e.start, e.end).model_dump(), text=e.replacement)
        for e in sorted(edits, key=lambda each: each.start)
    ]


def _place(module: Module, start: int, end: int) -> Place:
    line, column = module.place(start)
    end_line, end_column = module.place(end)
    return Place(line=line, column=column, end_line=end_line, end_column=end_column)


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _around(node: Node) -> str:
    """The names of the functions and classes around, from the outermost."""
    named = (part(above, "name") for above in ancestors(node) if above.type in FUNCTIONS | CLASSES)
    return "/".join(text(name) for name in reversed([*named]))


def _mark(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compatible(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, with repairs that can all be applied: of two that meet, the graver's."""
    there = list(findings)
    taken: dict[str, list[tuple[Replacement, str]]] = defaultdict(list)
    for nth in sorted(range(len(there)), key=lambda nth: -SEVERITIES.index(there[nth].severity)):
        one = there[nth]
        own, others = one.replacements or [], taken[one.file]
        met = next((rule for part in own for other, rule in others if _meet(part, other)), None)
        if met is None:
            others += [(part, one.rule) for part in own]
        else:
            there[nth] = one.model_copy(update={"replacements": None, "not_with": met})
    return there


def _meet(one: Place, other: Place) -> bool:
    """Two replacements have code in common, or insert at one place, where their order is open."""
    begin, end = (one.line, one.column), (one.end_line, one.end_column)
    start, stop = (other.line, other.column), (other.end_line, other.end_column)
    return (begin < stop and start < end) or begin == start


def numbered(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with fingerprints that tell alike ones apart, in the order of the file."""
    seen: Counter[str] = Counter()
    told = []
    for each in findings:
        seen[each.fingerprint] += 1
        fingerprint = _mark(each.fingerprint, str(seen[each.fingerprint]))[:32]
        told.append(each.model_copy(update={"fingerprint": fingerprint}))
    return told
