"""What the audit says of public repositories beside what people said who read them.

A label is a fact: repository, commit, path, line, rule and verdict. `true` and `false` were judged
by reading what the audit had reported, `debatable` is a matter of taste, `missed` is a fault found
by reading that the audit did not report when the label was written.
"""

import csv
import hashlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LABELS = Path(__file__).parents[1] / "tests" / "evidence" / "labels"


@dataclass(frozen=True)
class Label:
    repository: str
    commit: str
    path: str
    line: int
    rule: str
    verdict: str


@dataclass
class Row:
    """Findings of one rule by verdict; `missed` are real faults that were not reported."""

    true: int = 0
    false: int = 0
    debatable: int = 0
    missed: int = 0
    unjudged: int = 0

    def add(self, verdict: str) -> None:
        setattr(self, verdict, getattr(self, verdict) + 1)

    @property
    def precision(self) -> float | None:
        decided = self.true + self.false
        return self.true / decided if decided else None

    @property
    def recall(self) -> float | None:
        real = self.true + self.missed
        return self.true / real if real else None


@dataclass
class Comparison:
    rows: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    unjudged: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)


def labels(folder: Path = LABELS) -> list[Label]:
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            found += [
                Label(**{**row, "line": int(row["line"])})  # type: ignore[arg-type]
                for row in csv.DictReader(lines)
            ]
    return found


def compare(
    folder: Path,
    known: list[Label],
    memory: Path | None = None,
    seconds: float = 120,
    tell: Callable[[str], None] = lambda line: None,
) -> Comparison:
    """Audits each labelled repository that is checked out below `folder`.

    Under its own name or as owner+name. Each is audited by a process of its own, which is ended
    after `seconds`; `tell` is given a line for each. What was found is written to `memory` at once
    and not looked for again there while neither the commit nor the audit's own code has changed.
    """
    result = Comparison()
    by_repository: dict[str, list[Label]] = defaultdict(list)
    for label in known:
        by_repository[label.repository].append(label)
    for number, (repository, its) in enumerate(sorted(by_repository.items()), start=1):
        commits = {each.commit for each in its}
        home = _home(folder, repository, commits)
        if home is None:
            result.absent.append(f"{repository} at {', '.join(sorted(commits))}")
            continue
        started = time.perf_counter()
        reported = _remembered(memory, repository, its[0].commit)
        if reported is None:
            reported = _reported(home, seconds)
            if reported is not None and memory is not None:
                _remember(memory, repository, its[0].commit, reported)
        took = time.perf_counter() - started
        if reported is None:
            result.unfinished.append(f"{repository}: not done in {seconds:g} s")
        else:
            _compare_one(result, repository, its, reported)
        said = "not done" if reported is None else f"{len(reported)} findings"
        tell(f"{number}/{len(by_repository)} {repository}: {said}, {took:.1f} s")
    return result


def _home(folder: Path, repository: str, commits: set[str]) -> Path | None:
    """Where the repository is checked out at its one commit."""
    names = repository.partition("/")[2], repository.replace("/", "+")
    return next((folder / each for each in names if {_commit(folder / each)} == commits), None)


Place = tuple[str, str, int]


def _reported(home: Path, seconds: float) -> set[Place] | None:
    """Rule, file and line of each finding; None where the time was not enough."""
    command = [sys.executable, "-c", _AUDITING, str(home)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    return {(rule, file, line) for rule, file, line in json.loads(ended.stdout)}


_AUDITING = """
import json, sys
from pathlib import Path
from cachelib.evidence import audit
found = audit(Path(sys.argv[1])).findings
print(json.dumps(sorted({(each.rule, each.file, each.line) for each in found})))
"""


def _code() -> str:
    """What tells one state of the audit's own code from another."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parents[1] / "cachelib" / "evidence").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _remembered(memory: Path | None, repository: str, commit: str) -> set[Place] | None:
    if memory is None or not (kept := _kept(memory, repository)).is_file():
        return None
    known = json.loads(kept.read_text())
    if (known["commit"], known["code"]) != (commit, _code()):
        return None
    return {(rule, file, line) for rule, file, line in known["reported"]}


def _remember(memory: Path, repository: str, commit: str, reported: set[Place]) -> None:
    memory.mkdir(parents=True, exist_ok=True)
    known = {"commit": commit, "code": _code(), "reported": sorted(reported)}
    _kept(memory, repository).write_text(json.dumps(known))


def _kept(memory: Path, repository: str) -> Path:
    return memory / f"{repository.replace('/', '+')}.json"


def _compare_one(
    result: Comparison, repository: str, its: list[Label], reported: set[Place]
) -> None:
    verdicts = {(each.rule, each.path, each.line): each.verdict for each in its}
    for place in sorted(reported):
        row, verdict = result.rows[place[0]], verdicts.get(place)
        name = f"{place[0]} {repository}/{place[1]}:{place[2]}"
        match verdict:
            case "true" | "missed":
                row.true += 1
            case "false":
                row.false += 1
                result.wrong.append(f"false   {name}")
            case "debatable":
                row.debatable += 1
            case _:
                row.unjudged += 1
                result.unjudged.append(name)
    for place in sorted(set(verdicts) - reported):
        if verdicts[place] in ("true", "missed"):
            result.rows[place[0]].missed += 1
            result.wrong.append(f"missed  {place[0]} {repository}/{place[1]}:{place[2]}")


def _commit(home: Path) -> str:
    if not home.is_dir():
        return ""
    command = ["git", "-C", str(home), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def table(result: Comparison) -> str:
    """Markdown, as it stands in the documentation."""
    total = Row()
    lines = [
        "| rule | true | false | debatable | missed | not judged | precision | recall |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rule, row in sorted(result.rows.items()):
        lines.append(_line(rule, row))
        for name in ("true", "false", "debatable", "missed", "unjudged"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    return "\n".join([*lines, _line("all", total)])


def _line(rule: str, row: Row) -> str:
    shares = " | ".join(
        "–" if each is None else f"{each:.0%}" for each in (row.precision, row.recall)
    )
    counts = f"{row.true} | {row.false} | {row.debatable} | {row.missed} | {row.unjudged}"
    return f"| {rule} | {counts} | {shares} |"
