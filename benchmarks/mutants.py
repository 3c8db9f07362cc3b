"""How many small faults in the code the tests notice.

    python benchmarks/mutants.py [ROOM ...] [--count 30] [--seed 1] [--kept FOLDER]

Of each room, so many faults (mutants) are drawn: a comparison, an operator, a number, a condition,
a returned value or a call is changed or left out, one at a time, in a copy of the repository, and
the tests that execute its line are run until one fails. What survives is listed, but for what
benchmarks/equivalent.txt says makes no difference. Exit status 1 if fewer than 90 % are killed.

Which test executes which line is found first, by running the room's tests once (lines.py): some
minutes. With --kept that is kept in a folder, and found anew for files of tests that changed, and
for all once the code has. Tests that fail without a fault, or take long, notice nothing.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
ENOUGH = 0.9

LATE = "late"
LONG_S = 30.0
"""A test that takes longer is not run for a mutant."""
FIRST_S, REST_S = 10.0, 40.0
"""So long the quickest tests of a mutant's line may take together; and the others, if it survives
those, with what else is in their files."""

ROOMS: dict[str, tuple[tuple[str, ...], str]] = {
    "judgement": (("cachelib/model/judgement/*.py",), "tests/model"),
    "money": (("cachelib/model/money/*.py",), "tests/model"),
    "formulas": (("cachelib/model/formulas/*.py",), "tests/model"),
    "evidence": (("cachelib/evidence/**/*.py",), "tests/evidence"),
    "report": (
        ("cachelib/report/document/*.py", "cachelib/report/publish/*.py", "cachelib/report/*.py"),
        "tests/report",
    ),
    "library": (("cachelib/*.py", "cachelib/stores/*.py"), "tests/library"),
}
"""Sources, and where the tests are that are to notice."""

OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div,
    ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip


Undo = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    where: str
    """The function or class."""
    imported: bool
    """Executed when the module is imported."""
    lines: range
    before: str
    after: str
    source: Callable[[], str]
    """The whole file with the change."""

    @property
    def said(self) -> str:
        return f"{self.file}: {self.where}: {self.before} → {self.after}"


def mutants(file: Path) -> Iterator[Mutant]:
    """All of a file."""
    tree, name = ast.parse(file.read_text("utf-8")), file.relative_to(ROOT).as_posix()
    for node, change, above in list(_changes(tree, ())):
        before = ast.unparse(node)
        undo = change()
        after = ast.unparse(node)
        undo()
        if after == before:  # the condition itself is unchanged: what it decides is turned round
            after = f"not ({before})"
        where = ".".join(one.name for one in above if isinstance(one, NAMED))
        statement = [one for one in above if isinstance(one, ast.stmt)][-1]
        functions = [one for one in above if isinstance(one, NAMED[:2])]
        yield Mutant(
            file=name,
            where=where,
            imported=functions in ([], [statement]),
            lines=_lines(node, statement),
            before=_short(before),
            after=_short(after),
            source=partial(_changed, tree, change),
        )


NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _lines(node: ast.AST, statement: ast.stmt) -> range:
    """Of the statement, or of the expression in the head of one that has others in it."""
    whole = node if hasattr(statement, "body") and isinstance(node, ast.expr) else statement
    assert isinstance(whole, ast.expr | ast.stmt)
    return range(whole.lineno, (whole.end_lineno or whole.lineno) + 1)


def _changed(tree: ast.Module, change: Callable[[], Undo]) -> str:
    undo = change()
    source = ast.unparse(tree)
    undo()
    return source


def _short(text: str) -> str:
    return " ".join(text.split())[:100]


def _changes(
    node: ast.AST, above: tuple[ast.AST, ...]
) -> Iterator[tuple[ast.AST, Callable[[], Undo], tuple[ast.AST, ...]]]:
    """Nodes, and what changes each in its place; not in annotations and what only types see."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield from ((own, change, (*above, node)) for own, change in _own(node))
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # of zip: guards what the code itself sees to
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child, (*above, node))


