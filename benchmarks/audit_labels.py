"""What the audit says of public repositories beside what people said who read them.

A label is a fact: repository, commit, path, line, rule and verdict. `true` and `false` were judged
by reading what the audit had reported, `debatable` is a matter of taste, `missed` is a fault found
by reading that the audit did not report when the label was written.
"""

import csv
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from cachelib.evidence import audit

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


def labels(folder: Path = LABELS) -> list[Label]:
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as lines:
            found += [
                Label(**{**row, "line": int(row["line"])})  # type: ignore[arg-type]
                for row in csv.DictReader(lines)
            ]
    return found


def compare(folder: Path, known: list[Label]) -> Comparison:
    """Audits each labelled repository that is checked out below `folder` under its own name."""
    result = Comparison()
    by_repository: dict[str, list[Label]] = defaultdict(list)
    for label in known:
        by_repository[label.repository].append(label)
    for repository, its in sorted(by_repository.items()):
        home = folder / repository.partition("/")[2]
        commits = {each.commit for each in its}
        if {_commit(home)} != commits:
            result.absent.append(f"{repository} at {', '.join(sorted(commits))}")
            continue
        _compare_one(result, repository, home, its)
    return result


def _compare_one(result: Comparison, repository: str, home: Path, its: list[Label]) -> None:
    verdicts = {(each.rule, each.path, each.line): each.verdict for each in its}
    reported = {(each.rule, each.file, each.line) for each in audit(home).findings}
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
