"""How right the audit is on public code, and how fast.

    python benchmarks/audit.py --labelled FOLDER [--memory FOLDER] [--seconds 120]
    python benchmarks/audit.py [--lines 20000]

With `--labelled`: the table of rules × (true, false, debatable, missed) over the repositories that
tests/evidence/labels names, each checked out in FOLDER under its own name, or as owner+name, at the
label's commit. With `--memory` a run that was ended goes on where it was.
Without: lines audited per second beside the bare parse of the same lines, in one run.

Two programs: the example's cache manager many times over (three findings in 1,250 lines), and the
snippets of the corpus (a finding every few lines).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from audit_labels import compare, labels, table

from cachelib.evidence import audit
from cachelib.evidence.files import Source, survey
from cachelib.evidence.syntax import parse

ROOT = Path(__file__).parents[1]
MANAGER = ROOT / "cases" / "trading-sentiment" / "src" / "cache-manager.ts"


def managers(directory: Path, lines: int) -> None:
    source = MANAGER.read_text()
    for index in range(round(lines / source.count("\n"))):
        renamed = source.replace("CacheManager", f"CacheManager{index}")
        (directory / f"manager{index}.ts").write_text(renamed)


def corpus(directory: Path, lines: int) -> None:
    sys.path.insert(0, str(ROOT / "tests" / "evidence"))
    from snippets import snippets

    written = index = 0
    while written < lines:
        for snippet in snippets():
            sources = [lines for name, lines in snippet.files.items() if name.startswith("src/")]
            for source in sources:
                (directory / f"snippet{index}.ts").write_text("\n".join(source) + "\n")
                written += len(source)
                index += 1


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def bare_parse(sources: list[Source]) -> None:
    for source in sources:
        parse(source.text, "typescript")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--lines", type=int, default=20_000)
    arguments.add_argument("--labelled", type=Path, metavar="FOLDER")
    arguments.add_argument("--memory", type=Path, metavar="FOLDER")
    arguments.add_argument("--seconds", type=float, default=120, help="for one repository")
    given = arguments.parse_args()
    if given.labelled is not None:
        rightness(given.labelled, given.memory, given.seconds)
    else:
        speed(given.lines)


def rightness(folder: Path, memory: Path | None, seconds: float) -> None:
    started = time.perf_counter()
    result = compare(folder, labels(), memory, seconds, lambda line: print(line, file=sys.stderr))
    print(table(result))
    for title, places in (
        ("wrong", result.wrong),
        ("reported and not judged", result.unjudged),
        ("not checked out", result.absent),
        ("not done in time", result.unfinished),
    ):
        print(f"\n{title}: {len(places)}", *places, sep="\n  ")
    print(f"\n{time.perf_counter() - started:.0f} s")


def speed(lines: int) -> None:
    print(f"{'program':<10} {'lines':>7} {'findings':>8} {'parse s':>8} {'audit s':>8} "
          f"{'lines/s':>9} {'ratio':>6}")  # fmt: skip
    for write in (managers, corpus):
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder)
            write(directory, lines)
            sources = survey(directory).sources
            parsing = min(seconds(lambda s=sources: bare_parse(s)) for _ in range(3))
            auditing = min(seconds(lambda d=directory: audit(d)) for _ in range(3))
            result = audit(directory)
            print(f"{write.__name__:<10} {result.lines:>7,} {len(result.findings):>8,} "
                  f"{parsing:>8.2f} {auditing:>8.2f} {result.lines / auditing:>9,.0f} "
                  f"{auditing / parsing:>5.1f}×")  # fmt: skip


if __name__ == "__main__":
    main()