def _own(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[], Undo]]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHERS:
            yield node, _setter(node, "ops", [OTHERS[type(op)]()])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in OTHERS:
            yield node, _setter(node, "op", OTHERS[type(op)]())
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.Compare):
            yield test, _setter(node, "test", ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool(value)):
            yield node, _setter(node, "value", not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, _setter(node, "value", value + 1)
        case ast.Return(value=ast.AST() as value) if ast.unparse(value) != "None":
            yield node, _setter(node, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield node, _setter(node, "value", ast.Constant(None))


def _setter(node: ast.AST, name: str, value: object) -> Callable[[], Undo]:
    def change() -> Undo:
        old = getattr(node, name)
        setattr(node, name, value)
        return lambda: setattr(node, name, old)

    return change


class Bench:
    """A copy of the repository, in which one file at a time is spoilt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)

    def failing(self, tests: Iterable[str], limit_s: float) -> list[str]:
        """The first test that fails; or `LATE`, or "" where none was even begun."""
        listed = self.folder / "tests.args"
        listed.write_text("\n".join(tests), "utf-8")
        run = self.pytest(["-x", "-n", "0", "-rfE", f"@{listed}"], limit_s)
        if run.startswith("late "):
            return [LATE]
        told = re.findall(r"^(?:FAILED|ERROR) (\S+::\w+)", run, re.MULTILINE)
        return told if told or run.startswith("0 ") else [""]

    def pytest(self, arguments: list[str], limit_s: float | None, **environment: str) -> str:
        """What it prints, after its status and a blank."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.Popen(
            [*command, *arguments], cwd=self.folder, text=True, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(self.folder)} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said, _ = done.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(done.pid, signal.SIGKILL)  # with the processes that a test started
            return "late "
        return f"{done.returncode} {said}"

    def killer(self, mutant: Mutant, tests: Tests) -> list[str]:
        """The test that notices, as `failing` tells it; or nothing."""
        file = self.folder / mutant.file
        whole = file.read_text("utf-8")
        file.write_text(mutant.source(), "utf-8")
        try:
            for some in tests.of(mutant):
                if found := self.failing(some, 10 * tests.seconds(some) + 60):
                    return found
            return []
        finally:
            file.write_text(whole, "utf-8")

    def traced(self, folder: str, kept: Path) -> Tests:
        """The tests of a folder, with the lines that each executes."""
        code = b"".join(file.read_bytes() for file in sorted(ROOT.glob("cachelib/**/*.py")))
        where: dict[str, Path] = {}
        for test in sorted(ROOT.glob(f"{folder}/**/test_*.py")):
            key = hashlib.sha256(code + test.read_bytes()).hexdigest()[:16]
            where[test.relative_to(ROOT).as_posix()] = kept / key
        lacking = [name for name, at in where.items() if not at.exists()]
        if lacking:
            with tempfile.TemporaryDirectory() as to:
                traced = ["-p", "benchmarks.lines", "-n", "2", "-o", "timeout=0", *lacking]
                self.pytest(traced, None, TRACED_TO=to)
                new = _read(Path(to).iterdir())
            for name in lacking:
                own = {test: one for test, one in new.items() if _file(test) == name}
                where[name].write_text(json.dumps(own), "utf-8")
        found = _read(where.values()).items()
        return Tests({name: one for name, one in found if one["seconds"] <= LONG_S})


def _read(files: Iterable[Path]) -> dict[str, Traced]:
    return {test: one for at in files for test, one in json.loads(at.read_text("utf-8")).items()}


class Traced(TypedDict):
    """What lines.py says of a test."""

    seconds: float
    lines: dict[str, list[int]]


@dataclass(frozen=True)
class Tests:
    """Of a room."""

    traced: dict[str, Traced]

    def of(self, mutant: Mutant) -> Iterator[list[str]]:
        """The quickest that execute its line; then the others, and what is in the same files.

        A file's first test may be the only one that executes what all of them share. What is
        executed by none, as it is when the module is imported, belongs to all that use the module.
        """
        using = {name: one["lines"].get(mutant.file, []) for name, one in self.traced.items()}
        tests = [name for name, lines in using.items() if not set(mutant.lines).isdisjoint(lines)]
        if mutant.imported and not tests:
            tests = [name for name, lines in using.items() if lines] or list(using)
        first = self._within(FIRST_S, tests, mutant)
        if first:
            yield first
        files = {_file(name) for name in tests}
        more = {name for name in self.traced if _file(name) in files}
        rest = self._within(REST_S, (more | set(tests)) - set(first), mutant)
        if rest:
            yield rest

    def seconds(self, tests: Iterable[str]) -> float:
        return sum(self.traced[name]["seconds"] for name in tests)

    def _within(self, seconds: float, tests: Iterable[str], mutant: Mutant) -> list[str]:
        """As many as take so long together, file by file; the source's own tests first.

        Of a function that is tried on much, once: another function asks for something else.
        """
        own = f"test_{Path(mutant.file).stem.strip('_')}.py"
        nth: dict[str, int] = {}
        tried: Counter[str] = Counter()
        for name in sorted(tests, key=lambda name: self.traced[name]["seconds"]):
            function = name.partition("[")[0]
            nth[name] = tried[function]
            tried[function] += 1

        def key(name: str) -> tuple[bool, int, float]:
            return not _file(name).endswith(own), nth[name], self.traced[name]["seconds"]

        chosen: list[str] = []
        for name in sorted(nth, key=key):
            seconds -= self.traced[name]["seconds"]
            if seconds < 0:
                break
            chosen.append(name)
        files = list(dict.fromkeys(map(_file, chosen)))
        return sorted(chosen, key=lambda name: files.index(_file(name)))


def _file(test: str) -> str:
    return test.partition("::")[0]


def drawn(patterns: tuple[str, ...], count: int, seed: int) -> list[Mutant]:
    """So many of the room's mutants, but for those known to make no difference."""
    known = set(EQUIVALENT.read_text("utf-8").splitlines())  # and what begins with "#": why
    files = sorted({file for pattern in patterns for file in ROOT.glob(pattern)})
    all_ = [one for file in files for one in mutants(file) if one.said not in known]
    return random.Random(seed).sample(all_, min(count, len(all_)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], help="all, if none is named")
    parser.add_argument("--count", type=int, default=30, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="a folder for which test executes which line")
    asked = parser.parse_args()
    enough = True
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as lines:
        bench, kept = Bench(Path(folder)), asked.kept or Path(lines)
        kept.mkdir(parents=True, exist_ok=True)
        for room in asked.rooms or ROOMS:
            enough &= examined(bench, room, asked.count, asked.seed, kept)
    return 0 if enough else 1


def examined(bench: Bench, room: str, count: int, seed: int, kept: Path) -> bool:
    """Whether enough of a room's mutants are killed; prints how many, and which are not."""
    patterns, folder = ROOMS[room]
    tests = bench.traced(folder, kept)
    some = drawn(patterns, count, seed)
    killers: set[str] = set()
    left = late = 0
    for mutant in some:
        found = bench.killer(mutant, tests)
        killers.update(test for test in found if "::" in test)
        late += found == [LATE]
        if not found:
            left += 1
            print(f"  survives: {mutant.said} (line {mutant.lines.start})", flush=True)
    share = 1 - left / len(some)
    killed = f"{len(some) - left} of {len(some)} killed ({share:.0%}), {late} by being endless"
    print(f"{room}: {killed}", flush=True)
    if failing := bench.failing(sorted(killers), 3600):
        sys.exit(f"{room}: that is not so: fails without any fault, too: {failing}")
    return share >= ENOUGH


if __name__ == "__main__":
    sys.exit(main())
