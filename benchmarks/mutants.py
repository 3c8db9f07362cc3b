"""How many small faults in the code the tests notice.

    python benchmarks/mutants.py [ROOM ...] [--count 30] [--seed 1]

Of each room, so many faults (mutants) are drawn: a comparison, an operator, a number, a condition,
a returned value or a call is changed or left out, one at a time, in a copy of the repository, and
the room's own tests are run until one fails. What survives is listed, but for what
benchmarks/equivalent.txt says makes no difference. Exit status 1 if fewer than 90 % are killed.

The tests of a file's own name come first. A room takes up to half the time of its tests for each
mutant: by night.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
ENOUGH = 0.9

ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "judgement": (
        ("cachelib/model/judgement/*.py",),
        tuple(f"tests/model/test_{of}.py" for of in (
            "subject", "pareto", "policies", "objects", "placement", "claims", "sampled", "limits",
            "draws", "growth", "surface", "options", "regret", "flips", "knobs", "sweeps", "steady",
            "study", "model_of_a_case", "anchoring", "decision_parts", "hotter_keys", "regions",
            "intervals", "bills", "fit", "log_replay", "decision", "failures", "sampling",
            "sureness",
        )),
    ),
    "money": (
        ("cachelib/model/money/*.py",),
        ("tests/model/test_costs.py", "tests/model/test_prices.py", "tests/model/test_platforms.py",
         "tests/model/test_estimate.py", "tests/model/test_model.py"),
    ),
    "formulas": (
        ("cachelib/model/formulas/*.py",),
        ("tests/model/test_closed_forms.py", "tests/model/test_estimate.py",
         "tests/model/test_workers_cache.py", "tests/model/test_platforms.py"),
    ),
    "evidence": (
        ("cachelib/evidence/**/*.py",),
        ("tests/evidence",),
    ),
    "report": (
        ("cachelib/report/document/*.py", "cachelib/report/publish/*.py", "cachelib/report/*.py"),
        ("tests/report/test_text.py", "tests/report/test_numbers.py", "tests/report/test_ledger.py",
         "tests/report/test_compare.py", "tests/report/test_render.py",
         "tests/report/test_diagrams.py", "tests/report/test_decision_words.py",
         "tests/report/test_decision_file.py", "tests/report/test_log_page.py",
         "tests/report/test_init.py", "tests/report/test_build.py",
         "tests/report/test_unlike_cases.py"),
    ),
    "library": (
        ("cachelib/*.py", "cachelib/stores/*.py"),
        ("tests/library",),
    ),
}  # fmt: skip
"""Sources, and the tests that are to notice."""

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
    line: int
    before: str
    after: str
    source: Callable[[], str]
    """The whole file with the change."""

    @property
    def said(self) -> str:
        return f"{self.file}: {self.before} → {self.after}"


def mutants(file: Path) -> Iterator[Mutant]:
    """All of a file."""
    tree, name = ast.parse(file.read_text("utf-8")), file.relative_to(ROOT).as_posix()
    for node, change in list(_changes(tree)):
        before = ast.unparse(node)
        undo = change()
        after = ast.unparse(node)
        undo()
        if after == before:  # the condition itself is unchanged: what it decides is turned round
            after = f"not ({before})"
        source = partial(_changed, tree, change)
        yield Mutant(name, getattr(node, "lineno", 0), _short(before), _short(after), source)


def _changed(tree: ast.Module, change: Callable[[], Undo]) -> str:
    undo = change()
    source = ast.unparse(tree)
    undo()
    return source


def _short(text: str) -> str:
    return " ".join(text.split())[:100]


def _changes(node: ast.AST) -> Iterator[tuple[ast.AST, Callable[[], Undo]]]:
    """Nodes, and what changes each in its place; not in annotations and what only types see."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield from _own(node)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child)


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

    def fails(self, tests: tuple[str, ...], limit_s: float | None) -> bool:
        """Whether a test fails, or all take too long."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        try:
            done = subprocess.run(
                [*command, *tests], cwd=self.folder, env=environment, timeout=limit_s,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0

    def kills(self, mutant: Mutant, tests: tuple[str, ...], limit_s: float) -> bool:
        file = self.folder / mutant.file
        whole = file.read_text("utf-8")
        file.write_text(mutant.source(), "utf-8")
        own = f"test_{file.stem}"  # the file's own tests, if it has any, are the likeliest to fail
        try:
            return self.fails(tuple(sorted(tests, key=lambda test: own not in test)), limit_s)
        finally:
            file.write_text(whole, "utf-8")


def drawn(patterns: tuple[str, ...], count: int, seed: int) -> list[Mutant]:
    """So many of the room's mutants, but for those known to make no difference."""
    known = set(EQUIVALENT.read_text("utf-8").splitlines()) if EQUIVALENT.exists() else set()
    files = sorted({file for pattern in patterns for file in ROOT.glob(pattern)})
    all_ = [one for file in files for one in mutants(file) if one.said not in known]
    return random.Random(seed).sample(all_, min(count, len(all_)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], help="all, if none is named")
    parser.add_argument("--count", type=int, default=30, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    enough = True
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for room in asked.rooms or ROOMS:
            enough &= examined(bench, room, asked.count, asked.seed)
    return 0 if enough else 1


def examined(bench: Bench, room: str, count: int, seed: int) -> bool:
    """Whether enough of a room's mutants are killed; prints how many, and which are not."""
    patterns, tests = ROOMS[room]
    begun = time.monotonic()
    if bench.fails(tests, None):
        sys.exit(f"{room}: the tests fail without any fault")
    limit_s = 3 * (time.monotonic() - begun) + 30
    some = drawn(patterns, count, seed)
    left = []
    for mutant in some:
        if not bench.kills(mutant, tests, limit_s):
            left.append(mutant)
            print(f"  survives: {mutant.said} (line {mutant.line})", flush=True)
    share = 1 - len(left) / len(some)
    print(f"{room}: {len(some) - len(left)} of {len(some)} killed ({share:.0%})", flush=True)
    return share >= ENOUGH


if __name__ == "__main__":
    sys.exit(main())
