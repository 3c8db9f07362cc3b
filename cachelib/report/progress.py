"""What a run shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachelib.report.experiments.run import Progress, Status
from cachelib.report.reuse.plan import Plan
from cachelib.report.text import terminal

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {
    "started": "", "ran": "[green]✓[/] ", "reused": "[green]✓[/] ", "failed": "[red]✗[/] ",
    "not run": "[yellow]–[/] ", "sampled": "[yellow]–[/] ",
}  # fmt: skip


@contextmanager
def display() -> Iterator[Progress]:
    """A function to tell of what becomes of each notebook."""
    if not sys.stderr.isatty():
        yield _line
        return
    from rich.console import Console

    with live(Console(stderr=True)) as tell:
        yield tell


@contextmanager
def silence() -> Iterator[Progress]:
    """A function that tells nobody."""
    yield lambda name, status, words: None


@contextmanager
def live(console: Console) -> Iterator[Progress]:
    """A row for each notebook, with a spinner while it runs."""
    from rich.markup import escape
    from rich.progress import Progress as Rows
    from rich.progress import SpinnerColumn, TaskID, TextColumn
    from rich.table import Column

    text = TextColumn("{task.description}", table_column=Column())  # by default it cuts lines
    with Rows(SpinnerColumn(finished_text=""), text, console=console) as rows:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, status: Status, words: str) -> None:
            said = f"{MARKS[status]}{escape(name)}[dim] {status} {escape(terminal(words))}"
            if name not in tasks:
                tasks[name] = rows.add_task(said, total=1)
            rows.update(tasks[name], description=said, completed=int(status != "started"))

        yield tell


def _line(name: str, status: Status, words: str) -> None:
    if status != "started":
        said = f"{name}: {status}: {words}" if words else f"{name}: {status}"
        print(terminal(said), file=sys.stderr, flush=True)


def foretold(steps: Plan) -> str:
    """What a run would do, a line for each notebook and one for the report."""
    lines = {step.name: f"would run: {step.because}" for step in steps.to_run}
    lines |= {step.name: "would be reused" for step in steps.reused}
    lines |= {step.name: f"left out by --only ({step.because})" for step in steps.left_out}
    last = f"would be written: {steps.document.because}" if not steps.stands else "is up to date"
    return "\n".join([*(f"{name}: {lines[name]}" for name in sorted(lines)), f"report: {last}"])
