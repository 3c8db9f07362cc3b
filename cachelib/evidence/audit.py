"""Faults in the caching of a Workers project, each with place, reason, repair and what it costs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.examination import Examination
from cachelib.evidence.files import Fault, directory_of, survey
from cachelib.evidence.finding import Changes, Finding, compatible, finding_of, numbered
from cachelib.evidence.ignores import ABOUT_IGNORES, ignores_in, silenced
from cachelib.evidence.imports import Imports
from cachelib.evidence.module import Module, read_modules
from cachelib.evidence.program import program_of
from cachelib.evidence.rule import SEVERITIES, Counterfactual, Rule, Severity
from cachelib.evidence.rules import RULES, kv_cleanup_loop
from cachelib.evidence.settings import Settings
from cachelib.evidence.syntax import TooMuchWorkError, at_most
from cachelib.evidence.workers import Worker, Workers
from cachelib.evidence.workspace import Workspace, read_workspace

_LEAST_WORK, _WORK_A_NODE = 5_000_000, 30  # nodes gone through for a Worker, some seconds
_TANGLED = "takes too long to audit: too many calls hang together; nothing in it was audited"


class Audit(BaseModel):
    """`configuration` is the wrangler file, or None where the directory has none.

    Of the files in `unparsable` nothing was audited, of those in `partly_read` all but some lines.
    `ignored` findings were silenced by remarks, `known` ones stand in a baseline, of `unsure` ones
    less is certain than the settings ask for; none of these is among the findings. `cleans_up`: a
    routine lists the keys of KV and deletes what is old, be that told or not. `failures` are rules
    that broke, which is a fault of theirs.
    """

    model_config = ConfigDict(frozen=True)

    configuration: str | None
    files: int
    lines: int
    findings: list[Finding]
    unparsable: list[Fault]
    partly_read: list[Fault]
    skipped: dict[str, int]
    ignored: int = 0
    known: int = 0
    unsure: int = 0
    cleans_up: bool = False
    failures: list[str] = []

    def at_least(self, severity: Severity) -> list[Finding]:
        floor = SEVERITIES.index(severity)
        return [each for each in self.findings if SEVERITIES.index(each.severity) >= floor]

    def with_effects(self, effects: Mapping[Counterfactual, Changes]) -> "Audit":
        """The same audit with what each fault costs, by what would be changed of it."""
        findings = [
            each.model_copy(update={"effect": effects.get(change)})
            if isinstance(change := each.counterfactual, Counterfactual)
            else each
            for each in self.findings
        ]
        return self.model_copy(update={"findings": findings})

    def without(self, fingerprints: Collection[str]) -> "Audit":
        """The same audit without the findings that are known."""
        new = [each for each in self.findings if each.fingerprint not in fingerprints]
        known = self.known + len(self.findings) - len(new)
        return self.model_copy(update={"findings": new, "known": known})


def audit(
    directory: Path, settings: Settings | None = None, own_rules: Sequence[Rule] = ()
) -> Audit:
    """The findings in the TypeScript and JavaScript below `directory`, by file and line.

    Nothing of the directory is executed. Remarks in its files silence findings; `settings` grade
    them and say how sure one must be. Raises EvidenceError for a wrong directory, one with neither
    sources nor a wrangler configuration, or settings that name a rule there is not.
    """
    root = directory_of(directory)
    rules = (*RULES, *own_rules)
    graded = (settings or Settings()).checked([*(each.id for each in rules), *ABOUT_IGNORES])
    seen = survey(root)
    workspace = read_workspace(root)
    if not workspace.configurations and not seen.sources:
        raise EvidenceError(
            f"{directory}: neither a wrangler configuration nor TypeScript or JavaScript here; "
            "give the folder of a Workers project"
        )
    modules, broken = read_modules(seen.sources)
    failures: list[str] = []
    found, running, tangled = _found(rules, workspace, modules, failures)
    if aside := len(modules) - len(running):
        seen.skipped["not run by a Worker"] += aside
    audited = [each for each in modules if each.path in running]
    ignores = ignores_in(audited, workspace.configurations.values())
    told = [rule.id for rule in rules if graded.grade(rule.id, "", rule.severity) != "off"]
    kept, ignored = silenced(found, ignores, [rule.id for rule in rules], told)
    told_of = _graded(kept, graded)
    sure = [each for each in told_of if graded.is_sure(each.confidence)]
    return Audit(
        configuration=workspace.shown,
        files=len(modules),
        lines=sum(module.source.count("\n") for module in modules),
        findings=compatible(sure),
        unparsable=seen.unparsable + broken + tangled + workspace.faults,
        partly_read=seen.partly_read + [fault for each in modules for fault in each.not_read],
        skipped=dict(sorted(seen.skipped.items())),
        ignored=ignored,
        unsure=len(told_of) - len(sure),
        cleans_up=any(each.rule == kv_cleanup_loop.RULE.id for each in found),
        failures=sorted(set(failures)),
    )


def fingerprints(
    directory: Path | None, settings: Settings, own_rules: Sequence[Rule] = ()
) -> frozenset[str]:
    """By what the findings of a directory are known; none where there is nothing to audit."""
    try:
        findings = audit(directory, settings, own_rules).findings if directory else []
    except EvidenceError:
        return frozenset()
    return frozenset(each.fingerprint for each in findings)


def _found(
    rules: Iterable[Rule], workspace: Workspace, modules: list[Module], failures: list[str]
) -> tuple[list[Finding], set[str], list[Fault]]:
    """What the rules find in any of the Workers, the paths of what these run, what was too much."""
    findings: dict[tuple[str, int, int, str], Finding] = {}
    running: set[str] = set()
    tangled: dict[str, Fault] = {}
    for worker in (workers := Workers(workspace, modules)):
        running |= {module.path for module in worker.modules}
        kept = [each for each in worker.modules if each.path not in tangled]
        for found in _in_worker(rules, worker, kept, workers.imports, tangled, failures):
            findings.setdefault((found.file, found.line, found.column, found.rule), found)
    return numbered(findings[place] for place in sorted(findings)), running, [*tangled.values()]


def _in_worker(
    rules: Iterable[Rule],
    worker: Worker,
    modules: list[Module],
    imports: Imports,
    tangled: dict[str, Fault],
    failures: list[str],
) -> list[Finding]:
    """What the rules find in one Worker; its largest file is given up where all is too much."""
    while True:
        nodes = [module.root.descendant_count for module in modules]
        broken: list[str] = []
        try:
            with at_most(_LEAST_WORK + _WORK_A_NODE * sum(nodes)):
                examined = Examination(
                    program_of(modules, imports),
                    worker.config,
                    worker.configured,
                    worker.declared,
                    has_entry=worker.has_entry,
                    beside=worker.beside,
                )
                found = [each for rule in rules for each in _of_rule(rule, examined, broken)]
        except TooMuchWorkError:
            largest = modules.pop(nodes.index(max(nodes)))
            tangled[largest.path] = Fault(largest.path, 1, _TANGLED)
        else:
            failures += broken
            return found


def _of_rule(rule: Rule, examined: Examination, failures: list[str]) -> Iterator[Finding]:
    """A rule that breaks takes nothing from the others."""
    try:
        yield from [finding_of(rule, hit, examined.config) for hit in rule.find(examined)]
    except TooMuchWorkError:
        raise
    except Exception as error:
        failures.append(f"{rule.id} broke on this program ({type(error).__name__}); report it")


def _graded(findings: Iterable[Finding], settings: Settings) -> list[Finding]:
    """With the severities of the settings, without what they turn off; by file and line."""
    told = []
    for each in findings:
        grade = settings.grade(each.rule, each.file, each.severity)
        if grade != "off":
            told.append(each.model_copy(update={"severity": grade}))
    return sorted(told, key=lambda each: (each.file, each.line, each.column, each.rule))


def to_json(audit: Audit) -> dict[str, Any]:
    return audit.model_dump(mode="json")
